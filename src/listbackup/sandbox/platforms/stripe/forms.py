"""Form bodies as Stripe reads them: `items[0][price]=x`, `metadata[a]=b`, `images[]=y`.

Gives objects of strings, lists and objects. Knows no parameter.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from listbackup.sandbox.platforms.stripe.refusals import Refusal

DEEPEST = 8
_PART = re.compile(r"\[([^\[\]]*)\]")


def read_form(body: bytes) -> dict[str, Any]:
    """Read a body. Raises Refusal."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=2000)
    except ValueError:
        raise Refusal(400, "The request body is no form in UTF-8.") from None
    return nest(pairs)


def nest(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Put pairs with bracketed names together. Raises Refusal."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        stem = name.partition("[")[0]
        keys = [stem, *_PART.findall(name[len(stem) :])]
        if not stem or len(keys) > DEEPEST:
            raise Refusal(400, f"Invalid parameter name: {name[:80]}")
        _put(tree, keys, value, name)
    return {key: _fold(value, key) for key, value in tree.items()}


def _put(tree: dict[str, Any], keys: list[str], value: str, name: str) -> None:
    node = tree
    for key in keys[:-1]:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise Refusal(400, f"Invalid parameter: {name[:80]}")
    last = keys[-1]
    if last == "" and len(keys) > 1:
        last = str(len(node))
    node[last] = value


def _fold(node: Any, name: str) -> Any:
    """Objects whose keys are 0, 1, 2 and so on are lists, but for metadata."""
    if not isinstance(node, dict) or name == "metadata":
        return node
    if node and all(key.isdecimal() for key in node):
        return [_fold(node[key], "") for key in sorted(node, key=int)]
    return {key: _fold(value, key) for key, value in node.items()}
