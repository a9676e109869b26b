"""Streams that are read over time: what lives on, what dies, what is doubted, what is set aside."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from listbackup.errors import FailedError, SourceError
from listbackup.events import StreamDone
from listbackup.records import Outcome, SetAside
from listbackup.testing.overtime import OvertimeReading, OvertimeSource, Page, Script, Step
from listbackup.testing.vaults import Trial
from listbackup.vault.manifest import StreamEntry
from tests.sync.lines import shown

UPSERTS = Outcome("upserts")
ABC = [["1", "a"], ["2", "b"], ["3", "c"]]


def sync(trial: Trial, *pages: Step, outcome: Outcome | None = None, **options: Any) -> None:
    trial.sync(OvertimeSource({"t": Script(pages, outcome)}), **options)


def entry(trial: Trial) -> StreamEntry:
    [found] = trial.snapshot().manifest.streams
    return found


def done(trial: Trial) -> StreamDone:
    return [one for one in trial.events if isinstance(one, StreamDone)][-1]


def key(text: str) -> bytes:
    return b'["%b"]' % text.encode()


def test_a_complete_listing_takes_inserts_updates_and_deletes(trial: Trial) -> None:
    sync(trial, ABC)
    sync(trial, [["1", "a"], ["2", "B"]], [["4", "d"]])
    assert shown(trial) == ["1=a", "2=B", "4=d"]
    assert (done(trial).new, done(trial).gone) == (2, 2)
    assert shown(trial, "latest~1") == ["1=a", "2=b", "3=c"]
    assert (trial.snapshot().manifest.status, entry(trial).status) == ("complete", "complete")
    assert trial.check("records").sound


def test_upserts_leave_what_was_not_given_and_are_no_doubt_by_themselves(trial: Trial) -> None:
    sync(trial, ABC, outcome=Outcome(checkpoint={"since": 1}))
    sync(trial, [["2", "B"], ["4", "d"]], outcome=replace(UPSERTS, checkpoint={"since": 2}))
    assert shown(trial) == ["1=a", "2=B", "3=c", "4=d"]
    assert (trial.snapshot().manifest.status, entry(trial).status) == ("complete", "upserts")
    assert entry(trial).checkpoint == {"since": 2}
    assert trial.snapshot("latest", allow_partial=False).id == trial.snapshot().id
    assert trial.check("records").sound


def test_a_reason_makes_the_snapshot_partial(trial: Trial) -> None:
    sync(trial, ABC)
    sync(trial, ABC[:1], outcome=Outcome("upserts", reason="the total was 3, 1 came"))
    assert shown(trial) == ["1=a", "2=b", "3=c"]
    assert trial.snapshot().manifest.status == "partial"
    assert trial.snapshot().manifest.reasons == ("t: the total was 3, 1 came",)


def test_a_first_sync_may_be_upserts(trial: Trial) -> None:
    sync(trial, ABC, outcome=UPSERTS)
    assert shown(trial) == ["1=a", "2=b", "3=c"]
    assert trial.check("records").sound


def test_what_the_source_says_is_deleted_dies_and_nothing_else(trial: Trial) -> None:
    sync(trial, ABC)
    deleted = replace(UPSERTS, deleted=[key("2"), key("4"), key("9")])
    sync(trial, [["4", "came and went"]], outcome=deleted)
    assert shown(trial) == ["1=a", "3=c"]
    assert trial.check("records").sound


@pytest.mark.parametrize(
    ("pages", "wanted"),
    [
        ([[["1", "x"]], [["1", "y"]]], ["1=y", "2=b", "3=c"]),
        ([[["1", "a"]], [["1", "y"]]], ["1=y", "2=b", "3=c"]),
        ([[["1", "y"]], [["1", "a"]]], ["1=a", "2=b", "3=c"]),
        ([[["1", "a"], ["1", "y"], ["1", "a"]]], ["1=a", "2=b", "3=c"]),
        ([[["1", "y"]], [["1", "a"]], [["1", "y"]]], ["1=y", "2=b", "3=c"]),
        ([[["5", "x"], ["5", "x"]], [["5", "x"]]], ["1=a", "2=b", "3=c", "5=x"]),
    ],
)
def test_of_a_key_that_comes_twice_the_last_line_stays(
    trial: Trial, pages: Sequence[Page], wanted: list[str]
) -> None:
    sync(trial, ABC)
    sync(trial, *pages, outcome=UPSERTS)
    assert shown(trial) == wanted
    sync(trial, ABC, *pages, outcome=Outcome())
    assert shown(trial) == wanted
    assert trial.check("records").sound


def test_a_key_that_comes_twice_in_a_first_read_has_one_line(trial: Trial) -> None:
    sync(trial, ABC, [["2", "B"], ["2", "BB"]])
    assert shown(trial) == ["1=a", "2=BB", "3=c"]
    assert trial.snapshot().state("t").rows == 3
    assert trial.check("records").sound


def test_of_several_parts_the_later_one_is_the_last(trial: Trial) -> None:
    sync(trial, ABC)
    script = Script([ABC[:1], [["4", "d"]]], more=[[[["1", "z"], ["4", "d"]]], [ABC[1:2]]])
    trial.sync(OvertimeSource({"t": script}))
    assert shown(trial) == ["1=z", "2=b", "4=d"]
    assert trial.check("records").sound


def test_a_line_that_is_no_record_ends_its_stream_and_no_other(trial: Trial) -> None:
    facts: dict[str, Any] = {"encoding": "records/1"}
    sources = [
        OvertimeSource({"t": Script([ABC, page], **facts), "u": Script([ABC], **facts)})
        for page in (ABC, [[None, "no key"]])
    ]
    for source in sources:
        trial.sync(source)
    t, u = trial.snapshot().manifest.streams
    assert (t.status, u.status) == ("carried", "complete")
    assert t.rows == 3
    assert t.reason


def test_identical_lines_that_come_again_are_not_stored_again(trial: Trial) -> None:
    sync(trial, ABC)
    first = entry(trial).state
    sync(trial, ABC, ABC, outcome=Outcome(checkpoint=7))
    assert entry(trial).state == first
    assert entry(trial).checkpoint == 7
    sync(trial, ABC[1:], outcome=UPSERTS)
    assert (entry(trial).state, entry(trial).status) == (first, "upserts")


def test_records_that_are_set_aside_never_die_and_are_named(trial: Trial) -> None:
    sync(trial, ABC)
    aside = [SetAside(key("2"), "HTTP 500"), SetAside(key("8"), "no JSON")]
    sync(trial, ABC[:1], outcome=Outcome(set_aside=aside))
    assert shown(trial) == ["1=a", "2=b"]
    assert trial.snapshot().manifest.status == "partial"
    assert entry(trial).reason == "2 records could not be read and are set aside"
    assert (list(entry(trial).set_aside), entry(trial).set_aside_count) == (aside, 2)
    assert trial.check("records").sound


def test_what_is_set_aside_stays_so_until_it_is_met(trial: Trial) -> None:
    aside = [SetAside(key(one), "HTTP 500") for one in "4567"]
    sync(trial, ABC, outcome=Outcome(set_aside=aside))
    more = [SetAside(key("5"), "HTTP 502"), SetAside(key("9"), "HTTP 502")]
    came = [["4", "d"]]
    sync(trial, came, outcome=Outcome("upserts", deleted=[key("6")], set_aside=more))
    assert entry(trial).set_aside == (*more, aside[3])
    sync(trial, ABC, came, outcome=UPSERTS)
    assert entry(trial).set_aside_count == 3
    sync(trial, ABC, came)
    assert (entry(trial).set_aside_count, trial.snapshot().manifest.status) == (0, "complete")


def test_of_very_many_that_are_set_aside_a_thousand_are_listed(plain: Trial) -> None:
    aside = [SetAside(key(str(n)), "x" * 999) for n in range(1500)]
    sync(plain, ABC, outcome=Outcome(set_aside=aside))
    assert (len(entry(plain).set_aside), entry(plain).set_aside_count) == (1000, 1500)
    assert len(entry(plain).set_aside[0].reason) == 300
    sync(plain, ABC, outcome=UPSERTS)
    assert entry(plain).set_aside_count == 1497


def test_a_carried_stream_keeps_its_checkpoint_and_what_is_set_aside(trial: Trial) -> None:
    outcome = Outcome(checkpoint=["x", 1], set_aside=[SetAside(key("9"), "HTTP 500")])
    trial.sync(OvertimeSource({"t": Script([ABC], outcome), "u": Script([ABC])}))
    failing = Script([ABC, lost()], Outcome(checkpoint="newer"))
    source = OvertimeSource({"t": failing, "u": Script([ABC])})
    trial.sync(source)
    kept = next(one for one in trial.snapshot().manifest.streams if one.name == "t")
    assert (kept.status, kept.checkpoint, kept.set_aside_count) == ("carried", ["x", 1], 1)
    assert source.told[0]["t"].checkpoint == ["x", 1]
    assert source.told[0]["t"].rows == 3
    assert source.told[0]["t"].bytes == len(b'["1","a"]\n') * 3


def lost() -> Exception:
    return SourceError("the connection was lost")


def many(count: int, mark: str = "") -> Page:
    return [[str(n), f"{mark}{n}"] for n in range(count)]


def test_a_mass_delete_is_held_back_until_the_next_full_reading(plain: Trial) -> None:
    sync(plain, many(3000))
    deleted = Outcome(deleted=[key(str(n)) for n in range(2000, 2500)])
    sync(plain, many(100, "new"), many(1000)[100:], outcome=deleted)
    assert entry(plain).status == "upserts"
    assert entry(plain).reason == "mass delete held back: 1,500 of 3,000 lines"
    assert entry(plain).rows == 2500
    sync(plain, [["0", "once more"]], outcome=UPSERTS)
    assert entry(plain).reason == "mass delete held back: 1,500 of 3,000 lines"
    sync(plain, many(1000))
    assert (entry(plain).status, entry(plain).rows, entry(plain).reason) == ("complete", 1000, "")
    assert plain.check("records").sound


def test_mass_deletes_that_the_source_names_are_believed(plain: Trial) -> None:
    sync(plain, many(3000))
    sync(plain, outcome=replace(UPSERTS, deleted=[key(str(n)) for n in range(2900)]))
    assert (entry(plain).rows, entry(plain).reason) == (100, "")
    sync(plain, many(3000))
    sync(plain, many(10), outcome=Outcome(), accept_deletes=True)
    assert entry(plain).rows == 10


def test_without_a_key_what_is_not_given_dies_only_where_the_listing_was_complete(
    trial: Trial,
) -> None:
    def keyless(pages: Sequence[Step], outcome: Outcome | None = None) -> None:
        trial.sync(OvertimeSource({"t": Script(pages, outcome, keyed=False)}))

    keyless([ABC, ABC[:1]])
    keyless([ABC[:2], [["5", "e"]]], UPSERTS)
    assert shown(trial) == ["1=a", "1=a", "2=b", "3=c", "5=e"]
    keyless([ABC[:2], [["6", "f"]]])
    assert shown(trial) == ["1=a", "2=b", "6=f"]
    keyless([ABC[:1]], Outcome(set_aside=[SetAside(b"[]", "HTTP 500")]))
    assert shown(trial) == ["1=a", "2=b", "6=f"]
    assert trial.check("records").sound
    with pytest.raises(FailedError, match="without keys"):
        keyless([ABC], Outcome(deleted=[b"[]"]))


@pytest.mark.parametrize("checkpoint", [{"deep": [[[[[[[[[[[[[[]]]]]]]]]]]]]]}, {1, 2}, 1e999])
def test_a_checkpoint_that_no_reader_could_read_is_refused(
    plain: Trial, checkpoint: object
) -> None:
    with pytest.raises(FailedError, match="no JSON that can be kept"):
        sync(plain, ABC, outcome=Outcome(checkpoint=checkpoint))


def test_a_consistent_source_has_no_outcomes(plain: Trial) -> None:
    class Torn(OvertimeSource):
        """Says that it shows one moment."""

        def open(self) -> OvertimeReading:
            reading = super().open()
            reading.consistent = True
            return reading

    with pytest.raises(FailedError, match="shows one moment"):
        plain.sync(Torn({"t": Script([ABC], UPSERTS)}))


DUE: Mapping[str, Any] = {"rebase_after": timedelta(seconds=-1)}


def test_a_stream_that_is_due_is_written_anew_from_the_vault(trial: Trial) -> None:
    sync(trial, many(2000))
    sync(trial, [["5", "five"], ["7", "x"], ["7", "seven"]], outcome=UPSERTS, **DUE)
    state = trial.snapshot().state("t")
    begun = {batch.ref.key.split("/")[8] for batch in state.batches}
    assert begun == {trial.snapshot().id}
    assert "oldest batch is due" in done(trial).reason
    wanted = {str(n): str(n) for n in range(2000)} | {"5": "five", "7": "seven"}
    assert shown(trial) == sorted(f"{a}={b}" for a, b in wanted.items())
    assert trial.check("records").sound


def test_a_stream_of_which_most_was_deleted_is_written_anew_from_the_vault(trial: Trial) -> None:
    sync(trial, many(2000))
    sync(trial, outcome=replace(UPSERTS, deleted=[key(str(n)) for n in range(1500)]))
    sync(trial, [["5", "five"]], outcome=UPSERTS)
    assert "most of what it was built from is gone" in done(trial).reason
    wanted = {str(n): str(n) for n in range(1500, 2000)} | {"5": "five"}
    assert shown(trial) == sorted(f"{a}={b}" for a, b in wanted.items())
    assert trial.snapshot().state("t").dead == ()
    assert trial.check("records").sound


def test_a_stream_whose_columns_changed_waits_for_a_full_reading(trial: Trial) -> None:
    sync(trial, ABC, outcome=Outcome(checkpoint=1))
    wider = Script([[["9", "i", "j"]]], replace(UPSERTS, checkpoint=2), width=3)
    u = Script([ABC])
    trial.sync(OvertimeSource({"t": wider, "u": u}))
    kept = trial.snapshot().manifest.streams[0]
    assert kept.reason == "its columns changed; it has to be read in full"
    assert shown(trial) == ["1=a", "2=b", "3=c"]
    source = OvertimeSource({"t": replace(wider, outcome=Outcome()), "u": u})
    trial.sync(source)
    assert source.told[0]["t"].checkpoint is None
    assert shown(trial) == ["9=i=j"]


@pytest.mark.parametrize("damage", ["lost", "flipped"])
def test_a_stream_that_is_damaged_is_carried_and_then_read_in_full(
    plain: Trial, damage: str
) -> None:
    u = Script([ABC])
    pages = [many(3000)]
    plain.sync(OvertimeSource({"t": Script(pages, Outcome(checkpoint=1)), "u": u}))
    [path] = plain.place.rglob("*/t/batch-001.json.gz")
    body = path.read_bytes()
    path.chmod(0o600)
    path.unlink()
    if damage == "flipped":
        path.write_bytes(body[:-9] + bytes([body[-9] ^ 1]) + body[-8:])
    source = OvertimeSource({"t": Script([[["5", "five"]]], UPSERTS), "u": u})
    plain.sync(source)
    assert (source.told[0].get("t") is None) == (damage == "lost")
    carried = plain.snapshot().manifest.streams[0]
    assert (carried.status, carried.checkpoint) == ("carried", None)
    assert carried.reason.startswith("what is stored of it is damaged")
    source = OvertimeSource({"t": Script(pages), "u": u})
    plain.sync(source)
    assert "t" not in source.told[0]
    assert shown(plain) == sorted(f"{n}={n}" for n in range(3000))
    assert plain.snapshot().manifest.status == "complete"
