"""Syncs: complete, partial, failed, refused, and two at once."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from listbackup.errors import BusyError, FailedError, RefusedError
from listbackup.events import BatchStored, Event, LedgerWritten, StreamDone
from listbackup.records import Declared, Extra, Part
from listbackup.sync.engine import SyncOptions, run_sync
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import IDENTITY, ListedReading, ListedSource
from listbackup.testing.vaults import Trial, expect, make_rows
from tests.sync.processes import children_of

ROWS = {"public.a": make_rows(250), "public.b": make_rows(3, "b"), "empty": []}
SHOP = ListedSource(ROWS)


@pytest.fixture(params=["sealed", "none"])
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Give a fresh vault, once sealed and once plain."""
    trial = Trial(tmp_path_factory.mktemp("sync"), play_host(5), request.param)
    trial.create()
    return trial


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("jobs", [1, 4])
def test_what_was_read_comes_back_byte_for_byte(trial: Trial, parts: int, jobs: int) -> None:
    trial.sync(replace(SHOP, parts=parts), jobs=jobs)
    got = trial.restore()
    for name, lines in expect(ROWS).items():
        assert sorted(got[name].split(b"\n")) == sorted(lines.split(b"\n"))


@pytest.mark.parametrize("jobs", [1, 3])
def test_processes_that_encode_write_the_very_same(trial: Trial, jobs: int) -> None:
    rows = {f"t{n}": make_rows(700, str(n)) for n in range(4)} | {"empty": []}
    source = ListedSource(rows, parts=2, failing=("t3",))
    alone = trial.sync(source, "alone")
    beside = trial.sync(source, "beside", jobs=jobs, children_from=0)
    assert beside.commit.status == "partial"
    assert beside.rows == alone.rows == 3 * 700
    prints = [
        {name: one.fingerprint for name, one in trial.snapshot(f"{source}:latest").streams.items()}
        for source in ("alone", "beside")
    ]
    assert prints[0] == prints[1]
    assert trial.check("records").sound


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_process_that_encodes_and_dies_takes_nothing_with_it(trial: Trial) -> None:
    class Deadly(ListedSource):
        """Kills every process that encodes for it."""

        def open(self) -> ListedReading:
            reading = super().open()
            read, others = reading.read, set(children_of(os.getpid()))

            def read_and_kill(part: Part) -> Iterator[bytes]:
                for chunk in read(part):
                    for child in set(children_of(os.getpid())) - others:
                        with suppress(ProcessLookupError):
                            os.kill(child, signal.SIGKILL)
                    yield chunk

            reading.read = read_and_kill  # type: ignore[method-assign]
            return reading

    trial.sync(SHOP)
    with pytest.raises(FailedError, match="ended unexpectedly"):
        trial.sync(Deadly({"t": make_rows(5000)}), children_from=0)
    assert trial.restore() == expect(ROWS)
    assert trial.check("records").sound


def test_a_large_stream_is_cut_into_batches_of_eight_mebibytes(trial: Trial) -> None:
    noise = play_host(8).entropy
    rows = [[str(n), noise(60_000).hex()] for n in range(250)]
    trial.sync(ListedSource({"big": rows}))
    batches = [one for one in trial.events if isinstance(one, BatchStored)]
    assert len(batches) >= 2
    assert all(one.bytes < 24 * 2**20 for one in batches)
    assert trial.restore() == expect({"big": rows})


def test_one_line_of_many_megabytes_travels(trial: Trial) -> None:
    rows = {"wide": [["1", "\\\t" * 5_000_000]]}
    trial.sync(ListedSource(rows))
    assert trial.restore() == expect(rows)
    assert trial.check("records").sound


def test_a_table_without_columns_keeps_its_rows(trial: Trial) -> None:
    source = ListedSource({"nothing": [[], [], []]}, keyed=False)
    trial.sync(source)
    assert trial.restore() == {"nothing": b"\n\n\n"}
    assert trial.check("records").sound


def test_a_stream_that_fails_is_carried_from_the_last_snapshot(trial: Trial) -> None:
    trial.sync(SHOP)
    later = {**ROWS, "public.b": make_rows(9, "later")}
    result = trial.sync(ListedSource(later, failing=("public.b",)))
    assert result.commit.status == "partial"
    assert result.reasons == ["public.b: the connection was lost"]
    assert trial.restore() == expect(ROWS)
    statuses = {one.stream: one.status for one in trial.events if isinstance(one, StreamDone)}
    assert statuses["public.b"] == "carried"
    assert trial.check("records").sound


def test_a_carried_stream_says_since_when(trial: Trial) -> None:
    first = trial.sync(SHOP)
    for _ in range(2):
        trial.sync(replace(SHOP, failing=("public.b",)))
    streams = {one.name: one for one in trial.snapshot().manifest.streams}
    assert streams["public.b"].carried_from == first.commit.sync


def test_a_stream_that_was_never_read_is_missing_and_named(trial: Trial) -> None:
    result = trial.sync(replace(SHOP, locked={"public.b": "locked by another"}))
    assert result.commit.status == "partial"
    snapshot = trial.snapshot()
    assert [one.name for one in snapshot.missing] == ["public.b"]
    assert "public.b" not in snapshot.streams


def test_latest_is_the_newest_complete_snapshot(trial: Trial) -> None:
    complete = trial.sync(SHOP)
    partial = trial.sync(replace(SHOP, failing=("public.a",)))
    assert trial.snapshot("latest", allow_partial=False).id == complete.commit.sync
    assert trial.snapshot("latest", allow_partial=True).id == partial.commit.sync


def test_a_sync_that_reads_nothing_commits_nothing(trial: Trial) -> None:
    trial.sync(SHOP)
    with pytest.raises(FailedError, match="No stream"):
        trial.sync(replace(SHOP, failing=tuple(ROWS)))
    assert len(trial.open().source("shop").commits) == 1


def test_another_database_under_a_known_id_is_refused(trial: Trial) -> None:
    trial.sync(SHOP)
    moved = replace(SHOP, identity=replace(IDENTITY, server="other"))
    with pytest.raises(RefusedError, match="another database"):
        trial.sync(moved)
    trial.sync(moved, accept_new_server=True)
    trial.sync(moved)


def test_extras_and_declared_things_are_kept(trial: Trial) -> None:
    declared = Declared("xml encoding", "public.a", "not kept by the server")
    extras = (Extra("pg-archive", bytes(range(256)) * 400), Extra("pg-globals", b"roles"))
    result = trial.sync(replace(SHOP, extras=extras, declared=(declared,)))
    snapshot = trial.snapshot()
    assert [snapshot.extra(one.kind) for one in extras] == [one.body for one in extras]
    assert snapshot.extra("unknown") is None
    assert list(snapshot.declared) == [declared]
    assert result.commit.status == "complete"


def test_of_two_syncs_at_once_the_second_to_commit_loses(trial: Trial) -> None:
    trial.sync(SHOP)
    vault = trial.open()

    class Interrupting(ListedSource):
        """Another sync commits while this one has read everything."""

        def open(self):  # type: ignore[no-untyped-def]
            reading = super().open()
            finish = reading.finish

            def overtake():  # type: ignore[no-untyped-def]
                trial.sync(SHOP)
                return finish()

            reading.finish = overtake  # type: ignore[method-assign]
            return reading

    with pytest.raises(BusyError):
        run_sync(Interrupting(ROWS), vault, "shop", SyncOptions())
    assert len(trial.open().source("shop").commits) == 2
    assert trial.check("records").sound


def test_names_are_later_than_every_earlier_name(trial: Trial) -> None:
    names = [trial.sync(SHOP).commit.name for _ in range(3)]
    assert names == ["20261101-120000", "20261101-120001", "20261101-120002"]


def test_a_checkpoint_keeps_reading_short_and_history_whole(trial: Trial) -> None:
    small = ListedSource({"t": [["1"]]}, extras=())
    for _ in range(70):
        trial.sync(small)
    kinds = [e.kind for e in trial.events if isinstance(e, LedgerWritten) and "/" in e.ledger]
    assert kinds.count("checkpoint") == 1
    view = trial.open().source("shop")
    assert len(view.commits) == 70
    assert len(view.loaded.entries) < 70
    first = min(view.commits)
    assert trial.snapshot(view.commits[first].sync).name == "20261101-120000"
    assert trial.check().sound


def test_every_event_of_a_commit_comes_in_the_order_of_the_promise(trial: Trial) -> None:
    trial.sync(SHOP)
    order = [type(one).__name__ for one in trial.events]
    commit = [n for n in order if n in ("ManifestStored", "WitnessAdvanced")]
    assert commit[-2:] == ["ManifestStored", "WitnessAdvanced"]
    entries: list[Event] = [one for one in trial.events if isinstance(one, LedgerWritten)]
    kinds = [one.kind for one in entries if isinstance(one, LedgerWritten)]
    assert kinds[-4:] == ["open", "source-open", "commit", "heads"]
