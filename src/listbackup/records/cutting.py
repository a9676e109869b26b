r"""Cutting records out of pages, and fields out of records, byte for byte: what is not asked for is
checked and skipped, never decoded.

What is JSON here: RFC 8259 in UTF-8, a byte order mark before a page ignored. A half of a
surrogate pair, written as `\ud83d`, is no character and still valid by that grammar; platforms
that cut texts short write such. Refused are NaN and infinities, control characters in strings,
bytes that are no UTF-8, anything after the value, and nesting that Python's stack does not take.

A *path* leads through objects by their fields' names, `data`, `contact.id`; where a field comes
twice, the last one counts. Knows no platform, and no lines but by their newlines.
"""

import codecs
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw

from listbackup.errors import SourceError

ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])

Decode = Callable[[bytes], Any]
Pick = Callable[[Any], Any]
Tree = dict[str, Any]
"""Names of fields, each with the tree of the fields that are wanted within it, or None."""


def cut_records(
    body: bytes, path: Sequence[str] = (), *, null_is_empty: bool = False
) -> list[bytes]:
    """Cut the objects of the array at a path out of a page; without a path the page is the array.
    Raises SourceError where the page is no JSON, has no array there, or one with anything but
    objects. A null in place of the array is refused, unless `null_is_empty`."""
    what = f"an array at {'.'.join(path)}" if path else "an array"
    body = body.removeprefix(codecs.BOM_UTF8)
    if not is_utf8(body):
        raise SourceError("The answer is no text in UTF-8.")
    decode, pick = _open_page(tuple(path))
    try:
        page, cut = _read(decode, body)
    except RecursionError as error:
        raise SourceError("The answer is nested too deep.") from error
    except msgspec.ValidationError as error:
        raise SourceError(f"The answer has not {what}: {error}.") from error
    except msgspec.DecodeError as error:
        raise SourceError(f"The answer is not JSON: {error}.") from error
    found = pick(page)
    if found is None and not null_is_empty:
        raise SourceError(f"The answer has null in place of {what}.")
    records = list(map(cut, found or ()))
    if not {record[:1] for record in records} <= {b"{"}:
        raise SourceError(f"The answer has {what} with something else than objects.")
    return records


def cut_lines(body: bytes, path: Sequence[str]) -> tuple[int, bytes] | None:
    """Count what the array at a path has, and give it as lines, each value as it stands, in one
    step. None where there is nothing, where a line may break, and where the page is not as it
    should be: `cut_records` says what is wrong."""
    body = body.removeprefix(codecs.BOM_UTF8).rstrip()
    if b"\n" in body or b"\r" in body or not is_utf8(body):
        return None
    try:
        decode, pick = _open_page(tuple(path))
        values = pick(decode(body))
    except (SourceError, msgspec.DecodeError, RecursionError):
        return None
    return (len(values), b"\n".join([*values, b""])) if values else None


def find_fields(records: Sequence[bytes], paths: Sequence[str]) -> list[tuple[Any, ...]]:
    """Give the values at some paths of each record, decoded; None for null and for what is not
    there. A number out of range is its text. Raises SourceError where a record is no JSON
    object."""
    try:
        decode, picks = _open_values(tuple(paths))
        return [tuple([pick(one) for pick in picks]) for one in map(decode, records)]
    except (msgspec.DecodeError, KeyError):
        # something else than an object on the way, or a value that msgspec does not take
        return [tuple([_walk(record, path) for path in paths]) for record in records]


def cut_fields(lines: bytes, paths: tuple[str, ...]) -> tuple[int, list[list[bytes]]]:
    """Count the objects of a chunk of lines, and give for each path the raw bytes that each has
    there. Raises msgspec.DecodeError where something is no JSON, no object, or a field is not
    there; RecursionError; KeyError where a path is the beginning of another, or has quotes,
    backslashes or control characters."""
    decode, picks = _open_fields(paths)
    objects, cut = _read(decode, lines)
    return len(objects), [list(map(cut, map(pick, objects))) for pick in picks]


def is_utf8(data: bytes) -> bool:
    """Say whether bytes are text in UTF-8."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read(decode: Decode, data: bytes) -> tuple[Any, Callable[[Raw], bytes]]:
    """Decode, and give what cuts the bytes of a `Raw` out of the data."""
    try:
        return decode(data), bytes
    except msgspec.DecodeError:
        masked = mask_halves(data)
        if masked == data:
            raise
    start = _address(masked)

    def cut(raw: Raw) -> bytes:
        at = _address(raw) - start
        return data[at : at + len(bytes(raw))]

    return decode(masked), cut


def mask_halves(data: bytes) -> bytes:
    """Put `\\uFFFD` in the place of every escaped half of a surrogate pair."""
    return ESCAPE.sub(_mask, data)


def _mask(found: re.Match[bytes]) -> bytes:
    return rb"\uFFFD" if found["half"] else found[0]


def _address(data: bytes | Raw) -> int:
    address: int = np.frombuffer(data, np.uint8).ctypes.data
    return address


def _walk(record: bytes, path: str) -> Any:
    """Follow a path step by step."""
    try:
        for place, step in enumerate(path.split(".")):
            if place and not record.startswith(b"{"):
                return None
            fields, cut = _read(_OBJECT.decode, record)
            if step not in fields:
                return None
            record = cut(fields[step])
    except (msgspec.DecodeError, RecursionError) as error:
        raise SourceError(f"A record is not JSON: {error}.") from error
    return _decode(record)


def _decode(value: bytes) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value.decode()


@lru_cache(maxsize=256)
def _open_page(path: tuple[str, ...]) -> tuple[Decode, Pick]:
    kind: Any = list[Raw] | None
    for step in reversed(path):
        try:
            kind = msgspec.defstruct("Page", [("f0", kind)], rename={"f0": step})
        except ValueError as error:
            raise SourceError(f"Nothing can be found at {'.'.join(path)!r}.") from error
    pick: Pick = attrgetter(".".join(["f0"] * len(path))) if path else lambda page: page
    return msgspec.json.Decoder(kind).decode, pick


@lru_cache(maxsize=256)
def _open_fields(paths: tuple[str, ...]) -> tuple[Decode, list[Pick]]:
    tree = _plant(paths)
    kind = _build(tree, lambda name, kind: (name, Raw if kind is None else kind))
    picks: list[Pick] = [attrgetter(".".join(_place(tree, path))) for path in paths]
    return msgspec.json.Decoder(kind).decode_lines, picks


@lru_cache(maxsize=256)
def _open_values(paths: tuple[str, ...]) -> tuple[Decode, list[Pick]]:
    tree = _plant(paths)
    kind = _build(tree, lambda name, kind: (name, Any if kind is None else kind | None, None))
    picks = [_follow(_place(tree, path)) for path in paths]
    return msgspec.json.Decoder(kind).decode, picks


def _plant(paths: Sequence[str]) -> Tree:
    """Make the tree of some paths. Raises KeyError where one is the beginning of another."""
    tree: Tree = {}
    for path in paths:
        *steps, last = path.split(".")
        at = tree
        for step in steps:
            at = at.setdefault(step, {})
            if at is None:
                raise KeyError(path)
        if at.setdefault(last, None) is not None:
            raise KeyError(path)
    return tree


def _build(tree: Tree, describe: Callable[[str, Any], tuple[Any, ...]]) -> Any:
    """Make a type of objects with these fields, called `f0`, `f1`, ... in it. Raises KeyError
    for names with quotes, backslashes or control characters."""
    fields = [
        describe(f"f{place}", None if below is None else _build(below, describe))
        for place, below in enumerate(tree.values())
    ]
    rename = {f"f{place}": name for place, name in enumerate(tree)}
    try:
        return msgspec.defstruct("Fields", fields, rename=rename, gc=False)
    except ValueError as error:
        raise KeyError(*rename.values()) from error


def _place(tree: Tree, path: str) -> list[str]:
    """Name a path's steps as the types of `_build` do."""
    steps = []
    for step in path.split("."):
        steps.append(f"f{list(tree).index(step)}")
        tree = tree[step]
    return steps


def _follow(steps: Sequence[str]) -> Pick:
    if len(steps) == 1:
        return attrgetter(steps[0])

    def pick(one: Any) -> Any:
        for step in steps:
            one = getattr(one, step, None)
        return one

    return pick
