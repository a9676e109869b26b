"""Write down what Keap's specification says of its list operations: facts, no sentences.

`python tools/platformfacts.py keap-v2-swagger.yml` writes to
tests/connectors/rest/operations/: `keap.txt`, the operations that give a list, and
`keap.parameters.txt`, the parameters of these and of those that the connector asks besides;
`keap.writes.txt`, the operations that write, with the fields that they take.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

PLACE = Path(__file__).resolve().parent.parent / "tests/connectors/rest/operations"
BESIDES = ("GET /rest/v2/oauth/connect/userinfo",)
SOURCE = "# Facts of Keap's REST API v2, from its OpenAPI specification (MIT).\n"

_LISTED = re.compile(r"^\s*-\s*(?:\([^)]*\)\s*)?`?([a-z][a-z0-9_]*)`?:?(?:\s|$)")
_QUOTED = re.compile(r"`([A-Za-z_]+)`")
_AVAILABLE = re.compile(r"(?:fields are|values?):\s*([a-z0-9_,\s]+)")


def read_spec(path: Path) -> dict[str, Any]:
    """Read a specification in YAML."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(path, "rb") as file:
        spec: dict[str, Any] = yaml.load(file, Loader=loader)
    return spec


def list_operations(spec: Mapping[str, Any]) -> list[str]:
    """Name the operations that give a list: an array, a page with a token for the next one, or an
    object of nothing but arrays."""
    return [
        f"{method.upper()} {path}"
        for path, method, operation in _walk(spec)
        if _gives_list(spec, operation, paged_only=method != "get")
    ]


def describe_parameters(spec: Mapping[str, Any]) -> str:
    """Write the parameters of the queries of all list operations and of those besides."""
    wanted = {*list_operations(spec), *BESIDES}
    written = [SOURCE]
    for path, method, operation in _walk(spec):
        if (name := f"{method.upper()} {path}") in wanted:
            written.append(f"{name}\n")
            written += (
                f"  {_describe(one)}\n"
                for one in sorted(operation.get("parameters", ()), key=lambda one: str(one["name"]))
                if one["in"] == "query"
            )
    return "".join(written)


def describe_writes(spec: Mapping[str, Any]) -> str:
    """Write the operations that write, each with the fields of its body (`!`: required)."""
    written = [SOURCE]
    for path, method, operation in _walk(spec, ("delete", "patch", "post", "put")):
        contents = (operation.get("requestBody") or {}).get("content") or {}
        schema = _resolve(spec, next(iter(contents.values()))["schema"]) if contents else {}
        required = schema.get("required") or ()
        fields = (f"{one}{'!' * (one in required)}" for one in schema.get("properties") or ())
        written.append(" ".join((f"{method.upper()} {path}", *fields)) + "\n")
    return "".join(written)


def _walk(
    spec: Mapping[str, Any], methods: Sequence[str] = ("get", "post")
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, known in sorted(spec["paths"].items()):
        for method in methods:
            if method in known:
                yield path, method, known[method]


def _resolve(spec: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _gives_list(spec: Mapping[str, Any], operation: Mapping[str, Any], *, paged_only: bool) -> bool:
    contents = (operation["responses"].get("200") or {}).get("content") or {}
    for content in contents.values():
        schema = _resolve(spec, content.get("schema") or {})
        properties = schema.get("properties") or {}
        arrays = [one.get("type") == "array" for one in properties.values()]
        if "next_page_token" in properties:
            return True
        if not paged_only and (schema.get("type") == "array" or (arrays and all(arrays))):
            return True
    return False


def _describe(parameter: Mapping[str, Any]) -> str:
    name = f"{parameter['name']}{'!' if parameter.get('required') else ''}"
    schema, text = parameter.get("schema") or {}, parameter.get("description") or ""
    if parameter["name"] == "filter":
        return f"{name} filter {' '.join(_list_filters(text))}".rstrip()
    if parameter["name"] == "order_by":
        return f"{name} order {' '.join(_list_orders(text))}".rstrip()
    if schema.get("type") == "array":
        known = (schema.get("items") or {}).get("enum") or _list_available(text)
        return f"{name} words {' '.join(sorted(known))}".rstrip()
    if "enum" in schema:
        return f"{name} one {' '.join(schema['enum'])}"
    if schema.get("type") == "integer":
        return f"{name} integer {schema.get('minimum', '')}..{schema.get('maximum', '')}"
    return f"{name} {schema.get('type', 'string')}"


def _list_filters(text: str) -> list[str]:
    found = {match[1] for line in text.splitlines() if (match := _LISTED.match(line))}
    return sorted(found - {"filter"})


def _list_orders(text: str) -> list[str]:
    return sorted(set(_QUOTED.findall(text.partition("irection")[2] or text)) - {"asc", "desc"})


def _list_available(text: str) -> list[str]:
    found = _AVAILABLE.search(text)
    return re.findall(r"[a-z0-9_]+", found[1]) if found else []


def write(spec: Mapping[str, Any], place: Path = PLACE) -> None:
    """Write the files."""
    place.mkdir(parents=True, exist_ok=True)
    listed = "".join(f"{one}\n" for one in list_operations(spec))
    (place / "keap.txt").write_text(SOURCE + listed, "utf-8")
    (place / "keap.parameters.txt").write_text(describe_parameters(spec), "utf-8")
    (place / "keap.writes.txt").write_text(describe_writes(spec), "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", type=Path)
    write(read_spec(parser.parse_args().spec))
