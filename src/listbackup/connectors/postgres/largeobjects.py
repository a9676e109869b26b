"""Large objects as a stream: `pg_catalog.pg_largeobject`, one line per megabyte.

Columns `oid`, `chunk` (counted from 0), `data` (bytea as hex); an empty object has one empty
chunk. Holes of sparse objects are zeros. Owners and rights are the extra `pg-largeobjects`.
"""

from typing import Any

from listbackup.connectors.postgres.session import Connection

STREAM = "pg_catalog.pg_largeobject"
CHUNK = 1 << 20

SCHEMA: dict[str, Any] = {
    "kind": "largeobjects",
    "columns": [
        {"name": "oid", "type": "oid", "position": 1, "nullable": False},
        {"name": "chunk", "type": "bigint", "position": 2, "nullable": False},
        {"name": "data", "type": "bytea", "position": 3, "nullable": False},
    ],
    "generated": [],
    "key": ["oid", "chunk"],
}

COPY_OUT = f"""COPY (
    SELECT m.oid, c.chunk, lo_get(m.oid, c.chunk * {CHUNK}, {CHUNK})
    FROM pg_largeobject_metadata m,
         LATERAL (SELECT lo_open(m.oid, 262144) AS fd OFFSET 0) opened,
         LATERAL (SELECT lo_lseek64(opened.fd, m.oid::bigint * 0, 2) AS size OFFSET 0) measured,
         LATERAL (SELECT lo_close(opened.fd + (measured.size * 0 + m.oid::bigint * 0)::int) AS done
                  OFFSET 0) closed,
         LATERAL generate_series(closed.done::bigint,
                                 greatest(measured.size - 1, 0) / {CHUNK}) AS c(chunk)
) TO STDOUT"""
"""The statement that reads them all. Every step depends on the oid, lest the server think that
what it found for one descriptor holds for the next object that gets the same one."""

MEASURE = """
SELECT count(*), count(*) FILTER (WHERE NOT (
    current_setting('is_superuser')::bool OR current_setting('lo_compat_privileges')::bool
    OR pg_has_role(m.lomowner, 'USAGE')
    OR EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT'
               AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))))
FROM pg_largeobject_metadata m
"""


def count_large_objects(connection: Connection) -> tuple[int, int]:
    """Count all large objects, and those that this user may not read."""
    row = connection.execute(MEASURE).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
