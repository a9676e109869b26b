"""From what a person gives to a credential that was tried: which way, settings, secrets, a consent.

Keeps nothing.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from listbackup.app import App
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.consenting import consent_by_pasting, consent_in_browser
from listbackup.connectors.rest.credentials import Credential, list_wanted, write_credential
from listbackup.connectors.rest.models.authentication import OAuthCode
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.opening import Account, identify, open_requester
from listbackup.connectors.rest.requester import PATIENCE
from listbackup.errors import AuthError, UsageError
from listbackup.log import Secret
from listbackup.operations.secrets import Given, Person, collect_secrets
from listbackup.retry import Patience


def choose_auth(platform: Platform, named: str | None, person: Person) -> str:
    """Give the way to connect that is named, or that a person chooses where there are several;
    "" where there is only one. Raises UsageError where nobody is there to choose."""
    ways = platform.authentication
    if named is not None or len(ways) == 1:
        return named or ""
    if not person.there:
        raise UsageError(
            f"{platform.title} can be connected in several ways.",
            hint="Give one of "
            + "; ".join(f"--auth {one.name} ({one.title})" for one in ways)
            + ".",
        )
    titles = [one.title for one in ways]
    return ways[person.choose(f"How to connect {platform.title}", titles)].name


def ask_settings(platform: Platform, given: Mapping[str, str], person: Person) -> dict[str, str]:
    """Give the settings that are given, and ask for those that are missing."""
    settled = dict(given)
    for one in platform.settings:
        if one.required and not one.default and not settled.get(one.name) and person.there:
            settled[one.name] = person.ask(one.title, one.hint, secret=False)
    return settled


def connect(
    app: App,
    connection: Connection,
    given: Given,
    person: Person,
    known: Credential | None = None,
    patience: Patience = PATIENCE,
) -> Credential:
    """Collect what opens it, try it, and give it with the account that it opens. `known` is what
    opened it before. Raises UsageError, AuthError, RefusedError, SourceError."""
    way = connection.way
    kept: Mapping[str, Secret] = {}
    if known is not None and known.way == way.name and isinstance(way, OAuthCode):
        kept = known.secrets
    wanted = [one for one in list_wanted(way) if one.name not in kept]
    secrets = {**kept, **collect_secrets(app, wanted, given, person)}
    credential = Credential(
        platform=connection.platform.platform,
        way=way.name,
        secrets=secrets,
        connected=app.host.clock.now(),
    )
    if isinstance(way, OAuthCode):
        # Nobody consents to what the guard of hosts would refuse.
        asyncio.run(_close(connection))
        entropy, redirect = app.host.entropy, given.redirect or way.redirect or None
        if given.headless:
            tokens = consent_by_pasting(connection, secrets, entropy, person.paste, redirect)
        else:
            tokens = consent_in_browser(connection, secrets, entropy, person.show, redirect)
        credential = replace(credential, tokens=tokens)
    connection.keeper.write(write_credential(credential))
    account = asyncio.run(_identify(app, connection, patience))
    credential = connection.credential()
    if account is None:
        return credential
    return replace(credential, account=account.id, title=account.title)


async def _close(connection: Connection) -> None:
    await connection.open_transport().close()


async def _identify(app: App, connection: Connection, patience: Patience) -> Account | None:
    requester = open_requester(connection, app.emit, app.host.entropy, patience)
    try:
        return await identify(connection, requester)
    except AuthError as error:
        raise AuthError(
            error.message,
            subject=error.subject,
            risk="Nothing was kept.",
            hint="Look whether this is the right key, and of the right account; then run the "
            "command again.",
        ) from error
    finally:
        await requester.close()
