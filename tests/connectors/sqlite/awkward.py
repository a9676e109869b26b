"""A database in which everything awkward is that SQLite can hold, and an independent fingerprint:
SQL of its own, none of the connector's code."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = '''
CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT, note);
CREATE TABLE keyless (a, b);
CREATE TABLE named (name TEXT PRIMARY KEY, value);
CREATE TABLE nulls_in_key (a TEXT, b INT, v, PRIMARY KEY (a, b));
CREATE TABLE "Odd ""name"", with [all]" ("a ""b""" INT, "Select" TEXT, [x.y] REAL, 'q''q' BLOB);
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v);
CREATE TABLE tree (a TEXT, b INTEGER, v, PRIMARY KEY (b DESC, a)) WITHOUT ROWID;
CREATE TABLE tight (i INT, r REAL, t TEXT, b BLOB, x ANY) STRICT;
CREATE TABLE computed (
    a INT, twice AS (a * 2) VIRTUAL, thrice INT GENERATED ALWAYS AS (a * 3) STORED, z TEXT
);
CREATE TABLE has_rowid (rowid TEXT, v);
CREATE TABLE takes_all (rowid, _rowid_, oid);
CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, v);
CREATE TABLE checked (v CHECK (v > 0), u UNIQUE, d DEFAULT (1 + 1), n NOT NULL);
CREATE TABLE parents (id INTEGER PRIMARY KEY);
CREATE TABLE children (id INTEGER PRIMARY KEY, parent REFERENCES parents (id) ON DELETE CASCADE);
CREATE TABLE log (what);
CREATE TABLE empty (id INTEGER PRIMARY KEY, v);
CREATE INDEX plain_name ON plain (name COLLATE NOCASE DESC);
CREATE INDEX plain_part ON plain (note) WHERE note IS NOT NULL;
CREATE INDEX plain_expression ON plain (lower(name), length(note));
CREATE UNIQUE INDEX keyless_unique ON keyless (a, b);
CREATE VIEW names AS SELECT name FROM plain UNION ALL SELECT name FROM named;
CREATE VIEW broken AS SELECT * FROM nowhere;
CREATE TRIGGER plain_added AFTER INSERT ON plain BEGIN INSERT INTO log VALUES (new.id); END;
CREATE TRIGGER names_written INSTEAD OF INSERT ON names BEGIN
    INSERT INTO named VALUES (new.name, NULL); END;
CREATE VIRTUAL TABLE docs USING fts5 (title, body);
CREATE VIRTUAL TABLE older USING fts4 (body);
CREATE VIRTUAL TABLE boxes USING rtree (id, x0, x1);
'''

ROWS = r"""
INSERT INTO plain VALUES (1, 'Ada', 1), (2, 'B"\\ \n\t' || char(1, 127, 0x2028, 0x1F600), 2.0),
    (9223372036854775807, '', x''), (-9223372036854775808, NULL, x'00ff'),
    (7, 'nul' || char(0) || 'x', '7');
INSERT INTO keyless VALUES (1, 1.0), (0.1, 1e300), (9e999, -9e999),
    (5e-324, 1.7976931348623157e308),
    (9007199254740993, -9223372036854775808), (NULL, NULL), (NULL, NULL), ('1', x'31'),
    ('[1,"a"]', '{"b64":"AA=="}'),
    (1e16, 1e15), (1e-4, 1e-5), (123456789.123456789, 4.35);
INSERT INTO keyless (rowid, a) VALUES (1000000, 'far');
DELETE FROM keyless WHERE rowid = 2;
INSERT INTO keyless VALUES (-0.0, 'minus zero');
INSERT INTO named VALUES ('x', 1), ('y', 2);
INSERT INTO nulls_in_key VALUES ('a', 1, 1), (NULL, 1, 2), (NULL, 1, 3), ('a', NULL, 4);
INSERT INTO "Odd ""name"", with [all]" VALUES (1, 'x', 2, x'00'),
    ('no int', 5, 'no real', 'no blob');
INSERT INTO counted (v) VALUES (1), (2), (3);
DELETE FROM counted WHERE id = 3;
INSERT INTO tree VALUES ('a', 1, 'x'), ('b', 1, 'y'), ('a', 2, NULL);
INSERT INTO tight VALUES (1, 1, 'x', x'01', '007'), (NULL, NULL, NULL, NULL, NULL),
    (2, 2.5, '2', x'', 3);
INSERT INTO computed (a, z) VALUES (1, 'x'), (NULL, 'y');
INSERT INTO has_rowid VALUES ('text', 1), ('more', 2);
INSERT INTO takes_all VALUES (1, 2, 3), (1, 2, 3);
INSERT INTO descending VALUES (5, 'five'), (3, 'three');
INSERT INTO checked (v, u, n) VALUES (1, 'a', 'n'), (2, NULL, 'n'), (3, NULL, 'n');
INSERT INTO parents VALUES (1);
INSERT INTO children VALUES (1, 1), (2, 99);
INSERT INTO docs VALUES ('one', 'the quick brown fox'), ('two', 'läuft über den Hund');
INSERT INTO older VALUES ('a quick one');
INSERT INTO boxes VALUES (1, 0, 10), (2, 5.5, 7);
PRAGMA user_version = 42;
PRAGMA application_id = -77;
ANALYZE;
"""

NO_TEXT = {
    "UTF-8": (b"\xff\xfe", b"ok\0\xc3", b"\xed\xa0\x80"),
    "UTF-16le": (b"\x3d\xd8\x41\x00", b"\xff\xff\xfe\xff", b"\xff\xfeA\0"),
    "UTF-16be": (b"\xd8\x3d\x00\x41", b"\xff\xff\xff\xfe", b"\xfe\xff\0A"),
}


def build(path: Path, encoding: str = "UTF-8", journal: str = "delete", vacuum: int = 0) -> None:
    """Build the awkward database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            f"PRAGMA encoding = '{encoding}'; PRAGMA page_size = 1024;"
            f"PRAGMA auto_vacuum = {vacuum}; PRAGMA journal_mode = {journal};"
        )
        connection.executescript(SCHEMA)
        connection.executescript(ROWS)
        for raw in NO_TEXT[encoding]:
            connection.execute(f"INSERT INTO named VALUES (CAST(x'{raw.hex()}' AS TEXT), 'raw')")
        wide = ", ".join(f"c{n}" for n in range(500))
        connection.execute(f"CREATE TABLE wide ({wide})")
        connection.execute(f"INSERT INTO wide VALUES ({', '.join(map(str, range(500)))})")
        connection.execute("INSERT INTO log VALUES (?), (?)", ("é" * 100_000, b"\0" * 200_000))


def fingerprint(path: Path) -> dict[str, str]:
    """Give a digest of every table's rows with types, rowids and bytes, of the schema's text, and
    of what the file remembers."""
    found = {}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.text_factory = bytes
        listed = connection.execute(
            "SELECT type, name, tbl_name, sql, rootpage FROM sqlite_master WHERE name NOT LIKE "
            "'sqlite_autoindex%' ORDER BY type, name"
        ).fetchall()
        found["schema"] = digest([row[:4] for row in listed])
        for kind, raw, _, _, root in listed:
            if kind != b"table" or not root:
                continue
            name = raw.decode().replace('"', '""')
            info = connection.execute(f'PRAGMA table_xinfo("{name}")').fetchall()
            columns = [row[1].decode().replace('"', '""') for row in info]
            tree = connection.execute(f'PRAGMA index_info("{name}")').fetchall()
            names = ["_rowid_"] if not tree and "_rowid_" not in columns else []
            fields = names + [f'"{column}"' for column in columns]
            asked = ", ".join(f"typeof({f}), CAST({f} AS BLOB), quote({f})" for f in fields)
            if len(fields) > 600:
                asked = ", ".join(f"quote({f})" for f in fields)
            rows = connection.execute(f'SELECT {asked} FROM "{name}"').fetchall()
            found[raw.decode()] = digest(sorted(map(repr, rows)))
        for pragma in ("user_version", "application_id", "encoding", "page_size", "auto_vacuum"):
            found[pragma] = repr(connection.execute(f"PRAGMA {pragma}").fetchone())
        found["journal"] = repr(connection.execute("PRAGMA journal_mode").fetchone())
    return found


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
