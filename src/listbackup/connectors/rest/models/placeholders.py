"""Texts with placeholders: `{setting.NAME}`, `{parent.FIELD}`, `{record.FIELD}`, nothing else.

A doubled brace stands for itself. Fields may be dotted paths. Knows no HTTP.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

Kind = Literal["setting", "parent", "record"]

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(
    r"(setting|parent|record)\.([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One name to be filled in: a setting of the source, a field of the parent's record, or a
    field of the record itself."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text cut at its placeholders."""

    written: str
    pieces: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """Those that occur."""
        return tuple(one for one in self.pieces if isinstance(one, Placeholder))

    def fill(self, values: Mapping[Placeholder, str], quote: Callable[[str], str] = str) -> str:
        """Put values in, each through `quote`. Raises KeyError for one that is not given."""
        return "".join(one if isinstance(one, str) else quote(values[one]) for one in self.pieces)


def read_text(value: Any) -> Text:
    """Cut a text at its placeholders. Raises ValueError."""
    if isinstance(value, Text):
        return value
    if isinstance(value, bool | int | float):
        value = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str):
        raise ValueError("this is to be a text")
    pieces: list[str | Placeholder] = []
    end = 0
    for found in _PIECE.finditer(value):
        pieces.append(value[end : found.start()])
        end = found.end()
        if found[0] in ("{{", "}}"):
            pieces.append(found[0][0])
        else:
            pieces.append(_read_placeholder(found[0], found[1]))
    pieces.append(value[end:])
    return Text(value, tuple(one for one in pieces if one != ""))


def _read_placeholder(whole: str, name: str | None) -> Placeholder:
    named = _NAME.fullmatch(name or "")
    if named is None:
        raise ValueError(
            f"{whole} is no placeholder; there are {{setting.NAME}}, {{parent.FIELD}} and "
            "{record.FIELD}, and {{ for a brace"
        )
    kind: Any = named[1]
    return Placeholder(kind, named[2])


Template = Annotated[
    Text,
    PlainValidator(read_text),
    PlainSerializer(lambda text: text.written, return_type=str),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]


def read_body(value: Any) -> Any:
    """Read what is sent as JSON: a word that is a JSON number, true, false or null is that, every
    other a text with placeholders (`Text`). Raises ValueError."""
    if isinstance(value, dict):
        return {str(name): read_body(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [read_body(one) for one in value]
    if not isinstance(value, str):
        return value
    try:
        plain = json.loads(value)
    except ValueError:
        return read_text(value)
    return plain if not isinstance(plain, dict | list | str) else read_text(value)


def write_body(value: Any) -> Any:
    """Write what `read_body` read."""
    if isinstance(value, dict):
        return {name: write_body(one) for name, one in value.items()}
    if isinstance(value, list):
        return [write_body(one) for one in value]
    return value.written if isinstance(value, Text) else value


Body = Annotated[
    dict[str, Any],
    PlainValidator(read_body),
    PlainSerializer(write_body),
    WithJsonSchema({"type": "object"}),
]
"""A JSON object with texts that may have placeholders."""


def _read_wrapped(value: Any) -> Any:
    return read_body(value) if isinstance(value, dict | list) else read_text(value)


Wrapped = Annotated[
    Any,
    PlainValidator(_read_wrapped),
    PlainSerializer(write_body),
    WithJsonSchema({"type": ["string", "object", "array"]}),
]
"""A text, or a part of a JSON body, with texts that may have placeholders."""
