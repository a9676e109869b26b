"""Patterns over stream names: `*` for any characters, `?` for one, all else for itself."""

import re
from collections.abc import Iterable, Sequence


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Say whether a name matches one of the patterns."""
    return any(_compile(pattern).fullmatch(name) for pattern in patterns)


def is_wanted(name: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Say whether a stream is asked for; without `include` all are."""
    return (not include or matches(name, include)) and not matches(name, exclude)


def _compile(pattern: str) -> re.Pattern[str]:
    pieces = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(pieces), re.DOTALL)
