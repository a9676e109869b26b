"""Which snapshots are kept, by rules that count: the pure part of pruning.

The rules are those that people know from restic: the last N, one for each of the last N hours,
days, weeks, months, years that have any, all within a span before the newest, all with a tag.
Periods are those of a time zone, by the moment that a snapshot shows. Only complete snapshots
count; the newest complete one and all that came after it are always kept. Knows no vault.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from listbackup.errors import UsageError

Period = Callable[[datetime], tuple[int, ...]]

PERIODS: Mapping[str, Period] = MappingProxyType(
    {
        "hourly": lambda at: (at.year, at.month, at.day, at.hour, at.fold),
        "daily": lambda at: (at.year, at.month, at.day),
        "weekly": lambda at: at.isocalendar()[:2],
        "monthly": lambda at: (at.year, at.month),
        "yearly": lambda at: (at.year,),
    }
)
NOTHING: Mapping[int, Sequence[str]] = MappingProxyType({})
_SPAN = re.compile(r"(?=\d)(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?")
_SECOND = timedelta(seconds=1)
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time as people say it: months have their own lengths, days 24 hours."""

    months: int = 0
    hours: int = 0
    text: str = "0h"

    def before(self, moment: datetime) -> datetime:
        """Give the moment that lies so far back; a day that its month lacks is its last day."""
        year, month = divmod(moment.year * 12 + moment.month - 1 - self.months, 12)
        for day in range(moment.day, 0, -1):
            try:
                back = moment.replace(year=max(2, year), month=month + 1, day=day)
            except ValueError:
                continue
            return _subtract(back, self.hours)
        raise AssertionError("every month has a first day")


def _subtract(moment: datetime, hours: int) -> datetime:
    try:
        return moment - timedelta(hours=hours)
    except OverflowError:
        return datetime(1, 1, 2, tzinfo=UTC)  # a day later than the first, so that zones fit


def read_span(text: str) -> Span:
    """Read `2y5m1w7d3h`, any of these parts in this order. Raises UsageError."""
    match = _SPAN.fullmatch(text)
    numbers = [int(one or 0) for one in match.groups()] if match else [_MOST]
    if max(numbers) >= _MOST:
        raise UsageError(
            f"{text!r} is no span of time.",
            hint="Write years, months, weeks, days, hours: 7d, 12h, 2y5m7d3h.",
        )
    years, months, weeks, days, hours = numbers
    return Span(years * 12 + months, (weeks * 7 + days) * 24 + hours, text)


@dataclass(frozen=True, slots=True)
class Rules:
    """What to keep. A count of 0 is no rule; `zone` is an IANA name."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: Span | None = None
    tags: tuple[str, ...] = ()
    zone: str = "UTC"

    def check(self) -> None:
        """Raise UsageError for negative counts, for a zone that is none, and for no rule at all:
        without a rule nothing would be kept."""
        if min(self.last, *self.counts().values()) < 0:
            raise UsageError("A number of snapshots to keep is not below zero.")
        if not (self.last or any(self.counts().values()) or self.within or self.tags):
            raise UsageError(
                "No rule says which snapshots to keep.",
                hint="Give at least one, for instance --keep-last 3 --keep-daily 7.",
            )
        read_zone(self.zone)

    def counts(self) -> dict[str, int]:
        """Give the number of snapshots that each period's rule keeps."""
        return {name: int(getattr(self, name)) for name in PERIODS}

    def to_json(self) -> dict[str, Any]:
        """Write them, for the digest that a prune entry holds."""
        return {
            "last": self.last,
            **self.counts(),
            "within": self.within.text if self.within else None,
            "tags": sorted(self.tags),
            "zone": self.zone,
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """A snapshot as the rules see it: its place in the order, the moment that it shows."""

    number: int
    moment: datetime
    complete: bool = True
    tags: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is kept, each with the words that say why, and what is not; both by number."""

    keep: Mapping[int, tuple[str, ...]]
    drop: tuple[int, ...]


@dataclass(slots=True)
class _Words:
    """Why each snapshot is kept."""

    by_number: dict[int, list[str]] = field(default_factory=dict)

    def add(self, numbers: Iterable[int], word: str) -> None:
        for number in numbers:
            self.by_number.setdefault(number, []).append(word)


def read_zone(name: str) -> tzinfo:
    """Give a time zone by its IANA name. Raises UsageError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"There is no time zone {name!r} on this machine.",
            hint="Write an IANA name such as Europe/Berlin; some systems need the package tzdata.",
        ) from error


def plan_retention(
    candidates: Iterable[Candidate], rules: Rules, also: Mapping[int, Sequence[str]] = NOTHING
) -> Plan:
    """Choose what is kept by the rules, and `also` what is kept for other reasons, by number.

    A snapshot that shows an earlier moment than the one before it counts as one second later than
    that, so that no number of back-dated ones pushes out good ones. Raises what `check` raises.
    """
    rules.check()
    zone = read_zone(rules.zone)
    ordered = sorted(candidates, key=lambda one: one.number)
    moments = [moment.astimezone(zone) for moment in straighten([one.moment for one in ordered])]
    words = _Words()
    _keep_newest(ordered, words)
    counting = [(one.number, at) for one, at in zip(ordered, moments, strict=True) if one.complete]
    words.add((number for number, _ in counting[-rules.last :] if rules.last), "last")
    for name, count in rules.counts().items():
        _keep_periods(counting, name, count, words)
    if rules.within is not None and moments:
        since = rules.within.before(moments[-1]).astimezone(UTC)
        pairs = zip(ordered, moments, strict=True)
        inside = [one.number for one, at in pairs if at.astimezone(UTC) > since]
        words.add(inside, f"within {rules.within.text}")
    for tag in rules.tags:
        words.add((one.number for one in ordered if tag in one.tags), f"tag {tag}")
    for number, reasons in also.items():
        words.by_number.setdefault(number, []).extend(reasons)
    keep = {one.number: tuple(words.by_number.get(one.number, ())) for one in ordered}
    return Plan(
        {number: reasons for number, reasons in keep.items() if reasons},
        tuple(number for number, reasons in keep.items() if not reasons),
    )


def straighten(moments: Iterable[datetime]) -> list[datetime]:
    """Give moments that never fall: one that is before its predecessor is a second after it."""
    straight: list[datetime] = []
    for moment in moments:
        if straight and moment < straight[-1]:
            moment = straight[-1] + _SECOND
        straight.append(moment)
    return straight


def _keep_newest(ordered: Sequence[Candidate], words: _Words) -> None:
    complete = [one.number for one in ordered if one.complete]
    newest = complete[-1] if complete else 0
    words.add(complete[-1:], "newest complete")
    words.add((one.number for one in ordered if one.number > newest), "newer than any complete")


def _keep_periods(
    counting: Sequence[tuple[int, datetime]], name: str, count: int, words: _Words
) -> None:
    """Keep the newest of each of the newest `count` periods; where there are fewer, the oldest
    snapshot too, so that the history is as long as the rule allows."""
    period = PERIODS[name]
    last: tuple[int, ...] | None = None
    for place in range(len(counting) - 1, -1, -1):
        if not count:
            return
        number, at = counting[place]
        here = period(at)
        if here != last:
            words.add([number], name)
        elif place == 0:
            words.add([number], f"oldest {name}")
        else:
            continue
        last, count = here, count - 1
