"""What asks a platform on behalf of one source: transport, credentials and budgets, put together.

And the first question: whose account of the platform this is.
"""

import hashlib
from dataclasses import dataclass

import msgspec

from listbackup.connectors.rest.answers import Asker
from listbackup.connectors.rest.authorizing import make_authorizer
from listbackup.connectors.rest.budgets import Owner
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.filling import draft
from listbackup.connectors.rest.models.placeholders import Placeholder
from listbackup.connectors.rest.requester import PATIENCE, Requester
from listbackup.errors import SourceError
from listbackup.events import Emit
from listbackup.ids import Entropy
from listbackup.retry import Patience

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a platform: its id there, and what people call it."""

    id: str
    title: str

    @property
    def shown(self) -> str:
        """Both, or one where they are the same."""
        return f"{self.id} ({self.title})" if self.title not in ("", self.id) else self.id


def open_requester(
    connection: Connection, emit: Emit, entropy: Entropy, patience: Patience = PATIENCE
) -> Requester:
    """Make what asks the platform, within the event loop that uses it; whoever made it closes it.
    Raises AuthError where the source is not connected, RefusedError."""
    platform, way = connection.platform, connection.way
    owner = name_owner(connection)
    transport = connection.open_transport()
    line = connection.budgets.open(
        owner,
        [one for one in platform.budgets if one.name in way.budgets],
        title=platform.title,
        concurrent=platform.concurrent,
        emit=emit,
    )
    return Requester(
        transport,
        make_authorizer(connection, transport, emit),
        line,
        platform.failures,
        pace=connection.pace,
        entropy=entropy,
        source=connection.name,
        patience=patience,
        emit=emit,
        clean=connection.clean,
    )


def name_owner(connection: Connection) -> Owner:
    """Say who shares the source's budgets: by digests of client and key, and by account. Raises
    AuthError."""
    credential = connection.credential()
    secrets = credential.secrets
    client = secrets.get("client_id")
    own = client or next(iter(secrets.values()), None)
    return Owner(
        platform=f"{connection.platform.platform} {connection.base_url}",
        client=_digest(client.reveal()) if client else "",
        key=_digest(own.reveal()) if own else connection.name,
        account=credential.account or connection.name,
        tenant=connection.name,
    )


async def identify(connection: Connection, asker: Asker) -> Account | None:
    """Ask whose account it is; None where the platform has no such question. Raises AuthError,
    SourceError."""
    who = connection.platform.who
    if who is None:
        return None
    values = {Placeholder("setting", name): one for name, one in connection.settings.items()}
    asked = draft(
        connection.base_url, connection.platform.headers, who.request, values, connection.name
    )
    response = await asker.ask(asked.finish())
    try:
        page = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        page = None
    found = _find(page, who.id)
    if not found or len(found) > _LONGEST:
        raise SourceError(
            f"{connection.platform.title} does not say whose account this is: its answer has no "
            f"{'.'.join(who.id)}.",
            subject=connection.name,
        )
    return Account(found, _find(page, who.title)[:_LONGEST] if who.title else "")


def _find(value: object, path: tuple[str, ...]) -> str:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
