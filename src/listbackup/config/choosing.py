"""Which of several values counts: flag > `LISTBACKUP_*` > configuration file > default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

From = Literal["flag", "environment", "file", "default"]
MASK = "***"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that counts. `where` is the flag, the variable's name, `file:line`, or "" for a
    default. `shown`, where it is given, takes the place of a value that holds a secret."""

    name: str
    value: Any = field(repr=False)
    origin: From
    where: str
    shown: Any = None


def choose(
    name: str,
    *,
    flag: Any = None,
    environment: Mapping[str, str] | None = None,
    written: tuple[Any, str] | None = None,
    default: Any = None,
    secret: bool = False,
) -> Setting:
    """Choose a value. `written` is what the file says, and where; an empty variable says nothing.

    A value of the environment is a string; who asks for a number reads it.
    """
    word = name.rpartition(".")[2]
    variable = f"LISTBACKUP_{word.upper()}"
    said = (environment or {}).get(variable)
    shown = MASK if secret else None
    if flag is not None:
        return Setting(name, flag, "flag", f"--{word.replace('_', '-')}", shown)
    if said:
        return Setting(name, said, "environment", variable, shown)
    if written is not None and written[0] is not None:
        return Setting(name, written[0], "file", written[1], shown)
    return Setting(name, default, "default", "")
