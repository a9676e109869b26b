"""What `check --records` alone can see: bytes that are whole, and hashes that are not theirs."""

from listbackup.records import AsOf
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Fingerprint, digest_schema
from listbackup.testing.readings import MOMENT, ListedReading, ListedSource, write_copy_line
from listbackup.testing.vaults import Rows, Trial
from listbackup.vault.beginning import begin_sync

ROWS: Rows = [["1", "a"], ["2", "b"], ["3", "c"]]
OTHERS: Rows = [["1", "a"], ["2", "x"], ["3", "c"]]


def commit(trial: Trial, *, hashed: Rows = ROWS, counted: Rows = ROWS) -> None:
    """Commit `ROWS` with the hashes of some rows beside them, and the fingerprint of others."""
    reading = ListedReading(ListedSource({"t": ROWS}))
    [stream] = reading.streams
    encoding = open_encoding(stream.encoding, stream.schema)
    lines, beside, whole = (
        b"".join(write_copy_line(row) for row in rows) for rows in (ROWS, hashed, counted)
    )
    writer = begin_sync(trial.open(), "shop")
    try:
        writing = writer.stream(stream)
        batch = writing.batch()
        index = encoding.hash_lines(beside, stream.key_positions).index
        batch.add(encoding.to_lines(lines), index, len(ROWS))
        batch.finish()
        lanes = encoding.hash_lines(whole, ()).lanes
        fingerprint = Fingerprint(digest_schema(stream.schema), len(ROWS), lanes)
        entry = writing.close(fingerprint, None)
        moment = AsOf(MOMENT, MOMENT)
        writer.commit(reading.identity, moment, [entry], (), reading.finish(), ())
    finally:
        writer.close()


def findings(trial: Trial) -> list[str]:
    assert trial.check("data").sound
    return [one.problem for one in trial.check("records").findings]


def test_lines_with_their_own_hashes_and_fingerprint_are_sound(trial: Trial) -> None:
    commit(trial)
    assert findings(trial) == []


def test_a_line_that_is_not_the_one_that_was_hashed_is_named(trial: Trial) -> None:
    commit(trial, hashed=OTHERS)
    [problem] = findings(trial)
    assert problem.startswith("Line 1 of ")
    assert "not the line that was hashed" in problem


def test_a_stream_without_the_fingerprint_that_it_was_read_with_is_named(trial: Trial) -> None:
    commit(trial, counted=OTHERS)
    assert findings(trial) == ["t does not have the fingerprint it was read with."]
