"""Names: how SQLite quotes them and how a table's stream is called. Knows no connection."""

import re

PLAIN = re.compile(r"[a-z0-9_]+\Z")


def quote(name: str) -> str:
    """Quote an identifier for SQL, always."""
    return '"' + name.replace('"', '""') + '"'


def stream_name(table: str) -> str:
    """Name the stream of a table: `main.table`, quoted where it is not `[a-z0-9_]+`."""
    return f"main.{table if PLAIN.match(table) else quote(table)}"


def is_unicode(text: str) -> bool:
    """Whether a name or definition is text at all: SQLite lets any bytes be one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
