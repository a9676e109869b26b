"""Whether every row of a reading is a row of the snapshot: what can be proven of rows that were
chosen by a condition. Memory for the restored rows' digests only."""

from collections import Counter

from listbackup.records import Reading, StoredStream, Stream
from listbackup.records.encodings import open_encoding
from listbackup.records.restoring import Difference


def describe_foreign_rows(
    stored: StoredStream, reading: Reading, stream: Stream
) -> Difference | None:
    """Count the rows that are there and not in the snapshot; None if there are none."""
    encoding = open_encoding(stored.encoding, stored.schema)
    there: Counter[bytes] = Counter()
    for part in reading.parts(stream):
        for chunk in reading.read(part):
            there.update(digest[:16] for digest in encoding.digest_lines(chunk))
    rows = there.total()
    for chunk in stored.chunks():
        if not there:
            return None
        for digest in encoding.digest_lines(chunk):
            left = there.get(digest[:16])
            if left == 1:
                del there[digest[:16]]
            elif left:
                there[digest[:16]] = left - 1
    foreign = there.total()
    if not foreign:
        return None
    expected = f"some of the snapshot's {stored.rows} rows"
    return Difference(
        stored.name, "values", expected, f"{rows} rows, {foreign} of them not in the snapshot"
    )
