"""Names: how PostgreSQL quotes them and how a table's stream is called.

Knows no connection. Quoting here never depends on a server's list of keywords.
"""

import re

PLAIN = re.compile(r"[a-z0-9_]+\Z")


def quote(name: str) -> str:
    """Quote an identifier for SQL, always."""
    return '"' + name.replace('"', '""') + '"'


def quote_table(schema: str, table: str) -> str:
    """Quote a qualified name for SQL."""
    return f"{quote(schema)}.{quote(table)}"


def quote_literal(text: str) -> str:
    """Quote a string constant for SQL, whatever `standard_conforming_strings` says."""
    doubled = text.replace("'", "''")
    if "\\" in doubled:
        return " E'" + doubled.replace("\\", "\\\\") + "'"
    return f"'{doubled}'"


def stream_name(schema: str, table: str) -> str:
    """Name the stream of a table: `schema.table`, quoted where a part is not `[a-z0-9_]+`."""
    return ".".join(part if PLAIN.match(part) else quote(part) for part in (schema, table))
