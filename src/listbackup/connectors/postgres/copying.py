"""COPY statements, written from the schema object of a stream: one text for reading, for writing
and for taking a fingerprint, so that all three speak of the same columns in the same order.

The schema object of a table is JSON: `kind`, `schema`, `table`, `columns` (each `name`, `type`,
`position`, `nullable`), `generated`, `key`, `load_into`, `partition_of`, `relkind`, `extension`,
`condition`. Knows no connection.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from listbackup.connectors.postgres.catalog import Column, Table
from listbackup.connectors.postgres.names import quote, quote_table

WHERE = re.compile(r"\s*where\b", re.IGNORECASE)
ENCODING = "copy-text-array/1"


def make_schema(table: Table, root: Table, parent: Table | None) -> dict[str, Any]:
    """Make the schema object of an ordinary table or leaf."""
    return {
        "kind": "table",
        "schema": table.schema,
        "table": table.name,
        "relkind": table.kind,
        "persistence": table.persistence,
        "columns": _describe(table.exported),
        "generated": _describe([c for c in table.columns if c.generated == "s"]),
        "key": list(table.key),
        "load_into": {"schema": root.schema, "table": root.name},
        "partition_of": {"schema": parent.schema, "table": parent.name} if parent else None,
        "extension": table.extension,
        "condition": table.condition or None,
    }


def _describe(columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [
        {"name": c.name, "type": c.type, "position": place, "nullable": c.nullable}
        for place, c in enumerate(columns, 1)
    ]


def copy_out(schema: Mapping[str, Any], *, where: str = "", raw_encoding: bool = False) -> str:
    """Write the COPY that reads a table's own rows, narrowed by SQL conditions.

    `raw_encoding` for SQL_ASCII databases: the bytes as they are stored.
    """
    names = [column["name"] for column in schema["columns"]]
    return _copy(schema, names, where, raw_encoding)


def copy_generated(schema: Mapping[str, Any], *, raw_encoding: bool = False) -> str:
    """Write the COPY that reads only a table's stored generated columns."""
    names = [column["name"] for column in schema["generated"]]
    return _copy(schema, names, "true", raw_encoding)


def copy_in(schema: Mapping[str, Any], *, raw_encoding: bool = False, frozen: bool = False) -> str:
    """Write the COPY that loads lines into where they belong (the partition root); `frozen` only
    in the transaction that made or emptied the table."""
    target = quote_table(schema["load_into"]["schema"], schema["load_into"]["table"])
    return f"COPY {target}{_list(schema['columns'])} FROM STDIN{_options(raw_encoding, frozen)}"


def _copy(schema: Mapping[str, Any], names: Sequence[str], where: str, raw: bool) -> str:
    table = quote_table(schema["schema"], schema["table"])
    listed = ", ".join(quote(name) for name in names)
    condition = WHERE.sub("", str(schema.get("condition") or ""))
    tests = " AND ".join(f"({test})" for test in (condition, where) if test)
    if not tests:
        return f"COPY {table}{f' ({listed})' if names else ''} TO STDOUT{_options(raw)}"
    return f"COPY (SELECT {listed} FROM ONLY {table} WHERE {tests}) TO STDOUT{_options(raw)}"


def _list(columns: Sequence[Mapping[str, Any]]) -> str:
    return f" ({', '.join(quote(c['name']) for c in columns)})" if columns else ""


def _options(raw: bool, frozen: bool = False) -> str:
    options = ["ENCODING 'SQL_ASCII'"] if raw else []
    options += ["FREEZE"] if frozen else []
    return f" WITH ({', '.join(options)})" if options else ""
