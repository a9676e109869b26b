"""What all parts of a platform's YAML have in common: unknown keys are refused, nothing changes.

Small kinds of values: spans of time, dotted paths, names. Knows no HTTP.
"""

import re
from datetime import UTC, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"([0-9]{1,9})([smhd])")
_PATH = re.compile(r"[^.\s]+(\.[^.\s]+)*")


class Stanza(BaseModel):
    """A part of a platform's YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def read_span(value: Any) -> int:
    """Read a span of time: `90s`, `15m`, `1h`, `29d`. Gives seconds. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("this is to be a span of time such as 90s, 15m, 1h or 29d")
    return int(found[1]) * _UNITS[found[2]]


def read_path(value: Any) -> tuple[str, ...]:
    """Read a dotted path into a record or a page; an empty text is the whole. Raises
    ValueError."""
    if isinstance(value, tuple):
        return value
    if not isinstance(value, str) or (value and _PATH.fullmatch(value) is None):
        raise ValueError("this is to be a field's name, or names joined by dots")
    return tuple(value.split(".")) if value else ()


def find_zone(name: str) -> tzinfo:
    """Give a zone of time by its name; UTC needs no database. Raises ValueError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"{name!r} is no zone of time that this machine knows") from error


Span = Annotated[
    int, PlainValidator(read_span), WithJsonSchema({"type": "string", "pattern": _SPAN.pattern})
]
"""Seconds, written with a unit."""

Path = Annotated[
    tuple[str, ...],
    PlainValidator(read_path),
    PlainSerializer(".".join, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""A dotted path."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
"""The name of something within a platform."""

StreamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=60)]
"""The name of a stream: it is its path in a vault, too."""
