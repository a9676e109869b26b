"""What the stored lines of a stream say, by the form of its lines."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from listbackup.history.lines import Row, decode_line, name_values, to_text, write_key
from listbackup.history.recordrows import RecordRows
from listbackup.records.recordlines import NAME as RECORDS
from listbackup.vault.states import State


class Rows(Protocol):
    """The stored lines of one stream, as people see them."""

    def show(self, line: bytes) -> tuple[str | None, Row]:
        """Give a line's key as a JSON array, None without one, and its values by name. Raises
        IntegrityError."""
        ...

    def holds(self, line: bytes, text: str) -> bool:
        """Tell whether a value contains a text. Raises IntegrityError."""
        ...

    def find(self, chunk: bytes, text: str, start: int) -> int:
        """Give where in whole lines a text may stand next, -1 for nowhere: `holds` decides."""
        ...

    def spell_keys(self, text: str) -> list[bytes]:
        """Give the keys that a text may mean: the value of the only field, or the JSON array of
        all. Their hashes are those of keys."""
        ...


class ArrayRows:
    """Lines that are arrays of the columns' values."""

    def __init__(self, schema: Mapping[str, Any], key: Sequence[str], what: str) -> None:
        self._columns = [str(column["name"]) for column in schema["columns"]]
        self._key = tuple(key)
        self._what = what

    def show(self, line: bytes) -> tuple[str | None, Row]:
        """Give a line's key and its values."""
        values = decode_line(line, self._what)
        row = name_values(values, self._columns, self._what)
        if not self._key:
            return None, row
        return write_key([values[self._columns.index(name)] for name in self._key]), row

    def holds(self, line: bytes, text: str) -> bool:
        """Tell whether a value contains a text."""
        return any(text in (to_text(value) or "") for value in decode_line(line, self._what))

    def find(self, chunk: bytes, text: str, start: int) -> int:
        """Give where a text may stand next."""
        needle = json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")
        return chunk.find(needle, start)

    def spell_keys(self, text: str) -> list[bytes]:
        """Give the keys that a text may mean."""
        width = len(self._key)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        candidates: list[list[Any]] = []
        if isinstance(value, list) and len(value) == width:
            candidates += [value, [to_text(one) for one in value]]
        if width == 1:
            candidates += [[text], *([[value]] if isinstance(value, int | float) else [])]
        written = [write_key(one).encode("utf-8", "surrogatepass") for one in candidates]
        return list(dict.fromkeys(written))


def open_rows(state: State, schema: Mapping[str, Any]) -> Rows:
    """Open the lines of a state."""
    if state.encoding == RECORDS:
        return RecordRows(state.key, state.stream)
    return ArrayRows(schema, state.key, state.stream)
