"""What a parameter of a write may be, and what it becomes: text, whole numbers, truths, lists.

An empty text takes a value away, as with Stripe. Knows no resource.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from listbackup.sandbox.platforms.stripe.refusals import absent, invalid, unknown_parameter

Spec = Callable[[str, Any], Any]
Specs = Mapping[str, Spec]
LONGEST = 5000
MOST_KEYS, LONGEST_KEY, LONGEST_VALUE = 50, 40, 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def text(name: str, value: Any) -> str | None:
    """A text of at most 5,000 characters."""
    if not isinstance(value, str):
        raise invalid("Invalid string", name)
    if len(value) > LONGEST:
        raise invalid(f"Invalid string; must be at most {LONGEST} characters", name)
    return value or None


def email(name: str, value: Any) -> str | None:
    """An address of e-mail."""
    given = text(name, value)
    if given is not None and not _EMAIL.fullmatch(given):
        raise invalid(f"Invalid email address: {given[:80]}", name, "email_invalid")
    return given


def whole(name: str, value: Any) -> int | None:
    """A whole number."""
    if value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,15}", value):
        raise invalid(f"Invalid integer: {str(value)[:40]}", name, "parameter_invalid_integer")
    return int(value)


def count(name: str, value: Any) -> int | None:
    """A whole number that is not negative."""
    number = whole(name, value)
    if number is not None and number < 0:
        raise invalid(
            "This value must be greater than or equal to 0.", name, "parameter_invalid_integer"
        )
    return number


def decimal(name: str, value: Any) -> float | None:
    """A number."""
    if value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,12})?", value):
        raise invalid(f"Invalid decimal: {str(value)[:40]}", name)
    return float(value)


def flag(name: str, value: Any) -> bool:
    """A truth."""
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {str(value)[:40]}", name)
    return bool(value == "true")


def currency(name: str, value: Any) -> str:
    """A currency's three letters."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{3}", value):
        raise invalid(f"Invalid currency: {str(value)[:40]}", name)
    return value.lower()


def table(name: str, value: Any) -> Any:
    """An object, taken as it is."""
    if value == "":
        return None
    if not isinstance(value, dict):
        raise invalid("Invalid object", name)
    return value


def listed(name: str, value: Any) -> list[Any]:
    """A list, taken as it is."""
    if value == "":
        return []
    if not isinstance(value, list):
        raise invalid("Invalid array", name)
    return value


def metadata(name: str, value: Any) -> dict[str, str]:
    """Pairs of texts; an empty value takes a key away, nothing at all takes all away."""
    if value == "":
        return {"": ""}
    if not isinstance(value, dict):
        raise invalid("Invalid object", name)
    for key, one in value.items():
        if not isinstance(one, str) or len(one) > LONGEST_VALUE:
            raise invalid(
                f"Metadata values can have up to {LONGEST_VALUE} characters", f"{name}[{key[:40]}]"
            )
        if len(key) > LONGEST_KEY:
            raise invalid(f"Metadata keys can have up to {LONGEST_KEY} characters", name)
    return value


def one_of(*words: str) -> Spec:
    """One of these words."""

    def check(name: str, value: Any) -> str:
        if value not in words:
            raise invalid(f"Invalid {name}: must be one of {', '.join(words)}", name)
        return str(value)

    return check


def address(name: str, value: Any) -> Any:
    """An address, its fields all there."""
    given = table(name, value)
    fields = ("city", "country", "line1", "line2", "postal_code", "state")
    if given is None:
        return None
    for key in given:
        if key not in fields:
            raise unknown_parameter(f"{name}[{key}]")
    return {key: given.get(key) or None for key in fields}


def read(given: Mapping[str, Any], specs: Specs, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Check what was given, and make of it what is kept. Raises Refusal."""
    for name in given:
        if name not in specs:
            raise unknown_parameter(name)
    for name in needed:
        if given.get(name) in (None, ""):
            raise absent(name)
    return {name: specs[name](name, value) for name, value in given.items()}


def merge_metadata(before: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Give metadata after a write."""
    if given == {"": ""}:
        return {}
    together = {**before, **given}
    return {key: value for key, value in together.items() if value != ""}
