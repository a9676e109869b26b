r"""The source form of `copy-text-array/1`: lines of PostgreSQL's COPY text, scanned as they are.

Tabs between fields, `\N` for null, one line a row: to DuckDB's scanner a CSV without quotes. Its
traps are taken away before: an empty line (a table of one or no column gets a second one), a byte
order mark at the front, a line longer than its buffer, bytes that are no UTF-8. These are written
as `\xff`, an escape that COPY reads and never writes, so that a text with one is known and kept
as it came. Knows no Parquet.
"""

import codecs
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from listbackup.parquet.columns import quote_text
from listbackup.parquet.forms import Scan, Steps
from listbackup.parquet.kinds import BLOB, replace_marks
from listbackup.parquet.typenames import find_kind

WINDOW = 1 << 20
"""Lines up to this long are scanned with the buffer that is best for speed."""
BUFFER = 2 * WINDOW
FILE = 8 * WINDOW
"""Bytes after which the next file begins."""
BACKSLASHES = "\\\\"
NEWLINE = "\\n"
ESCAPES = {
    "\\t": "chr(9)",
    "\\r": "chr(13)",
    "\\v": "chr(11)",
    "\\b": "chr(8)",
    "\\f": "chr(12)",
}
MARK = "listbackup.mark"


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return "".join([f"\\x{byte:02x}" for byte in bad]), error.end


codecs.register_error(MARK, _mark)


class CopyTextForm:
    """Lines of COPY text, for tables of one schema object."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._kinds = [find_kind(str(column["type"])) for column in schema["columns"]]
        self.types: Sequence[str] = [kind.sql for kind in self._kinds]

    def look(self, chunks: Sequence[bytes], *, mend: bool = False) -> Scan:
        """Make chunks fit to be scanned."""
        fit = list(chunks)
        if mend:
            fit = [chunk.decode(errors=MARK).encode() for chunk in fit]
        if len(self._kinds) < 2:
            fit = [chunk.replace(b"\n", b"\t\n") for chunk in fit]
        return Scan(
            files=_cut(fit),
            lines=sum(chunk.count(b"\n") for chunk in chunks),
            size=sum(len(chunk) for chunk in chunks),
            longest=max([_bound_lines(chunk) for chunk in fit], default=0),
            escapes=_find_escapes(chunks),
            mended=mend,
        )

    def scan(self, scan: Scan, addresses: Sequence[str], careful: Collection[int]) -> str:
        """Write the table expression that reads the lines."""
        files = ", ".join([quote_text(address) for address in addresses])
        types = [
            kind.sql if kind.scanned and place not in careful else "VARCHAR"
            for place, kind in enumerate(self._kinds)
        ]
        types += ["VARCHAR"] * (2 - len(types))
        columns = ", ".join(f"'c{place}': '{kind}'" for place, kind in enumerate(types))
        longest = max(2 * scan.longest, WINDOW)
        return (
            f"read_csv([{files}], columns = {{{columns}}}, auto_detect = false,"
            " header = false, delim = '\t', quote = '', escape = '', comment = '', nullstr = '\\N',"
            " new_line = '\\n', encoding = 'utf-8', compression = 'none', null_padding = false,"
            f" strict_mode = true, parallel = false, max_line_size = {longest},"
            f" buffer_size = {max(longest + WINDOW, BUFFER)})"
        )

    def steps(self, scan: Scan, place: int, *, careful: bool) -> Steps:
        """Write how a column's scanned field becomes its value."""
        kind, text, value = self._kinds[place], f"t{place}", f"v{place}"
        way = kind.careful if careful else kind.quick
        cast = replace_marks(way.cast, text) or text
        proof = replace_marks(way.proof, text, value)
        if kind.scanned and not careful:
            return Steps((), cast, proof)
        if kind == BLOB and not (careful or scan.mended):
            return Steps((), f"unhex(substr({text}, 4))", f"starts_with({text}, '{BACKSLASHES}x')")
        if way.cast:
            proof = f"{value} IS NOT NULL AND {proof or 'true'}"
        texts = _unescape(text, scan.escapes)
        if not scan.mended:
            return Steps(texts, cast, proof)
        marked = f"contains(replace(c{place}, '{BACKSLASHES}', ''), '\\x')"
        texts = (*texts, f"CASE WHEN {marked} THEN c{place} ELSE {text} END")
        return Steps(texts, cast, f"NOT {marked} AND {proof or 'true'}")


def _cut(chunks: Sequence[bytes]) -> list[list[bytes | memoryview]]:
    """Put lines into files of about FILE bytes. What looks like a byte order mark at the front of
    one would be lost, so another is put before it."""
    files: list[list[bytes | memoryview]] = []
    size = FILE
    for chunk in chunks:
        start = 0
        while start < len(chunk):
            rest = len(chunk) - start <= FILE
            end = len(chunk) if rest else chunk.rfind(b"\n", start, start + FILE) + 1
            end = end or chunk.find(b"\n", start) + 1 or len(chunk)
            if size >= FILE:
                files.append([codecs.BOM_UTF8] if chunk.startswith(codecs.BOM_UTF8, start) else [])
                size = 0
            files[-1].append(memoryview(chunk)[start:end])
            size += end - start
            start = end
    return files or [[b""]]


def _bound_lines(chunk: bytes) -> int:
    """Give a bound on the longest line: WINDOW where none is longer, else its length."""
    longest, start = WINDOW, 0
    while len(chunk) - start > WINDOW:
        end = chunk.rfind(b"\n", start, start + WINDOW) + 1
        if not end:
            end = chunk.find(b"\n", start) + 1 or len(chunk)
            longest = max(longest, end - start)
        start = end
    return longest


def _find_escapes(chunks: Sequence[bytes]) -> tuple[str, ...]:
    """Find which escapes may occur, beside nulls."""
    if all(chunk.count(b"\\") == chunk.count(b"\\N") for chunk in chunks):
        return ()
    return tuple(
        code
        for code in (BACKSLASHES, NEWLINE, *ESCAPES)
        if any(code.encode() in chunk for chunk in chunks)
    )


def _unescape(text: str, escapes: Sequence[str]) -> tuple[str, ...]:
    """Undo COPY's escapes; a zero byte, which no text has, stands in for a backslash meanwhile.
    The frequent ones first: most texts then have no other."""
    if not escapes:
        return ()
    first = f"replace({text}, '{BACKSLASHES}', chr(0))" if BACKSLASHES in escapes else text
    first = f"replace({first}, '{NEWLINE}', chr(10))" if NEWLINE in escapes else first
    others = text
    for code, meaning in ESCAPES.items():
        others = f"replace({others}, '{code}', {meaning})" if code in escapes else others
    steps = [f"CASE WHEN contains({text}, '\\') THEN {first} ELSE {text} END"]
    if others != text:
        steps.append(f"CASE WHEN contains({text}, '\\') THEN {others} ELSE {text} END")
    if BACKSLASHES in escapes:
        back = f"replace({text}, chr(0), '\\')"
        steps.append(f"CASE WHEN contains({text}, chr(0)) THEN {back} ELSE {text} END")
    return tuple(steps)
