"""Writes objects as Stripe does: pretty-printed JSON, UTF-8, two spaces a level.

Knows nothing of what it writes.
"""

from json.encoder import encode_basestring
from typing import Any


def draw(value: Any, depth: int = 0) -> str:
    """Write a value whose first line stands at `depth` levels."""
    match value:
        case str():
            return encode_basestring(value)
        case None:
            return "null"
        case True:
            return "true"
        case False:
            return "false"
        case int() | float():
            return repr(value)
    pad = "\n" + "  " * (depth + 1)
    if isinstance(value, dict):
        if not value:
            return "{}"
        inside = ",".join(
            f"{pad}{encode_basestring(name)}: {draw(one, depth + 1)}" for name, one in value.items()
        )
        return "{" + inside + "\n" + "  " * depth + "}"
    if not value:
        return "[]"
    inside = ",".join(pad + draw(one, depth + 1) for one in value)
    return "[" + inside + "\n" + "  " * depth + "]"


def draw_body(value: Any) -> bytes:
    """Write a whole body."""
    return (draw(value) + "\n").encode()


def draw_list(pieces: list[bytes], has_more: bool, url: str) -> bytes:
    """Write a list of objects that were drawn at depth 2."""
    data = b"[\n    " + b",\n    ".join(pieces) + b"\n  ]" if pieces else b"[]"
    more = b"true" if has_more else b"false"
    return b'{\n  "object": "list",\n  "data": %b,\n  "has_more": %b,\n  "url": %b\n}\n' % (
        data,
        more,
        encode_basestring(url).encode(),
    )
