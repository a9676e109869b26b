"""The server and database that a snapshot is to be written into: what is there, and making and
dropping a database. Decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import errors as pg

from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.catalog import USER_SCHEMAS
from listbackup.connectors.postgres.names import quote, quote_literal
from listbackup.connectors.postgres.session import Connection, connect, speaking_of
from listbackup.errors import AuthError, RefusedError, SourceError

MAINTENANCE = ("postgres", "template1")

ASK_SERVER = """
SELECT current_user, r.rolsuper, r.rolsuper OR r.rolcreatedb, r.rolsuper OR r.rolcreaterole,
       pg_is_in_recovery(),
       array(SELECT rolname::text FROM pg_roles),
       array(SELECT rolname::text FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')),
       array(SELECT name::text FROM pg_available_extensions),
       array(SELECT spcname::text FROM pg_tablespace)
FROM pg_roles r WHERE r.rolname = current_user
"""

NOT_OF_EXTENSION = """NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = '{catalog}'::regclass AND d.objid = {oid}
    AND d.deptype = 'e')"""

ASK_CONTENTS = f"""
SELECT 'schema', nspname, nspname FROM pg_namespace n WHERE {USER_SCHEMAS}
UNION ALL
SELECT 'relation', n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE {USER_SCHEMAS} AND {NOT_OF_EXTENSION.format(catalog="pg_class", oid="c.oid")}
UNION ALL
SELECT 'type', n.nspname, t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {USER_SCHEMAS} AND {NOT_OF_EXTENSION.format(catalog="pg_type", oid="t.oid")}
UNION ALL
SELECT 'function', n.nspname, p.proname || '(' || oidvectortypes(p.proargtypes) || ')'
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {USER_SCHEMAS} AND {NOT_OF_EXTENSION.format(catalog="pg_proc", oid="p.oid")}
UNION ALL
SELECT 'extension', n.nspname, e.extname FROM pg_extension e JOIN pg_namespace n
ON n.oid = e.extnamespace
UNION ALL
SELECT 'large object', '', oid::text FROM pg_largeobject_metadata
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What is at an address. `contents` are (kind, schema, name) of what people made there:
    schema, relation, type, function, extension, large object; empty where nothing `exists`."""

    version: int
    user: str
    superuser: bool
    may_create_databases: bool
    may_create_roles: bool
    in_recovery: bool
    roles: frozenset[str]
    member_of: frozenset[str]
    extensions: frozenset[str]
    tablespaces: frozenset[str]
    exists: bool
    encoding: str = ""
    contents: frozenset[tuple[str, str, str]] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether the database holds nothing that people made."""
        usual = {("schema", "public", "public"), ("extension", "pg_catalog", "plpgsql")}
        return not self.contents - usual


def look_at_target(address: Address) -> Target:
    """Look at the server and, where it exists, at the database. Raises AuthError, SourceError."""
    with open_maintenance(address) as connection, speaking_of(address):
        row = connection.execute(ASK_SERVER).fetchone()
        if row is None:
            raise AuthError("The server does not say who we are.", subject=address.masked)
        known = connection.execute(
            "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s",
            (address.database,),
        ).fetchone()
        version = connection.info.server_version
    contents: frozenset[tuple[str, str, str]] = frozenset()
    if known:
        with connect(address) as connection, speaking_of(address):
            contents = frozenset(connection.execute(ASK_CONTENTS).fetchall())
    return Target(
        version=version,
        user=row[0],
        superuser=row[1],
        may_create_databases=row[2],
        may_create_roles=row[3],
        in_recovery=row[4],
        roles=frozenset(row[5]),
        member_of=frozenset(row[6]),
        extensions=frozenset(row[7]),
        tablespaces=frozenset(row[8]),
        exists=bool(known),
        encoding=known[0] if known else "",
        contents=contents,
    )


def open_maintenance(address: Address) -> Connection:
    """Open a session on the server that does not need the database to exist. Raises AuthError,
    SourceError."""
    first: AuthError | SourceError | None = None
    for name in (*MAINTENANCE, address.database):
        try:
            return connect(address.with_database(name))
        except (AuthError, SourceError) as error:
            first = first or error
    assert first is not None
    raise first


def create_database(connection: Connection, name: str, facts: Mapping[str, Any]) -> None:
    """Create a database from template0 with the encoding and locale of another one's facts.

    Raises RefusedError where the server does not know the locale, psycopg.Error.
    """
    try:
        connection.execute(write_create(name, facts, connection.info.server_version))
    except (pg.WrongObjectType, pg.InvalidParameterValue, pg.FeatureNotSupported) as error:
        raise RefusedError(
            f"The server cannot make a database of that encoding and locale: {error}",
            subject=name,
            hint="Create the database yourself, empty, with a locale that the server has, and"
            " restore into it.",
        ) from error


def write_create(name: str, facts: Mapping[str, Any], version: int) -> str:
    """Write the CREATE DATABASE for a server version from `facts["database"]`."""
    given: list[tuple[str, Any]] = [
        ("ENCODING", facts.get("encoding")),
        ("LC_COLLATE", facts.get("collate")),
        ("LC_CTYPE", facts.get("ctype")),
    ]
    provider = facts.get("provider") or "c"
    if version >= 150000:
        words = {"c": "libc", "i": "icu", "b": "builtin"}
        given.append(("LOCALE_PROVIDER", words.get(provider)))
    if provider == "i":
        given += [("ICU_LOCALE", facts.get("locale")), ("ICU_RULES", facts.get("rules"))]
    if provider == "b":
        given.append(("BUILTIN_LOCALE", facts.get("locale")))
    options = "".join(f" {word} {quote_literal(value)}" for word, value in given if value)
    return f"CREATE DATABASE {quote(name)} TEMPLATE template0{options}"


def drop_database(address: Address) -> None:
    """Drop the database, whoever is connected. Raises AuthError, SourceError."""
    with open_maintenance(address) as connection, speaking_of(address):
        force = " WITH (FORCE)" if connection.info.server_version >= 130000 else ""
        connection.execute(f"DROP DATABASE IF EXISTS {quote(address.database)}{force}")
