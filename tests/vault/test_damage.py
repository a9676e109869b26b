"""Damage below the interface: whatever is done to stored files, `check` names it.

Every object of a vault of two sources and three snapshots is damaged in every way, one at a time.
Asserted each time: the check finds something, the finding names the object or what it belongs to,
no read returns other bytes than were written, and nothing outside the vault is touched.
"""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from listbackup.errors import ListbackupError
from listbackup.events import Warned
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial, expect, make_rows

ONE = {"public.a": make_rows(300), "public.b": make_rows(5, "b"), "empty": []}
TWO = {"public.a": make_rows(320, "later"), "public.b": make_rows(5, "b")}
OTHER = {"orders": make_rows(40, "o")}
EXPECTED = {"shop:latest~1": ONE, "shop:latest": TWO, "crm:latest": OTHER}


@dataclass
class Scene:
    """A vault, a kept copy of it, and another vault whose objects may be planted."""

    trial: Trial
    kept: Path
    foreign: Path
    older: Path

    def objects(self) -> list[Path]:
        """Give every stored object, relative to the vault."""
        return sorted(p.relative_to(self.kept) for p in self.kept.rglob("*") if p.is_file())

    def mend(self, path: Path) -> None:
        """Put one object back as it was."""
        target = self.trial.place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.kept / path, target)


def make_scene(root: Path, encryption: str) -> Scene:
    trial = Trial(root, play_host(1), encryption)  # type: ignore[arg-type]
    trial.create()
    trial.sync(ListedSource(ONE))
    older = Path(shutil.copytree(trial.place, root / "older"))
    trial.sync(ListedSource(TWO))
    trial.sync(ListedSource(OTHER), "crm")
    foreign = Trial(root / "foreign", play_host(2), encryption)  # type: ignore[arg-type]
    foreign.create()
    foreign.sync(ListedSource(ONE))
    foreign.sync(ListedSource(TWO))
    foreign.sync(ListedSource(OTHER), "crm")
    kept = Path(shutil.copytree(trial.place, root / "kept"))
    return Scene(trial, kept, foreign.place, older)


@pytest.fixture(scope="module", params=["sealed", "none"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Make the scene, once sealed and once plain."""
    return make_scene(tmp_path_factory.mktemp("damage"), request.param)


@pytest.fixture
def scene(made: Scene) -> Scene:
    """Give the scene, sound."""
    shutil.rmtree(made.trial.place)
    shutil.copytree(made.kept, made.trial.place)
    return made


Damage = Callable[[Scene, Path, random.Random], bool]


def flip(scene: Scene, path: Path, chance: random.Random) -> bool:
    """Flip one bit."""
    raw = bytearray((scene.kept / path).read_bytes())
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    (scene.trial.place / path).write_bytes(raw)
    return True


def lose(scene: Scene, path: Path, chance: random.Random) -> bool:
    """Remove it."""
    (scene.trial.place / path).unlink()
    return True


def truncate(scene: Scene, path: Path, chance: random.Random) -> bool:
    """Cut it short."""
    raw = (scene.kept / path).read_bytes()
    (scene.trial.place / path).write_bytes(raw[: chance.randrange(len(raw))])
    return True


def empty(scene: Scene, path: Path, chance: random.Random) -> bool:
    """Leave nothing of it."""
    (scene.trial.place / path).write_bytes(b"")
    return True


def extend(scene: Scene, path: Path, chance: random.Random) -> bool:
    """Add bytes."""
    raw = (scene.kept / path).read_bytes()
    (scene.trial.place / path).write_bytes(raw + chance.randbytes(chance.randrange(1, 40)))
    return True


def swap(scene: Scene, path: Path, chance: random.Random) -> bool:
    """Put another object of the vault in its place."""
    other = chance.choice([one for one in scene.objects() if one != path])
    raw = (scene.kept / other).read_bytes()
    (scene.trial.place / path).write_bytes(raw)
    return raw != (scene.kept / path).read_bytes()


def age(scene: Scene, path: Path, chance: random.Random) -> bool:
    """Put a valid object of the same kind from an earlier sync in its place."""
    kind = [p for p in scene.objects() if p.name == path.name and p != path]
    if not kind:
        return False
    raw = (scene.kept / chance.choice(kind)).read_bytes()
    (scene.trial.place / path).write_bytes(raw)
    return raw != (scene.kept / path).read_bytes()


def plant(scene: Scene, path: Path, chance: random.Random) -> bool:
    """Put the object of another vault in its place."""
    foreign = [p for p in scene.foreign.rglob(path.name) if p.is_file()]
    if not foreign:
        return False
    shutil.copyfile(chance.choice(sorted(foreign)), scene.trial.place / path)
    return True


DAMAGES: list[Damage] = [*[flip] * 8, lose, truncate, empty, extend, swap, age, plant]


def cases(scene: Scene, seed: int) -> Iterator[tuple[Damage, Path, random.Random]]:
    chance = random.Random(seed)
    for path in scene.objects():
        for damage in DAMAGES:
            yield damage, path, chance


def belongs(path: Path, finding: str) -> bool:
    """Tell whether what a finding names is the file, or what lies in it."""
    key = path.as_posix().removeprefix("data/").removesuffix(".lbo")
    return key == finding.partition("#")[0] or key.startswith(finding)


def test_every_damage_of_every_object_is_named_and_never_returned(scene: Scene, seed: int) -> None:
    tried = 0
    for damage, path, chance in cases(scene, seed):
        if not damage(scene, path, chance):
            scene.mend(path)
            continue
        tried += 1
        label = f"{damage.__name__} {path}"
        named = find_problems(scene.trial, label)
        assert any(belongs(path, one) for one in named), f"{label}: {named}"
        assert_nothing_wrong_is_returned(scene.trial, label)
        scene.mend(path)
    assert scene.trial.check("records").findings == []
    assert tried >= 250
    print(f"damages tried: {tried}")


def find_problems(trial: Trial, label: str) -> list[str]:
    """Give what the deepest check names; a vault that does not even open names it itself."""
    try:
        report = trial.check("records")
    except ListbackupError as error:
        assert error.category.name in ("INTEGRITY", "VAULT_MISSING", "REFUSED"), label
        return [(error.subject or "").removeprefix("data/"), "vault.json", "accounts/"]
    assert report.findings, label
    return [finding.object for finding in report.findings]


def assert_nothing_wrong_is_returned(trial: Trial, label: str) -> None:
    """A snapshot comes back as it was, or not at all; an older one only with a loud warning."""
    for words, rows in EXPECTED.items():
        trial.events.clear()
        try:
            got = trial.restore(words)
        except ListbackupError:
            continue
        if got != expect(rows):
            warned = any(isinstance(e, Warned) and "rolled back" in e.message for e in trial.events)
            assert warned, f"{label}: {words}"
            assert got == expect(ONE), f"{label}: {words}"


def test_undamaged_snapshots_still_restore(scene: Scene) -> None:
    batches = [p for p in scene.objects() if "batch-" in p.name or "pack-" in p.name]
    newest = max(p.parts[9] for p in batches if "shop" in p.parts)
    for path in (p for p in batches if newest in p.parts):
        lose(scene, path, random.Random(0))
    assert scene.trial.restore("shop:latest~1") == expect(ONE)
    assert scene.trial.restore("crm:latest") == expect(OTHER)
    findings = scene.trial.check("structure").findings
    affected = {label for finding in findings for label in finding.snapshots}
    assert affected == {f"shop:{scene.trial.open().source('shop').newest().name}"}  # type: ignore[union-attr]


def test_a_source_that_was_deleted_whole_is_named(scene: Scene) -> None:
    shutil.rmtree(scene.trial.place / "data/accounts/default/sources/crm")
    problems = [finding.problem for finding in scene.trial.check().findings]
    assert any("crm" in problem and "lost" in problem for problem in problems)


def test_a_damaged_newest_entry_makes_latest_uncertain(scene: Scene) -> None:
    ledger = sorted(p for p in scene.objects() if "shop/ledger" in p.as_posix())
    flip(scene, ledger[-1], random.Random(3))
    with pytest.raises(ListbackupError) as refusal:
        scene.trial.restore("shop:latest")
    assert refusal.value.category.name == "INTEGRITY"
    scene.mend(ledger[-1])
    assert scene.trial.restore("shop:latest") == expect(TWO)


def test_the_check_of_a_sound_vault_finds_nothing(scene: Scene) -> None:
    report = scene.trial.check("records")
    assert report.findings == []
    assert (report.sources, report.snapshots) == (2, 3)
    # what did not change is one state of two snapshots, and counted once
    assert report.rows == 305 + 320 + 40
    assert report.bytes > 0
