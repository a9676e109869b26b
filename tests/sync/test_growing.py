"""Parts that turn out to be much: encoded in a child process that all streams share, with the very
same outcome as here."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from listbackup.errors import AuthError, FailedError
from listbackup.records import Mark, Outcome, Part
from listbackup.sync.marking import Cuts
from listbackup.testing.overtime import OvertimeReading, OvertimeSource, Page, Script
from listbackup.testing.vaults import Trial
from tests.sync.processes import children_of

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

PAGES: list[Page] = [[[f"{page}{line}", f"v{page}"] for line in "abc"] for page in range(6)]
AGAIN: list[Page] = [*PAGES[:3], [["0a", "new"], ["1b", "new"], ["0a", "newer"]]]
JSON: Mapping[str, Any] = {"encoding": "records/1"}


@dataclass
class WatchedSource(OvertimeSource):
    """Notes the child processes that there are while it is read, and kills those that encode for
    it when a stream has come so far."""

    deadly: int | None = None
    seen: set[int] = field(default_factory=set)

    def open(self) -> OvertimeReading:
        reading = super().open()
        read, others, steps = reading.read_on, children_of(os.getpid()), 0

        def watch(part: Part) -> Iterator[bytes | Mark]:
            nonlocal steps
            for one in read(part):
                yield one
                steps += 1
                self.seen |= children_of(os.getpid()) - others
                if self.deadly is not None and steps > self.deadly:
                    for child in self.seen:
                        with suppress(ProcessLookupError):
                            os.kill(child, signal.SIGKILL)

        reading.read_on = watch  # type: ignore[method-assign]
        return reading


def finish(trial: Trial, source: OvertimeSource, name: str = "shop", **options: Any) -> None:
    trial.sync(source, name, cuts=Cuts(least=Cuts().every, bytes=0), **options)


def print_streams(trial: Trial, source: str) -> dict[str, object]:
    streams = trial.snapshot(f"{source}:latest").streams
    return {name: one.fingerprint for name, one in streams.items()}


def test_what_is_much_comes_out_as_what_is_little(trial: Trial) -> None:
    streams = {"t": Script(PAGES), "u": Script(PAGES[:2], Outcome("upserts"), **JSON)}
    later = {"t": Script(AGAIN), "u": Script(AGAIN, Outcome("upserts"), **JSON)}
    for scripts in (streams, later):
        here, beside = WatchedSource(scripts), WatchedSource(scripts)
        finish(trial, here, "here")
        finish(trial, beside, "beside", beside_from=20, jobs=3)
        assert not here.seen
        assert len(beside.seen) == 1
        assert trial.restore("here:latest") == trial.restore("beside:latest")
        assert print_streams(trial, "here") == print_streams(trial, "beside")
    assert trial.check("records").sound


def test_a_part_that_stays_little_or_comes_slowly_starts_no_process(trial: Trial) -> None:
    slow: list[Page] = [[[str(number), "x" * 50]] for number in range(40)]
    source = WatchedSource({"t": Script(slow), "u": Script(PAGES[:1])})
    finish(trial, source, beside_from=1000)
    assert not source.seen
    assert len(trial.restore()["t"].splitlines()) == 40


def test_what_turned_out_to_be_little_gets_its_typed_view_when_it_is_asked_for(
    trial: Trial,
) -> None:
    streams = {"t": Script(PAGES, estimated_bytes=10**6), "u": Script([], estimated_bytes=10**6)}
    for name, typed_from in (("little", 1000), ("enough", 100)):
        finish(trial, OvertimeSource(streams), name, typed_from=typed_from)
    parts = [trial.snapshot(f"{name}:latest").state("t").parts for name in ("little", "enough")]
    assert parts[0] is None
    assert parts[1]


def test_what_died_beside_is_gone_on_with(trial: Trial) -> None:
    every = Cuts(Cuts().least * 0, 0)
    died = OvertimeSource({"t": Script([*PAGES[:4], FailedError("the power was lost")])})
    with pytest.raises(FailedError, match="power"):
        trial.sync(died, cuts=every, beside_from=1)
    source = OvertimeSource({"t": Script(PAGES)})
    trial.sync(source, cuts=every, beside_from=1)
    assert [page for _, _, page in source.given] == [4, 5]
    assert len(trial.restore()["t"].splitlines()) == 18
    assert trial.check("records").sound


def test_a_stream_that_starts_over_in_a_child_is_counted_once(trial: Trial) -> None:
    trial.sync(OvertimeSource({"t": Script(PAGES, over=4)}), cuts=Cuts(), beside_from=1)
    lines = trial.restore()["t"].splitlines()
    assert len(lines) == len(set(lines))
    assert trial.check("records").sound


def test_a_line_that_is_no_record_ends_its_stream_and_no_other_of_the_child(trial: Trial) -> None:
    good, bad = Script(PAGES, **JSON), Script([PAGES[0], [[None, "no key"]]], **JSON)
    for _ in range(2):
        trial.sync(OvertimeSource({"t": good, "u": good}), beside_from=1, jobs=1)
        trial.sync(OvertimeSource({"t": bad, "u": good}), beside_from=1, jobs=1)
        t, u = trial.snapshot().manifest.streams
        assert (t.status, u.status) == ("carried", "complete")
        assert "key" in t.reason
        assert (t.rows, u.rows) == (18, 18)


def test_a_child_that_is_killed_takes_nothing_with_it(trial: Trial) -> None:
    trial.sync(OvertimeSource({"t": Script(PAGES[:2])}))
    deadly = WatchedSource({"t": Script(PAGES * 50), "u": Script(PAGES)}, deadly=3)
    with pytest.raises(FailedError, match="ended unexpectedly"):
        trial.sync(deadly, beside_from=1)
    assert deadly.seen
    assert len(trial.restore()["t"].splitlines()) == 6
    assert trial.check("records").sound
    assert not children_of(os.getpid()) & deadly.seen


def test_a_stream_that_waited_for_its_turn_is_encoded_beside_all_the_same(trial: Trial) -> None:
    class Slow(WatchedSource):
        """Takes longer for its first stream than is between two cuts."""

        def open(self) -> OvertimeReading:
            reading = super().open()
            read = reading.read_on

            def wait(part: Part) -> Iterator[bytes | Mark]:
                yield from read(part)
                trial.host.clock.sleep(100)

            reading.read_on = wait  # type: ignore[method-assign]
            return reading

    source = Slow({"first": Script(PAGES[:1]), "later": Script(PAGES)})
    trial.sync(source, beside_from=60, jobs=1)
    assert source.seen


def test_after_an_error_that_ends_the_sync_no_other_part_is_begun(trial: Trial) -> None:
    source = OvertimeSource({"a": Script([*PAGES, AuthError("withdrawn")]), "b": Script(PAGES)})
    with pytest.raises(AuthError):
        trial.sync(source, beside_from=1, jobs=1)
    assert {stream for stream, _, _ in source.given} == {"a"}


def test_where_no_process_can_be_started_all_is_encoded_here(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(trial.root / "nothing"))
    held = len(list(Path("/proc/self/fd").iterdir()))
    trial.sync(OvertimeSource({"t": Script(PAGES)}), beside_from=1)
    assert len(trial.restore()["t"].splitlines()) == 18
    assert len(list(Path("/proc/self/fd").iterdir())) == held


def test_a_little_rest_of_a_large_stream_keeps_the_typed_view_of_the_whole(trial: Trial) -> None:
    facts: Mapping[str, Any] = {"estimated_bytes": 10**6}
    died = OvertimeSource({"t": Script([*PAGES[:5], FailedError("the power was lost")], **facts)})
    options: Mapping[str, Any] = {"cuts": Cuts(Cuts().least * 0, 0), "typed_from": 50}
    with pytest.raises(FailedError, match="power"):
        trial.sync(died, **options)
    trial.sync(OvertimeSource({"t": Script(PAGES, **facts)}), **options)
    state = trial.snapshot().state("t")
    assert len(state.parts or ()) == len(state.batches)
