"""Keap's `filter` and `order_by` expressions: what they say, as tests and ranks of rows."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt, ne

from listbackup.sandbox.platforms.keap.tables import several

Value = Callable[[str], object]
Test = Callable[[Value], bool]

_PART = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(==|!=|<=|>=|<|>)(.*)", re.DOTALL)
_WRITTEN = re.compile(r"([a-zA-Z0-9_]+)(\[\]|#!|[*?#><%^@])?(?::(.*))?")
_SIGNS = {"==": eq, "!=": ne, "<=": le, ">=": ge, "<": lt, ">": gt}
_OPERATORS = {"#": "== < <= > >=", "#!": "== != < <= > >="}
_NUMERIC = frozenset(
    "WHOLE_NUMBER DECIMAL_NUMBER CURRENCY PERCENT YEAR MONTH DAY_OF_WEEK USER".split()
)
_MANY = frozenset({"LIST_BOX", "USER_LIST_BOX"})


class FilterError(ValueError):
    """An expression that the operation does not take; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of a list operation: its name, its sign and the path in the record."""

    name: str
    sign: str
    path: str


def read_filters(written: str) -> dict[str, Filter]:
    """Read a listing's line of filters."""
    found = {}
    for word in written.split():
        if (match := _WRITTEN.fullmatch(word)) is None:
            raise ValueError(word)
        name, sign, path = match.groups()
        found[name] = Filter(name, sign or "", path or name)
    return found


def parse_filter(
    text: str, filters: Mapping[str, Filter], custom: Mapping[str, Mapping[str, object]]
) -> list[Test]:
    """Read an expression `a==b;c==d`.

    `custom` are the custom fields by their lower-case names. Raises FilterError.
    """
    tests: list[Test] = []
    seen: set[str] = set()
    for part in filter(str.strip, text.split(";")):
        if (match := _PART.fullmatch(part)) is None:
            raise FilterError(f"Invalid filter expression: {part.strip()}")
        name, operator, value = match[1], match[2], match[3].strip()
        if (known := filters.get(name)) is not None:
            tests.append(_standard(known, operator, value))
        elif (meta := custom.get(name.lower())) is not None:
            tests.append(_custom(meta, operator, value))
        else:
            raise FilterError(f"Filter field '{name}' is not supported")
        seen.add(name)
    _check_combination(seen, filters)
    return tests


def parse_order(text: str, fields: Mapping[str, str]) -> tuple[str, bool]:
    """Read `field asc|desc`: the path and whether it falls. Raises FilterError."""
    name, _, direction = text.strip().partition(" ")
    if name not in fields:
        raise FilterError(f"Cannot order by '{name}'")
    if direction.strip().lower() not in {"", "asc", "desc"}:
        raise FilterError(f"Invalid order direction '{direction.strip()}'")
    return fields[name], direction.strip().lower() == "desc"


def read_order(written: str) -> dict[str, str]:
    """Read a listing's line of fields to order by."""
    pairs = (word.partition(":") for word in written.split())
    return {name: path or name for name, _, path in pairs}


def read_time(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset it is UTC. Raises FilterError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FilterError(f"Invalid date-time: {text}") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_combination(seen: set[str], filters: Mapping[str, Filter]) -> None:
    for one in ("id", "opportunity_id"):
        if {one, "ids"} <= seen and one in filters and filters[one].sign.startswith("#"):
            raise FilterError(f"'{one}' and 'ids' cannot be used together")
    if "phone_number" in seen and "phone_fields" not in seen:
        raise FilterError("'phone_fields' is required with 'phone_number'")


def _standard(known: Filter, operator: str, value: str) -> Test:
    allowed = _OPERATORS.get(known.sign, "==").split()
    if operator not in allowed:
        raise FilterError(f"Operator '{operator}' is not supported for '{known.name}'")
    return _TESTS[known.sign](known.path, operator, value)


def _equal(path: str, operator: str, value: str) -> Test:
    name, _, states = path.partition("=")
    if states:
        wanted = _truth(states.split("|").index(value) == 0 if value in states else None, value)
        return lambda get: bool(get(name)) is wanted
    return lambda get: any(_text(found) == value for found in several(get(path)))


def _beginning(path: str, operator: str, value: str) -> Test:
    start = value.removesuffix("*").casefold()
    if "*" in start:
        raise FilterError("A wildcard may only stand at the end of a value")
    if not value.endswith("*"):
        return lambda get: any(_text(item).casefold() == start for item in several(get(path)))
    return lambda get: any(_text(item).casefold().startswith(start) for item in several(get(path)))


def _containing(path: str, operator: str, value: str) -> Test:
    if value.endswith("*"):
        return _beginning(path, operator, value)
    folded = value.casefold()
    return lambda get: any(folded in _text(item).casefold() for item in several(get(path)))


def _compared(path: str, operator: str, value: str) -> Test:
    number, compare = _number(value), _SIGNS[operator]
    return lambda get: any(compare(_number(_text(item)), number) for item in several(get(path)))


def _one_of(path: str, operator: str, value: str) -> Test:
    wanted = {item.strip() for item in value.split(",")}
    return lambda get: any(_text(item) in wanted for item in several(get(path)))


def _since(path: str, operator: str, value: str) -> Test:
    moment = _stamp(value)
    return lambda get: any(_stamp(_text(item)) >= moment for item in several(get(path)))


def _until(path: str, operator: str, value: str) -> Test:
    moment = _stamp(value)
    return lambda get: any(_stamp(_text(item)) <= moment for item in several(get(path)))


def _true(path: str, operator: str, value: str) -> Test:
    wanted = _truth({"true": True, "false": False}.get(value.lower()), value)
    name, _, state = path.partition("=")
    if state:
        return lambda get: (get(name) == state) is wanted
    if name.endswith("?"):
        return lambda get: (get(name[:-1]) is not None) is wanted
    return lambda get: bool(get(name)) is wanted


def _equal_or_absent(path: str, operator: str, value: str) -> Test:
    if value == "NONE":
        return lambda get: not get(path)
    return _equal(path, operator, value)


def _accepted(path: str, operator: str, value: str) -> Test:
    return lambda get: True


_TESTS: dict[str, Callable[[str, str, str], Test]] = {
    "": _equal,
    "*": _beginning,
    "?": _containing,
    "#": _compared,
    "#!": _compared,
    "[]": _one_of,
    ">": _since,
    "<": _until,
    "%": _true,
    "^": _equal_or_absent,
    "@": _accepted,
}


def _custom(meta: Mapping[str, object], operator: str, value: str) -> Test:
    id_, kind = meta["id"], str(meta["field_type"])
    comparable = kind in _NUMERIC or kind.startswith("DATE")
    if operator == "!=" or (operator != "==" and not comparable):
        raise FilterError(f"Operator '{operator}' is not supported for '{meta['field_name']}'")
    if kind in _NUMERIC:
        number, compare = _number(value), _SIGNS[operator]
        return lambda get: any(compare(_number(_text(v)), number) for v in _content(get, id_))
    if kind.startswith("DATE"):
        moment, compare = _stamp(value), _SIGNS[operator]
        return lambda get: any(compare(_stamp(_text(v)), moment) for v in _content(get, id_))
    if kind in _MANY:
        return lambda get: any(value in _text(v).split(",") for v in _content(get, id_))
    text = _beginning("content", operator, value)
    return lambda get: text(lambda path: _content(get, id_))


def _content(get: Value, id_: object) -> list[object]:
    values = several(get("custom_fields"))
    return [
        item["content"]
        for item in values
        if isinstance(item, dict) and item.get("id") == id_ and item.get("content") is not None
    ]


def _stamp(text: str) -> str:
    # Stored times are all of one form, to the second: text compares as they do.
    if len(text) == 20 and text.endswith("Z"):
        return text
    return read_time(text).strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise FilterError(f"Invalid number: {text}") from None


def _truth(value: bool | None, text: str) -> bool:
    if value is None:
        raise FilterError(f"Invalid value: {text}")
    return value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
