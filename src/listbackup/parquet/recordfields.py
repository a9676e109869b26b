r"""From lines of JSON records to columns of values: decoded into objects of planned fields, learned
anew where a field or a kind turns up that was not planned.

A plan only widens, so lines much like the ones before are decoded once. A field that is null or
not there is None. Half a surrogate pair, which no column can hold, becomes U+FFFD. Knows no DuckDB.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from listbackup.errors import FailedError
from listbackup.parquet.recordkinds import LONG, Kind, find_kind, join_kinds
from listbackup.parquet.recordvalues import (
    NULL,
    Column,
    Unplanned,
    extend,
    finish,
    settle,
    to_objects,
)
from listbackup.records.cutting import cut_fields, mask_halves

PIECE = 1 << 18
"""Bytes of lines that are decoded at once: their objects stay in the processor's cache."""
MOST_FIELDS = 400
"""Fields that get a column of their own; all others of a record stand together in `REST`."""
REST = "_rest"
WHOLE = Annotated[int, Meta(ge=-LONG, le=LONG - 1)] | None
DECLARED: Mapping[Kind, tuple[Any, Any]] = {
    "null": (None, None),
    "boolean": (bool | None, None),
    "integer": (WHOLE, None),
    "long": (WHOLE, None),
    "string": (str | None, None),
}
"""How kinds are decoded, and what stands for a field that is not there; all others are cut out."""

UNFIT = re.compile(r'["\\\x00-\x1f]')
"""What no name of a planned field may have."""
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


class FieldReader:
    """Reads the lines of one stream. `paths` are fields within objects that get columns, too."""

    def __init__(self, paths: Sequence[str] = ()) -> None:
        self._paths = tuple(paths)
        self._kinds: dict[str, Kind] = {}
        self._decode: Callable[[bytes], Any] | None = None

    def read(self, chunks: Sequence[bytes]) -> list[Column]:
        """Give the columns of whole lines, in the order in which fields turned up. Raises
        FailedError for what is no JSON object."""
        try:
            columns = self._read(chunks)
            within = [path for path in self._paths if path not in self._kinds]
            return columns + (self.read_within(chunks, within) if within else [])
        except (msgspec.DecodeError, RecursionError) as error:
            raise FailedError(f"Some lines are no JSON records: {error}.") from error

    def read_within(self, chunks: Sequence[bytes], paths: Sequence[str]) -> list[Column]:
        """Give the columns of fields at some paths, and no others. Raises FailedError."""
        found: list[list[bytes]] = [[] for _ in paths]
        try:
            for piece in _cut(chunks):
                for values, more in zip(found, cut_fields(piece, tuple(paths))[1], strict=True):
                    values += map(mask_halves, more)
        except (msgspec.DecodeError, RecursionError) as error:
            raise FailedError(f"Some lines lack a field of their key: {error}.") from error
        return [settle(path, values) for path, values in zip(paths, found, strict=True)]

    def _read(self, chunks: Sequence[bytes]) -> list[Column]:
        """Read as planned; where that fails, plan anew; and where even that, value by value."""
        for pieces in (islice(_cut(chunks), 0 if self._kinds else 1), _cut(chunks)):
            self._learn(pieces)
            if self._decode is not None:
                with suppress(Unplanned):
                    return self._read_planned(chunks, self._decode)
        return self._read_values(chunks)

    def _read_planned(
        self, chunks: Sequence[bytes], decode: Callable[[bytes], Any]
    ) -> list[Column]:
        picks = [attrgetter(f"f{place}") for place in range(len(self._kinds))]
        columns: list[list[Any]] = [[] for _ in picks]
        for piece in _cut(chunks):
            objects = _open(piece, decode)
            for values, pick, kind in zip(columns, picks, self._kinds.values(), strict=True):
                if kind != "null":
                    extend(values, kind, list(map(pick, objects)))
        return [
            finish(source, kind, values)
            for (source, kind), values in zip(self._kinds.items(), columns, strict=True)
        ]

    def _read_values(self, chunks: Sequence[bytes]) -> list[Column]:
        """Read fields of any name and number, that come twice as they like."""
        columns: dict[str, list[bytes]] = {name: [] for name in list(self._kinds)[:MOST_FIELDS]}
        rest: list[str | None] = []
        for piece in _cut(chunks):
            for found in _open_objects(piece):
                for name, values in columns.items():
                    values.append(bytes(found[name]) if name in found else NULL)
                rest.append(_join([one for one in found.items() if one[0] not in columns]))
        settled = [settle(name, values) for name, values in columns.items()]
        if not any(rest):
            return settled
        name = REST
        while name in columns:
            name += "_"
        return [*settled, Column(name, "json", to_objects(rest))]

    def _learn(self, pieces: Iterable[bytes]) -> None:
        """Look at every value, and plan for all of them."""
        kinds, known = self._kinds, dict(self._kinds)
        for piece in pieces:
            for found in _open_objects(piece):
                for name, value in found.items():
                    kinds[name] = join_kinds(kinds.get(name, "null"), find_kind(bytes(value)))
        if kinds != known:
            fits = len(kinds) <= MOST_FIELDS and not any(map(UNFIT.search, kinds))
            self._decode = _declare(kinds) if fits else None


def _declare(kinds: Mapping[str, Kind]) -> Callable[[bytes], Any]:
    fields = [
        (f"f{place}", *DECLARED.get(kind, (Raw, Raw(NULL))))
        for place, kind in enumerate(kinds.values())
    ]
    rename = {f"f{place}": name for place, name in enumerate(kinds)}
    declared = msgspec.defstruct(
        "Record", fields, rename=rename, gc=False, forbid_unknown_fields=True
    )
    return msgspec.json.Decoder(declared).decode_lines


def _open(piece: bytes, decode: Callable[[bytes], Any]) -> list[Any]:
    """Decode as planned. Raises Unplanned."""
    try:
        try:
            objects: list[Any] = decode(piece)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            objects = decode(mask_halves(piece))
    except msgspec.ValidationError as error:
        raise Unplanned(str(error)) from error
    return objects


def _open_objects(piece: bytes) -> list[dict[str, Raw]]:
    try:
        return _OBJECT.decode_lines(piece)
    except msgspec.DecodeError:
        return _OBJECT.decode_lines(mask_halves(piece))


def _join(fields: Sequence[tuple[str, Raw]]) -> str | None:
    """Write an object of fields as they came; None without any."""
    written = [f"{json.dumps(name)}:{str(value, 'utf-8')}" for name, value in fields]
    return "{" + ",".join(written) + "}" if written else None


def _cut(chunks: Sequence[bytes]) -> Iterator[bytes]:
    """Cut whole lines into pieces of about PIECE bytes."""
    for chunk in chunks:
        start = 0
        while start < len(chunk):
            end = chunk.rfind(b"\n", start, start + PIECE) + 1
            end = end or chunk.find(b"\n", start) + 1 or len(chunk)
            yield chunk[start:end]
            start = end
