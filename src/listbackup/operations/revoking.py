"""Giving tokens back to a platform that has a place for it. What fails is a warning."""

import asyncio

from listbackup.app import App
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.credentials import Credential
from listbackup.connectors.rest.tokens import give_back
from listbackup.connectors.rest.transport import TransportError
from listbackup.errors import ListbackupError
from listbackup.events import Warned


def revoke(app: App, connection: Connection, credential: Credential) -> bool | None:
    """Revoke the tokens of a source; None where the platform has no place for it. Says whether
    the platform agreed."""
    if not connection.revoke_url or credential.tokens is None:
        return None
    try:
        done = asyncio.run(_ask(connection, credential))
    except (TransportError, ListbackupError) as error:
        done, why = False, f": {error}"
    else:
        why = ""
    if not done:
        app.emit(
            Warned(
                f"{connection.platform.title} did not take the tokens of {connection.name} "
                f"back{why}.",
                "Withdraw the consent there, among the connected applications.",
            )
        )
    return done


async def _ask(connection: Connection, credential: Credential) -> bool:
    tokens = credential.tokens
    assert tokens is not None
    transport = connection.open_transport()
    try:
        token = tokens.refresh or tokens.access
        return await give_back(connection, transport, credential.secrets, token)
    finally:
        await transport.close()
