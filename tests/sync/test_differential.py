"""Later syncs store what is new, name what went, and lose nothing of either."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listbackup.events import StreamDone
from listbackup.records.fingerprints import Fingerprint
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedReading, ListedSource, write_copy_line
from listbackup.testing.vaults import Rows, Trial, expect, make_rows
from listbackup.vault.manifest import StreamEntry

MANY = make_rows(3000)


@pytest.fixture(params=["sealed", "none"])
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Trial:
    """Give a fresh vault, once sealed and once plain."""
    trial = Trial(tmp_path, play_host(5), request.param)
    trial.create()
    return trial


def entry(trial: Trial, name: str = "t", words: str = "latest") -> StreamEntry:
    return next(one for one in trial.snapshot(words).manifest.streams if one.name == name)


def lines(rows: Rows) -> Counter[bytes]:
    return Counter(write_copy_line(row) for row in rows)


def restored(trial: Trial, words: str = "latest", name: str = "t") -> Counter[bytes]:
    return Counter(line + b"\n" for line in trial.restore(words)[name].split(b"\n")[:-1])


def done(trial: Trial) -> StreamDone:
    return [one for one in trial.events if isinstance(one, StreamDone)][-1]


def stored(trial: Trial) -> int:
    return sum(path.stat().st_size for path in trial.place.rglob("*") if path.is_file())


def test_a_stream_without_change_stores_nothing_and_refers_to_its_earlier_state(
    trial: Trial,
) -> None:
    source = ListedSource({"t": MANY, "other": make_rows(20)})
    trial.sync(source)
    first = {name: entry(trial, name).state for name in ("t", "other")}
    result = trial.sync(source)
    assert {name: entry(trial, name).state for name in ("t", "other")} == first
    assert result.new_rows == 0
    assert trial.restore() == expect(source.streams)
    assert trial.check("records").sound


@pytest.mark.parametrize("options", [{}, {"children_from": 0}], ids=["here", "beside"])
@pytest.mark.parametrize("parts", [1, 3])
def test_only_new_lines_are_stored(trial: Trial, parts: int, options: dict[str, Any]) -> None:
    trial.sync(ListedSource({"t": MANY}, parts=parts), **options)
    before = stored(trial)
    after = [*MANY[:500], *make_rows(4, "new"), *MANY[501:]]
    trial.sync(ListedSource({"t": after}, parts=1), **options)
    told = done(trial)
    # a slice that is no more is looked for in the first of those that are
    assert (told.new, told.gone) == (4, 1)
    assert stored(trial) - before < 30_000
    assert restored(trial) == lines(after)
    assert restored(trial, "latest~1") == lines(MANY)
    assert trial.check("records").sound


def test_values_that_are_not_stored_count_as_a_change(trial: Trial) -> None:
    def generate(mark: str) -> Fingerprint:
        return Fingerprint("sha256:" + "0" * 64, len(MANY), (len(mark), 0, 0, 0))

    class Generating(ListedSource):
        """A source with a column that its server computes."""

        generated = generate("")

        def open(self) -> ListedReading:
            reading = super().open()
            closing = replace(reading.finish(), generated={"t": self.generated})
            reading.finish = lambda: closing  # type: ignore[method-assign]
            return reading

    source = Generating({"t": MANY})
    trial.sync(source)
    first = entry(trial).state
    trial.sync(source)
    assert entry(trial).state == first
    source.generated = generate("another formula")
    trial.sync(source)
    assert trial.snapshot().state("t").generated == source.generated
    assert trial.snapshot("latest~1").state("t").generated == generate("")
    assert trial.snapshot().state("t").batches == trial.snapshot("latest~1").state("t").batches


def test_a_schema_that_says_something_else_is_stored_with_the_lines_as_they_were(
    trial: Trial,
) -> None:
    class Moved(ListedSource):
        """A source whose table is loaded into another one."""

        def open(self) -> ListedReading:
            reading = super().open()
            [stream] = reading.streams
            reading.streams = [replace(stream, schema={**stream.schema, "load_into": "u"})]
            return reading

    trial.sync(ListedSource({"t": MANY}))
    trial.sync(Moved({"t": MANY}))
    before, after = (trial.snapshot(words).streams["t"] for words in ("latest~1", "latest"))
    assert (before.schema.get("load_into"), after.schema.get("load_into")) == (None, "u")
    assert before.batches == after.batches
    assert restored(trial) == lines(MANY)


def test_equal_lines_without_a_key_are_counted(trial: Trial) -> None:
    once: Rows = [["a"], ["b"], ["c"]]
    source = ListedSource({"t": [*once, *once, *once, ["a"]]}, keyed=False)
    trial.sync(source)
    after: Rows = [["a"], ["a"], ["b"], ["d"], ["d"]]
    trial.sync(replace(source, streams={"t": after}))
    assert (done(trial).new, done(trial).gone) == (2, 7)
    assert restored(trial) == lines(after)
    assert trial.check("records").sound


def test_a_line_that_went_may_come_again(trial: Trial) -> None:
    for rows in (MANY, MANY[10:], MANY, MANY[:-1], MANY):
        trial.sync(ListedSource({"t": rows}))
        assert restored(trial) == lines(rows)
    assert len(trial.snapshot().state("t").batches) > 2
    assert trial.check("records").sound


def test_a_stream_of_which_most_went_is_written_anew(trial: Trial) -> None:
    trial.sync(ListedSource({"t": MANY}))
    trial.sync(ListedSource({"t": MANY[:1000]}))
    assert len(trial.snapshot().state("t").dead) == 1
    trial.sync(ListedSource({"t": MANY[:1000]}))
    state = trial.snapshot().state("t")
    assert (len(state.batches), len(state.dead)) == (1, 0)
    assert "most of what it was built from is gone" in done(trial).reason
    assert restored(trial) == lines(MANY[:1000])


def test_a_stream_whose_columns_changed_is_written_anew_and_says_so(trial: Trial) -> None:
    trial.sync(ListedSource({"t": MANY}))
    wider: Rows = [[*row, "more"] for row in MANY]
    result = trial.sync(ListedSource({"t": wider}))
    assert "columns changed" in done(trial).reason
    assert result.commit.status == "complete"
    assert restored(trial) == lines(wider)
    assert restored(trial, "latest~1") == lines(MANY)


def test_a_stream_that_lost_its_key_is_written_anew(trial: Trial) -> None:
    trial.sync(ListedSource({"t": MANY}))
    trial.sync(ListedSource({"t": MANY}, keyed=False))
    assert "key changed" in done(trial).reason
    assert restored(trial) == lines(MANY)


def test_a_batch_that_is_old_is_written_anew(trial: Trial) -> None:
    trial.sync(ListedSource({"t": MANY}))
    trial.sync(ListedSource({"t": MANY}), rebase_after=timedelta(seconds=-1))
    assert "oldest batch is due" in done(trial).reason
    assert restored(trial) == lines(MANY)


@pytest.mark.parametrize("suffix", ["idx", "json.gz"])
@pytest.mark.parametrize("damage", ["lost", "cut", "flipped"])
def test_nothing_is_built_on_damaged_ground(trial: Trial, suffix: str, damage: str) -> None:
    trial.sync(ListedSource({"t": MANY}))
    [path] = trial.place.rglob(f"*/t/batch-001.{suffix}*")
    body = path.read_bytes()
    path.chmod(0o600)
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(body[:-1] if damage == "cut" else bytes([body[0] ^ 1]) + body[1:])
    trial.sync(ListedSource({"t": MANY}))
    if (suffix, damage) == ("json.gz", "flipped"):
        # that costs reading everything: it is what `check --read-data` is for
        assert not trial.check("data").sound
        return
    assert "damaged" in done(trial).reason
    assert restored(trial) == lines(MANY)
    [finding] = trial.check("data").findings
    assert len(finding.snapshots) == 1


def test_a_carried_stream_is_built_on_when_it_can_be_read_again(trial: Trial) -> None:
    trial.sync(ListedSource({"t": MANY, "u": make_rows(3)}))
    trial.sync(ListedSource({"t": MANY[1:], "u": make_rows(3)}, failing=("t",)))
    after = [*MANY[1:], *make_rows(1, "new")]
    trial.sync(ListedSource({"t": after, "u": make_rows(3)}))
    assert (done(trial).stream, done(trial).new) in {("t", 1), ("u", 0)}
    assert restored(trial) == lines(after)
    assert trial.check("records").sound


def test_a_random_life_is_kept_at_every_moment(trial: Trial) -> None:
    dice = random.Random(11)
    rows: list[list[str | None]] = [[str(n), str(dice.randrange(5))] for n in range(400)]
    history: list[Counter[bytes]] = []
    for step in range(25):
        for _ in range(dice.randrange(40)):
            at = dice.randrange(len(rows)) if rows else 0
            match dice.randrange(4):
                case 0 if rows:
                    rows.pop(at)
                case 1 if rows:
                    rows[at] = [rows[at][0], str(dice.randrange(9))]
                case 2 if rows:
                    rows.insert(at, list(rows[at]))
                case _:
                    rows.append([str(step * 1000 + at), None])
        source = ListedSource({"t": [list(row) for row in rows]}, parts=dice.choice([1, 2, 3]))
        trial.sync(replace(source, keyed=False), jobs=2)
        history.append(lines(rows))
    for back, wanted in enumerate(reversed(history)):
        assert restored(trial, f"latest~{back}") == wanted
    assert trial.check("records").sound


class Doubtful(ListedSource):
    """A source whose streams are not of one moment."""

    def open(self) -> ListedReading:
        reading = super().open()
        reading.consistent = False
        return reading


def test_a_mass_delete_of_a_doubtful_source_is_held_back_once(trial: Trial) -> None:
    trial.sync(Doubtful({"t": MANY}))
    changed = [[row[0], "changed", row[2]] for row in MANY[:100]]
    short = [*changed, *MANY[100:1000], *make_rows(1, "x")[:0]]
    result = trial.sync(Doubtful({"t": short}))
    assert result.commit.status == "partial"
    assert entry(trial).status == "upserts"
    assert result.reasons == ["t: mass delete held back: 2,000 of 3,000 lines"]
    assert restored(trial) == lines([*changed, *MANY[100:]])
    assert trial.check("records").sound
    again = trial.sync(Doubtful({"t": short}))
    assert (again.commit.status, entry(trial).status) == ("complete", "complete")
    assert restored(trial) == lines(short)
    assert trial.check("records").sound


def test_a_mass_delete_is_taken_where_it_is_accepted_or_the_source_is_consistent(
    trial: Trial,
) -> None:
    trial.sync(Doubtful({"t": MANY}))
    trial.sync(Doubtful({"t": MANY[:100]}), accept_deletes=True)
    assert (entry(trial).status, entry(trial).rows) == ("complete", 100)
    trial.sync(ListedSource({"u": MANY}), "other")
    trial.sync(ListedSource({"u": MANY[:100]}), "other")
    assert entry(trial, "u", "other:latest").status == "complete"


def test_few_deletes_of_a_doubtful_source_are_believed(trial: Trial) -> None:
    trial.sync(Doubtful({"t": MANY}))
    trial.sync(Doubtful({"t": MANY[500:]}))
    assert (entry(trial).status, entry(trial).rows) == ("complete", 2500)
