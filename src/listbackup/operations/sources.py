"""`source list`, `source test`: which sources there are, what a backup would find and lack."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from listbackup.app import App, Reach
from listbackup.connectors import ReadOptions
from listbackup.errors import ListbackupError
from listbackup.events import Warned
from listbackup.operations.backups import NotRead, PlannedRead
from listbackup.operations.naming import name_source
from listbackup.operations.rounds import is_named
from listbackup.vault.opening import Vault

if TYPE_CHECKING:
    from listbackup.config.loading import Configuration

Standing = Literal["database", "connected", "not connected", "ended", "unknown"]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source of the configuration: its kind (a connector's name, or an engine), where it is,
    in which file it stands; whether its platform lets us in (`unknown` where no vault is named or
    the credentials do not open), whose account it is there, until when the token that is held
    lasts, and why it ended; the newest snapshot in the vault that is named."""

    source: str
    kind: str
    address: str
    path: str
    standing: Standing
    account: str
    until: datetime | None
    reason: str
    snapshot: str | None
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class SourceTested:
    """A source that let itself be looked at. `complete` says that a backup would leave nothing
    out; `bytes` is the size on the server's disk; `url` bears no secret; `budgets` say what
    is left of a platform's rate limits."""

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
    budgets: tuple[str, ...]


def list_sources(app: App, reach: Reach) -> list[SourceLine]:
    """List the sources of the configuration, in its order. Raises UsageError, RefusedError for a
    configuration that is wrong."""
    found = app.configuration(reach)
    if found is None:
        return []
    vault = _open_vault(app, reach)
    return list(_list(app, reach, found, vault))


def _open_vault(app: App, reach: Reach) -> Vault | None:
    if not app.vault_url(reach):
        return None
    try:
        return app.vault(reach)
    except ListbackupError as error:
        app.emit(Warned(f"The vault was not looked at: {error.message}", error.hint))
        return None


def _list(
    app: App, reach: Reach, found: "Configuration", vault: Vault | None
) -> Iterator[SourceLine]:
    for name, said in found.document.sources.items():
        try:
            endpoint = app.named_endpoint(reach, name)
            address = endpoint.shown
        except ListbackupError as error:
            endpoint, address = None, error.message
        kind = said.connector or (endpoint.connector.engine if endpoint else "")
        standing: tuple[Standing, str, datetime | None, str] = ("database", "", None, "")
        if said.connector is not None:
            standing = _stand(app, reach, name) if vault else ("unknown", "", None, "")
        newest = None
        if vault is not None and name in vault.account.sources:
            newest = vault.source(name).newest()
        yield SourceLine(
            name,
            kind,
            address,
            str(found.file_of(name)),
            *standing,
            newest.name if newest else None,
            newest.end if newest else None,
        )


def _stand(app: App, reach: Reach, name: str) -> tuple[Standing, str, datetime | None, str]:
    from listbackup.connectors.rest.credentials import read_credential
    from listbackup.connectors.rest.opening import Account

    try:
        data = app.credentials(reach, name).read()
        if data is None:
            return "not connected", "", None, ""
        known = read_credential(data)
        for secret in known.every_secret():
            app.redactor.learn(secret)
    except ListbackupError as error:
        return "unknown", "", None, error.message
    account = Account(known.account, known.title).shown
    until = known.tokens.expires if known.tokens else None
    return ("ended" if known.ended else "connected"), account, until, known.ended


def look_at_source(
    app: App,
    source_or_url: str,
    reading: ReadOptions | None = None,
    name: str | None = None,
    reach: Reach | None = None,
) -> SourceTested:
    """Connect and look, without reading or locking. Raises UsageError, AuthError, SourceError."""
    reach = reach or Reach()
    if is_named(source_or_url) and app.configuration(reach) is not None:
        endpoint, name = app.named_endpoint(reach, source_or_url), source_or_url
    else:
        endpoint = app.endpoint(source_or_url)
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
        budgets=found.budgets,
    )
