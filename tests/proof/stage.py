"""A short life of a vault in eight acts, which faults strike, and what must hold after each.

`Stage` plays one act, from the very state in which it began, with a hook at every seam; `verify`
then looks at what is left with fresh eyes and goes on as a person would: the next ordinary run.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from listbackup.clock import format_time
from listbackup.errors import ObjectMissing, RefusedError
from listbackup.events import Warned
from listbackup.host import Host
from listbackup.objectstore.retrying import RetryingStore
from listbackup.testing.faults import FaultyDisk, FaultyStore, Hook, Recording, hear
from listbackup.testing.hosts import START, PlayedClock, SeededEntropy, StampedDisk
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Rows, Trial, expect, make_rows
from listbackup.vault.beginning import append_to_account
from listbackup.vault.clocks import Ages, ask_store_time
from listbackup.vault.creation import ensure_key_file, keys_body, read_key_file
from listbackup.vault.layout import place
from listbackup.vault.opening import Vault
from listbackup.vault.pruning import prune_source
from listbackup.vault.reading import open_snapshot
from listbackup.vault.retention import Rules
from listbackup.vault.sources import Committed
from listbackup.vault.sweeping import sweep_leftovers, sweep_source
from listbackup.vault.unlocking import Secret, put_wrap
from listbackup.vault.upkeep import write_heads
from listbackup.vault.witness import Witness

Act = Literal["init", "backup", "again", "check", "restore", "key add", "prune", "sweep"]
ACTS: tuple[Act, ...] = (
    "init",
    "backup",
    "again",
    "check",
    "restore",
    "key add",
    "prune",
    "sweep",
)

Streams = Mapping[str, Rows]
ONE: Streams = {"public.a": make_rows(150), "public.b": make_rows(3, "b"), "empty": []}
TWO: Streams = {"public.a": make_rows(170, "later"), "public.b": make_rows(3, "b"), "empty": []}
THREE: Streams = {"public.a": make_rows(60, "last"), "c": make_rows(5, "c")}
WRITTEN: dict[Act, Streams] = {"backup": ONE, "again": TWO}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an act ended: done, with what it said, or by an error."""

    done: bool
    error: BaseException | None = None
    said: object = None


class Stage:
    """One vault's life below a directory, kept as it was before every act."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = root / "stage"
        self.targets: dict[Act, list[tuple[str, int]]] = {}
        self._rehearse()

    def _rehearse(self) -> None:
        self.place.mkdir(parents=True)
        for act in ACTS:
            shutil.copytree(self.place, self.root / "kept" / act)
            recording = Recording()
            outcome = self.play(act, recording)
            assert outcome.done, f"{act}: {outcome.error!r}"
            self.targets[act] = recording.targets()

    def set_back(self, act: Act) -> None:
        """Put everything back as it was before an act."""
        shutil.rmtree(self.place)
        shutil.copytree(self.root / "kept" / act, self.place)

    def trial(self, act: Act, hook: Hook) -> Trial:
        """Give the vault as an act meets it, every seam passing by the hook."""
        place = ACTS.index(act)
        after = timedelta(days=30) if act == "sweep" else timedelta(hours=place)
        clock = PlayedClock(START + after)
        host = Host(clock, SeededEntropy(place), FaultyDisk(StampedDisk(clock), hook))
        return Trial(
            self.place,
            host,
            wrap=lambda store: RetryingStore(FaultyStore(store, hook), host),
            hear=lambda emit: hear(hook, emit),
        )

    def play(self, act: Act, hook: Hook) -> Outcome:
        """Play one act; whatever ends it is in the outcome."""
        trial = self.trial(act, hook)
        try:
            return Outcome(True, said=PLAYS[act](trial))
        except Exception as error:  # noqa: BLE001
            return Outcome(False, error)

    def verify(self, act: Act, done: bool) -> None:
        """Assert that all that was acknowledged is there, that nothing is there by half, and
        that the next ordinary run works. `done`: the act said that it had succeeded."""
        clock = PlayedClock(START + timedelta(days=60 if act == "sweep" else 4))
        later = Trial(self.place, Host(clock, SeededEntropy(99), StampedDisk(clock)))
        if act == "init":
            go_on_with_init(later, done)
        history = [WRITTEN[one] for one in ACTS[: ACTS.index(act)] if one in WRITTEN]
        if act == "sweep" or (act == "prune" and (done or len(_live(later)) == 1)):
            history = history[1:]
        visible = assert_whole(later, later.open, history, WRITTEN.get(act), done)
        if act == "prune":
            assert restore_dropped(later.open()) == [expect(ONE)] * (2 - len(visible))
        if act == "sweep":
            sweep(later)
            assert restore_dropped(later.open()) == [], "it was to be swept"
        if act == "key add":
            _go_on_with_key(later, done)
        if act == "restore" and done:
            assert _restored(self.place) == expect(TWO)
        result = later.sync(ListedSource(THREE))
        assert result.commit.status == "complete"
        assert restore_everything(later.open()) == [*visible, expect(THREE)]
        assert later.check("records").findings == []


def assert_whole(
    trial: Trial,
    open_it: Callable[[], Vault],
    history: Sequence[Streams],
    attempted: Streams | None,
    done: bool,
) -> list[dict[str, bytes]]:
    """I1, I2: the acknowledged snapshots, all of them, and the attempted one wholly or not."""
    acknowledged = [expect(rows) for rows in history]
    attempt = [expect(attempted)] if attempted is not None else []
    seen = _seen(trial)  # asked first: opening brings the witness forward
    vault = open_it()
    visible = restore_everything(vault)
    if done:
        assert visible == acknowledged + attempt
    else:
        assert visible in (acknowledged, acknowledged + attempt)
    newest = vault.source("shop").newest() if "shop" in vault.sources() else None
    if newest is not None and seen is not None and newest.number > seen:
        said = [one.message for one in trial.events if isinstance(one, Warned)]
        assert any("committed by an earlier run" in one for one in said), said
    return visible


def _seen(trial: Trial) -> int | None:
    access = trial.access()
    vault = access.installation.pins()[access.url]
    seen = Witness(access.installation, vault).read()
    if seen is None or not seen.marks:
        return None
    mark = seen.marks.get("default/shop")
    return mark.number if mark else 0


def restore_everything(vault: Vault) -> list[dict[str, bytes]]:
    """Restore every snapshot of the source, oldest first."""
    if "shop" not in vault.sources():
        return []
    view = vault.source("shop")
    assert view.loaded.problems == []
    found = []
    for number in sorted(view.commits):
        snapshot = open_snapshot(vault, view.commits[number], "shop")
        streams = snapshot.streams
        found.append({name: b"".join(streams[name].chunks()) for name in streams})
    return found


def _live(trial: Trial) -> Mapping[int, Committed]:
    return trial.open().source("shop").commits


def restore_dropped(vault: Vault) -> list[dict[str, bytes]]:
    """Restore every snapshot that was dropped and whose manifest is still there."""
    found = []
    for one in vault.source("shop", whole=True).dropped.values():
        try:
            vault.store.head(place(one.commit.manifest.key, sealed=True))
        except ObjectMissing:
            continue
        streams = open_snapshot(vault, one.commit, "shop").streams
        found.append({name: b"".join(streams[name].chunks()) for name in streams})
    return found


def prune(trial: Trial) -> object:
    """Drop all but the newest snapshot."""
    vault = trial.open()
    done = prune_source(vault, "shop", Rules(last=1))
    write_heads(vault, vault.signer())
    return done


def sweep(trial: Trial) -> object:
    """Delete what nothing has needed for a week."""
    vault, grace = trial.open(), timedelta(days=7)
    now = ask_store_time(vault)
    view = vault.source("shop", whole=True)
    done = sweep_source(vault, view, Ages(view, now, None), grace)
    sweep_leftovers(vault.store, now, grace)
    return done


def go_on_with_init(trial: Trial, done: bool) -> None:
    """Assert that `init` can be ended, or says that it had ended, and that kit and key open."""
    begun = (trial.place / "data" / "vault.json").exists()
    try:
        created = trial.create()
        assert not done
        assert created.resumed or not begun
    except RefusedError:
        assert begun, "there is nothing, and yet init refuses"
    kit = Secret("kit", trial.kit().secret, "kit")
    with_kit = trial.open(secrets=[kit]).keyring.account_key()
    assert trial.open().keyring.account_key() == with_kit


def _go_on_with_key(trial: Trial, done: bool) -> None:
    first = trial.secrets()[:1]
    path = trial.config / "second.key"
    if done:
        trial.open(secrets=[_held(path)]).keyring.account_key()
    add_key(trial)
    with_second = trial.open(secrets=[_held(path)]).keyring.account_key()
    kit = Secret("kit", trial.kit().secret, "kit")
    assert trial.open(secrets=[kit]).keyring.account_key() == with_second
    keys = [one for one in trial.secrets() if one.origin != str(path)] or first
    assert trial.open(secrets=keys).keyring.account_key() == with_second


def _held(path: Path) -> Secret:
    return Secret("file", read_key_file(path, path.read_bytes()), str(path))


def _restored(place: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in (place / "restored").iterdir()}


def restore_into(trial: Trial) -> dict[str, bytes]:
    """Restore the newest snapshot into files, one for each stream, through the disk seam."""
    disk, target = trial.host.disk, trial.root / "restored"
    disk.make_directory(target)
    streams = trial.snapshot().streams
    for name in streams:
        disk.create(target / name, b"".join(streams[name].chunks()))
        disk.sync_file(target / name)
    disk.sync_directory(target)
    return expect(TWO)


def add_key(trial: Trial) -> None:
    """Add a second key file as a way to open the vault."""
    vault = trial.open()
    signer = vault.signer()
    host, account = vault.host, vault.account
    path = trial.config / "second.key"
    secret = Secret("file", ensure_key_file(vault.access, path), str(path))
    wrap = put_wrap(
        vault.store,
        vault.id,
        account.name,
        account.generation,
        vault.keyring.account_key(),
        secret,
        label="second",
        created=format_time(host.clock.now()),
        entropy=host.entropy,
    )
    append_to_account(vault, "keys", keys_body(account.generation, [wrap]), signer)
    vault.remember({account.name: account.mark}, None)


PLAYS: dict[Act, Callable[[Trial], object]] = {
    "init": lambda trial: trial.create(),
    "backup": lambda trial: trial.sync(ListedSource(ONE), jobs=1),
    "again": lambda trial: trial.sync(ListedSource(TWO), jobs=1),
    "check": lambda trial: trial.check("records"),
    "restore": restore_into,
    "key add": add_key,
    "prune": prune,
    "sweep": sweep,
}
