"""Reading a platform's YAML: one that comes with the product, by name, or a file of one's own.

Every mistake is named by its key and line: what is misspelt, what is missing, and what would have
no effect. Knows no HTTP.
"""

import difflib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from listbackup.config.reading import MOST_BYTES, Tree, YamlProblem, read_yaml
from listbackup.connectors.rest.consistency import find_contradictions
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.stanza import Stanza
from listbackup.errors import UsageError

Trail = tuple[str | int, ...]
SUFFIXES = (".yaml", ".yml")
_SHIPPED = files("listbackup.connectors.rest") / "platforms"


class Mistaken(UsageError):
    """A platform's YAML is not understood: every mistake, with its key, file and line."""

    def __init__(self, where: str, mistakes: Sequence[str]) -> None:
        more = len(mistakes) - 1
        super().__init__(
            mistakes[0],
            subject=where,
            risk="Nothing was read or written.",
            hint=f"`listbackup connector check {where}` names {more} more."
            if more
            else "docs/connectors.md tells every key.",
        )
        self.mistakes = tuple(mistakes)


def list_platforms() -> list[str]:
    """Name the platforms that come with the product."""
    names = (one.name for one in _SHIPPED.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def is_file(named: str) -> bool:
    """Whether a connector is named by a path, not by a platform's name."""
    return named.endswith(SUFFIXES) or "/" in named


def load_platform(named: str, directory: Path | None = None) -> Platform:
    """Load a platform by its name, or from a file of one's own (`directory`: where a relative
    path begins). Raises UsageError, `Mistaken` where it is not understood."""
    if is_file(named):
        path = Path(directory or Path(), named).expanduser()
        return parse_platform(_read(path), str(path))
    if named not in list_platforms():
        near = difflib.get_close_matches(named, list_platforms(), 1)
        raise UsageError(
            f"No connector is named {named!r}.",
            hint=(f"Did you mean {near[0]}? " if near else "")
            + f"There are: {', '.join(list_platforms())}; one of your own is given as a path "
            "that ends in .yaml.",
        )
    place = _SHIPPED / f"{named}.yaml"
    return parse_platform(place.read_bytes(), str(place))


def parse_platform(data: bytes, where: str) -> Platform:
    """Read a platform's YAML; `where` is how messages call it. Raises Mistaken."""
    try:
        tree = read_yaml(data)
    except YamlProblem as problem:
        place = f"{where}:{problem.line}" if problem.line else where
        raise Mistaken(where, [f"{problem.message}  ({place})"]) from None
    noted = _find_empty(tree.root, ())
    try:
        platform = Platform.model_validate(tree.root)
    except ValidationError as error:
        for one in sorted(
            error.errors(include_url=False, include_input=False),
            key=lambda one: one["type"] == "too_short",
        ):
            trail = _find_trail(tree, one["loc"])
            # a list whose parts are mistaken is called too short as well
            known = [before for before in noted if before == trail[: len(before)]]
            inside = [before for before in noted if trail == before[: len(trail)]]
            if not known and not (inside and one["type"] == "too_short"):
                noted[trail] = _say(cast("dict[str, Any]", one), trail)
        raise _tell(where, tree, noted) from None
    noted |= find_contradictions(platform)
    if noted:
        raise _tell(where, tree, noted)
    return platform


def _read(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"The connector's file cannot be read: {error.strerror}.", subject=str(path)
        ) from error


def _tell(where: str, tree: Tree, noted: dict[Trail, str]) -> Mistaken:
    told = []
    for trail in sorted(noted, key=lambda one: (_find_line(tree, one), str(one))):
        line = _find_line(tree, trail)
        place = f"{where}:{line}" if line else where
        name = write_trail(tree, trail)
        told.append(f"{name}: {noted[trail]}  ({place})" if name else f"{noted[trail]}  ({place})")
    return Mistaken(where, told)


def write_trail(tree: Tree, trail: Trail) -> str:
    """Write a path for people: parts of a list by their `name`, where they have one."""
    words, value = [], tree.root
    for step in trail:
        value = _step(value, step)
        if isinstance(step, int):
            name = value.get("name") if isinstance(value, dict) else None
            words.append(f"[{name or step}]")
        else:
            words.append(f".{step}")
    return "".join(words).removeprefix(".")


def _step(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _find_trail(tree: Tree, steps: Sequence[str | int]) -> Trail:
    """Give an error's path in the file: what tells the kinds of a union apart stands in it too."""
    trail: list[str | int] = []
    value = tree.root
    last = len(steps) - 1
    for place, step in enumerate(steps):
        if step in ("(kind)", "(name)", "[key]"):
            continue
        if (
            isinstance(value, dict)
            and value.get("kind") == step
            and not _is_key(value, steps, place)
        ):
            continue
        if not isinstance(value, dict | list):
            break
        trail.append(step)
        value = _step(value, step)
        if value is None and place != last:
            break
    return tuple(trail)


def _is_key(value: dict[str, Any], steps: Sequence[str | int], place: int) -> bool:
    """Whether a step that is called as the kind is a key all the same: the kind stood before."""
    return place > 0 and steps[place - 1] == value.get("kind") and steps[place] in value


def _find_empty(value: Any, trail: Trail) -> dict[Trail, str]:
    if value is None:
        return {trail: "this has no value"}
    parts: Any = value.items() if isinstance(value, dict) else enumerate(value)
    if isinstance(value, str):
        return {}
    found: dict[Trail, str] = {}
    for step, one in parts:
        found |= _find_empty(one, (*trail, step))
    return found


def _list_keys(kind: type[Stanza]) -> set[str]:
    """Name every key that stands anywhere in a platform's YAML."""
    return set(kind.model_fields).union(*(_list_keys(one) for one in kind.__subclasses__()))


def _find_line(tree: Tree, trail: Trail) -> int:
    lengths = range(len(trail), -1, -1)
    return next((tree.lines[trail[:n]] for n in lengths if trail[:n] in tree.lines), 0)


def _say(error: dict[str, Any], trail: Trail) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(trail[-1]), _list_keys(Stanza), 1)
        return "there is no such key here" + (f"; did you mean {near[0]}?" if near else "")
    if kind == "missing":
        return "this is missing"
    if kind == "union_tag_invalid":
        return f"{error['ctx']['tag']!r} is none of {error['ctx']['expected_tags']}"
    if kind == "union_tag_not_found":
        return "its `kind` is missing"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    return str(error["msg"])
