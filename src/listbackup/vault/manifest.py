"""The manifest: everything in one snapshot, named by its commit entry.

Per stream its status and the ref of its state list; the extras; what is declared; what could not
be read; every object that the sync put. Knows nothing of ledgers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from listbackup.clock import format_time, parse_time
from listbackup.errors import IntegrityError, RefusedError
from listbackup.records import AsOf, Declared, Identity, SetAside, StreamStatus
from listbackup.vault.documents import Fields, write_document
from listbackup.vault.layout import source_prefix
from listbackup.vault.refs import Ref, StoredObject, read_ref, read_stored_object

FORMAT = 1
STATUSES = ("complete", "upserts", "carried")
MOST_SET_ASIDE = 1000
"""Records set aside that a manifest lists by key; all are counted."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One stream of a snapshot. `carried_from` is the sync whose state list it still is; a stream
    that was never read has neither that nor a state. `checkpoint` is what the next reading is told;
    `set_aside` are the first of the `set_aside_count` records that could not be read."""

    name: str
    path: str
    status: StreamStatus
    state: Ref | None
    rows: int = 0
    carried_from: str | None = None
    reason: str = ""
    checkpoint: Any = None
    set_aside: tuple[SetAside, ...] = ()
    set_aside_count: int = 0

    def to_json(self) -> dict[str, Any]:
        """Write it; what was read over time says more than other streams do."""
        value = {
            "name": self.name,
            "path": self.path,
            "status": self.status,
            "state": self.state.to_json() if self.state else None,
            "rows": self.rows,
            "carried_from": self.carried_from,
            "reason": self.reason,
        }
        if self.checkpoint is not None:
            value["checkpoint"] = self.checkpoint
        if self.set_aside_count:
            listed = [
                {"key": one.key.decode("utf-8", "surrogateescape"), "reason": one.reason}
                for one in self.set_aside
            ]
            value["set_aside"] = {"count": self.set_aside_count, "listed": listed}
        return value


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole manifest."""

    vault: str
    account: str
    source: str
    sync: str
    name: str
    started: datetime
    as_of: AsOf
    status: str
    reasons: tuple[str, ...]
    identity: Identity
    streams: tuple[StreamEntry, ...]
    extras: tuple[tuple[str, Ref], ...]
    objects: tuple[StoredObject, ...]
    definitions: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    declared: tuple[Declared, ...] = ()
    base: str | None = None
    tool: str = ""

    def to_bytes(self) -> bytes:
        """Write it."""
        return write_document(
            {
                "format": FORMAT,
                "requires": [],
                "vault": self.vault,
                "account": self.account,
                "source": self.source,
                "sync": self.sync,
                "name": self.name,
                "started": format_time(self.started),
                "as_of": {"from": format_time(self.as_of.start), "to": format_time(self.as_of.end)},
                "status": self.status,
                "reasons": list(self.reasons),
                "identity": {
                    "engine": self.identity.engine,
                    "server": self.identity.server,
                    "container": self.identity.container,
                    "version": self.identity.version,
                },
                "streams": [one.to_json() for one in self.streams],
                "extras": [{"kind": kind, "ref": ref.to_json()} for kind, ref in self.extras],
                "definitions": self.definitions,
                "facts": dict(self.facts),
                "declared": [
                    {"what": one.what, "subject": one.subject, "reason": one.reason}
                    for one in self.declared
                ],
                "base": self.base,
                "tool": self.tool,
                "objects": [one.to_json() for one in self.objects],
            }
        )


def read_manifest(fields: Fields, vault: str, account: str, source: str, sync: str) -> Manifest:
    """Read the manifest of a known sync. Raises IntegrityError when it is another's, RefusedError
    when it is of a later format."""
    if fields.number("format") != FORMAT:
        raise RefusedError(
            f"{fields.what} is of format {fields.number('format')}, not {FORMAT}.",
            risk="No data is at risk.",
            hint="Use a newer version of listbackup for this vault.",
        )
    names = ("vault", "account", "source", "sync")
    if tuple(fields.text(name) for name in names) != (vault, account, source, sync):
        raise IntegrityError(f"{fields.what} is another snapshot's.")
    within = source_prefix(account, source)
    streams = tuple(_read_stream(one, within) for one in fields.each("streams"))
    if len({one.name for one in streams}) != len(streams):
        raise IntegrityError(f"{fields.what} names a stream twice.")
    moment, identity = fields.fields("as_of"), fields.fields("identity")
    try:
        start, end = parse_time(moment.text("from")), parse_time(moment.text("to"))
        started = parse_time(fields.text("started"))
    except ValueError as error:
        raise IntegrityError(f"{fields.what} holds a time that does not parse.") from error
    return Manifest(
        vault=vault,
        account=account,
        source=source,
        sync=sync,
        name=fields.text("name"),
        started=started,
        as_of=AsOf(start, end),
        status=fields.text("status"),
        reasons=fields.texts("reasons"),
        identity=Identity(
            *(identity.text(name) for name in ("engine", "server", "container", "version"))
        ),
        streams=streams,
        extras=tuple(
            (one.text("kind"), read_ref(one.fields("ref"), within)) for one in fields.each("extras")
        ),
        objects=tuple(read_stored_object(one, within) for one in fields.each("objects")),
        definitions=fields.optional_text("definitions"),
        facts=fields.mapping("facts"),
        declared=tuple(
            Declared(one.text("what"), one.text("subject"), one.text("reason"))
            for one in fields.each("declared")
        ),
        base=fields.optional_text("base"),
        tool=fields.text("tool"),
    )


def _read_stream(fields: Fields, within: str) -> StreamEntry:
    status = fields.text("status")
    if status not in STATUSES:
        raise IntegrityError(f"{fields.what} has the unknown status {status!r}.")
    state = fields.value.get("state")
    if state is None and status != "carried":
        raise IntegrityError(f"{fields.what} calls a stream {status} that has no state.")
    listed, count = _read_set_aside(fields)
    return StreamEntry(
        name=fields.text("name"),
        path=fields.text("path"),
        status=cast(StreamStatus, status),
        state=read_ref(fields.fields("state"), within) if state is not None else None,
        rows=fields.number("rows"),
        carried_from=fields.optional_text("carried_from"),
        reason=fields.text("reason"),
        checkpoint=fields.value.get("checkpoint"),
        set_aside=listed,
        set_aside_count=count,
    )


def _read_set_aside(fields: Fields) -> tuple[tuple[SetAside, ...], int]:
    if fields.value.get("set_aside") is None:
        return (), 0
    said = fields.fields("set_aside")
    listed = tuple(
        SetAside(one.text("key").encode("utf-8", "surrogateescape"), one.text("reason"))
        for one in said.each("listed")
    )
    return listed, said.number("count", least=max(1, len(listed)))
