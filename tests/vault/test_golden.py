"""Vaults of format 1 that were made once and are kept for ever: today's product restores them.

How they were made: tools/make_golden.py. The independent reader is held to them too
(tests/tools/test_read_vault.py).
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from listbackup.host import Host
from listbackup.objectstore.local import LocalStore
from listbackup.vault.check import Check
from listbackup.vault.creation import read_key_file
from listbackup.vault.installation import Installation
from listbackup.vault.kit import read_kit
from listbackup.vault.layout import stream_path
from listbackup.vault.opening import Access, open_vault
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.selection import choose_snapshot
from listbackup.vault.unlocking import Secret

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
EXPECTED: list[dict[str, Any]] = json.loads((GOLDEN / "expected.json").read_text("utf-8"))


def secret(way: str) -> list[Secret]:
    """Give what the golden key file, passphrase or kit holds."""
    place = GOLDEN / "sealed"
    match way:
        case "file":
            path = place / "key-file"
            return [Secret("file", read_key_file(path, path.read_bytes()), "key file")]
        case "passphrase":
            return [Secret("passphrase", (place / "passphrase").read_bytes().strip(), "passphrase")]
        case "kit":
            return [Secret("kit", read_kit((place / "kit.txt").read_text()).secret, "kit")]
        case _:
            return []


@pytest.fixture
def access(tmp_path: Path, request: pytest.FixtureRequest) -> Access:
    """Give a bare machine's access to a copy of the golden vault."""
    form, way = request.param
    shutil.copytree(GOLDEN / form / "vault", tmp_path / "vault")
    host = Host()
    store = LocalStore(tmp_path / "vault", host, volatile=True)
    installation = Installation(tmp_path / "state", host)
    return Access(store, store, host, installation, lambda event: None, secret(way))


EVERY = pytest.mark.parametrize(
    "access",
    [("plain", ""), ("sealed", "file"), ("sealed", "passphrase"), ("sealed", "kit")],
    indirect=True,
)


def open_golden(access: Access, golden: dict[str, Any]) -> Snapshot:
    """Open the snapshot that is expected so."""
    vault = open_vault(access)
    words = f"{golden['source']}:{golden['name']}"
    choice = choose_snapshot(vault, words, allow_partial=True)
    assert choice.commit.status == golden["status"]
    return open_snapshot(vault, choice.commit, golden["source"])


@EVERY
def test_every_golden_snapshot_restores_exactly(access: Access) -> None:
    for golden in EXPECTED:
        snapshot = open_golden(access, golden)
        folder = GOLDEN / "expected" / f"{golden['source']}-{golden['name']}"
        assert {name: stream_path(name) for name in snapshot.streams} == golden["lines"]
        for name, path in golden["lines"].items():
            lines = b"".join(snapshot.streams[name].lines())
            assert lines == (folder / f"{path}.ndjson").read_bytes(), (golden["name"], name)


@EVERY
def test_every_golden_vault_is_sound_to_the_last_hash(access: Access) -> None:
    report = Check(open_vault(access, whole=True), "records").run()
    assert report.findings == []
    assert (report.sources, report.snapshots) == (2, len(EXPECTED))


@pytest.mark.parametrize("access", [("sealed", "kit")], indirect=True)
def test_what_stands_beside_the_streams_comes_back_too(access: Access) -> None:
    snapshot = open_golden(access, EXPECTED[0])
    assert snapshot.extra("pg-archive") == b"PGDMP golden"
    assert snapshot.extra("pg-sequences") == b'[{"name":"s"}]'
    assert [one.what for one in snapshot.declared] == ["statistics"]
    partial = open_golden(access, EXPECTED[1])
    assert {one.name: one.reason for one in partial.missing} == {
        "contacts": "locked by another session",
        "many": "locked",
        "late": "no right to read",
    }
