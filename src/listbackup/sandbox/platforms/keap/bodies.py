"""Reads bodies sent to Keap, and holds them against their shapes."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

import msgspec

from listbackup.sandbox.platforms.keap.errors import RefusedError
from listbackup.sandbox.platforms.keap.filters import FilterError, read_time
from listbackup.sandbox.platforms.keap.shapes import SHAPES
from listbackup.sandbox.platforms.keap.tables import Record

Check = Callable[[str, object], object]


def read_body(data: bytes, shape: str) -> Record:
    """Read a JSON object and hold it against a shape; ids become text, times UTC.

    Raises RefusedError (400).
    """
    try:
        found = msgspec.json.decode(data or b"null")
    except msgspec.DecodeError as error:
        raise RefusedError(400, f"Malformed JSON: {error}") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "A JSON object is required")
    return check_object(found, shape, "")


def read_bodies(data: bytes, shape: str) -> list[Record]:
    """Read a JSON array of objects. Raises RefusedError (400)."""
    try:
        found = msgspec.json.decode(data or b"null")
    except msgspec.DecodeError as error:
        raise RefusedError(400, f"Malformed JSON: {error}") from None
    if not isinstance(found, list):
        raise RefusedError(400, "A JSON array is required")
    return [_object_of(shape)("", item) for item in found]  # type: ignore[misc]


def check_object(found: Mapping[str, object], shape: str, path: str) -> Record:
    """Hold an object against a shape. Raises RefusedError (400)."""
    checks, required = _shape(shape)
    made: Record = {}
    for name, value in found.items():
        if (check := checks.get(name)) is None:
            raise RefusedError(400, f"Unrecognized field '{path}{name}'", f"{path}{name}")
        # Null is how a field is emptied; it is kept so that an update can see it.
        made[name] = None if value is None else check(f"{path}{name}", value)
    for name in required:
        if made.get(name) is None:
            raise RefusedError(400, f"'{path}{name}' is required", f"{path}{name}")
    return made


def field_names(shape: str) -> frozenset[str]:
    """Name the fields of a shape."""
    return frozenset(_shape(shape)[0])


def required_names(shape: str) -> frozenset[str]:
    """Name the fields that a shape must have."""
    return frozenset(_shape(shape)[1])


@cache
def _shape(name: str) -> tuple[dict[str, Check], tuple[str, ...]]:
    checks, required = {}, []
    for word in SHAPES[name].split():
        field, _, kind = word.partition(":")
        if kind.endswith("!"):
            kind = kind[:-1]
            required.append(field)
        checks[field] = _check_of(kind)
    return checks, tuple(required)


def _check_of(kind: str) -> Check:
    if kind.startswith("["):
        return _list_of(_check_of(kind[1:-1]))
    if kind.startswith("@"):
        return _object_of(kind[1:])
    if "|" in kind:
        return _one_of(kind.split("|"))
    name = kind.rstrip("0123456789")
    limit = int(kind[len(name) :]) if name != kind else None
    match name:
        case "text":
            return lambda path, value: _text(path, value, limit)
        case "int" | "number":
            return lambda path, value: _number(path, value, name, limit)
        case _:
            return _PLAIN[name]


def _wrong(path: str, what: str) -> RefusedError:
    return RefusedError(400, f"'{path}' {what}", path)


def _text(path: str, value: object, limit: int | None) -> object:
    if not isinstance(value, str):
        raise _wrong(path, "must be a string")
    if limit is not None and len(value) > limit:
        raise _wrong(path, f"must have at most {limit} characters")
    return value


def _words(path: str, value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(path, "must not be blank")
    return value


def _id(path: str, value: object) -> object:
    text = str(value)
    known = isinstance(value, (str, int)) and not isinstance(value, bool)
    if not known or not text.isascii() or not text.isdigit():
        raise _wrong(path, "must be a numeric id")
    return text


def _number(path: str, value: object, kind: str, least: int | None) -> object:
    wanted = (int,) if kind == "int" else (int, float)
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise _wrong(path, "must be a whole number" if kind == "int" else "must be a number")
    if least is not None and value < least:
        raise _wrong(path, f"must be greater than or equal to {least}")
    return value


def _bool(path: str, value: object) -> object:
    if not isinstance(value, bool):
        raise _wrong(path, "must be true or false")
    return value


def _time(path: str, value: object) -> object:
    if not isinstance(value, str):
        raise _wrong(path, "must be an ISO-8601 date-time")
    try:
        return read_time(value).strftime("%Y-%m-%dT%H:%M:%SZ")
    except FilterError as error:
        raise _wrong(path, str(error)) from None


def _date(path: str, value: object) -> object:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise _wrong(path, "must be a date (YYYY-MM-DD)") from None


def _any(path: str, value: object) -> object:
    return value


_PLAIN: dict[str, Check] = {
    "words": _words,
    "id": _id,
    "bool": _bool,
    "time": _time,
    "date": _date,
    "any": _any,
}


def _one_of(choices: list[str]) -> Check:
    numeric = choices[0].isdigit()

    def check(path: str, value: object) -> object:
        if str(value) not in choices or isinstance(value, bool):
            raise _wrong(path, f"must be one of {', '.join(choices)}")
        return int(str(value)) if numeric else value

    return check


def _list_of(check: Check) -> Check:
    def checked(path: str, value: object) -> object:
        if not isinstance(value, list):
            raise _wrong(path, "must be an array")
        return [check(f"{path}[{place}]", item) for place, item in enumerate(value)]

    return checked


def _object_of(shape: str) -> Check:
    def checked(path: str, value: object) -> object:
        if not isinstance(value, dict):
            raise _wrong(path, "must be an object")
        return check_object(value, shape, f"{path}.")

    return checked
