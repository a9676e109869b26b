"""JSON as a vault holds it, read as hostile input: bounded, without duplicate keys, typed.

Knows no kind of document.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from listbackup.errors import FailedError, IntegrityError, RefusedError

MOST_DEPTH = 16
MOST_BYTES = 64 * 1024 * 1024
MOST_VALUES = 3_000_000
"""Commas, colons and opening brackets: what a value costs in memory, however short its text."""
MOST_NUMBER = 2**53
KNOWN_REQUIREMENTS: frozenset[str] = frozenset()


def write_document(value: Mapping[str, Any]) -> bytes:
    """Write compact JSON in ASCII, ended by a newline; any name survives, valid UTF-8 or not.
    Raises FailedError for what a reader would refuse as too large."""
    data = json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"
    if _is_too_large(data):
        raise FailedError(
            f"A document of {len(data)} bytes is more than one vault document may be.",
            hint="Divide the source: back up fewer or smaller tables under one name.",
        )
    return data


def read_document(data: bytes, what: str) -> "Fields":
    """Read a JSON object. Raises IntegrityError for anything but a bounded, unambiguous object,
    RefusedError when it requires what this version does not know."""
    fields = parse_document(data, what)
    refuse_unknown(fields)
    return fields


def parse_document(data: bytes, what: str) -> "Fields":
    """Read a JSON object whose signature is still to be judged, and only then what it requires.
    Raises IntegrityError."""
    if _is_too_large(data):
        raise IntegrityError(f"{what} is too large: {len(data)} bytes long.")
    try:
        value = json.loads(
            data, object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{what} is damaged: it is not readable JSON.") from error
    if not isinstance(value, dict) or _is_deeper(value, MOST_DEPTH):
        raise IntegrityError(f"{what} is damaged: not an object, or nested too deeply.")
    return Fields(value, what)


def refuse_unknown(fields: "Fields") -> None:
    """Raise RefusedError when a document requires what this version does not know."""
    unknown = set(fields.texts("requires", ())) - KNOWN_REQUIREMENTS
    if unknown:
        raise RefusedError(
            f"{fields.what} needs {', '.join(sorted(unknown))}, which this version does not know.",
            risk="No data is at risk.",
            hint="Use a newer version of listbackup for this vault.",
        )


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _is_too_large(data: bytes) -> bool:
    # Decoded text takes up to four bytes a character as soon as one is not ASCII.
    if len(data) * (1 if data.isascii() else 4) > MOST_BYTES:
        return True
    return len(data) > MOST_VALUES and sum(map(data.count, (b",", b":", b"[", b"{"))) > MOST_VALUES


def _is_deeper(value: Any, than: int) -> bool:
    level = [value]
    for _ in range(than):
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


_ABSENT: Any = object()


class Fields:
    """Typed access to a JSON object; every miss is an IntegrityError that names the document."""

    def __init__(self, value: Mapping[str, Any], what: str) -> None:
        self.value = value
        self.what = what

    def _get(self, name: str, kind: type[Any], default: Any) -> Any:
        found = self.value.get(name, default)
        if found is _ABSENT or (found is not default and type(found) is not kind):
            raise IntegrityError(f"{self.what} is damaged: its field {name!r} is missing or wrong.")
        return found

    def text(self, name: str, default: Any = _ABSENT) -> str:
        """Give a string."""
        return str(self._get(name, str, default))

    def optional_text(self, name: str) -> str | None:
        """Give a string or None."""
        return None if self.value.get(name) is None else self.text(name)

    def number(self, name: str, default: Any = _ABSENT, *, least: int = 0) -> int:
        """Give an integer, at least `least` and at most 2^53."""
        found = int(self._get(name, int, default))
        if not least <= found <= MOST_NUMBER:
            raise IntegrityError(f"{self.what} is damaged: its field {name!r} is out of bounds.")
        return found

    def flag(self, name: str, default: Any = _ABSENT) -> bool:
        """Give a boolean."""
        return bool(self._get(name, bool, default))

    def items(self, name: str, default: Any = _ABSENT) -> Sequence[Any]:
        """Give a list."""
        found: Sequence[Any] = self._get(name, list, default)
        return found

    def texts(self, name: str, default: Any = _ABSENT) -> tuple[str, ...]:
        """Give a list of strings."""
        found = self.items(name, default)
        if not all(isinstance(one, str) for one in found):
            raise IntegrityError(f"{self.what} is damaged: its field {name!r} is not all text.")
        return tuple(found)

    def mapping(self, name: str, default: Any = _ABSENT) -> Mapping[str, Any]:
        """Give an object as it is."""
        found: Mapping[str, Any] = self._get(name, dict, default)
        return found

    def fields(self, name: str) -> "Fields":
        """Give an object with typed access."""
        return Fields(self.mapping(name), f"{self.what}, {name}")

    def each(self, name: str, default: Any = _ABSENT) -> list["Fields"]:
        """Give a list of objects with typed access."""
        found = self.items(name, default)
        if not all(isinstance(one, dict) for one in found):
            raise IntegrityError(f"{self.what} is damaged: its field {name!r} is not all objects.")
        return [Fields(one, f"{self.what}, {name}") for one in found]
