"""The order in which a sync is written, seen from the store: what a name promises is there."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from listbackup.errors import FailedError
from listbackup.events import Emit, Event, LedgerWritten, WitnessAdvanced
from listbackup.objectstore import ObjectStore, Tag
from listbackup.objectstore.local import LocalStore
from listbackup.objectstore.passing import PassingStore
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Fingerprint, digest_schema
from listbackup.testing.readings import ListedReading, ListedSource, write_copy_line
from listbackup.testing.vaults import Trial, make_rows
from listbackup.vault.beginning import begin_sync

SHOP = "data/accounts/default/sources/shop/"
SOURCE = ListedSource({"small": make_rows(5), "large": make_rows(5000)})


class Watched(PassingStore):
    """A store that looks at what is about to be put."""

    def __init__(self, store: ObjectStore, look: Callable[[str, bytes], None]) -> None:
        super().__init__(store)
        self._look = look

    def without_retries(self) -> ObjectStore:
        """Look at the puts of entries too."""
        return self

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Look, then put."""
        self._look(key, bytes(body))
        super().put(key, body, tag=tag, replace=replace, retain_until=retain_until)


def make_watched(root: Path, look: Callable[[str, bytes], None]) -> Trial:
    """Make a plain vault in a directory, where only what is durable can be seen."""
    trial = Trial(root, encryption="none")
    trial.create()
    trial.wrap = lambda store: Watched(store, look)
    return trial


def test_a_manifest_is_put_when_all_that_it_names_is_durable(tmp_path: Path) -> None:
    named: list[str] = []

    def look(key: str, body: bytes) -> None:
        if key.endswith("/manifest.json"):
            document = json.loads(body)
            keys = [one["key"] for one in document["objects"]]
            keys += [one["state"]["key"].partition("#")[0] for one in document["streams"]]
            keys += [one["ref"]["key"].partition("#")[0] for one in document["extras"]]
            named.extend(keys)
            assert [key for key in keys if not (trial.place / "data" / key).exists()] == []

    trial = make_watched(tmp_path, look)
    trial.sync(SOURCE)
    assert any("/large/batch-" in key for key in named)
    assert any("/pack-" in key for key in named)


def test_an_entry_is_put_when_its_manifest_is_durable(tmp_path: Path) -> None:
    commits: list[str] = []

    def look(key: str, body: bytes) -> None:
        if key.startswith(f"{SHOP}ledger/") and key.endswith("2.json"):
            commits.append(key)
            assert len(list(trial.place.rglob("manifest.json"))) == 1

    trial = make_watched(tmp_path, look)
    trial.sync(SOURCE)
    assert len(commits) == 1


def test_an_entry_is_durable_before_anything_is_acknowledged(tmp_path: Path) -> None:
    told: list[Event] = []

    def hear(emit: Emit) -> Emit:
        def listen(event: Event) -> None:
            if isinstance(event, LedgerWritten | WitnessAdvanced) and event.ledger.endswith("shop"):
                told.append(event)
                key = f"{SHOP}ledger/{event.number:012}.json"
                assert LocalStore(trial.place, trial.host).head(key).size
            emit(event)

        return listen

    trial = Trial(tmp_path, encryption="none")
    trial.create()
    trial.hear = hear
    trial.sync(SOURCE)
    assert [type(one) for one in told] == [LedgerWritten, LedgerWritten, WitnessAdvanced]


@pytest.mark.parametrize("written", [2, 4])
def test_rows_that_were_read_and_not_written_fail_the_sync(trial: Trial, written: int) -> None:
    rows = make_rows(4)
    [stream] = ListedReading(ListedSource({"t": rows})).streams
    encoding = open_encoding(stream.encoding, stream.schema)
    read = b"".join(write_copy_line(row) for row in rows[:3])
    lines = b"".join(write_copy_line(row) for row in rows[:written])
    hashes = encoding.hash_lines(lines, stream.key_positions)
    whole = encoding.hash_lines(read, ())
    writer = begin_sync(trial.open(), "shop")
    try:
        writing = writer.stream(stream)
        batch = writing.batch()
        batch.add(encoding.to_lines(lines), hashes.index, hashes.rows)
        batch.finish()
        fingerprint = Fingerprint(digest_schema(stream.schema), 3, whole.lanes)
        with pytest.raises(FailedError, match=f"{written} rows were written, but 3 were read"):
            writing.close(fingerprint, None)
        assert writing.close(replace(fingerprint, rows=written), None).rows == written
    finally:
        writer.close()
