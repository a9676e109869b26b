"""How a person consents: in a browser that comes back by itself, or by a URL that is pasted."""

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from listbackup.connectors.rest.callback import HOST, CallbackServer, Verdict
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.consent import (
    Consent,
    NotOurs,
    begin_consent,
    finish_consent,
    read_answer,
)
from listbackup.connectors.rest.credentials import Tokens
from listbackup.errors import AuthError, UsageError
from listbackup.ids import Entropy, encode_base32
from listbackup.log import Secret

PATIENCE = 300.0
"""So many seconds are waited for a browser to come back."""
_OWN = (HOST, "localhost")


def consent_in_browser(
    connection: Connection,
    secrets: Mapping[str, Secret],
    entropy: Entropy,
    show: Callable[[str], None],
    redirect: str | None = None,
    patience: float = PATIENCE,
) -> Tokens:
    """Wait on this machine for the browser to come back; `show` is given the URL to open.
    `redirect` is the URL that is registered with the platform, where it must be one; else any
    free port and a random path. Raises AuthError, UsageError."""
    return asyncio.run(_wait_for_browser(connection, secrets, entropy, show, redirect, patience))


def consent_by_pasting(
    connection: Connection,
    secrets: Mapping[str, Secret],
    entropy: Entropy,
    paste: Callable[[str], str],
    redirect: str | None = None,
) -> Tokens:
    """Let a person open the URL anywhere and give back the URL to which the browser was sent:
    `paste` is given the one and gives the other. Raises AuthError."""
    where = redirect or f"http://{HOST}:{49152 + int.from_bytes(entropy(2), 'big') % 16384}/"
    consent = begin_consent(connection, secrets, where, entropy)
    try:
        code = read_answer(connection, consent, paste(consent.url))
    except NotOurs as error:
        raise AuthError(
            f"What was pasted is not the answer to this question: {error}.",
            subject=connection.name,
            risk="Nothing was kept.",
            hint="Paste the whole address to which the browser was sent, the page may not open.",
        ) from None
    return asyncio.run(finish_consent(connection, secrets, consent, code))


async def _wait_for_browser(
    connection: Connection,
    secrets: Mapping[str, Secret],
    entropy: Entropy,
    show: Callable[[str], None],
    redirect: str | None,
    patience: float,
) -> Tokens:
    answers: list[Secret | AuthError] = []
    begun: list[Consent] = []

    def judge(query: str) -> Verdict:
        try:
            answers.append(read_answer(connection, begun[0], query))
        except NotOurs as error:
            return Verdict(400, "This is not the answer", f"What came is not ours: {error}.", False)
        except AuthError as error:
            answers.append(error)
            return Verdict(200, "Not connected", error.message, True)
        return Verdict(200, "Thank you", "You can close this page; the command goes on.", True)

    server = _make_server(redirect, entropy, judge)
    try:
        where = await server.open()
        consent = begin_consent(connection, secrets, redirect or where, entropy)
        begun.append(consent)
        show(consent.url)
        if not await server.wait(patience):
            raise AuthError(
                f"Nobody consented within {patience / 60:g} minutes.",
                subject=connection.name,
                risk="Nothing was kept.",
                hint="Run the command again; --headless is for machines without a browser.",
            )
    except OSError as error:
        raise UsageError(
            f"Nothing can listen at {redirect or HOST}: {error.strerror}.",
            hint="Another program is there: end it, register another address and give it by "
            "--redirect-url, or give --headless and paste the address.",
        ) from error
    finally:
        await server.close()
    answer = answers[0]
    if isinstance(answer, AuthError):
        raise answer
    return await finish_consent(connection, secrets, consent, answer)


def _make_server(
    redirect: str | None, entropy: Entropy, judge: Callable[[str], Verdict]
) -> CallbackServer:
    if redirect is None:
        return CallbackServer(f"/{encode_base32(entropy(20))}", judge)
    try:
        parts = urlsplit(redirect)
        ours = parts.scheme == "http" and parts.hostname in _OWN and parts.port
    except ValueError:
        ours = None
    if not ours:
        raise UsageError(
            f"The browser cannot come back to {redirect} by itself.",
            hint="Give --headless as well; by itself it comes back to http://127.0.0.1:PORT/PATH.",
        )
    return CallbackServer(parts.path or "/", judge, port=ours, host=parts.hostname or HOST)
