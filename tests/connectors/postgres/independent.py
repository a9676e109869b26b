"""A second opinion on what a database holds, sharing nothing with the product.

Rows as the server's own text of whole rows, definitions as the text of the server's own pg_dump.
"""

import hashlib
import re
import subprocess
from pathlib import Path

import psycopg

RELATIONS = """
SELECT c.oid::regclass::text, c.relkind::text, c.relispopulated FROM pg_class c
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  AND c.relnamespace::regnamespace::text !~ '^("?pg_|information_schema)'
ORDER BY 1
"""
OTHERS = {
    "large objects": """
        SELECT m.oid, m.lomowner::regrole::text, m.lomacl::text, md5(lo_get(m.oid))
        FROM pg_largeobject_metadata m ORDER BY 1""",
    "sequences": """
        SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2""",
    "settings": """
        SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = current_database() AND setrole = 0""",
    "database": """
        SELECT pg_encoding_to_char(encoding), datcollate, datctype, shobj_description(oid,
        'pg_database'), datacl::text, datdba::regrole::text FROM pg_database
        WHERE datname = current_database()""",
}


def fingerprint_rows(url: str, *, encoding: str = "UTF8") -> dict[str, str]:
    """Digest every table, materialized view, sequence and large object, by name."""
    found: dict[str, str] = {}
    pins = "-c TimeZone=UTC -c extra_float_digits=3 -c bytea_output=hex -c IntervalStyle=iso_8601"
    with psycopg.connect(url, options=pins, client_encoding=encoding) as connection:
        for name, kind, populated in connection.execute(RELATIONS).fetchall():
            if not populated:
                found[f"{kind} {name!r}"] = "not populated"
                continue
            written = name.encode("utf-8") if isinstance(name, str) else bytes(name)
            with connection.execute(
                b"SELECT ROW(x.*)::text FROM ONLY " + written + b" x"
            ) as cursor:
                rows = sorted(hashlib.sha256(repr(row[0]).encode()).digest() for row in cursor)
            total = hashlib.sha256(b"".join(rows)).hexdigest()
            found[f"{kind} {name!r}"] = f"{len(rows)} {total}"
        for what, query in OTHERS.items():
            found[what] = repr(connection.execute(query.encode()).fetchall())
    return found


def dump_definitions(programs: Path, url: str) -> str:
    """Give every definition as this server's own pg_dump writes it."""
    answer = subprocess.run(
        [programs / "pg_dump", "--schema-only", url], capture_output=True, check=True
    )
    text = answer.stdout.decode("utf-8", "backslashreplace")
    text = re.sub(r"(?m)^\\(un)?restrict .*$|^-- .*$", "", text)
    # PostgreSQL itself writes these otherwise once they were dumped and made again
    return re.sub(r"(?m)^.*= ANY \(+ARRAY\[.*$", lambda line: strip_casts(line[0]), text)


def strip_casts(line: str) -> str:
    """Leave of an expression what two writings of it have in common."""
    return re.sub(r"::character varying|::text|[\[\]()]", "", line)
