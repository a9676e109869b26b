"""YAML as far as a configuration needs it: mappings, lists and words, each with its line.

Every scalar stays the text that was written, so `no`, `3.10` and `12:30` are what they look like;
who asks for a number reads one. What makes YAML dangerous or surprising is refused: tags, merge
keys, duplicate keys, several documents, values that are left empty, anything too deep or too large
(aliases count each time they are used). Knows no key by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
MOST_BYTES = 256 * 1024
MOST_NODES = 20_000
MOST_DEPTH = 12
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C is eight times as quick, where PyYAML has it; both give the same events."""
_EMPTY = frozenset({"", "~", "null", "Null", "NULL"})


class YamlProblem(Exception):
    """What is wrong, and in which line (from 1; 0 is nowhere)."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message, self.line = message, line


@dataclass(frozen=True, slots=True)
class Tree:
    """What a file says: dicts, lists and strings, and the line of every path."""

    root: Any
    lines: dict[Path, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Node:
    """A scalar has `text`; a list `items`; a mapping `items` under `keys`."""

    kind: str
    line: int
    text: str = ""
    empty: bool = False
    anchor: str | None = None
    keys: list[tuple[str, int]] = field(default_factory=list)
    items: list["_Node"] = field(default_factory=list)


def read_yaml(data: bytes) -> Tree:
    """Read a file. An empty one is an empty mapping. Raises YamlProblem."""
    if len(data) > MOST_BYTES:
        raise YamlProblem(f"the file is larger than {MOST_BYTES // 1024} KiB", 0)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlProblem("the file is not UTF-8", data[: error.start].count(b"\n") + 1) from None
    try:
        root = _Builder().build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(str(error.problem or error.context).split())
        raise YamlProblem(f"this is not YAML: {said}", mark.line + 1 if mark else 0) from None
    except yaml.YAMLError as error:
        said = str(error).splitlines()[0]
        raise YamlProblem(f"this is not YAML: {said}", 0) from None
    if root is None:
        return Tree({})
    tree = Tree(_unfold(root), {})
    _Lines(tree.lines).note((), root)
    return tree


class _Builder:
    """Builds nodes from events, on a stack of its own: nothing here recurses."""

    def __init__(self) -> None:
        self._stack: list[_Node] = []
        self._waiting: list[tuple[str, int] | None] = []
        self._anchors: dict[str, _Node] = {}
        self._sizes: dict[int, int] = {}
        self._count = 0

    def build(self, events: Iterator[yaml.Event]) -> _Node | None:
        root: _Node | None = None
        for event in events:
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise YamlProblem("a second document begins here", line)
            done = self._take(event, line)
            if done is not None and not self._stack:
                root = done
        return root

    def _take(self, event: yaml.Event, line: int) -> _Node | None:
        if isinstance(event, yaml.AliasEvent):
            return self._place(self._find(event.anchor, line), line)
        if isinstance(event, yaml.NodeEvent):
            self._refuse_tag(event, line)
        if isinstance(event, yaml.ScalarEvent):
            empty = not event.style and event.value in _EMPTY
            node = _Node("scalar", line, event.value, empty, event.anchor)
            self._remember(node)
            return self._place(node, line)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
            self._open(_Node(kind, line, anchor=event.anchor), line)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            node = self._stack.pop()
            self._waiting.pop()
            return self._place(node, node.line, closed=True)
        return None

    def _open(self, node: _Node, line: int) -> None:
        if len(self._stack) >= MOST_DEPTH:
            raise YamlProblem(f"this is nested more than {MOST_DEPTH} deep", line)
        if self._stack and self._stack[-1].kind == "mapping" and self._waiting[-1] is None:
            raise YamlProblem("a key is a word, not a list or mapping", line)
        # An anchor inside what it names is not there yet: it cannot hold itself.
        self._anchors.pop(node.anchor or "", None)
        self._stack.append(node)
        self._waiting.append(None)
        self._sizes[id(node)] = self._count

    def _place(self, node: _Node, line: int, *, closed: bool = False) -> _Node:
        if closed:
            self._sizes[id(node)] = self._count - self._sizes[id(node)] + 1
            self._remember(node)
        else:
            self._weigh(1, line)
        if not self._stack:
            return node
        parent = self._stack[-1]
        if parent.kind == "list":
            parent.items.append(node)
        elif self._waiting[-1] is None:
            self._waiting[-1] = self._read_key(parent, node, line)
        else:
            parent.keys.append(self._waiting[-1])
            parent.items.append(node)
            self._waiting[-1] = None
        return node

    def _read_key(self, parent: _Node, node: _Node, line: int) -> tuple[str, int]:
        if node.kind != "scalar" or node.empty:
            raise YamlProblem("a key is a word", line)
        if node.text == "<<":
            raise YamlProblem("merge keys (<<) are not understood; write the keys out", line)
        for name, before in parent.keys:
            if name == node.text:
                raise YamlProblem(f"the key {name!r} stands twice, in line {before} already", line)
        return node.text, line

    def _find(self, anchor: str | None, line: int) -> _Node:
        node = self._anchors.get(anchor or "")
        if node is None:
            raise YamlProblem(f"*{anchor} names nothing that was written before", line)
        self._weigh(self._sizes.get(id(node), 1), line)
        return node

    def _remember(self, node: _Node) -> None:
        if node.anchor:
            self._anchors[node.anchor] = node

    def _weigh(self, nodes: int, line: int) -> None:
        self._count += nodes
        if self._count > MOST_NODES:
            raise YamlProblem(f"the file says more than {MOST_NODES:,} things", line)

    def _refuse_tag(self, event: yaml.NodeEvent, line: int) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise YamlProblem(f"tags are not understood: {tag}", line)


def _unfold(node: _Node) -> Any:
    if node.kind == "mapping":
        names = [name for name, _ in node.keys]
        return dict(zip(names, map(_unfold, node.items), strict=True))
    if node.kind == "list":
        return [_unfold(one) for one in node.items]
    return None if node.empty else node.text


class _Lines:
    def __init__(self, lines: dict[Path, int]) -> None:
        self._lines = lines

    def note(self, path: Path, node: _Node) -> None:
        self._lines.setdefault(path, node.line)
        for index, one in enumerate(node.items):
            step: str | int = index
            if node.kind == "mapping":
                step, self._lines[(*path, step)] = node.keys[index][0], node.keys[index][1]
            self.note((*path, step), one)
