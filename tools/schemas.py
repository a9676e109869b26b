"""Write the JSON Schemas of everything that `--json` prints, from the classes of the messages.

`python tools/schemas.py` writes src/listbackup/cli/schemas/; the suite compares. Unknown properties
are forbidden and every property is required, nested ones too.
"""

import importlib
import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Union

from listbackup.cli.messages import MESSAGES, members

PLACE = Path(__file__).resolve().parent.parent / "src/listbackup/cli/schemas"
TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"
PLAIN: Mapping[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Path: {"type": "string"},
    datetime: {"type": "string", "pattern": TIME},
    Any: {"type": ["number", "string", "boolean"]},
}


def build_schema(message_type: str) -> dict[str, Any]:
    """Build the schema of one message. Raises TypeError for a field that has no JSON form."""
    module, _, name = MESSAGES[message_type].partition(":")
    kind = getattr(importlib.import_module(module), name)
    described = describe_class(kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": message_type,
        "description": " ".join((kind.__doc__ or "").split()),
        **described,
        "required": ["message_type", *described["required"]],
        "properties": {"message_type": {"const": message_type}, **described["properties"]},
    }


def describe_class(kind: type) -> dict[str, Any]:
    """Describe a dataclass: its fields and its properties."""
    hints = typing.get_type_hints(kind)
    own = {field.name for field in fields(kind)}
    properties = {}
    for name in members(kind):
        hint = hints[name] if name in own else typing.get_type_hints(getattr(kind, name).fget)
        properties[name] = describe(hint if name in own else hint["return"])
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def describe(hint: Any) -> dict[str, Any]:
    """Describe a type."""
    if hint in PLAIN:
        return dict(PLAIN[hint])
    if isinstance(hint, type) and is_dataclass(hint):
        return describe_class(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [describe(one) for one in arguments]}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": describe(arguments[1])}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return {"type": "array", "items": describe(arguments[0])}
    raise TypeError(f"{hint} has no JSON form")


def write_schema(message_type: str) -> str:
    """Write the schema of one message as text."""
    return json.dumps(build_schema(message_type), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all of them, and take away those of messages that are no more."""
    PLACE.mkdir(exist_ok=True)
    for path in PLACE.glob("*.json"):
        if path.stem not in MESSAGES:
            path.unlink()
    for message_type in MESSAGES:
        (PLACE / f"{message_type}.json").write_text(write_schema(message_type), "utf-8")
    print(f"{len(MESSAGES)} schemas in {PLACE}")


if __name__ == "__main__":
    main()
