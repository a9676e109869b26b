"""What was measured in one part, and the bounds that it is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bench.stage import Measured

MB = 1_000_000
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """A bound and what was measured: `figure` is to be at most or at least `bound`."""

    name: str
    figure: float
    bound: float
    sense: Literal["at most", "at least"]
    unit: str = "x"

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        if self.sense == "at most":
            return self.figure <= self.bound
        return self.figure >= self.bound

    def to_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a measurement. Ratios are to the wall time of `reference`."""

    name: str
    about: str
    measured: Mapping[str, Measured]
    reference: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    targets: Sequence[Target] = ()

    def to_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return {
            "name": self.name,
            "about": self.about,
            "reference": self.reference,
            "contenders": {name: one.to_json() for name, one in self.measured.items()},
            "facts": dict(self.facts),
        }


def write_table(part: Part) -> list[str]:
    """Write a part as a Markdown table."""
    reference = part.measured[part.reference].wall if part.reference else None
    lines = [
        f"### {part.about}",
        "",
        "| | wall s | client CPU s | server CPU s | peak RSS MiB | runs |"
        + (f" x {part.reference} |" if reference else ""),
        "|---|---|---|---|---|---|" + ("---|" if reference else ""),
    ]
    for one in part.measured.values():
        disturbed = sum(run.disturbed for run in one.runs)
        runs = f"{len(one.runs)}" + (f" ({disturbed} disturbed)" if disturbed else "")
        cells = [
            one.name,
            f"{one.wall:.2f}",
            f"{one.median(lambda run: run.client_cpu):.2f}",
            f"{one.median(lambda run: run.server_cpu):.2f}",
            f"{one.median(lambda run: run.rss) / MIB:.0f}",
            runs,
            *([f"{one.wall / reference:.2f}"] if reference else []),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    facts = ", ".join(f"{name} {_write(value)}" for name, value in part.facts.items())
    return [*lines, "", *([facts, ""] if facts else [])]


def write_targets(targets: Sequence[Target]) -> list[str]:
    """Write all targets as a Markdown table."""
    lines = ["| target | bound | measured | |", "|---|---|---|---|"]
    for one in targets:
        verdict = "met" if one.met else "MISSED"
        bound = f"{one.sense} {one.bound:g} {one.unit}"
        lines.append(f"| {one.name} | {bound} | {_write(one.figure)} {one.unit} | {verdict} |")
    return lines


def _write(value: Any) -> str:
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:.2f}"
