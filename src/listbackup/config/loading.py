"""A configuration file that was read: its settings, the line of each, and what is wrong with it."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from listbackup.config.models import Document, Hooks, NamedSource, Retention
from listbackup.config.placeholders import Refuse, fill, has_placeholder
from listbackup.config.reading import MOST_BYTES, Tree, YamlProblem, read_yaml
from listbackup.errors import UsageError

Trail = tuple[str | int, ...]
_NOT_A_MAPPING = frozenset({"model_type", "dict_type", "model_attributes_type"})


class Mistaken(UsageError):
    """The file is not understood: every mistake, with its key, file and line."""

    def __init__(self, path: Path, mistakes: tuple[str, ...]) -> None:
        more = len(mistakes) - 1
        super().__init__(
            mistakes[0],
            subject=str(path),
            hint=f"`listbackup config check` names {more} more."
            if more
            else "See docs/config.md; `listbackup config check` tries the file.",
        )
        self.mistakes = mistakes


class Configuration:
    """What one file says, and the files that say one source each. `document` has the values; the
    rest tells where they stand."""

    def __init__(self, path: Path, document: Document, tree: Tree) -> None:
        self.path = path
        self.document = document
        self._tree = tree
        self._others: dict[str, Configuration] = {}

    def join(self, others: Mapping[str, "Configuration"]) -> "Configuration":
        """Give this one with the sources of others, by name. Raises UsageError for a source that
        stands in both."""
        twice = next((name for name in others if name in self.document.sources), None)
        if twice is not None:
            place = others[twice].path
            raise UsageError(
                f"The source {twice!r} stands twice: in {self.path} "
                f"({self.place('sources', twice)}) and in {place}.",
                subject=twice,
                hint=f"Take it out of one of them; `listbackup source remove {twice}` can only be "
                "asked when it is clear which one is meant.",
            )
        sources = dict(self.document.sources)
        sources |= {name: one.document.sources[name] for name, one in others.items()}
        document = self.document.model_copy(update={"sources": sources})
        joined = Configuration(self.path, document, self._tree)
        joined._others = dict(others)
        return joined

    def file_of(self, source: str) -> Path:
        """Say which file a source stands in."""
        return self._others[source].path if source in self._others else self.path

    def _other(self, trail: Trail) -> "Configuration | None":
        return self._others.get(str(trail[1])) if trail[:1] == ("sources",) and trail[1:] else None

    def place(self, *trail: str | int) -> str:
        """Say where a key stands: `file:line`."""
        other = self._other(trail)
        return other.place(*trail) if other else say_place(self.path, self._tree, trail)

    def written(self, *trail: str | int) -> Any:
        """Give a value as it was written, its placeholders unfilled; None where it is not there."""
        other = self._other(trail)
        if other is not None:
            return other.written(*trail)
        value = self._tree.root
        for step in trail:
            value = value.get(step) if isinstance(value, dict) else None
        return value

    def from_environment(self, *trail: str | int) -> bool:
        """Whether a value, or a part of it, came by a placeholder."""
        value = self.written(*trail)
        return any(
            has_placeholder(one) for one in ([value] if isinstance(value, str) else value or [])
        )

    def source(self, name: str) -> NamedSource:
        """Give a named source. Raises UsageError."""
        found = self.document.sources.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self.document.sources, 1)
            known = ", ".join(self.document.sources) or "none"
            raise UsageError(
                f"The configuration file names no source {name!r}.",
                subject=str(self.path),
                hint=(f"Did you mean {near[0]}? " if near else "") + f"Sources: {known}.",
            )
        return found

    def retention(self, source: str) -> tuple[Retention, Trail] | None:
        """Give the retention that holds for a source, and where it stands: its own as a whole,
        else the general one. A source that is not in the file has the general one."""
        own = self.document.sources.get(source)
        if own is not None and own.retention is not None:
            return own.retention, ("sources", source, "retention")
        if self.document.retention is not None:
            return self.document.retention, ("retention",)
        return None

    def hook(self, source: str, name: str) -> tuple[Any, Trail] | None:
        """Give one key of the hooks of a source, and where it stands: the source's own, else the
        general one."""
        own: Sequence[tuple[Hooks, Trail]] = (
            (self.source(source).hooks, ("sources", source, "hooks", name)),
            (self.document.hooks, ("hooks", name)),
        )
        for hooks, trail in own:
            value = getattr(hooks, name)
            if value is not None:
                return value, trail
        return None


def load_configuration(path: Path, environment: Mapping[str, str]) -> Configuration:
    """Read a file. Raises UsageError that names every mistake by key, file and line."""
    return _validate(path, _parse_tree(path, _read_bytes(path)), environment)


def load_stanza(path: Path, name: str, environment: Mapping[str, str]) -> Configuration:
    """Read a file that says one source, as if it stood below `sources:` under that name. Raises
    as `load_configuration`."""
    return parse_stanza(path, name, _read_bytes(path), environment)


def parse_stanza(
    path: Path, name: str, data: bytes, environment: Mapping[str, str]
) -> Configuration:
    """Read the bytes of such a file. Raises as `load_configuration`."""
    tree = _parse_tree(path, data)
    lines = {("sources", name, *trail): line for trail, line in tree.lines.items()}
    return _validate(path, Tree({"sources": {name: tree.root}}, lines), environment)


def join_configurations(
    path: Path | None, place: Path, stanzas: Mapping[str, Path], environment: Mapping[str, str]
) -> Configuration:
    """Read the file at `path`, where there is one, with the files that say one source each.
    `place` is how the whole is called where there is none. Raises as `load_configuration`."""
    main = Configuration(place, Document(), Tree({}))
    if path is not None:
        main = load_configuration(path, environment)
    others = {name: load_stanza(one, name, environment) for name, one in stanzas.items()}
    return main.join(others) if others else main


def _read_bytes(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"The configuration file cannot be read: {error.strerror}.", subject=str(path)
        ) from error


def _parse_tree(path: Path, data: bytes) -> Tree:
    try:
        return read_yaml(data)
    except YamlProblem as problem:
        where = f"{path.name}:{problem.line}" if problem.line else path.name
        raise Mistaken(path, (f"{problem.message}  ({where})",)) from None


def say_place(path: Path, tree: Tree, trail: Trail) -> str:
    """Say where a key stands, or what it would stand in."""
    line = _find_line(tree, trail)
    return f"{path.name}:{line}" if line else path.name


def _find_line(tree: Tree, trail: Trail) -> int:
    lengths = range(len(trail), -1, -1)
    return next((tree.lines[trail[:n]] for n in lengths if trail[:n] in tree.lines), 0)


def _validate(path: Path, tree: Tree, environment: Mapping[str, str]) -> Configuration:
    noted: dict[Trail, str] = {}
    filled = _drop_empty(fill(tree.root, environment, noted.setdefault), noted.setdefault)
    document = None
    try:
        context = {"directory": path.absolute().parent}
        document = Document.model_validate(filled, context=context)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            trail = tuple(step for step in one["loc"] if step != "[key]")
            # What is noted already is not there to be validated: it would be missed twice.
            if not any(before[: len(trail)] == trail for before in noted):
                noted[trail] = _say(one, trail)
    if document is not None and not noted:
        return Configuration(path, document, tree)
    told = []
    for trail in sorted(noted, key=lambda trail: _find_line(tree, trail)):
        name, place = _write_trail(trail), say_place(path, tree, trail)
        told.append(f"{name}: {noted[trail]}  ({place})" if name else f"{noted[trail]}  ({place})")
    raise Mistaken(path, tuple(told))


def _drop_empty(value: Any, refuse: Refuse, trail: Trail = ()) -> Any:
    """Give a tree without the keys that have no value; `refuse` is told of each."""
    if isinstance(value, list):
        return [_drop_empty(one, refuse, (*trail, at)) for at, one in enumerate(value)]
    if isinstance(value, dict):
        left = {name: _drop_empty(one, refuse, (*trail, name)) for name, one in value.items()}
        return {name: one for name, one in left.items() if one is not None}
    if value is None:
        refuse(trail, "this has no value")
    return value


def _write_trail(trail: Trail) -> str:
    words = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in trail]
    return "".join(words).removeprefix(".")


def _say(error: Any, trail: Trail) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        known = _known_keys(trail[:-1])
        near = difflib.get_close_matches(str(trail[-1]), known, 1)
        return "unknown key; " + (
            f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        )
    if kind == "missing":
        return "this is missing"
    if kind in _NOT_A_MAPPING:
        return f"keys are to stand below this: {', '.join(_known_keys(trail)) or 'names'}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    return str(error["msg"])


def _known_keys(trail: Trail) -> list[str]:
    """Name the keys that may stand at a place of the file."""
    kind: Any = Document
    for step in trail:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(step))
            kind = field.annotation if field is not None else None
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        if get_origin(kind) in (Union, UnionType):
            kind = next(one for one in get_args(kind) if one is not type(None))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return list(kind.model_fields)
    return []
