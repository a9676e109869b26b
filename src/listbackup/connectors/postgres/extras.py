"""What a restore needs beside the rows of tables and the archive of definitions, as JSON.

`pg-sequences`: `[{"schema","sequence","last_value": "digits","is_called": bool}]`; sequences do
not take part in transactions, so a value is at least what the snapshot used.
`pg-matviews`: `[{"schema","view"}]`, the populated ones, each after those that it reads.
`pg-largeobjects`: `[{"oid": "digits","owner","acl": [text] or null,"comment": text or null}]`.

Asks in the session it is given, inside its transaction.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from listbackup.connectors.postgres.catalog import USER_SCHEMAS
from listbackup.connectors.postgres.names import quote_table, stream_name
from listbackup.connectors.postgres.session import Connection
from listbackup.records import Unread

FIND_SEQUENCES = f"""
SELECT n.nspname, c.relname,
       has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT')
       AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {USER_SCHEMAS}
  AND (EXISTS (SELECT FROM pg_extension e WHERE c.oid = ANY (e.extconfig))
       OR NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e'))
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""

FIND_VIEWS = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind = 'm' AND c.relispopulated AND {USER_SCHEMAS}
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                       AND d.objid = c.oid AND d.deptype = 'e'),
       array(SELECT DISTINCT d.refobjid FROM pg_rewrite r JOIN pg_depend d
             ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
             AND d.refclassid = 'pg_class'::regclass
             WHERE r.ev_class = c.oid AND d.refobjid <> c.oid ORDER BY 1)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('m', 'v')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""

FIND_LARGE_OBJECTS = """
SELECT m.oid::text, pg_get_userbyid(m.lomowner), m.lomacl::text[],
       obj_description(m.oid, 'pg_largeobject')
FROM pg_largeobject_metadata m ORDER BY m.oid
"""


def read_sequences(connection: Connection) -> tuple[list[dict[str, Any]], list[Unread]]:
    """Read the values of all sequences, and name those that cannot be read."""
    readable, unread = [], []
    for schema, name, may in connection.execute(FIND_SEQUENCES).fetchall():
        if may:
            readable.append((schema, name))
        else:
            unread.append(Unread(stream_name(schema, name), "the sequence cannot be read"))
    values: list[dict[str, Any]] = []
    for start in range(0, len(readable), 200):
        some = readable[start : start + 200]
        asked = " UNION ALL ".join(
            f"SELECT {place}, last_value::text, is_called FROM {quote_table(*names)}"
            for place, names in enumerate(some)
        )
        for place, value, called in sorted(connection.execute(asked).fetchall()):
            schema, name = some[place]
            values.append(
                {"schema": schema, "sequence": name, "last_value": value, "is_called": called}
            )
    return values, unread


def list_views_to_refresh(
    connection: Connection, barred: Collection[int] = ()
) -> list[dict[str, str]]:
    """List the populated materialized views but `barred` ones (OIDs), each after those that it
    reads, directly or not."""
    rows = connection.execute(FIND_VIEWS).fetchall()
    reads = {oid: needs for oid, _, _, _, needs in rows}
    names = {
        oid: (schema, name) for oid, schema, name, wanted, _ in rows if wanted and oid not in barred
    }
    ordered = _sort_by_need(reads)
    return [{"schema": names[oid][0], "view": names[oid][1]} for oid in ordered if oid in names]


def _sort_by_need(reads: Mapping[int, Sequence[int]]) -> list[int]:
    ordered: dict[int, None] = {}
    for start in reads:
        stack = [(start, iter(reads[start]))]
        open_ = {start}
        while stack:
            oid, needs = stack[-1]
            need = next((n for n in needs if n in reads and n not in ordered), None)
            if need is None:
                stack.pop()
                ordered.setdefault(oid)
            elif need not in open_:
                open_.add(need)
                stack.append((need, iter(reads[need])))
    return list(ordered)


def list_large_objects(connection: Connection) -> list[dict[str, Any]]:
    """List all large objects with owner, rights and comment."""
    return [
        {"oid": oid, "owner": owner, "acl": acl, "comment": comment}
        for oid, owner, acl, comment in connection.execute(FIND_LARGE_OBJECTS)
    ]


def write_extra(value: object) -> bytes:
    """Write an extra's JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
