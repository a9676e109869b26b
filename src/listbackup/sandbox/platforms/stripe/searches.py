"""`/v1/{collection}/search`: a small query language over an index that lags behind.

`email:'a@b.example' AND created>1700000000`, `-`, `~` for a part, `metadata['key']`; AND or OR,
not both. Pages go by a token.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from listbackup.sandbox.platforms.calls import Pairs
from listbackup.sandbox.platforms.searching import LaggingIndex
from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.drawing import draw_body
from listbackup.sandbox.platforms.stripe.expanding import expand
from listbackup.sandbox.platforms.stripe.kinds import Resource
from listbackup.sandbox.platforms.stripe.refusals import absent, invalid, unknown_parameter

LAG = 60.0
"""Seconds after which a change is found."""
SEARCHED: Mapping[str, tuple[str, ...]] = {
    name: tuple(fields.split())
    for name, fields in {
        "charges": "amount created currency customer metadata status refunded disputed",
        "customers": "created email metadata name phone",
        "invoices": "created currency customer metadata number status total",
        "payment_intents": "amount created currency customer metadata status",
        "prices": "active currency lookup_key metadata product type",
        "products": "active description metadata name shippable url",
        "subscriptions": "created metadata status",
    }.items()
}
_CLAUSE = re.compile(
    r"""\s*(?P<minus>-?)(?P<field>[a-z_]+)(\[(?P<q>["'])(?P<key>[^"'\]]+)(?P=q)\])?
    (?P<op><=|>=|[:~<>])(?P<quote>["']?)(?P<value>(?:(?<=["'])[^"']*|[^"'\s]+))(?P=quote)\s*""",
    re.VERBOSE,
)
_Test = Callable[[Mapping[str, Any]], bool]


def search(books: Books, resource: Resource, query: Pairs) -> bytes:
    """Answer a search. Raises Refusal."""
    limit, at, text, paths = 10, 0, None, []
    for name, value in query:
        match name.partition("[")[0]:
            case "query":
                text = value
            case "limit" if value.isdecimal() and 1 <= int(value) <= 100:
                limit = int(value)
            case "page" if value.isdecimal():
                at = int(value)
            case "expand":
                paths.append(value)
            case "limit" | "page":
                raise invalid(f"Invalid value: {value[:40]}", name)
            case _:
                raise unknown_parameter(name)
    if text is None:
        raise absent("query")
    test = read_search(resource.collection, text)
    index = LaggingIndex(books.account, resource.collection, LAG)
    found = [value for _, value in index.values() if test(value)]
    found.sort(key=lambda value: -value["created"])
    page: Any = {
        "object": "search_result",
        "data": [books.compose(resource.collection, one) for one in found[at : at + limit]],
        "has_more": len(found) > at + limit,
        "next_page": str(at + limit) if len(found) > at + limit else None,
        "url": f"/v1/{resource.collection}/search",
    }
    return draw_body(expand(books, page, paths))


def read_search(collection: str, text: str) -> _Test:
    """Understand a query. Raises Refusal."""
    tests: list[_Test] = []
    joints: set[str] = set()
    at = 0
    while True:
        found = _CLAUSE.match(text, at)
        if found is None:
            raise invalid(f"We were unable to parse your search query: {text[:80]}", "query")
        tests.append(_read_clause(collection, found))
        at = found.end()
        if at >= len(text):
            break
        joint = re.compile(r"(AND|OR)\s").match(text, at)
        if joint is None:
            raise invalid(f"We were unable to parse your search query: {text[:80]}", "query")
        joints.add(joint[1])
        at = joint.end()
    if len(joints) > 1:
        raise invalid("AND and OR cannot be combined in one query.", "query")
    together = any if joints == {"OR"} else all
    return lambda value: together(test(value) for test in tests)


def _read_clause(collection: str, found: re.Match[str]) -> _Test:
    name, key, operator, wanted = found["field"], found["key"], found["op"], found["value"]
    if name not in SEARCHED[collection] or (name == "metadata") != (key is not None):
        raise invalid(f"Field `{name}` is an unsupported search field.", "query")
    if operator in ("<", ">", "<=", ">=") and not wanted.isdecimal():
        raise invalid(f"Field `{name}` is compared with a number.", "query")

    def test(value: Mapping[str, Any]) -> bool:
        held = value[name].get(key) if key is not None else value[name]
        return _compare(held, operator, wanted) != bool(found["minus"])

    return test


def _compare(held: Any, operator: str, wanted: str) -> bool:
    if operator in (":", "~"):
        if held is None or wanted == "null":
            return held is None and wanted == "null"
        said = str(held).lower()
        return said == wanted.lower() if operator == ":" else wanted.lower() in said
    if not isinstance(held, int):
        return False
    number = int(wanted)
    return {
        "<": held < number,
        ">": held > number,
        "<=": held <= number,
        ">=": held >= number,
    }[operator]
