"""JSON records as rows: top-level fields by name, and the ways in which a text can stand in one.

A string is shown as itself, null as nothing, every other value as its JSON, digits and all. Half a
surrogate pair is shown as U+FFFD.
"""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice, product
from typing import Any

import msgspec
from msgspec import Raw

from listbackup.errors import IntegrityError
from listbackup.records.cutting import mask_halves
from listbackup.records.recordlines import read_keys

MOST_SPELLINGS = 256
"""Ways to write one key that are tried."""
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_TEXT = msgspec.json.Decoder(str)
_ELEMENTS = msgspec.json.Decoder(list[Raw])
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_OFTEN_ESCAPED = frozenset("/<>&'=+\x7f")


class RecordRows:
    """What the lines of a stream of records say; `key` are the paths of its key's fields."""

    def __init__(self, key: Sequence[str], what: str) -> None:
        self._key = tuple(key)
        self._what = what

    def show(self, line: bytes) -> tuple[str | None, dict[str, str | None]]:
        """Give a line's key, None without one, and its fields by name. Raises IntegrityError."""
        row = {name: show_value(value) for name, value in open_record(line, self._what).items()}
        if not self._key:
            return None, row
        return read_keys([line], self._key)[0].decode(), row

    def holds(self, line: bytes, text: str) -> bool:
        """Tell whether a value at any depth contains a text. Raises IntegrityError."""
        try:
            waiting: list[Any] = [json.loads(line, parse_int=str, parse_float=str)]
        except RecursionError:
            return True  # too deep to be looked at, and some spelling of it is there
        except ValueError as error:
            raise IntegrityError(f"A line of {self._what} is not readable JSON.") from error
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value
            elif value is not None and text in (
                value if isinstance(value, str) else json.dumps(value)
            ):
                return True
        return False

    def find(self, chunk: bytes, text: str, start: int) -> int:
        """Give where a text may stand next in whole lines, however it is escaped; -1 for
        nowhere."""
        pattern = spell_text(text)
        if isinstance(pattern, bytes):
            return chunk.find(pattern, start)
        found = pattern.search(chunk, start)
        return found.start() if found else -1

    def spell_keys(self, text: str) -> list[bytes]:
        """Give the keys that a text may mean: the value of the only field, or the JSON array of
        all."""
        spelled: dict[bytes, None] = {}
        for elements in self._read_keys(text):
            ways = product(*[_spell(one) for one in elements])
            for values in islice(ways, MOST_SPELLINGS):
                spelled[b"[" + b",".join(values) + b"]"] = None
        return list(spelled)

    def _read_keys(self, text: str) -> list[list[str]]:
        """Give the lists of JSON values that a text may mean."""
        width, found = len(self._key), []
        try:
            elements = [str(one, "utf-8") for one in _ELEMENTS.decode(text)]
            if len(elements) == width:
                found.append(elements)
        except (msgspec.DecodeError, RecursionError):
            pass
        return [*found, [json.dumps(text)], [text]] if width == 1 else found


def open_record(line: bytes, what: str) -> dict[str, bytes]:
    """Give the fields of a line, as they are written. Raises IntegrityError."""
    for written in (line, mask_halves(line)):
        try:
            return {name: bytes(value) for name, value in _FIELDS.decode(written).items()}
        except (msgspec.DecodeError, RecursionError) as error:
            refused = error
    raise IntegrityError(f"A line of {what} is no JSON record.", subject=what) from refused


def show_value(value: bytes) -> str | None:
    """Give a value as text; None for null."""
    if value.startswith(b'"'):
        return _TEXT.decode(value)
    return None if value == b"null" else value.decode()


@lru_cache(maxsize=8)
def spell_text(text: str) -> re.Pattern[bytes] | bytes:
    """Give what finds a text in JSON: bytes where it can be written in one way only."""
    ways = [_spell_character(one) for one in text]
    if all(len(one) == 1 for one in ways):
        return b"".join(one[0] for one in ways)
    return re.compile(b"".join(b"(?:%b)" % b"|".join(map(_escape, one)) for one in ways))


def _escape(way: bytes) -> bytes:
    escaped = re.escape(way)
    return b"(?i:%b)" % escaped if way.startswith(rb"\u") else escaped


def _spell_character(one: str) -> list[bytes]:
    code = json.dumps(one)[1:-1].encode()
    ways = [one.encode("utf-8", "surrogatepass")] if one not in _SHORT and one >= " " else []
    if one in _SHORT:
        ways.append(_SHORT[one].encode())
    if one == "/":
        ways.append(rb"\/")
    if one in _SHORT or one in _OFTEN_ESCAPED or not " " <= one <= "\x7e":
        units = one.encode("utf-16-be", "surrogatepass")
        pairs = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
        code = "".join([f"\\u{pair}" for pair in pairs]).encode()
        ways.append(code)
    return ways


def _spell(value: str) -> list[bytes]:
    """Give the ways to write one JSON value."""
    try:
        text = json.loads(value)
    except (ValueError, RecursionError):
        return []
    if not isinstance(text, str):
        # a number that was meant as such, or as the text of an id
        written = json.dumps(value)
        return [value.encode(), *_spell(written)] if value == value.strip() else []
    plain = json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")
    codes = json.dumps(text).encode()
    upper = re.sub(rb"\\u[0-9a-f]{4}", lambda found: b"\\u" + found[0][2:].upper(), codes)
    ways = [plain, codes, upper]
    return list(dict.fromkeys([*ways, *(way.replace(b"/", rb"\/") for way in ways)]))
