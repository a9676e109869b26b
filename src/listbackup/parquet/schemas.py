"""Streams described for other tools: JSON Schema of the typed records, and its widening.

A schema that has been published is never narrowed: when a stream changes, types are joined, and a
column that is gone stays, marked, so that a record of any time is valid against the newest one.
Knows no database: types come by name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from listbackup.parquet.columns import plan_names
from listbackup.parquet.forms import open_form
from listbackup.parquet.recordkinds import SQL, Field, Kind

DIALECT = "https://json-schema.org/draft/2020-12/schema"
GONE = "x-gone"
"""Marks a property that the stream has no more."""

TYPES: Mapping[str, Mapping[str, Any]] = {
    "BOOLEAN": {"type": "boolean"},
    "SMALLINT": {"type": "integer", "minimum": -(2**15), "maximum": 2**15 - 1},
    "INTEGER": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "BIGINT": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "FLOAT": {"type": ["number", "string"]},
    "DOUBLE": {"type": ["number", "string"]},
    "DATE": {"type": "string", "format": "date"},
    "TIME": {"type": "string", "format": "time"},
    "TIMESTAMP": {"type": "string"},
    "TIMESTAMPTZ": {"type": "string", "format": "date-time"},
    "UUID": {"type": "string", "format": "uuid"},
    "BLOB": {"type": "string", "contentEncoding": "base64"},
}
LIMITS = ("minimum", "maximum")
"""Words that two types of numbers can be joined by; all others are dropped where they differ."""


def describe(schema: Mapping[str, Any], encoding: str = "copy-text-array/1") -> dict[str, Any]:
    """Describe a stream's typed records as JSON Schema, draft 2020-12. A value that its type
    cannot hold exactly is null, and stands in the twin. Floats that are no JSON number are text.
    Raises FailedError for an encoding without a typed view."""
    types = open_form(encoding, schema).types
    properties: dict[str, Any] = {}
    required = []
    for names, column, kind in zip(plan_names(schema), schema["columns"], types, strict=True):
        described = _describe(kind)
        twinned = kind != "VARCHAR" or schema.get("charset", "UTF8") != "UTF8"
        if twinned or column.get("nullable", True):
            described["type"] = [*_types(described), "null"]
        described["x-type"] = str(column.get("type", ""))
        properties[names.column] = described
        required.append(names.column)
        if twinned:
            properties[names.twin] = {"type": ["string", "null"], "x-twin-of": names.column}
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def describe_records(fields: Sequence[Field], key: Sequence[str]) -> dict[str, Any]:
    """Describe JSON records of such fields, as the typed view has them. Tomorrow's may have more,
    so nothing is forbidden."""
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {one.column: _describe_field(one.kind) for one in fields},
        "required": [one.column for one in fields if one.source in key],
        "additionalProperties": True,
    }


def _describe_field(kind: Kind) -> dict[str, Any]:
    if kind == "null":
        return {"type": "null"}
    described = _describe(SQL[kind])
    if kind == "json":
        described["contentMediaType"] = "application/json"
    if kind == "number":
        described["type"] = ["number"]
    return {**described, "type": [*_types(described), "null"]}


def _describe(kind: str) -> dict[str, Any]:
    if kind.endswith("[]"):
        element = _describe(kind[:-2])
        return {"type": "array", "items": {**element, "type": [*_types(element), "null"]}}
    if kind.startswith("DECIMAL"):
        return {"type": "number"}
    return dict(TYPES.get(kind, {"type": "string"}))


def widen(old: Mapping[str, Any], new: Mapping[str, Any], *, whole: bool = True) -> dict[str, Any]:
    """Join a published schema and a new one: what was valid stays valid, what the new one
    describes is valid too. Properties that only the old one has are marked as gone, and one that
    comes back is no longer; unless the new one does not describe the `whole` stream."""
    before, after = old.get("properties", {}), new.get("properties", {})
    properties = {}
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            properties[name] = {**before[name], GONE: True} if whole else before[name]
        else:
            properties[name] = _join(before.get(name, after[name]), after[name])
    always = set(old.get("required", ())) & set(new.get("required", ()))
    return {
        **new,
        "properties": properties,
        "required": [name for name in properties if name in always],
    }


def _join(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Join two descriptions of one value: both types; of other words those that do not narrow."""
    types = list(dict.fromkeys([*_types(old), *_types(new)]))
    joined: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    for word in old.keys() & new.keys() - {"type"}:
        if old[word] == new[word]:
            joined[word] = old[word]
        elif word == "items":
            joined[word] = _join(old[word], new[word])
        elif word in LIMITS:
            joined[word] = (min if word == "minimum" else max)(old[word], new[word])
    if "x-type" in new:
        joined["x-type"] = new["x-type"]
    for whole, other in ((old, new), (new, old)):
        if "array" in _types(whole) and "array" not in _types(other) and "items" in whole:
            joined["items"] = whole["items"]
    joined.pop(GONE, None)
    return joined


def _types(described: Mapping[str, Any]) -> Sequence[str]:
    types = described["type"]
    return [types] if isinstance(types, str) else list(types)
