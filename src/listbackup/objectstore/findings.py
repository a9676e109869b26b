"""What a probe of a store found, as data, and how hard it tried."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from listbackup.clock import format_time

Outcome = Literal["passed", "failed", "not offered"]

EXCLUSIVE = ("create_race", "create_over_existing", "create_after_delete")
"""The checks that a store must pass to be written to."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard creates are raced: `rounds` times `clients` x `connections` at once.

    The default is the full probe; QUICK is for moments when somebody waits, as when a vault is
    made. A number outside 1 to 64 (rounds: 1 to 1000) raises ValueError.
    """

    clients: int = 4
    connections: int = 8
    rounds: int = 20

    def __post_init__(self) -> None:
        if not (1 <= self.clients <= 64 and 1 <= self.connections <= 64):
            raise ValueError("a probe has 1 to 64 clients of 1 to 64 connections")
        if not 1 <= self.rounds <= 1000:
            raise ValueError("a probe has 1 to 1000 rounds")


QUICK = Effort(clients=2, connections=4, rounds=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe found at a store, and when on the store's clock."""

    url: str
    at: datetime
    effort: Effort
    findings: tuple[Finding, ...]

    @property
    def fit(self) -> bool:
        """Whether several writers may commit there: create-exclusive holds."""
        passed = {finding.name for finding in self.findings if finding.outcome == "passed"}
        return passed.issuperset(EXCLUSIVE)

    def to_json(self) -> dict[str, Any]:
        """Give the result as plain data."""
        return {
            "url": self.url,
            "at": format_time(self.at),
            "fit": self.fit,
            "clients": self.effort.clients,
            "connections": self.effort.connections,
            "rounds": self.effort.rounds,
            "checks": [
                {"name": found.name, "outcome": found.outcome, "detail": found.detail}
                for found in self.findings
            ],
        }
