"""`source test`: what a backup would find at an address, and what it would lack."""

from dataclasses import dataclass

from listbackup.app import App
from listbackup.connectors import ReadOptions
from listbackup.operations.backups import NotRead, PlannedRead
from listbackup.operations.naming import name_source


@dataclass(frozen=True, slots=True)
class SourceTested:
    """A source that let itself be looked at. `complete` says that a backup would leave nothing
    out; `bytes` is the size on the server's disk; `url` bears no secret."""

    url: str
    source: str
    engine: str
    server: str
    container: str
    version: str
    tested: bool
    user: str
    superuser: bool
    on_replica: bool
    encrypted: bool
    bytes: int
    complete: bool
    streams: tuple[PlannedRead, ...]
    excluded: tuple[str, ...]
    not_read: tuple[NotRead, ...]
    declared: tuple[str, ...]
    warnings: tuple[str, ...]


def look_at_source(
    app: App, url: str, reading: ReadOptions | None = None, name: str | None = None
) -> SourceTested:
    """Connect and look, without reading or locking. Raises UsageError, AuthError, SourceError."""
    endpoint = app.endpoint(url)
    source = name_source(endpoint, name)
    found = app.inspect(endpoint, reading or ReadOptions())
    return SourceTested(
        url=found.url,
        source=source,
        engine=found.identity.engine,
        server=found.identity.server,
        container=found.identity.container,
        version=found.identity.version,
        tested=found.tested,
        user=found.user,
        superuser=found.superuser,
        on_replica=found.on_replica,
        encrypted=found.encrypted,
        bytes=found.bytes,
        complete=found.complete,
        streams=tuple(PlannedRead(one.name, one.rows, one.bytes) for one in found.streams),
        excluded=found.excluded,
        not_read=tuple(NotRead(one.name, 0, None, one.reason) for one in found.unread),
        declared=tuple(f"{one.subject}: {one.what} ({one.reason})" for one in found.declared),
        warnings=found.warnings,
    )
