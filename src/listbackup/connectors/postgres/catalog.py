"""What tables a database has: columns, keys, partitions, inheritance, rights, as data.

Asks the catalogs only, in whatever transaction the session is in. Decides nothing: which tables
are read, and what is said of the others, is `selection.py`'s.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from listbackup.connectors.postgres.names import quote_table, stream_name
from listbackup.connectors.postgres.session import Connection

USER_SCHEMAS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
"""SQL: the schemas that people make. `n` is pg_namespace."""

FIND_TABLES = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relpersistence::text,
       c.relfilenode, greatest(c.reltuples, 0)::bigint, c.relispartition,
       coalesce(parent.inhparent, 0)::oid,
       CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END,
       member.extname, config.condition,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
       c.relrowsecurity AND row_security_active(c.oid)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
    SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition
) parent ON true
LEFT JOIN LATERAL (
    SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      AND d.refclassid = 'pg_extension'::regclass LIMIT 1
) member ON true
LEFT JOIN LATERAL (
    SELECT x.condition FROM pg_extension e,
        unnest(e.extconfig, e.extcondition) AS x(oid, condition)
    WHERE x.oid = c.oid LIMIT 1
) config ON true
WHERE c.relkind IN ('r', 'p', 'f', 'm') AND c.relpersistence <> 't'
  AND ({USER_SCHEMAS} OR config.condition IS NOT NULL)
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""

FIND_COLUMNS = """
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnum, NOT a.attnotnull,
       a.attgenerated::text,
       EXISTS (SELECT FROM pg_type t
               LEFT JOIN pg_type e ON e.oid = t.typelem LEFT JOIN pg_type b ON b.oid = t.typbasetype
               WHERE t.oid = a.atttypid AND 'xml' IN (t.typname, e.typname, b.typname))
FROM pg_attribute a
WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

FIND_KEYS = """
SELECT i.indrelid, array(
    SELECT a.attname::text FROM generate_series(0, i.indnkeyatts - 1) AS place
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[place] ORDER BY place)
FROM pg_index i
WHERE i.indisprimary AND i.indisvalid AND i.indrelid = ANY (%s::oid[])
"""

FIND_SIZES = """
SELECT c.oid, pg_relation_size(c.oid) / current_setting('block_size')::int,
       pg_relation_size(c.oid)
       + CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_relation_size(c.reltoastrelid) END
FROM pg_class c WHERE c.oid = ANY (%s::oid[])
"""
"""A fifth of what pg_table_size costs, which looks for nine files of each table."""


FIND_DEPENDENT_VIEWS = """
WITH RECURSIVE hit(oid) AS (
    SELECT unnest(%s::oid[])
    UNION
    SELECT r.ev_class FROM hit
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = hit.oid
                    AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid)
SELECT c.oid, n.nspname, c.relname FROM hit JOIN pg_class c ON c.oid = hit.oid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')
ORDER BY n.nspname, c.relname
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `generated` is `s` (stored), `v` (virtual) or empty; `holds_xml` for notes."""

    name: str
    type: str
    nullable: bool
    generated: str = ""
    holds_xml: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A relation as the catalogs show it: kind `r` ordinary, `p` partitioned, `f` foreign, `m`
    materialized view. `root` is the oid of the partition tree's root, its own where there is
    none; `condition` (possibly empty) marks a configuration table of `extension`."""

    oid: int
    schema: str
    name: str
    kind: str
    persistence: str
    filenode: int
    estimated_rows: int
    is_partition: bool
    parent: int
    root: int
    extension: str | None
    condition: str | None
    readable: bool
    filtered: bool
    columns: tuple[Column, ...] = ()
    key: tuple[str, ...] = ()
    pages: int = field(default=0, compare=False)
    bytes: int = field(default=0, compare=False)

    @property
    def stream(self) -> str:
        """The name of its stream."""
        return stream_name(self.schema, self.name)

    @property
    def sql(self) -> str:
        """Its qualified name, quoted."""
        return quote_table(self.schema, self.name)

    @property
    def exported(self) -> tuple[Column, ...]:
        """The columns whose values are kept: all that are not generated."""
        return tuple(column for column in self.columns if not column.generated)

    @property
    def marks(self) -> tuple[int, str, str, str, int]:
        """What must be the same before and after the snapshot was taken."""
        return self.oid, self.schema, self.name, self.kind, self.filenode


def list_tables(connection: Connection) -> dict[int, Table]:
    """List every table, partition, foreign table and materialized view by oid, in order of
    names, columns and sizes left out. Raises psycopg.Error."""
    return {row[0]: Table(*row) for row in connection.execute(FIND_TABLES)}


def describe_tables(
    connection: Connection, tables: Mapping[int, Table], sized: Sequence[int]
) -> dict[int, Table]:
    """Add columns and keys to all tables, sizes to those in `sized` (which should be locked: a
    size is asked under a lock). Leaves have their columns in the order of their root."""
    columns: dict[int, list[Column]] = defaultdict(list)
    oids = list(tables)
    for oid, name, type_name, _, nullable, generated, xml in connection.execute(
        FIND_COLUMNS, (oids,)
    ):
        columns[oid].append(Column(name, type_name, nullable, generated, xml))
    keys = {oid: tuple(names) for oid, names in connection.execute(FIND_KEYS, (oids,))}
    sizes = {
        oid: (main, all_) for oid, main, all_ in connection.execute(FIND_SIZES, (list(sized),))
    }
    described = {}
    for oid, table in tables.items():
        order = {column.name: place for place, column in enumerate(columns[table.root])}
        own = sorted(columns[oid], key=lambda column: order.get(column.name, len(order)))
        pages, whole = sizes.get(oid) or (0, 0)
        kept = {column.name for column in own if not column.generated}
        key = keys.get(oid, ())
        described[oid] = replace(
            table,
            columns=tuple(own),
            key=key if kept.issuperset(key) else (),
            pages=pages or 0,
            bytes=whole or 0,
        )
    return described


@dataclass(frozen=True, slots=True)
class View:
    """A view or materialized view, by name."""

    oid: int
    schema: str
    name: str

    @property
    def stream(self) -> str:
        """Its name, written as a stream's."""
        return stream_name(self.schema, self.name)


def find_dependent_views(connection: Connection, oids: Sequence[int]) -> tuple[View, ...]:
    """Find the views that read any of these relations, directly or through others."""
    rows = connection.execute(FIND_DEPENDENT_VIEWS, (list(oids),)) if oids else ()
    return tuple(View(*row) for row in rows)
