"""`${NAME}` in a value of the file: a variable of the environment, and nothing cleverer.

`$$` is a dollar sign; a dollar sign before anything else stays, so that a command can have its own
`$1` and `$HOME`. Keys have no placeholders.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_DOLLAR = re.compile(r"\$(\$|\{([^}]*)(\}?))")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Path = tuple[str | int, ...]
Refuse = Callable[[Path, str], object]


def fill(value: Any, environment: Mapping[str, str], refuse: Refuse, path: Path = ()) -> Any:
    """Fill the placeholders of a tree. `refuse` is told the path of each that cannot be filled,
    and why; nothing is left of its value."""
    if isinstance(value, dict):
        return {name: fill(one, environment, refuse, (*path, name)) for name, one in value.items()}
    if isinstance(value, list):
        return [fill(one, environment, refuse, (*path, at)) for at, one in enumerate(value)]
    if isinstance(value, str):
        return _fill_text(value, environment, lambda why: refuse(path, why))
    return value


def has_placeholder(text: str) -> bool:
    """Whether a value holds a placeholder."""
    return any(found[1] != "$" for found in _DOLLAR.finditer(text))


def _fill_text(
    text: str, environment: Mapping[str, str], refuse: Callable[[str], object]
) -> str | None:
    failed: list[str] = []

    def put(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        name = found[2]
        if not found[3] or _NAME.fullmatch(name) is None:
            failed.append(
                f"{found[0]!r} is no placeholder; write ${{NAME}}, and $$ for a dollar sign"
            )
            return ""
        if name not in environment:
            failed.append(f"the environment has no {name}")
            return ""
        return environment[name]

    filled = _DOLLAR.sub(put, text)
    if failed:
        refuse("; ".join(failed))
    return None if failed else filled
