"""The independent reader: alone with the standard library and cryptography, on every form."""

import ast
import base64
import hashlib
import importlib.util
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listbackup.crypto.signing import SigningKey
from listbackup.testing.changes import Change, commit_changes, commit_dead_list
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import MOMENT, ListedSource
from listbackup.testing.vaults import Trial, make_rows
from listbackup.vault.accounts import Encryption
from listbackup.vault.layout import stream_path
from listbackup.vault.pruning import prune_source
from listbackup.vault.retention import Rules
from listbackup.vault.states import Runs, write_dead

ROOT = Path(__file__).resolve().parents[2]
READER = ROOT / "tools" / "read_vault.py"
GOLDEN = ROOT / "tests" / "golden"
WAYS = {"--key-file": "key-file", "--passphrase-file": "passphrase", "--kit-file": "kit.txt"}
HELD = [(form, way) for form, ways in (("sealed", WAYS), ("plain", [""])) for way in ways]


@dataclass(frozen=True)
class Answer:
    """What the reader said."""

    code: int
    out: str
    error: str


def read(vault: Path, *words: str | Path) -> Answer:
    """Run the reader in a process of its own, behind the door."""
    alone = [sys.executable, "-I", str(Path(__file__).with_name("alone.py"))]
    command = [*alone, str(READER), str(vault), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def inside() -> Callable[..., int]:
    """Give the reader's main as a function, to damage many vaults in little time."""
    spec = importlib.util.spec_from_file_location("read_vault", READER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["read_vault.py", *map(str, words)])
        return int(module.main())

    return run


def expected() -> list[dict[str, Any]]:
    """Give what the golden vaults must show."""
    found: list[dict[str, Any]] = json.loads((GOLDEN / "expected.json").read_text())
    return found


def lines_of(snapshot: Mapping[str, Any]) -> dict[str, bytes]:
    """Give a golden snapshot's lines by file name."""
    folder = GOLDEN / "expected" / f"{snapshot['source']}-{snapshot['name']}"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def written(folder: Path) -> dict[str, bytes]:
    """Give the lines that the reader wrote by file name."""
    return {path.name: path.read_bytes() for path in folder.glob("*.ndjson")}


def test_the_reader_is_small_and_needs_cryptography_alone() -> None:
    text = READER.read_text("utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 300
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    longest = max(node.end_lineno - node.lineno + 1 for node in functions if node.end_lineno)
    assert longest <= 40
    named = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    named |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    tops = {name.partition(".")[0] for name in named}
    assert tops - set(sys.stdlib_module_names) == {"cryptography"}
    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", str(READER)]
    assert subprocess.run(ruff, cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("module", "code"), [("cryptography", 0), ("json", 0), ("numpy", 1), ("listbackup", 1)]
)
def test_the_door_lets_in_nothing_else(tmp_path: Path, module: str, code: int) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"import sys\nsys.path.append({str(ROOT / 'src')!r})\nimport {module}\n")
    open_door = subprocess.run([sys.executable, "-I", str(script)], capture_output=True)
    assert open_door.returncode == 0
    alone = str(Path(__file__).with_name("alone.py"))
    shut = subprocess.run([sys.executable, "-I", alone, str(script)], capture_output=True)
    assert shut.returncode == code
    assert (b"is not allowed here" in shut.stderr) == bool(code)


@pytest.mark.parametrize(("form", "way"), HELD)
def test_every_golden_snapshot_comes_back_line_for_line(
    tmp_path: Path, form: str, way: str
) -> None:
    held: list[str | Path] = [way, GOLDEN / form / WAYS[way]] if way else []
    for snapshot in expected():
        folder = tmp_path / snapshot["name"] / snapshot["source"]
        folder.mkdir(parents=True)
        words = f"{snapshot['source']}:{snapshot['name']}"
        answer = read(GOLDEN / form / "vault", words, folder, *held)
        assert answer.code == (0 if snapshot["status"] == "complete" else 3), answer
        assert written(folder) == lines_of(snapshot)
        if snapshot is expected()[0]:
            assert (folder / "extra-001-pg_archive-rhxnfezlk7sy").read_bytes() == b"PGDMP golden"


def test_a_listing_names_every_snapshot_and_needs_no_key() -> None:
    answer = read(GOLDEN / "sealed" / "vault")
    assert answer.code == 0
    for snapshot in expected():
        assert f"{snapshot['source']}:{snapshot['name']} " in answer.out


def test_a_stream_that_was_never_read_is_said() -> None:
    answer = read(GOLDEN / "plain" / "vault", "shop:20261102-090000")
    assert answer.code == 3
    assert "'late' 0 carried 'no right to read'" in answer.out


@pytest.mark.parametrize(("option", "name"), list(WAYS.items()))
def test_a_wrong_secret_is_a_wrong_key(tmp_path: Path, option: str, name: str) -> None:
    text = (GOLDEN / "sealed" / name).read_text("utf-8")
    wrong = {
        "--key-file": base64.b64encode(bytes(32)).decode(),
        "--passphrase-file": "correct horse",
        "--kit-file": (GOLDEN / "plain" / name).read_text() if "kit" in name else "",
    }[option]
    for number, secret in enumerate((wrong, "not at all what it should be")):
        path = tmp_path / f"{number}"
        path.write_text(secret)
        answer = read(GOLDEN / "sealed" / "vault", "crm:latest", option, path)
        assert answer.code == 12, (answer, text)


def test_a_mistyped_kit_is_a_wrong_key(tmp_path: Path) -> None:
    text = (GOLDEN / "sealed" / "kit.txt").read_text()
    line = next(line for line in text.splitlines() if line.startswith("secret: "))
    letter = "a" if line[9] != "a" else "b"
    (tmp_path / "kit").write_text(text.replace(line, line[:9] + letter + line[10:]))
    answer = read(GOLDEN / "sealed" / "vault", "crm:latest", "--kit-file", tmp_path / "kit")
    assert answer.code == 12


def test_a_kit_that_was_typed_by_hand_opens(tmp_path: Path) -> None:
    text = (GOLDEN / "sealed" / "kit.txt").read_text()
    wanted = [line for line in text.splitlines() if re.match("vault id|secret", line)]
    typed = "\r\n".join(wanted).upper().replace("-", " ").replace("VAULT ID", "vault id")
    typed = typed.replace("SECRET", "secret").replace(wanted[0][10:].upper(), wanted[0][10:])
    (tmp_path / "kit").write_text(typed)
    answer = read(GOLDEN / "sealed" / "vault", "crm:latest", "--kit-file", tmp_path / "kit")
    assert answer.code == 0, answer


def test_a_sealed_snapshot_needs_a_key() -> None:
    answer = read(GOLDEN / "sealed" / "vault", "crm:latest")
    assert answer.code == 12
    assert "give a key file" in answer.error


def test_no_vault_and_no_such_snapshot_are_said(tmp_path: Path) -> None:
    assert read(tmp_path, "latest").code == 10
    assert read(GOLDEN / "plain" / "vault", "latest").code == 2
    assert read(GOLDEN / "plain" / "vault", "shop:20300101-000000").code == 2
    missing = read(GOLDEN / "sealed" / "vault", "crm:latest", "--key-file", tmp_path / "none")
    assert missing.code == 2


@pytest.mark.parametrize("form", ["sealed", "plain"])
def test_any_damage_ends_in_13_and_never_in_wrong_lines(
    tmp_path: Path,
    form: str,
    seed: int,
    inside: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place, chance, tried = tmp_path / "vault", random.Random(seed), 0
    shutil.copytree(GOLDEN / form / "vault", place)
    held = ["--key-file", GOLDEN / "sealed" / "key-file"] if form == "sealed" else []
    files = sorted(path for path in place.rglob("*") if path.is_file())
    newest = max(path for path in files if path.parent == place / "data/accounts/default/ledger")
    right = [lines_of(snapshot) for snapshot in expected()]
    for path in (one for one in files if one != newest):
        raw = path.read_bytes()
        flipped = bytearray(raw)
        flipped[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        for damaged in (None, raw[: chance.randrange(len(raw))], raw + b"\n", bytes(flipped)):
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
            tried += 1
            folder = tmp_path / f"out-{tried}"
            folder.mkdir()
            code = inside(monkeypatch, place, "all", folder, *held)
            assert code in (13, 5), f"{path} {damaged!r:.80}"
            for name, lines in written(folder).items():
                assert any(lines == one.get(name) for one in right), f"{path} {name}"
            path.write_bytes(raw)
    assert inside(monkeypatch, place, "all", *held) == 3
    assert tried >= 100
    print(f"damages tried: {tried}")


@pytest.mark.parametrize("encryption", ["sealed", "none"])
def test_a_vault_of_today_reads_as_the_product_reads_it(
    tmp_path: Path, encryption: Encryption
) -> None:
    trial = Trial(tmp_path, play_host(), encryption)
    trial.create()
    wide: list[list[str | None]] = [
        [str(n), random.Random(n).randbytes(4000).hex(), None] for n in range(40)
    ]
    trial.sync(ListedSource({"a": make_rows(3000), "b.c": wide}, parts=3), jobs=1)
    state = trial.snapshot().state("b.c")
    assert len(state.batches) == 3
    dead = {0: [(1, 2)], 2: [(0, 1)]}
    left = [row for number, row in enumerate(wide) if number not in (3, 6, 2)]
    changes = {"b.c": Change(left, (), dead)}
    commit_changes(trial.open(), "shop", changes, carried={"a": "locked"})
    trial.sync(ListedSource({"a": make_rows(7)}), "crm")
    kit = next(trial.config.glob("kit-*.txt"))
    for words, code in (("shop:latest", 3), ("shop:latest~1", 0), ("crm:latest", 0)):
        snapshot = trial.snapshot(words)
        folder = tmp_path / snapshot.id
        folder.mkdir()
        answer = read(trial.place, snapshot.id, folder, "--kit-file", kit)
        assert answer.code == code, answer
        assert set(written(folder)) == {f"{stream_path(name)}.ndjson" for name in snapshot.streams}
        for name, stream in snapshot.streams.items():
            lines = written(folder)[f"{stream_path(name)}.ndjson"]
            assert lines == b"".join(stream.lines())
            assert fingerprint(lines) == stream.fingerprint.lanes


@pytest.mark.parametrize("encryption", ["sealed", "none"])
def test_every_snapshot_of_a_vault_with_a_past_comes_back(
    tmp_path: Path,
    encryption: Encryption,
    inside: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial, dice = Trial(tmp_path, play_host(), encryption), random.Random(3)
    trial.create()
    rows = [[str(n % 400), str(n % 3), None] for n in range(900)]
    for day in range(14):
        if day == 6:
            rows = [[*row, "a column more"] for row in rows]
        if day == 9:
            rows = rows[:200]
        for _ in range(25):
            rows[dice.randrange(len(rows))][1] = f"{day}"
            rows.pop(dice.randrange(len(rows)))
            rows.append(list(dice.choice(rows)))
        moment = MOMENT + timedelta(days=day)
        source = ListedSource({"t": [list(row) for row in rows]}, moment=moment, keyed=False)
        trial.host.clock.sleep(86_400)
        trial.sync(replace(source, parts=1 + day % 2), typed_from=0)
    prune_source(trial.open(), "shop", Rules(last=2, weekly=4))
    live = trial.open().source("shop").commits.values()
    assert 3 <= len(live) < 8
    kit = next(trial.config.glob("kit-*.txt"))
    for commit in live:
        folder = tmp_path / commit.sync
        folder.mkdir()
        assert inside(monkeypatch, trial.place, commit.sync, folder, "--kit-file", kit) == 0
        stream = trial.snapshot(commit.sync).streams["t"]
        lines = written(folder)["t.ndjson"]
        assert lines == b"".join(stream.lines())
        assert fingerprint(lines) == stream.fingerprint.lanes


ESCAPES = {8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 92: b"\\\\"}


def fingerprint(lines: bytes) -> tuple[int, ...]:
    """Sum the digests of the lines of COPY text that stored lines stand for, by the document."""
    lanes = [0, 0, 0, 0]
    for line in lines.split(b"\n")[:-1]:
        fields = []
        for one in json.loads(line):
            value = base64.b64decode(one["b64"]) if isinstance(one, dict) else (one or "").encode()
            escaped = b"".join(ESCAPES.get(byte) or bytes((byte,)) for byte in value)
            fields.append(b"\\N" if one is None else escaped)
        digest = hashlib.sha256(b"\t".join(fields)).digest()
        for lane in range(4):
            lanes[lane] += int.from_bytes(digest[8 * lane : 8 * lane + 8], "little")
    return tuple(lane % 2**64 for lane in lanes)


@pytest.fixture
def small(tmp_path: Path) -> Trial:
    """Give a plain vault with one snapshot of two small streams."""
    trial = Trial(tmp_path, play_host(), "none")
    trial.create()
    trial.sync(ListedSource({"a": make_rows(20), "b": make_rows(2)}))
    return trial


@pytest.mark.parametrize(
    ("stream", "owner", "runs", "rows"),
    [
        ("b", "a", [(0, 1)], 19),
        ("a", "b", [(0, 1)], 19),
        ("a", "a", [(0, 5), (4, 2)], 13),
        ("a", "a", [(3, 1), (3, 1)], 18),
        ("a", "a", [(20, 1)], 19),
        ("a", "a", [(-1, 1)], 19),
        ("a", "a", [(3, 0)], 20),
        ("a", "a", [(0, 1)], 18),
    ],
)
def test_a_dead_list_that_lies_is_refused(
    small: Trial, stream: str, owner: str, runs: Runs, rows: int
) -> None:
    batch = small.snapshot().state(owner).batches[0].ref.key
    dead = write_dead(stream, {batch: runs})
    commit = commit_dead_list(small.open(), "shop", "a", dead, rows)
    assert read(small.place, commit.sync).code == 13
    assert read(small.place, small.snapshot("latest~1").id).code == 0


def append(trial: Trial, kind: str, body: dict[str, Any], key: SigningKey) -> None:
    """Write an entry at the end of the account's ledger that nobody looks at."""
    vault = trial.open()
    ledger, now = vault.account.ledger, vault.host.clock.now()
    ledger.append(kind, lambda number: body, key, vault.account.mark, lambda entry: None, now)


def test_a_kind_of_a_later_format_is_refused(small: Trial) -> None:
    append(small, "policy", {}, small.open().signer())
    answer = read(small.place)
    assert (answer.code, "newer reader" in answer.error) == (5, True)


def test_an_entry_that_requires_more_is_refused(small: Trial) -> None:
    append(small, "heads", {"heads": {}, "requires": ["erase/1"]}, small.open().signer())
    answer = read(small.place)
    assert (answer.code, "too new" in answer.error) == (5, True)


def test_an_entry_of_a_stranger_is_forged(small: Trial) -> None:
    append(small, "heads", {"heads": {}}, SigningKey(bytes(32)))
    answer = read(small.place)
    assert (answer.code, "not signed by a key that may" in answer.error) == (13, True)


def test_a_rollback_is_noticed_by_the_accounts_heads_and_by_a_kit(small: Trial) -> None:
    newest = max((small.place / "data/accounts/default/sources/shop/ledger").iterdir())
    raw = newest.read_bytes()
    newest.unlink()
    assert read(small.place).code == 13
    newest.write_bytes(raw)
    ledger = sorted((small.place / "data/accounts/default/ledger").iterdir())
    kit = next(small.config.glob("kit-*.txt"))
    shutil.rmtree(small.place / "data/accounts/default/sources")
    for path in ledger[2:]:
        path.unlink()
    assert read(small.place).code == 0
    assert read(small.place, "all", "--kit-file", kit).code == 13


def test_a_ledger_with_a_checkpoint_is_read_whole(small: Trial) -> None:
    vault = small.open()
    view, mark, now = vault.source("shop"), vault.account.mark, vault.host.clock.now()
    live = [commit.to_json() for commit in view.commits.values()]
    head = {"number": mark.number, "digest": mark.digest}
    body = {"account_head": head, "live": live}
    view.ledger.append(
        "checkpoint", lambda number: body, vault.signer(), view.mark, lambda entry: None, now
    )
    small.sync(ListedSource({"a": make_rows(3)}))
    answer = read(small.place, "all")
    assert (answer.code, answer.out.count("shop:")) == (0, 2), answer
