"""Going on from where an earlier attempt stood: what a reading is told before it begins.

Batches that a dead attempt stored are taken over up to the last place that is whole: each is read
back and hashed again, so that rows and digests are counted by whoever uses them. What has been
taken over for days is stored again, before a sweep may take it for garbage. Knows no source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from listbackup.errors import FailedError, IntegrityError
from listbackup.ids import read_sync_time
from listbackup.records import Before, Json, Stream
from listbackup.records.encodings import open_encoding
from listbackup.records.fingerprints import Fingerprint, Lanes
from listbackup.sync.encoding import Work, open_taker
from listbackup.sync.lineages import DAMAGED, Presence, Rules, find_lineage
from listbackup.sync.matching import KNOWN
from listbackup.vault import layout
from listbackup.vault.batches import CutBatch
from listbackup.vault.codecs import compress
from listbackup.vault.documents import write_document
from listbackup.vault.journals import Placed
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.objects import Objects
from listbackup.vault.places import Place, Told, tell
from listbackup.vault.reading import live_lines
from listbackup.vault.refs import digest
from listbackup.vault.streams import StreamWriter
from listbackup.vault.writer import SyncWriter

COPIED = -1
"""The order of batches that were taken over and stored again; they come before all others."""
OLD = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What is taken over of one stream: `rows` and `lanes` are those of its batches, all new lines;
    `known` the earlier lines that were met again (records of `matching.KNOWN`)."""

    stream: Stream
    place: Json
    batches: tuple[Placed, ...]
    known: bytes
    rows: int
    lanes: Lanes

    def fits(self, stream: Stream, parts: int) -> bool:
        """Tell whether a stream is still read as it was."""
        return parts == 1 and _describe(self.stream) == _describe(stream)

    def hand_on(self, objects: Objects, writer: StreamWriter, now: datetime) -> None:
        """Let a stream's writer begin with the batches. Raises IntegrityError."""
        old = [_is_old(batch, now) for batch in self.batches]
        first = len(old) - old[::-1].index(True) if any(old) else 0
        for batch in self.batches[:first]:
            writer.hold(_copy(objects, batch))
        writer.take_over(self.batches[first:])


def describe_streams(sync: SyncWriter, presence: Presence) -> dict[str, Before]:
    """Say what the base has of every stream. Of what is damaged nothing is said, so that it is
    read in full. Raises what the store raises."""
    base, found = sync.before, {}
    for entry in base.manifest.streams if base else ():
        if base is None or entry.state is None or _is_damaged(entry):
            continue
        try:
            state = base.state(entry.name)
        except IntegrityError:
            continue
        if presence.find_missing(state.refs()) is None:
            size = sum(batch.ref.plain_bytes for batch in state.batches)
            found[entry.name] = Before(entry.checkpoint, None, state.rows, size)
    return found


def tell_streams(sync: SyncWriter, before: Mapping[str, Before]) -> dict[str, Told]:
    """Say what readings of the base's streams build on that are told this."""
    names = [entry.name for entry in sync.base.streams] if sync.base else []
    nothing = Before()
    return {name: tell(sync.known(name), before.get(name, nothing).checkpoint) for name in names}


def take_over(
    sync: SyncWriter,
    told: Mapping[str, Told],
    within: timedelta,
    rules: Rules,
    presence: Presence,
) -> dict[str, TakenOver]:
    """Find, per stream, the last place of the newest attempt that is whole. Raises what the store
    raises."""
    found: dict[str, TakenOver] = {}
    for name, rows in sync.find_places(told, within).items():
        for places in rows:
            taken = _read_back(sync.objects, places)
            if taken is not None and _is_known(sync, taken, rules, presence):
                for batch in taken.batches:
                    sync.keep_alive(batch.batch.key)
                found[name] = taken
                break
    return found


def _read_back(objects: Objects, places: Sequence[Place]) -> TakenOver | None:
    """Read what places name, in order, as far as all is whole."""
    taken = None
    for place in places:
        before = taken or TakenOver(place.stream, None, (), b"", 0, (0, 0, 0, 0))
        try:
            came = _read_place(objects, place)
        except IntegrityError:
            return taken
        total = Fingerprint("", before.rows, before.lanes) + came[1]
        taken = replace(
            before,
            place=place.place,
            batches=(*before.batches, *place.batches),
            known=before.known + came[0],
            rows=total.rows,
            lanes=total.lanes,
        )
    return taken


def _read_place(objects: Objects, place: Place) -> tuple[bytes, Fingerprint]:
    """Give the lines that were met again and what the new ones add up to. Raises IntegrityError
    where anything is not as it was."""
    known = objects.read(place.known) if place.known else b""
    total = Fingerprint("", 0)
    for batch in place.batches:
        total += _recount(objects, place.stream, batch)
    if total != Fingerprint("", place.rows, place.lanes) or len(known) % KNOWN.itemsize:
        raise IntegrityError(f"A place of {place.stream.name} is not what was written.")
    return known, total


def _recount(objects: Objects, stream: Stream, batch: Placed) -> Fingerprint:
    encoding = open_encoding(stream.encoding, stream.schema)
    total, index = Fingerprint("", 0), objects.read(batch.idx)
    width, at = 32 if stream.key_positions else 16, 0
    if batch.part is not None:
        for _ in objects.pieces(batch.part):
            pass
    for chunk in live_lines(objects.pieces(batch.batch), batch.batch, {}):
        hashes = encoding.hash_lines(encoding.to_source(chunk), stream.key_positions)
        if index[at : at + hashes.rows * width] != hashes.index:
            raise IntegrityError(f"{batch.idx.key} does not hold the hashes of its batch.")
        at += hashes.rows * width
        total += Fingerprint("", hashes.rows, hashes.lanes)
    if at != len(index):
        raise IntegrityError(f"{batch.idx.key} holds more hashes than its batch has lines.")
    return total


def _is_known(sync: SyncWriter, taken: TakenOver, rules: Rules, presence: Presence) -> bool:
    """Tell whether what was met again is still there to be built on."""
    stream = taken.stream
    if not taken.known:
        return True
    lineage, _ = find_lineage(sync.before, stream, [""], rules, presence, over_time=True)
    whole = lineage.whole() if lineage else None
    if whole is None:
        return False
    try:
        open_taker(
            Work(
                stream.encoding,
                stream.schema,
                stream.key_positions,
                earlier=whole.earlier,
                apart=True,
                known=taken.known,
                before=taken.rows,
            )
        )
    except FailedError:
        return False
    return True


def _is_old(batch: Placed, now: datetime) -> bool:
    return now - read_sync_time(layout.sync_of(batch.batch.key)) > OLD


def _copy(objects: Objects, batch: Placed) -> CutBatch:
    """Read a batch back as if it had just been cut, without its part: that names the old one."""
    plain = b"".join(objects.pieces(batch.batch))
    return CutBatch(
        compress(plain),
        len(plain),
        digest(plain),
        batch.batch.rows,
        objects.read(batch.idx),
        batch.home,
        order=COPIED,
    )


def _is_damaged(entry: StreamEntry) -> bool:
    return entry.status == "carried" and entry.reason.startswith(DAMAGED)


def _describe(stream: Stream) -> tuple[object, ...]:
    schema = write_document(dict(stream.schema))
    return stream.encoding, stream.key, stream.key_positions, schema
