"""Which database this is, and what is needed to create it again.

Asks in the session it is given; every answer is plain data for the manifest.
"""

from typing import Any

from listbackup.connectors.postgres.names import stream_name
from listbackup.connectors.postgres.session import Connection


def read_database_facts(connection: Connection) -> dict[str, Any]:
    """Give what is needed to create the database again, and what it runs with.

    `{"database": {"name","encoding","collate","ctype","provider": c|i|b,"locale","rules",
    "collation_version","owner","connection_limit","tablespace","comment","acl",
    "settings": [{"role": name or null, "setting": "name=value"}]},
    "extensions": [{"name","version","schema"}], "server_version": int, "in_recovery": bool,
    "has_public": bool}`
    """
    version = connection.info.server_version
    provider = "d.datlocprovider::text" if version >= 150000 else "'c'"
    locale = "NULL"
    if version >= 170000:
        locale = "d.datlocale"
    elif version >= 150000:
        locale = "d.daticulocale"
    rules = "d.daticurules" if version >= 160000 else "NULL"
    collation = "d.datcollversion" if version >= 150000 else "NULL"
    found = connection.execute(f"""
        SELECT d.datname, pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, {provider},
               {locale}, {rules}, {collation}, pg_get_userbyid(d.datdba), d.datconnlimit,
               t.spcname, shobj_description(d.oid, 'pg_database'), d.datacl::text[]
        FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace
        WHERE d.datname = current_database()""").fetchone()
    words = (
        "name encoding collate ctype provider locale rules collation_version owner "
        "connection_limit tablespace comment acl"
    )
    database = dict(zip(words.split(), found or (), strict=True))
    database["settings"] = [
        {"role": role, "setting": setting}
        for role, setting in connection.execute("""
            SELECT CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END, setting
            FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase,
                 unnest(s.setconfig) AS setting
            WHERE d.datname = current_database() ORDER BY 1 NULLS FIRST, 2""")
    ]
    extensions = [
        {"name": name, "version": release, "schema": schema}
        for name, release, schema in connection.execute("""
            SELECT e.extname, e.extversion, n.nspname FROM pg_extension e
            JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY e.extname COLLATE "C" """)
    ]
    return {
        "database": database,
        "extensions": extensions,
        "server_version": version,
        "in_recovery": _ask(connection, "SELECT pg_is_in_recovery()"),
        "has_public": _ask(connection, "SELECT to_regnamespace('public') IS NOT NULL"),
    }


def _ask(connection: Connection, question: str) -> Any:
    row = connection.execute(question).fetchone()
    return row[0] if row else None


def find_enum_hash_partitions(connection: Connection) -> list[str]:
    """Name the tables partitioned by the hash of an enum, whose rows may lie in other leaves
    after a restore (the hash is one of an OID)."""
    return [
        stream_name(schema, name)
        for schema, name in connection.execute("""
            SELECT n.nspname, c.relname FROM pg_partitioned_table p
            JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE p.partstrat = 'h' AND EXISTS (
                SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                LEFT JOIN pg_type e ON e.oid = t.typelem
                LEFT JOIN pg_type b ON b.oid = t.typbasetype
                WHERE a.attrelid = c.oid AND a.attnum = ANY (p.partattrs)
                  AND 'e' IN (t.typtype, e.typtype, b.typtype))
            ORDER BY 1, 2""")
    ]


def identify(connection: Connection) -> tuple[str, str]:
    """Give the server's system identifier and the database's name. Where the identifier may not
    be asked for, `oid:` and the database's OID stand for it: weaker, a twin may share it."""
    may = _ask(connection, "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
    asked = "(SELECT system_identifier::text FROM pg_control_system())"
    told = asked if may else "'oid:' || (SELECT oid FROM pg_database WHERE datname = name)"
    row = connection.execute(
        f"SELECT {told}, name FROM (SELECT current_database()::text AS name) AS here"
    ).fetchone()
    return (str(row[0]), str(row[1])) if row else ("", "")
