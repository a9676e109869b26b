"""Measures the shape of the code: lines per module, the largest import knot, long functions.

Prints one line per figure beside its target and fails when one is over. Knows only Python's
grammar; run it as `python tools/measure.py [SOURCE_DIRECTORY]`.
"""

import ast
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MEDIAN_LINES = 150
P90_LINES = 300
MAX_LINES = 400
LARGEST_KNOT = 1
LONGEST_FUNCTION = 60


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: dotted name, number of lines, syntax tree, whether it is a package."""

    name: str
    lines: int
    tree: ast.Module
    package: bool


def read_modules(source: Path) -> list[Module]:
    """Read every module below a source directory (the one that holds the package)."""
    modules = []
    for path in sorted(source.rglob("*.py")):
        text = path.read_text("utf-8")
        parts = list(path.relative_to(source).with_suffix("").parts)
        package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if package else parts)
        modules.append(Module(name, len(text.splitlines()), ast.parse(text, str(path)), package))
    return modules


def percentile(numbers: list[int], share: float) -> int:
    """Give the smallest number that at least that share of the numbers do not exceed."""
    ordered = sorted(numbers)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def imported_names(module: Module) -> Iterator[str]:
    """Name everything a module imports anywhere in it, lazily or for the type checker too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                cut = node.level - 1 if module.package else node.level
                parents = module.name.split(".")
                origin = ".".join([*parents[: len(parents) - cut], *filter(None, [origin])])
            for alias in node.names:
                yield f"{origin}.{alias.name}"
                yield origin


def import_graph(modules: list[Module]) -> dict[str, set[str]]:
    """Give, for each module, the modules of the same tree that it imports."""
    known = {module.name for module in modules}
    graph: dict[str, set[str]] = {}
    for module in modules:
        graph[module.name] = (set(imported_names(module)) & known) - {module.name}
    return graph


def knots(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Give the groups of modules that import each other in circles, largest first.

    A module alone is a group of one. (Tarjan's strongly connected components, without recursion.)
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    for root in graph:
        if root in order:
            continue
        order[root] = low[root] = len(order)
        stack.append(root)
        path = [(root, iter(sorted(graph[root])))]
        while path:
            name, rest = path[-1]
            step = next(rest, None)
            if step is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[name])
                if low[name] == order[name]:
                    cut = stack.index(name)
                    found.append(sorted(stack[cut:]))
                    del stack[cut:]
            elif step not in order:
                order[step] = low[step] = len(order)
                stack.append(step)
                path.append((step, iter(sorted(graph[step]))))
            elif step in stack:
                low[name] = min(low[name], order[step])
    return sorted(found, key=len, reverse=True)


def functions(modules: list[Module]) -> list[tuple[int, str]]:
    """Give the length in lines and the name of every function, longest first."""
    found = []
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                found.append((length, f"{module.name}.{node.name}"))
    return sorted(found, reverse=True)


def report(modules: list[Module]) -> bool:
    """Print every figure beside its target; say whether all are kept."""
    lines = [module.lines for module in modules]
    longest_module = max(modules, key=lambda module: module.lines)
    knot = knots(import_graph(modules))[0]
    functions_by_length = functions(modules) or [(0, "none")]
    rows = [
        ("module lines, median", percentile(lines, 0.5), MEDIAN_LINES, ""),
        ("module lines, p90", percentile(lines, 0.9), P90_LINES, ""),
        ("module lines, max", longest_module.lines, MAX_LINES, longest_module.name),
        ("largest import knot", len(knot), LARGEST_KNOT, ", ".join(knot) if len(knot) > 1 else ""),
        (
            "longest function",
            *functions_by_length[0][:1],
            LONGEST_FUNCTION,
            functions_by_length[0][1],
        ),
    ]
    print(f"{len(modules)} modules, {sum(lines)} lines")
    for title, number, target, where in rows:
        verdict = "ok" if number <= target else "OVER"
        print(f"  {title:22} {number:4} of {target:3}  {verdict:4}  {where}".rstrip())
    for module in modules:
        if module.lines > MAX_LINES:
            print(f"  over {MAX_LINES} lines: {module.name} ({module.lines})")
    for length, name in functions_by_length:
        if length > LONGEST_FUNCTION:
            print(f"  over {LONGEST_FUNCTION} lines: {name} ({length})")
    return all(number <= target for _, number, target, _ in rows)


def main(arguments: list[str]) -> int:
    """Measure the given source directory, or this project's own."""
    source = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent / "src"
    modules = read_modules(source)
    if not modules:
        print(f"no Python modules below {source}")
        return 2
    return 0 if report(modules) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
