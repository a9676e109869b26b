"""One session on a server: connected, pinned so that the same value is always the same bytes, and
its errors put into our words.

Knows no tables. Every session of a reading, a restore and a comparison is opened here, so that
fingerprints taken by any of them can be compared.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.names import quote_literal
from listbackup.errors import AuthError, ListbackupError, SourceError, UsageError

Connection = psycopg.Connection[tuple[Any, ...]]

PINS: Mapping[str, str] = {
    "search_path": "pg_catalog",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmloption": "content",
    "row_security": "off",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "synchronize_seqscans": "off",
    "idle_in_transaction_session_timeout": "0",
    "jit": "off",
}
"""What every session is set to: the text of a value depends on these and on nothing else. In
databases of encoding SQL_ASCII, where a name may be any bytes, `client_encoding` is LATIN1: there
it converts nothing, and every byte is one character, both ways."""

LIBPQ: Mapping[str, str] = {
    "connect_timeout": "15",
    "gssencmode": "disable",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "6",
}
"""What libpq is told where the URL says nothing: a silent network is noticed in two minutes."""

OLDEST, NEWEST = 120000, 189999
"""Versions that are read and written; outside of them a session is refused."""
TESTED = frozenset({15, 16, 18})


def connect(
    address: Address,
    *,
    purpose: str = "listbackup",
    lock_timeout: float = 30.0,
    statement_timeout: float = 0.0,
    parameters: Mapping[str, str] | None = None,
) -> Connection:
    """Open a pinned session in autocommit mode.

    Timeouts in seconds, 0 is none. `parameters` overrule libpq's of the address. Raises
    AuthError, UsageError, SourceError.
    """
    given = {**LIBPQ, "application_name": purpose, **address.libpq()}
    given.update(parameters or {})
    with speaking_of(address):
        conninfo = make_conninfo("", **given)
        connection = psycopg.connect(
            conninfo, autocommit=True, row_factory=tuple_row, prepare_threshold=None
        )
        try:
            pin(connection, lock_timeout=lock_timeout, statement_timeout=statement_timeout)
        except BaseException:
            connection.close()
            raise
    return connection


def pin(connection: Connection, *, lock_timeout: float, statement_timeout: float) -> None:
    """Set everything that output depends on, in one round trip. Raises SourceError for a server
    whose version is not known."""
    version = connection.info.server_version
    if not OLDEST <= version <= NEWEST:
        raise SourceError(
            f"PostgreSQL {version // 10000} is not supported.",
            hint="Versions 12 to 18 are.",
        )
    wanted = dict(PINS)
    if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
        wanted["client_encoding"] = "LATIN1"
    wanted["lock_timeout"] = f"{int(lock_timeout * 1000)}"
    wanted["statement_timeout"] = f"{int(statement_timeout * 1000)}"
    if version >= 140000:
        wanted["idle_session_timeout"] = "0"
    if version >= 170000:
        wanted["transaction_timeout"] = "0"
    connection.execute("; ".join(f"SET {k} = {quote_literal(v)}" for k, v in wanted.items()))


def version_is_tested(version: int) -> bool:
    """Say whether a `server_version_num` is of a major version that this code is tested with."""
    return version // 10000 in TESTED


@contextmanager
def speaking_of(address: Address, subject: str | None = None) -> Iterator[None]:
    """Turn psycopg's errors into ours, with every secret taken out."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, address, subject) from error


def translate(
    error: psycopg.Error, address: Address, subject: str | None = None
) -> ListbackupError:
    """Put an error of the server or of libpq into our words."""
    about = subject or address.masked
    text = address.scrub(" ".join(str(error).split()))
    if isinstance(error, pg.InvalidPassword | pg.InvalidAuthorizationSpecification) or any(
        word in text for word in ("password authentication failed", "no password supplied")
    ):
        return AuthError(f"The server did not let us in: {text}", subject=about)
    if isinstance(error, pg.InsufficientPrivilege):
        return AuthError(f"A right is missing: {text}", subject=about)
    if "invalid connection option" in text or "invalid sslmode value" in text:
        return UsageError(f"The URL is not understood: {text}", subject=about)
    if isinstance(error, pg.OutOfMemory) and "max_locks_per_transaction" in text:
        return SourceError(
            "The server has no room for that many locks.",
            subject=about,
            hint="Raise max_locks_per_transaction on the server and restart it.",
        )
    if isinstance(error, pg.QueryCanceled | pg.SerializationFailure) and "recovery" in text:
        return SourceError(
            "The replica ended our reading to go on replaying.",
            subject=about,
            hint="Set hot_standby_feedback = on or a longer max_standby_streaming_delay there.",
        )
    return SourceError(f"PostgreSQL: {text}", subject=about)
