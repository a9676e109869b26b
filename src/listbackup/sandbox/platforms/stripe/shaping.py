"""Stripe objects as templates: every field that an object has, with the value it has by default.

Values of templates are shared by all objects made of them: nobody alters them in place.
"""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]


def nothing(names: str) -> Object:
    """Give each of these names None."""
    return dict.fromkeys(names.split())


def flags(names: str, value: bool = False) -> Object:
    """Give each of these names the same truth."""
    return dict.fromkeys(names.split(), value)


def template(kind: str, *parts: Mapping[str, Any], **fields: Any) -> Object:
    """Put a template together: `id` and `object` first, the rest by the alphabet."""
    together: Object = {}
    for part in parts:
        together.update(part)
    together.update(fields)
    rest = {name: together[name] for name in sorted(together) if name not in ("id", "object")}
    return {"id": None, "object": kind, **rest}


ADDRESS = nothing("city country line1 line2 postal_code state")
PERSON = {"address": ADDRESS, **nothing("email name phone tax_id")}
NO_TAX: Object = {
    "disabled_reason": None,
    "enabled": False,
    "liability": None,
    "provider": None,
    "status": None,
}
SELF = {"type": "self"}
