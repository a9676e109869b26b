"""Writing what a vault has of a stream anew, from the vault: a stream that is read over time may
show its source only what changed. Knows no source."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import NO_LANES, Lanes, add_lanes
from listbackup.sync.encoding import LocalEncoder, Tally, Typing, plan_work
from listbackup.vault.objects import Objects
from listbackup.vault.reading import live_lines
from listbackup.vault.states import Runs, State
from listbackup.vault.streams import StreamWriter

FIRST = -1
"""The order of what was there before everything that was read."""


def write_anew(
    writer: StreamWriter,
    objects: Objects,
    kept: State,
    dead: Mapping[str, Runs],
    *,
    typed: bool,
) -> tuple[int, Lanes]:
    """Hand the lines of a state that are not among `dead` to a stream's writer, as new batches.
    Gives their number and the sum of their digests. Raises IntegrityError, FailedError."""
    stream = writer.stream
    encoding = open_encoding(stream.encoding, stream.schema)
    rows, lanes = 0, NO_LANES

    def tell(tally: Tally) -> None:
        nonlocal rows, lanes
        rows, lanes = rows + tally.rows, add_lanes(lanes, tally.lanes)

    encoder = LocalEncoder()
    try:
        for home in dict.fromkeys(batch.home for batch in kept.batches):
            typing = Typing(writer.prefix, writer.highest + 1, 1) if typed else None
            work = replace(plan_work(stream, home), order=FIRST, typing=typing)
            encoder.begin(work, writer.hold, tell)
            for chunk in _read_home(objects, kept, home, dead):
                encoder.add(encoding.to_source(chunk))
            encoder.finish()
    finally:
        encoder.close()
    return rows, lanes


def _read_home(
    objects: Objects, kept: State, home: str, dead: Mapping[str, Runs]
) -> Iterator[bytes]:
    for batch in kept.batches:
        if batch.home == home:
            yield from live_lines(objects.pieces(batch.ref), batch.ref, dead)
