"""A reading that died goes on where it stood: no page is lost, none is counted twice."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listbackup.errors import FailedError, SourceError
from listbackup.ids import read_sync_time
from listbackup.records import Mark, Outcome
from listbackup.sync import marking
from listbackup.sync.marking import Cuts
from listbackup.testing import overtime
from listbackup.testing.overtime import OvertimeSource, Page, Script, Step
from listbackup.testing.vaults import Trial
from listbackup.vault import layout
from listbackup.vault.places import Place
from tests.sync.lines import shown

EVERY = Cuts(timedelta(), 0)
"""Cut at every mark."""
PAGES: Sequence[Page] = [[[f"{page}{line}", f"v{page}"] for line in "abc"] for page in range(6)]
WHOLE = sorted(f"{key}={value}" for page in PAGES for key, value in page)
UPSERTS = Outcome("upserts")


class Killed(FailedError):
    """The machine lost its power."""


def killed() -> Killed:
    return Killed("the machine lost its power")


def die(trial: Trial, *pages: Step, cuts: Cuts = EVERY, **facts: Any) -> OvertimeSource:
    """Let an attempt give some pages and die."""
    source = OvertimeSource({"t": Script([*pages, killed()], **facts)})
    with pytest.raises(Killed):
        trial.sync(source, cuts=cuts)
    return source


def finish(trial: Trial, *pages: Step, cuts: Cuts = EVERY, **facts: Any) -> OvertimeSource:
    """Let an attempt give all pages; the pages that it gave are noted in what is returned."""
    source = OvertimeSource({"t": Script(pages, **facts)})
    trial.sync(source, cuts=cuts)
    return source


def pages(source: OvertimeSource, name: str = "t") -> list[int]:
    return [page for stream, _, page in source.given if stream == name]


def journals(trial: Trial) -> list[Path]:
    return sorted(trial.place.rglob("journal-*.json*"))


def test_a_later_attempt_goes_on_at_the_page(trial: Trial) -> None:
    die(trial, *PAGES[:4])
    source = finish(trial, *PAGES)
    assert pages(source) == [4, 5]
    assert source.told[0]["t"].place == {"page": 4}
    assert shown(trial) == WHOLE
    assert trial.check("records").sound


@pytest.mark.parametrize("first", range(6))
def test_attempts_that_die_again_and_again_come_to_an_end(plain: Trial, first: int) -> None:
    for last in range(first, 6):
        die(plain, *PAGES[:last])
    source = finish(plain, *PAGES)
    assert pages(source) == [5]
    assert shown(plain) == WHOLE
    assert plain.check("records").sound


def test_lines_that_were_known_are_met_once(trial: Trial) -> None:
    finish(trial, *PAGES)
    first = trial.snapshot().manifest.streams[0].state
    die(trial, *PAGES[:3])
    die(trial, *PAGES[:5])
    source = finish(trial, *PAGES)
    assert pages(source) == [5]
    assert trial.snapshot().manifest.streams[0].state == first
    die(trial, *PAGES[:3], [["0a", "new"]])
    finish(trial, *PAGES[:3], [["0a", "new"]], *PAGES[4:])
    gone = {f"3{line}=v3" for line in "abc"} | {"0a=v0"}
    assert shown(trial) == sorted({*WHOLE, "0a=new"} - gone)
    assert trial.check("records").sound


@pytest.mark.parametrize("at", range(4))
def test_the_last_line_of_a_key_stays_wherever_the_attempt_died(plain: Trial, at: int) -> None:
    finish(plain, *PAGES)
    steps = [[["0a", "x"]], [["0a", "v0"]], [["0b", "y"]], [["0b", "z"], ["0c", "v0"]]]
    die(plain, *steps[: at + 1], outcome=UPSERTS)
    source = finish(plain, *steps, outcome=UPSERTS)
    assert pages(source) == [*range(at + 1, 4)]
    assert shown(plain) == sorted({*WHOLE, "0b=z"} - {"0b=v0"})
    assert plain.check("records").sound


def test_a_stream_that_failed_goes_on_in_the_next_sync(trial: Trial) -> None:
    u = Script([PAGES[0]])
    lost = Script([*PAGES[:4], SourceError("today's budget is used up")])
    for _ in range(2):
        trial.sync(OvertimeSource({"t": lost, "u": u}), cuts=EVERY)
    assert trial.snapshot().manifest.status == "partial"
    source = OvertimeSource({"t": Script(PAGES), "u": u})
    trial.sync(source, cuts=EVERY)
    assert pages(source) == [4, 5]
    assert shown(trial) == WHOLE
    assert trial.check("records").sound


def test_a_place_serves_nobody_after_the_stream_was_read(trial: Trial) -> None:
    finish(trial, *PAGES, outcome=Outcome(checkpoint=1))
    die(trial, *PAGES[:4])
    finish(trial, *PAGES, cuts=Cuts(), outcome=Outcome(checkpoint=1))
    source = finish(trial, *PAGES[:2])
    assert pages(source) == [0, 1]
    assert shown(trial) == sorted(WHOLE[:6])


def test_a_place_serves_nobody_after_its_stream_was_read_though_another_was_not(
    trial: Trial,
) -> None:
    def sync(*steps: Step, fails: bool = False) -> OvertimeSource:
        other: list[Step] = [PAGES[0], *([SourceError("not today")] if fails else [])]
        source = OvertimeSource({"t": Script(steps, Outcome(checkpoint=1)), "u": Script(other)})
        trial.sync(source, cuts=EVERY)
        return source

    sync(*PAGES)
    with pytest.raises(Killed):
        sync(*PAGES[:4], killed())
    sync(*PAGES, fails=True)
    source = sync(*PAGES[:2])
    assert pages(source) == [0, 1]
    assert shown(trial) == sorted(WHOLE[:6])


def test_a_reading_may_decline_by_starting_over(trial: Trial) -> None:
    die(trial, *PAGES[:4])
    source = finish(trial, *PAGES[2:], declines=True)
    assert source.told[0]["t"].place == {"page": 4}
    assert pages(source) == [0, 1, 2, 3]
    assert shown(trial) == WHOLE[6:]
    assert trial.check("records").sound


def test_a_reading_may_start_over_in_the_middle_and_die_again(trial: Trial) -> None:
    finish(trial, *PAGES[:2])
    die(trial, *PAGES[:3])
    die(trial, *PAGES[:5], over=4)
    source = finish(trial, *PAGES)
    assert pages(source) == [5]
    assert shown(trial) == WHOLE
    assert trial.snapshot().state("t").rows == len(WHOLE)
    assert trial.check("records").sound


def test_between_cuts_so_much_goes_by(plain: Trial) -> None:
    die(plain, *PAGES[:5], cuts=Cuts(timedelta(hours=1), 30, timedelta()))
    assert len(journals(plain)) == 2
    source = finish(plain, *PAGES)
    assert pages(source) == [4, 5]
    assert shown(plain) == WHOLE


def test_a_cut_waits_for_time_or_bytes_and_bytes_wait_a_little() -> None:
    cuts = Cuts(timedelta(seconds=60), 100, timedelta(seconds=5))
    asked = [(60, 0), (59, 99), (5, 100), (4, 100)]
    due = [cuts.are_due(timedelta(seconds=waited), size) for waited, size in asked]
    assert due == [True, False, True, False]


def test_without_a_cut_the_next_attempt_begins_anew(plain: Trial) -> None:
    die(plain, *PAGES[:5], cuts=Cuts())
    source = finish(plain, *PAGES)
    assert pages(source) == [*range(6)]
    assert "t" not in source.told[0]


def test_an_old_place_serves_nobody(plain: Trial) -> None:
    die(plain, *PAGES[:5])
    plain.host.clock.sleep(25 * 3600)
    source = finish(plain, *PAGES)
    assert pages(source) == [*range(6)]


def test_a_reading_of_many_days_comes_to_an_end_and_leaves_no_batch_behind(trial: Trial) -> None:
    u = Script([PAGES[0]])
    days: Sequence[Page] = [[[f"d{day}", "x"], ["same", str(day)]] for day in range(9)]
    source = OvertimeSource({})
    for day in range(9):
        steps: list[Step] = [*days[:day], SourceError("today's budget is used up")]
        source = OvertimeSource({"t": Script(steps if day < 8 else days), "u": u})
        trial.sync(source, cuts=EVERY)
        trial.host.clock.sleep(20 * 3600)
    assert pages(source) == [7, 8]
    assert shown(trial) == sorted([f"d{day}=x" for day in range(9)] + ["same=8"])
    begun = [
        read_sync_time(layout.sync_of(one.ref.key)) for one in trial.snapshot().state("t").batches
    ]
    assert trial.host.clock.now() - min(begun) < timedelta(days=5)
    assert trial.check("records").sound


def test_a_reading_that_only_ends_days_later_keeps_what_is_small(plain: Trial) -> None:
    """Nothing new comes, and nothing is cut, after what is old was stored again."""
    for day in range(1, 6):
        die(plain, *PAGES[:day])
        plain.host.clock.sleep(20 * 3600)
    source = finish(plain, *PAGES[:5], cuts=Cuts())
    assert pages(source) == []
    assert shown(plain) == WHOLE[:15]
    assert plain.check("records").sound


def test_a_place_of_another_checkpoint_serves_nobody(plain: Trial) -> None:
    u = Script([PAGES[0]])
    plain.sync(OvertimeSource({"t": Script(PAGES[:1], Outcome(checkpoint=1)), "u": u}))
    wider = Script([[["x", "y", "z"]], [["a", "b", "c"]]], UPSERTS, width=3)
    plain.sync(OvertimeSource({"t": wider, "u": u}), cuts=EVERY)
    source = OvertimeSource({"t": replace(wider, outcome=Outcome()), "u": u})
    plain.sync(source, cuts=EVERY)
    # its columns had changed: it was asked to be read in full
    assert (source.told[0]["t"].checkpoint, source.told[0]["t"].place) == (None, None)
    assert pages(source) == [0, 1]


def test_a_stream_that_is_read_otherwise_by_now_begins_anew(trial: Trial) -> None:
    die(trial, *PAGES[:4])
    source = finish(trial, *PAGES, schema={"title": "other"})
    assert [one["t"].place if "t" in one else None for one in source.told] == [{"page": 4}, None]
    assert pages(source) == [*range(6)]
    assert shown(trial) == WHOLE


@pytest.mark.parametrize("damage", ["lost", "flipped"])
@pytest.mark.parametrize(
    ("pattern", "left"),
    [("t/batch-003.json.gz*", 2), ("t/batch-002.idx*", 1), ("journal-002.json*", 1)],
)
def test_what_is_not_whole_is_read_again(
    trial: Trial, pattern: str, left: int, damage: str
) -> None:
    die(trial, *PAGES[:4])
    [path] = trial.place.rglob(pattern)
    body = path.read_bytes()
    path.chmod(0o600)
    path.unlink()
    if damage == "flipped":
        path.write_bytes(body[:-9] + bytes([body[-9] ^ 1]) + body[-8:])
    source = finish(trial, *PAGES)
    assert pages(source) == [*range(left, 6)]
    assert shown(trial) == WHOLE
    assert trial.check("records").sound


def test_what_was_met_again_and_is_not_there_any_more_is_read_again(plain: Trial) -> None:
    finish(plain, *PAGES)
    die(plain, *PAGES[:4])
    [known] = plain.place.rglob("t/known-001-003.bin")
    known.unlink()
    source = finish(plain, *PAGES)
    assert pages(source) == [2, 3, 4, 5]
    assert shown(plain) == WHOLE


def rewrite(path: Path, change: Mapping[str, Any]) -> None:
    """Change what a journal's only place says, as somebody can who has no key."""
    document = json.loads(path.read_bytes())
    [envelope] = document["places"]
    payload = json.loads(base64.b64decode(envelope["payload"])) | change
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    path.chmod(0o600)
    path.write_bytes(json.dumps(document).encode())


def test_a_place_that_nobody_signed_serves_nobody(plain: Trial) -> None:
    die(plain, *PAGES[:2])
    rewrite(journals(plain)[0], {"place": '{"page": 3}'})
    source = finish(plain, *PAGES)
    assert pages(source) == [*range(6)]
    assert shown(plain) == WHOLE


def test_a_place_of_another_sync_serves_nobody(plain: Trial) -> None:
    """A signed one that was true once, put where it is not."""
    die(plain, *PAGES[:3])
    finish(plain, *PAGES[:1])
    [old, *_] = [path for path in journals(plain) if b'"places"' in path.read_bytes()]
    plain.host.clock.sleep(60)
    die(plain, *PAGES[:1], cuts=Cuts())
    [newest] = [path for path in plain.place.rglob("raw/*/*/*/*") if not list(path.iterdir())] or [
        sorted(plain.place.rglob("raw/*/*/*/*"))[-1]
    ]
    (newest / "journal-009.json").write_bytes(old.read_bytes())
    source = finish(plain, *PAGES)
    assert pages(source) == [*range(6)]


def test_a_place_that_counts_otherwise_than_its_batches_serves_nobody(
    plain: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def miscount(**facts: Any) -> Place:
        return Place(**facts | {"lanes": (1, 2, 3, 4)})

    monkeypatch.setattr(marking, "Place", miscount)
    die(plain, *PAGES[:4])
    monkeypatch.undo()
    source = finish(plain, *PAGES)
    assert pages(source) == [*range(6)]
    assert shown(plain) == WHOLE


def test_a_stream_without_a_key_counts_what_it_met(trial: Trial) -> None:
    twice = [*PAGES, *PAGES]
    finish(trial, *twice, keyed=False)
    die(trial, *PAGES, PAGES[0], keyed=False)
    source = finish(trial, *PAGES, PAGES[0], [["n", "n"]], keyed=False)
    assert pages(source) == [7]
    assert shown(trial) == sorted([*WHOLE, *WHOLE[:3], "n=n"])
    assert trial.check("records").sound


def test_a_stream_of_several_parts_is_not_cut(plain: Trial) -> None:
    source = OvertimeSource({"t": Script(PAGES[:3], more=[[*PAGES[3:], killed()]])})
    with pytest.raises(Killed):
        plain.sync(source, cuts=EVERY)
    assert not [path for path in journals(plain) if b"places" in path.read_bytes()]
    plain.sync(OvertimeSource({"t": Script(PAGES[:3], more=[PAGES[3:]])}), cuts=EVERY)
    assert shown(plain) == WHOLE


def test_a_place_that_is_no_json_is_refused(plain: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overtime, "Mark", lambda place: Mark({1, 2}))
    with pytest.raises(FailedError, match="place of a mark is no JSON"):
        finish(plain, *PAGES)


def test_a_large_stream_goes_on_with_its_typed_view(plain: Trial) -> None:
    big = [[[f"{n}-{line}", "x" * 300] for line in range(900)] for n in range(6)]
    facts: dict[str, Any] = {"estimated_bytes": 2_000_000}
    die(plain, *big[:2], **facts)
    finish(plain, *big[:4], over=3, **facts)
    state = plain.snapshot().state("t")
    assert state.rows == 3600
    assert state.parts is not None
    assert len(state.parts) == len(state.batches)
    assert plain.check("records").sound
