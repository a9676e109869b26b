"""The values of one field of many records, from what was decoded or cut out to what DuckDB takes.

Where a value is not of the planned kind, `Unplanned` is raised. Knows no records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from listbackup.parquet.recordkinds import EXACT, SAFE, Kind, find_kind, is_exact, join_kinds

NULL = b"null"
_TEXT = msgspec.json.Decoder(str)
_DTYPES: Mapping[Kind, Any] = {"boolean": np.bool_, "number": np.float64}


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one field: as text, None for null, or as numpy has them, nulls masked. Of a
    field of kind `null` there are none."""

    source: str
    kind: Kind
    values: Any


class Unplanned(Exception):
    """A field or a kind that was not planned."""


def extend(values: list[Any], kind: Kind, found: list[Any]) -> None:
    """Add what was decoded of a piece."""
    if kind in ("string", "boolean"):
        values += found
    elif kind in ("integer", "long"):
        whole = np.array(found, object)
        nulls: Any = np.equal(whole, None)  # type: ignore[call-overload]
        whole[nulls] = 0
        values.append(np.ma.array(whole.astype(np.int64), mask=nulls))
    elif kind == "number":
        values += _read_numbers([bytes(token) for token in found])
    elif kind == "json":
        values += _read_json([str(one, "utf-8") for one in found])
    else:
        values += [_read_text(bytes(one)) for one in found]


def _read_numbers(tokens: list[bytes]) -> list[float | None]:
    try:
        values = [None if token == NULL else float(token) for token in tokens]
    except ValueError as error:
        raise Unplanned("no number") from error
    joined = b" ".join(tokens)
    careful = b"e" in joined or b"E" in joined
    odd = [
        token
        for token, value in zip(tokens, values, strict=True)
        if (careful or len(token) > EXACT)
        and value is not None
        and repr(value).encode() != token
        and not is_exact(token, value)
    ]
    if odd:
        raise Unplanned("no double")
    return values


def _read_json(texts: list[str]) -> list[str | None]:
    heads = {text[0] for text in texts}
    if heads <= {"{", "["}:
        return texts  # type: ignore[return-value]
    if heads <= {"{", "[", "n"}:
        return [None if text == "null" else text for text in texts]
    raise Unplanned("no object")


def _read_text(value: bytes) -> str | None:
    if value.startswith(b'"'):
        return _TEXT.decode(value)
    return None if value == NULL else value.decode()


def settle(source: str, values: list[bytes]) -> Column:
    """Make the column of raw values, of the kind that fits all."""
    kind: Kind = "null"
    for value in values:
        kind = join_kinds(kind, find_kind(value))
    if kind in ("boolean", "integer", "long"):
        found: list[Any] = [msgspec.json.decode(value) for value in values]
    elif kind == "string":
        found = [_read_text(value) for value in values]
    else:
        found = list(values)
    pieces: list[Any] = []
    if kind != "null":
        extend(pieces, kind, found)
    return finish(source, kind, pieces)


def finish(source: str, kind: Kind, pieces: list[Any]) -> Column:
    """Make the column of what `extend` gathered."""
    if kind == "null":
        return Column(source, kind, None)
    if kind in ("integer", "long"):
        values = np.ma.concatenate(pieces) if pieces else np.zeros(0, np.int64)  # type: ignore[no-untyped-call]
        wide = len(values) and bool(values.min() < -SAFE or values.max() > SAFE)
        return Column(source, "long" if wide else "integer", values)
    if kind in ("boolean", "number"):
        nulls = np.array([value is None for value in pieces], bool)
        plain = [0 if value is None else value for value in pieces]
        return Column(source, kind, np.ma.array(plain, dtype=_DTYPES[kind], mask=nulls))
    return Column(source, kind, to_objects(pieces))


def to_objects(values: Sequence[str | None]) -> Any:
    """Make the array of texts and nulls."""
    array = np.empty(len(values), object)
    array[:] = values
    return array
