"""Places: how far a stream that is read over time had been read when a journal was put.

A sync that dies half way leaves, in its journals, per stream a row of places: each names the
batches and the lines that were met again since the one before it, and what a later reading needs to
go on from there. Nobody reads the source again up to a place, so a place is signed: what it names
becomes part of a snapshot. A place is good for the state and the checkpoint that its reading was
told, and no longer than until the stream was read to its end. Knows no source.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from listbackup.clock import Clock, format_time, parse_time
from listbackup.crypto.signing import Envelope, SigningKey, read_envelope, write_envelope
from listbackup.errors import IntegrityError, RefusedError
from listbackup.records import Json, Stream
from listbackup.records.fingerprints import Lanes
from listbackup.vault import layout
from listbackup.vault.accounts import Account
from listbackup.vault.documents import Fields, read_document, write_document
from listbackup.vault.fetching import fetch_all
from listbackup.vault.journals import Placed, list_journals
from listbackup.vault.manifest import Manifest, StreamEntry
from listbackup.vault.objects import Objects
from listbackup.vault.refs import Ref, read_ref
from listbackup.vault.sources import SourceView

TYPE = "listbackup/place/1"


@dataclass(frozen=True, slots=True)
class Told:
    """What a reading built on: the key of the stream's state list, the digest of the checkpoint."""

    state: str | None
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Place:
    """One place. `passed` counts how often the reading had started over, `number` the places since;
    `batches`, `known` (see `sync.matching`), `rows` and `lanes` are what came since the one before:
    rows and sums of digests of new lines only."""

    stream: Stream
    sync: str
    passed: int
    number: int
    at: datetime
    told: Told
    place: Json
    batches: tuple[Placed, ...]
    known: Ref | None
    rows: int
    lanes: Lanes


def tell(entry: StreamEntry | None, checkpoint: Json) -> Told:
    """Say what a reading builds on that was told this checkpoint."""
    text = json.dumps(checkpoint, sort_keys=True, separators=(",", ":")).encode("ascii")
    state = entry.state.key if entry is not None and entry.state is not None else None
    return Told(state, hashlib.sha256(text).hexdigest())


def write_place(place: Place, view: SourceView, signer: SigningKey) -> Mapping[str, Any]:
    """Write a place as journals hold it, signed."""
    stream = place.stream
    payload = write_document(
        {
            "requires": [],
            "vault": view.ledger.vault,
            "account": view.ledger.account,
            "source": view.name,
            "sync": place.sync,
            "stream": stream.name,
            "pass": place.passed,
            "number": place.number,
            "at": format_time(place.at),
            "state": place.told.state,
            "checkpoint": place.told.checkpoint,
            # as text: a place may be nested as deeply as its reading likes
            "place": json.dumps(place.place),
            "batches": [one.to_json() for one in place.batches],
            "known": place.known.to_json() if place.known else None,
            "rows": place.rows,
            "lanes": [str(lane) for lane in place.lanes],
            "encoding": stream.encoding,
            "key": list(stream.key),
            "positions": list(stream.key_positions),
            "schema": dict(stream.schema),
        }
    )
    envelope: Mapping[str, Any] = json.loads(write_envelope(TYPE, payload, signer))
    return envelope


def find_places(
    objects: Objects,
    account: Account,
    view: SourceView,
    base: Manifest | None,
    told: Mapping[str, Told],
    clock: Clock,
    within: timedelta,
) -> Mapping[str, Sequence[Sequence[Place]]]:
    """Give, per stream, what earlier attempts left for whoever is told the same: of each attempt
    its places in order, newest attempt first. What is damaged or not signed by a signer of the
    account is passed over. Raises what the store raises."""
    entries = {one.name: one for one in base.streams} if base else {}
    nothing, now = tell(None, None), clock.now()
    found: dict[tuple[str, str], list[Place]] = {}
    last = [_read_last(base, one) for one in (None, *entries.values())]
    journals = [
        (key, sealed)
        for key, sealed in list_journals(objects, view, now - within, now)
        if layout.sync_of(key) > min(last)
    ]
    read = partial(_read_places, objects, account, view)
    for places in fetch_all(read, journals, clock):
        for place in places:
            name = place.stream.name
            usable = (
                now - within <= place.at <= now
                and place.sync > _read_last(base, entries.get(name))
                and place.told == told.get(name, nothing)
            )
            if usable:
                found.setdefault((name, place.sync), []).append(place)
    rows: dict[str, list[list[Place]]] = {}
    for (name, _), places in found.items():
        row = list(_line_up(places))
        if row:
            rows.setdefault(name, []).append(row)
    for several in rows.values():
        several.sort(key=lambda row: row[-1].at, reverse=True)
    return rows


def _read_last(base: Manifest | None, entry: StreamEntry | None) -> str:
    """Name the last sync that read a stream to its end; places that are older have served."""
    if base is None:
        return ""
    if entry is None or entry.status != "carried":
        return base.sync
    return entry.carried_from or ""


def _line_up(places: Iterable[Place]) -> Iterator[Place]:
    """Give the places of the last pass, as far as none is missing."""
    ordered = sorted(places, key=lambda one: (one.passed, one.number))
    last = [one for one in ordered if one.passed == ordered[-1].passed]
    for number, place in enumerate(last, 1):
        if place.number != number or place.stream != last[0].stream:
            return
        yield place


def _read_places(
    objects: Objects, account: Account, view: SourceView, journal: tuple[str, bool]
) -> list[Place]:
    key, sealed = journal
    what = f"The journal {key}"
    try:
        fields = read_document(objects.read_unnamed(key, sealed), what)
        found = [
            read_envelope(json.dumps(one).encode(), TYPE) for one in fields.items("places", [])
        ]
        payloads = [read_document(one.payload, what) for one in found if _is_ours(account, one)]
        return [_read_place(one, view, layout.sync_of(key)) for one in payloads]
    except (IntegrityError, RefusedError):
        # nothing rests on a journal: what it would have saved is read again
        return []


def _is_ours(account: Account, envelope: Envelope) -> bool:
    signers = [key for key, _, _ in account.signers.values()]
    own = [account.own] if account.own is not None else []
    return any(envelope.signed_by(key) for key in (*signers, *own))


def _read_place(fields: Fields, view: SourceView, sync: str) -> Place:
    names = ("vault", "account", "source", "sync")
    if [fields.text(one) for one in names] != [
        view.ledger.vault,
        view.ledger.account,
        view.name,
        sync,
    ]:
        raise IntegrityError(f"{fields.what} holds another sync's place.")
    within = layout.source_prefix(view.ledger.account, view.name)
    try:
        first, second, third, fourth = (int(lane) for lane in fields.texts("lanes"))
        positions = tuple(int(one) for one in fields.items("positions"))
        at, place = parse_time(fields.text("at")), json.loads(fields.text("place"))
    except (ValueError, TypeError, RecursionError) as error:
        raise IntegrityError(f"{fields.what} holds a place that does not parse.") from error
    return Place(
        stream=Stream(
            fields.text("stream"),
            fields.text("encoding"),
            fields.mapping("schema"),
            fields.texts("key"),
            positions,
        ),
        sync=sync,
        passed=fields.number("pass"),
        number=fields.number("number"),
        at=at,
        told=Told(fields.optional_text("state"), fields.text("checkpoint")),
        place=place,
        batches=tuple(Placed.read(one, within) for one in fields.each("batches")),
        known=read_ref(fields.fields("known"), within) if fields.value.get("known") else None,
        rows=fields.number("rows"),
        lanes=(first, second, third, fourth),
    )
