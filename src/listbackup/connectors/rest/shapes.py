"""How records stand in a page: in an array, in an object by their keys, or a single one where an
array would be; and what a page without them means. Knows no keys of streams.
"""

import codecs
import json
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from listbackup.errors import SourceError
from listbackup.records.cutting import cut_records, is_utf8

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the pages of one list. `kind`: `list`, `map` (an object whose values are the records;
    `map_key` is the field that their names go into) or `one` (an object, or an array). `absent`:
    what it means where there is null, or nothing at all, in their place."""

    kind: Literal["list", "map", "one"] = "list"
    map_key: str = ""
    absent: Literal["failure", "empty"] = "failure"

    def cut(self, body: bytes, path: Path) -> list[bytes]:
        """Cut the records out of a page. Raises SourceError where it is no such page."""
        if self.kind == "list" and self.absent == "failure":
            return cut_records(body, path)
        value = find_value(body, path)
        if value is None or value == b"null":
            if self.absent == "failure":
                raise SourceError(f"The answer has nothing at {'.'.join(path) or 'its top'}.")
            return []
        if self.kind == "list" and value.startswith(b"{") and not value[1:-1].strip():
            # how PHP may write an empty array
            return []
        if value.startswith(b"[") or self.kind == "list":
            return cut_records(value)
        if not value.startswith(b"{"):
            raise SourceError(f"The answer has no object at {'.'.join(path) or 'its top'}.")
        return [value] if self.kind == "one" else self._cut_map(value)

    def _cut_map(self, value: bytes) -> list[bytes]:
        found: list[bytes] = []
        for name, raw in _decode(value, dict[str, msgspec.Raw]).items():
            record = bytes(raw)
            if not record.startswith(b"{"):
                raise SourceError("The answer has something else than objects among its records.")
            if self.map_key:
                front = f"{{{json.dumps(self.map_key)}:{json.dumps(name, ensure_ascii=False)}"
                inside = record[1:].lstrip()
                record = front.encode() + (b"" if inside.startswith(b"}") else b",") + inside
            found.append(record)
        return found


LIST = Shape()
"""An array, always."""


def find_value(body: bytes, path: Path) -> bytes | None:
    """Give what a page has at a path, as it stands; None where there is nothing. Raises
    SourceError where it is no JSON in UTF-8."""
    body = body.removeprefix(codecs.BOM_UTF8).strip()
    if not is_utf8(body):
        raise SourceError("The answer is no text in UTF-8.")
    value = bytes(_decode(body, msgspec.Raw))
    for step in path:
        if not value.startswith(b"{"):
            return None
        fields = _decode(value, dict[str, msgspec.Raw])
        if step not in fields:
            return None
        value = bytes(fields[step])
    return value


def _decode(value: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(value, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise SourceError(f"The answer is not JSON: {error}.") from error
