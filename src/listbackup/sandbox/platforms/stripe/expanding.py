"""`expand[]`: ids replaced by the objects that they stand for, at most four levels deep.

Nothing is altered in place: what is expanded is a new object.
"""

from collections.abc import Sequence
from typing import Any

from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.refusals import Refusal
from listbackup.sandbox.platforms.stripe.resources import (
    BELOW,
    EXPANDABLE,
    INCLUDABLE,
    RESOURCES,
)

DEEPEST = 4
INCLUDED = 10
"""So many of a list that stands in its object only when expanded."""
_HOME = {resource.kind: name for name, resource in RESOURCES.items()}


def expand(books: Books, shown: Any, paths: Sequence[str]) -> Any:
    """Give an object, or a list, with all of that expanded. Raises Refusal."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            raise Refusal(
                400,
                f"You cannot expand more than {DEEPEST} levels of a property. "
                f"Property: {path[:200]}",
            )
        shown = _expand(books, shown, parts, path, "")
    return shown


def _expand(books: Books, node: Any, parts: Sequence[str], path: str, within: str) -> Any:
    if isinstance(node, list):
        return [_expand(books, one, parts, path, within) for one in node]
    if not parts or node is None:
        return node
    if not isinstance(node, dict):
        raise _cannot(path, node)
    name, rest = parts[0], parts[1:]
    value = node[name] if name in node else _include(books, node, name, path, within)
    if isinstance(value, str):
        value = _find(books, name, value, path)
    elif not rest and isinstance(value, bool | int | float):
        raise _cannot(path, node)
    return {**node, name: _expand(books, value, rest, path, name)}


def _include(books: Books, node: dict[str, Any], name: str, path: str, within: str) -> Any:
    more = INCLUDABLE.get(str(node.get("object", within)), {})
    if name in more:
        return more[name]
    home = _HOME.get(str(node.get("object")), "")
    for child in BELOW.get(home, ()):
        if child.name == name and child.embedded == 0:
            return books.sublist(child, node["id"], INCLUDED)
    raise _cannot(path, node)


def _find(books: Books, name: str, id: str, path: str) -> Any:
    collection = EXPANDABLE.get(name)
    if collection is None:
        raise _cannot(path, {})
    if collection not in RESOURCES:
        return id
    if id in books.account[collection]:
        return books.show(collection, id)
    if id in books.account[collection].tombstones:
        return stub(collection, id)
    return id


def stub(collection: str, id: str) -> dict[str, Any]:
    """Give what is left of a deleted object."""
    return {"id": id, "object": RESOURCES[collection].kind, "deleted": True}


def _cannot(path: str, node: Any) -> Refusal:
    hint = ""
    if isinstance(node, dict) and node.get("object") == "list":
        hint = f" You may want to try expanding 'data.{path[:200]}' instead."
    return Refusal(400, f"This property cannot be expanded ({path[:200]}).{hint}")
