"""The source form of `sqlite-array/1`: a line is a JSON array in which every value says its type.

The line is one field to DuckDB's scanner, taken apart by its JSON functions, which keep the digits
of integers and read the same doubles. SQLite lets any value stand in any column; the type of a
part's column is the one that the column was declared for, and what is of another class of storage
goes to the twin: a text as it is, a blob as it stands in the line. A column that was declared for
nothing, or for dates, is text; numbers are written with their digits there. Knows no Parquet.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from listbackup.parquet.columns import quote_text
from listbackup.parquet.forms import Scan, Steps

FILE = 8 << 20
"""Bytes after which the next file begins."""
WINDOW = 1 << 20
BLOB_HEAD = '{"b64":"'
PLUS, MINUS = '{"r":"inf"}', '{"r":"-inf"}'
EXACT_DIGITS = 15
"""Integers of so many characters are exact as doubles."""

Way = tuple[str, str]
"""The value of the text `{t}`, and what must hold of the field `{c}` and the value `{v}`."""

WAYS: Mapping[str, Way] = {
    "BIGINT": ("TRY_CAST({t} AS BIGINT)", "regexp_full_match({c}, '-?[0-9]+')"),
    "DOUBLE": (
        f"CASE {{t}} WHEN '{PLUS}' THEN CAST('inf' AS DOUBLE)"
        f" WHEN '{MINUS}' THEN CAST('-inf' AS DOUBLE) ELSE TRY_CAST({{t}} AS DOUBLE) END",
        "NOT starts_with({c}, '\"') AND {v} IS NOT NULL"
        f" AND (strlen({{c}}) <= {EXACT_DIGITS} OR regexp_matches({{c}}, '[.er]'))",
    ),
    "BLOB": (
        f"CASE WHEN starts_with({{t}}, '{BLOB_HEAD}')"
        " THEN TRY(from_base64(substr({t}, 9, length({t}) - 10))) END",
        f"starts_with({{c}}, '{BLOB_HEAD}') AND {{v}} IS NOT NULL",
    ),
    "VARCHAR": ("", "NOT starts_with({c}, '{')"),
}


class SqliteArrayForm:
    """Lines of JSON arrays, for tables of one schema object."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.types: Sequence[str] = [
            find_type(str(column["type"]), str(column["affinity"])) for column in schema["columns"]
        ]

    def look(self, chunks: Sequence[bytes], *, mend: bool = False) -> Scan:
        """Cut chunks into files. The lines are text and JSON always: nothing has to be mended."""
        return Scan(
            files=[file for chunk in chunks for file in _cut(chunk)] or [[b""]],
            lines=sum(chunk.count(b"\n") for chunk in chunks),
            size=sum(len(chunk) for chunk in chunks),
            longest=max([_find_longest(chunk) for chunk in chunks], default=0),
            escapes=(),
            mended=mend,
        )

    def scan(self, scan: Scan, addresses: Sequence[str], careful: Collection[int]) -> str:
        """Write the table expression that takes the lines apart."""
        files = ", ".join([quote_text(address) for address in addresses])
        longest = max(2 * scan.longest, WINDOW)
        lines = (
            f"read_csv([{files}], columns = {{'line': 'VARCHAR'}}, auto_detect = false,"
            " header = false, delim = '\x01', quote = '', escape = '', comment = '', nullstr = '',"
            " new_line = '\\n', encoding = 'utf-8', compression = 'none', null_padding = false,"
            f" strict_mode = true, parallel = false, max_line_size = {longest},"
            f" buffer_size = {longest + WINDOW})"
        )
        paths = ", ".join([f"'$[{place}]'" for place in range(len(self.types))])
        fields = ", ".join(
            [f"nullif(e[{place + 1}], 'null') AS c{place}" for place in range(len(self.types))]
        )
        taken = f"CAST(json_extract(line, [{paths}]) AS VARCHAR[])"
        return f"(SELECT {fields} FROM (SELECT {taken} AS e FROM {lines}))"

    def steps(self, scan: Scan, place: int, *, careful: bool) -> Steps:
        """Write how a column's scanned field becomes its value."""
        field, text, value = f"c{place}", f"t{place}", f"v{place}"
        cast, proof = WAYS[self.types[place]]
        spelled = f"CASE WHEN starts_with({text}, '\"') THEN json_extract_string({text}, '$')"
        marks = {"{c}": field, "{t}": text, "{v}": value}
        for mark, word in marks.items():
            cast, proof = cast.replace(mark, word), proof.replace(mark, word)
        return Steps((f"{spelled} ELSE {text} END",), cast or text, proof)


def find_type(declared: str, affinity: str) -> str:
    """Give DuckDB's type for a column that was declared so."""
    upper = declared.upper()
    if affinity in ("INTEGER", "TEXT", "REAL"):
        return {"INTEGER": "BIGINT", "TEXT": "VARCHAR", "REAL": "DOUBLE"}[affinity]
    if affinity == "BLOB":
        return "BLOB" if "BLOB" in upper else "VARCHAR"
    if "BOOL" in upper:
        return "BIGINT"
    numeric = any(word in upper for word in ("NUM", "DEC", "MONEY"))
    return "DOUBLE" if numeric else "VARCHAR"


def _cut(chunk: bytes) -> list[list[bytes | memoryview]]:
    files: list[list[bytes | memoryview]] = []
    start = 0
    while start < len(chunk):
        rest = len(chunk) - start <= FILE
        end = len(chunk) if rest else chunk.rfind(b"\n", start, start + FILE) + 1
        end = end or chunk.find(b"\n", start) + 1 or len(chunk)
        files.append([memoryview(chunk)[start:end]])
        start = end
    return files


def _find_longest(chunk: bytes) -> int:
    if len(chunk) <= WINDOW:
        return len(chunk)
    return max(len(line) for line in chunk.split(b"\n"))
