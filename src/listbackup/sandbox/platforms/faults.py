"""The fault dial: which provider fault meets which request, by rules and a seed.

It only chooses; `breaking` performs. Knows no platform.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from listbackup.errors import UsageError
from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.state import Watch


class Fault(StrEnum):
    """What a provider can do to a request."""

    THROTTLED = "throttled"
    THROTTLED_WITH_HINT = "throttled_with_hint"
    ERROR_500 = "error_500"
    ERROR_502 = "error_502"
    ERROR_503 = "error_503"
    ERROR_504 = "error_504"
    RESET = "reset"
    TIMEOUT = "timeout"
    DRIP = "drip"
    WRONG_LENGTH = "wrong_length"
    TRUNCATED = "truncated"
    HTML = "html"
    BOMB = "bomb"
    HUGE = "huge"
    CHARSET = "charset"
    DUPLICATE_PAGE = "duplicate_page"
    SKIPPED_PAGE = "skipped_page"
    CURSOR_LOOP = "cursor_loop"
    REORDERED = "reordered"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SCOPE_CUT = "scope_cut"
    FIELD_ADDED = "field_added"
    FIELD_REMOVED = "field_removed"
    FIELD_RETYPED = "field_retyped"
    DELETED_MEANWHILE = "deleted_meanwhile"
    HEADER_LIES = "header_lies"
    REDIRECT = "redirect"
    CERTIFICATE = "certificate"


WIRE = frozenset(
    (
        Fault.RESET,
        Fault.TIMEOUT,
        Fault.DRIP,
        Fault.WRONG_LENGTH,
        Fault.BOMB,
        Fault.HUGE,
        Fault.CERTIFICATE,
    )
)
"""What happens below HTTP: a server does it for real, a transport says what a client would see."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault: on which operations (`GET /v1/*`), from the `first` matching request on, at each
    `every`-th, with that probability, at most `times` times, from `since` to `until` seconds
    after the rule was set. `options` are the fault's own: `field`, `location`, `seconds`."""

    fault: Fault
    operation: str = "*"
    every: int = 1
    probability: float = 1.0
    first: int = 1
    times: int | None = None
    since: float = 0.0
    until: float = math.inf
    options: tuple[tuple[str, Any], ...] = ()

    def option(self, name: str, otherwise: Any = None) -> Any:
        """Give an option of the fault."""
        return dict(self.options).get(name, otherwise)


@dataclass(slots=True)
class _Count:
    rule: Rule
    set_at: float
    met: int = 0
    chosen: int = 0


@dataclass(slots=True)
class Dial:
    """The rules that hold now, and how often each fault was performed."""

    watch: Watch
    seed: int = 0
    performed: dict[Fault, int] = field(default_factory=dict)
    _counts: list[_Count] = field(default_factory=list)
    _dice: Dice = field(init=False)

    def __post_init__(self) -> None:
        self._dice = Dice(self.seed, "faults")

    @property
    def dice(self) -> Dice:
        """Where faults take their chance from."""
        return self._dice

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that hold now."""
        return tuple(count.rule for count in self._counts)

    def set(self, *rules: Rule) -> None:
        """Add rules; of several that meet a request the first is performed."""
        now = self.watch.now().timestamp()
        self._counts.extend(_Count(rule, now) for rule in rules)

    def clear(self) -> None:
        """Let everything work again."""
        self._counts.clear()

    def choose(self, operation: str) -> Rule | None:
        """Say which fault meets this request."""
        if not self._counts:
            return None
        now = self.watch.now().timestamp()
        for count in self._counts:
            if self._meets(count, operation, now - count.set_at):
                count.chosen += 1
                return count.rule
        return None

    def note(self, fault: Fault) -> None:
        """Count a fault that was performed."""
        self.performed[fault] = self.performed.get(fault, 0) + 1

    def _meets(self, count: _Count, operation: str, seconds: float) -> bool:
        rule = count.rule
        if not fnmatchcase(operation, rule.operation):
            return False
        if not rule.since <= seconds < rule.until:
            return False
        count.met += 1
        if count.met < rule.first or (count.met - rule.first) % rule.every:
            return False
        if rule.times is not None and count.chosen >= rule.times:
            return False
        return rule.probability >= 1 or self._dice.chance(rule.probability)


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Read `reset`, `throttled:0.1` (probability), `html:every=50`, `timeout:first=3:times=1:
    on=GET /v1/customers`, several with commas between. Raises UsageError."""
    return tuple(_parse_rule(piece.strip()) for piece in text.split(",") if piece.strip())


def _parse_rule(text: str) -> Rule:
    name, *words = text.split(":")
    if name not in set(Fault):
        raise UsageError(
            f"There is no fault `{name[:40]}`.", hint=f"There are: {', '.join(sorted(Fault))}."
        )
    given: dict[str, Any] = {}
    options: list[tuple[str, Any]] = []
    for word in words:
        key, equals, value = word.partition("=")
        try:
            if not equals:
                given["probability"] = float(key)
            elif key in ("every", "first", "times"):
                given[key] = int(value)
            elif key in ("since", "until"):
                given[key] = float(value)
            elif key == "on":
                given["operation"] = value
            else:
                options.append((key, value))
        except ValueError:
            raise UsageError(f"In the fault `{text[:60]}`: `{word[:40]}` is no number.") from None
    if given.get("every", 1) < 1 or not 0 <= given.get("probability", 1) <= 1:
        raise UsageError(f"The fault `{text[:60]}` never happens as it is written.")
    return Rule(Fault(name), options=tuple(options), **given)


def describe(rules: Iterable[Rule]) -> list[str]:
    """Name the faults of some rules."""
    return [rule.fault.value for rule in rules]
