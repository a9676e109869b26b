"""`source add`, `source reconnect`, `source remove`: a platform connected, anew, no more.

What a person consents to or gives is tried first, sealed second; the stanza, which makes it a
source, is written last. Snapshots are never touched here.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from listbackup.app import App, Reach
from listbackup.config.models import NamedSource
from listbackup.config.stanzas import Value, stanza_path, write_stanza
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.credentials import (
    Credential,
    Keeper,
    MemoryKeeper,
    read_credential,
    write_credential,
)
from listbackup.connectors.rest.loading import is_file, load_platform
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.opening import Account
from listbackup.errors import (
    FailedError,
    IntegrityError,
    ListbackupError,
    RefusedError,
    UsageError,
    WrongKeyError,
)
from listbackup.events import Warned
from listbackup.operations.connecting import ask_settings, choose_auth, connect
from listbackup.operations.revoking import revoke
from listbackup.operations.secrets import Given, Person
from listbackup.vault.credentials import SealedCredential
from listbackup.vault.installation import write_durably
from listbackup.vault.layout import check_id

if TYPE_CHECKING:
    from listbackup.config.loading import Configuration

PATIENCE = 600.0
"""So many seconds are waited for another process that renews the same tokens."""


@dataclass(frozen=True, slots=True)
class AddWishes:
    """Which platform, under which name, with what; `connector` is a platform's name or the path
    of its YAML. URLs stand in place of the platform's own."""

    connector: str
    name: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    auth: str | None = None
    base_url: str | None = None
    authorize_url: str | None = None
    token_url: str | None = None
    revoke_url: str | None = None
    allow_private_hosts: bool = False
    given: Given = field(default_factory=Given)


@dataclass(frozen=True, slots=True)
class SourceConnected:
    """A source whose platform let us in: whose account it is there (empty where the platform does
    not say), by which way, and where its stanza stands."""

    source: str
    platform: str
    way: str
    account: str
    title: str
    host: str
    path: str
    added: bool


@dataclass(frozen=True, slots=True)
class SourceRemoved:
    """A source that is none any more. `revoked`: the platform took its tokens back, None where it
    has no such thing; `stanza` is the file that was deleted, empty where the source stands in the
    configuration file. Its snapshots stay."""

    source: str
    forgotten: bool
    revoked: bool | None
    stanza: str


def add_source(app: App, reach: Reach, wishes: AddWishes, person: Person) -> SourceConnected:
    """Connect a platform and write it down as a source. Raises UsageError, AuthError,
    RefusedError where the name is taken, SourceError."""
    connector = name_connector(wishes.connector)
    platform = load_platform(connector)
    name = check_id(wishes.name or platform.platform, "the name of a source")
    path = stanza_path(app.directories.config, name)
    _refuse_taken(app, reach, name, path)
    stanza = draft_stanza(platform, connector, wishes, person)
    said = read_stanza(path, name, stanza)
    # The vault is opened first: consent is asked for nothing that could not be kept.
    keeper = app.credentials(reach, name)
    keeper.prepare()
    connection = app.connection(reach, name, said, MemoryKeeper())
    credential = connect(app, connection, wishes.given, person)
    with keeper.lease(PATIENCE):
        _write_source(app, keeper, credential, path, stanza)
    return _tell(connection, credential, path, added=True)


def reconnect_source(
    app: App, reach: Reach, name: str, given: Given, person: Person, *, accept_new: bool = False
) -> SourceConnected:
    """Connect a platform's source anew: another key, another consent. Raises as `add_source`;
    RefusedError where it is another account of the platform now."""
    found, said = _find(app, reach, name)
    keeper = app.credentials(reach, name)
    keeper.prepare()
    known = _look(app, keeper)
    connection = app.connection(reach, name, said, MemoryKeeper())
    credential = connect(app, connection, given, person, known)
    if known is not None and known.account and credential.account != known.account:
        same_platform = known.platform == credential.platform
        if same_platform and not accept_new:
            raise RefusedError(
                f"This is another account of {connection.platform.title}: "
                f"{_name(credential)}, not {_name(known)}.",
                subject=name,
                risk="What was known before still holds; nothing was written.",
                hint="Connect the right account; give a new one a source of its own; or say "
                "--accept-new-account.",
            )
    with keeper.lease(PATIENCE):
        keeper.write(write_credential(credential))
    return _tell(connection, credential, found.file_of(name), added=False)


def remove_source(app: App, reach: Reach, name: str) -> SourceRemoved:
    """Forget a platform's source: tokens are given back, what opened it is deleted, and its
    stanza where that is a file of its own. Raises UsageError."""
    found, said = _find(app, reach, name)
    keeper = app.credentials(reach, name)
    revoked = None
    # Whoever renews tokens meanwhile would write them down after they were forgotten.
    with keeper.lease(PATIENCE):
        known = _look(app, keeper)
        if known is not None and known.tokens is not None:
            revoked = _give_back(app, reach, name, said, known)
        forgotten = keeper.forget()
    path = found.file_of(name)
    own = path == stanza_path(app.directories.config, name)
    if own:
        try:
            app.host.disk.unlink(path)
            app.host.disk.sync_directory(path.parent)
        except OSError as error:
            raise FailedError(f"{path} could not be removed: {error.strerror}.") from error
        app.forget_configuration()
    return SourceRemoved(name, forgotten, revoked, str(path) if own else "")


def _give_back(
    app: App, reach: Reach, name: str, said: NamedSource, known: Credential
) -> bool | None:
    try:
        connection = app.connection(reach, name, said)
    except UsageError as error:
        # A stanza that is not understood any more can be forgotten all the same.
        app.emit(Warned(f"Its tokens were not given back: {error.message}", error.hint))
        return False
    return revoke(app, connection, known)


def _find(app: App, reach: Reach, name: str) -> "tuple[Configuration, NamedSource]":
    found = app.configuration(reach)
    if found is None:
        raise UsageError(
            f"There is no source {name!r}.", hint="`listbackup source add PLATFORM` makes one."
        )
    said = found.source(name)
    if said.connector is None:
        raise UsageError(
            f"{name} is a database, which is connected by its URL.",
            subject=str(found.file_of(name)),
            hint="Change or delete it in the configuration file.",
        )
    return found, said


def _look(app: App, keeper: Keeper) -> Credential | None:
    """Give what is known, None where nothing is or where it does not open any more."""
    try:
        data = keeper.read()
        known = read_credential(data) if data is not None else None
    except (WrongKeyError, IntegrityError):
        return None
    for secret in known.every_secret() if known is not None else ():
        app.redactor.learn(secret)
    return known


def _refuse_taken(app: App, reach: Reach, name: str, path: Path) -> None:
    found = app.configuration(reach)
    if path.exists() or (found is not None and name in found.document.sources):
        place = found.place("sources", name) if found is not None else path.name
        raise RefusedError(
            f"There is a source {name!r} already ({place}).",
            subject=name,
            hint=f"Give another --name, or connect it anew: `listbackup source reconnect {name}`.",
        )


def name_connector(named: str) -> str:
    """Give a platform's name as it is, and a file by its whole path."""
    return str(Path(named).expanduser().absolute()) if is_file(named) else named


def draft_stanza(
    platform: Platform, connector: str, wishes: AddWishes, person: Person
) -> dict[str, Value]:
    """Write down what is wished; what is missing is asked for. Raises UsageError."""
    stanza: dict[str, Value] = {
        "connector": connector,
        "auth": choose_auth(platform, wishes.auth, person),
        "settings": ask_settings(platform, wishes.settings, person),
        "base_url": wishes.base_url or "",
        "authorize_url": wishes.authorize_url or "",
        "token_url": wishes.token_url or "",
        "revoke_url": wishes.revoke_url or "",
    }
    if wishes.allow_private_hosts:
        stanza["allow_private_hosts"] = True
    return stanza


def read_stanza(path: Path, name: str, stanza: Mapping[str, Value]) -> NamedSource:
    """Read what is to be written, so that nothing is written that could not be read."""
    from listbackup.config.loading import parse_stanza

    return parse_stanza(path, name, write_stanza(name, stanza), {}).source(name)


def _write_source(
    app: App,
    keeper: SealedCredential,
    credential: Credential,
    path: Path,
    stanza: Mapping[str, Value],
) -> None:
    """Keep what opens it, then write it down, unless another process did; it holds the lease."""
    taken = RefusedError(f"{path} was written by somebody else meanwhile.", subject=keeper.source)
    if path.exists():
        raise taken
    keeper.write(write_credential(credential))
    try:
        write_durably(app.host, path, write_stanza(keeper.source, stanza), fresh=True)
        os.chmod(path, 0o644)
    except FileExistsError:
        keeper.forget()
        raise taken from None
    except ListbackupError:
        keeper.forget()
        raise
    app.forget_configuration()


def _tell(
    connection: Connection, credential: Credential, path: Path, *, added: bool
) -> SourceConnected:
    return SourceConnected(
        source=connection.name,
        platform=connection.platform.title,
        way=connection.way.title,
        account=credential.account,
        title=credential.title,
        host=connection.host,
        path=str(path),
        added=added,
    )


def _name(credential: Credential) -> str:
    return Account(credential.account, credential.title).shown or "unnamed"
