"""`connector check --try`: a description held against its platform, before anything is connected.

Secrets are given as for `source add`; no vault is named, and nothing is kept.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from listbackup.app import App, Reach
from listbackup.connectors.rest.credentials import MemoryKeeper
from listbackup.connectors.rest.loading import load_platform
from listbackup.connectors.rest.trying import PATIENCE, TriedList, try_lists
from listbackup.errors import AuthError
from listbackup.operations.connecting import connect
from listbackup.operations.connections import (
    AddWishes,
    draft_stanza,
    name_connector,
    read_stanza,
)
from listbackup.operations.secrets import Person

_NAME = "trial"


@dataclass(frozen=True, slots=True)
class ConnectorTried:
    """What came of each list of a description, and whose account it was (empty where the platform
    does not say). `sound`: nothing speaks against the description."""

    file: str
    name: str
    host: str
    way: str
    account: str
    title: str
    sound: bool
    lists: tuple[TriedList, ...]


def try_connector(
    app: App, wishes: AddWishes, person: Person, include: tuple[str, ...] = ()
) -> ConnectorTried:
    """Ask whose account it is, and for a page of each list, or of those that `include` names.
    Raises UsageError, AuthError, RefusedError, SourceError, RateLimited."""
    connector = name_connector(wishes.connector)
    platform = load_platform(connector)
    stanza = draft_stanza(platform, connector, wishes, person)
    said = read_stanza(Path(f"{_NAME}.yaml"), _NAME, stanza)
    connection = app.connection(Reach(), _NAME, said, MemoryKeeper())
    credential = connect(app, connection, wishes.given, person, patience=PATIENCE)
    try:
        lists = asyncio.run(try_lists(connection, app.host, app.emit, include))
    except AuthError as error:
        raise AuthError(
            error.message,
            subject=wishes.connector,
            risk="Nothing was kept.",
            hint="Look whether `authentication` says where the key goes, and whether it is the "
            "right one.",
        ) from error
    return ConnectorTried(
        file=wishes.connector,
        name=platform.platform,
        host=connection.host,
        way=connection.way.title,
        account=credential.account,
        title=credential.title,
        sound=all(one.standing != "failed" for one in lists),
        lists=tuple(lists),
    )
