"""Random histories of one source, said as steps, played on a vault in memory and on a dict.

After every step each live snapshot must give the lines that its moment had, and nothing that one
of them needs may be gone. Steps are plain data, so that a failing history can be shortened.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from listbackup.errors import FailedError
from listbackup.history.querying import Query, Value
from listbackup.history.timelines import Timeline
from listbackup.objectstore import ObjectStore
from listbackup.testing.faults import FaultyStore, InjectedFault, Point
from listbackup.testing.readings import ListedSource, write_copy_line
from listbackup.vault.accounts import Encryption
from tests.vault.days import Days

Step = tuple[str, int]
Lines = Counter[bytes]
NAMES = ("t", "public.U", "one")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("change", "sync", "sync by parts")), st.integers(0, 2**20)),
        st.tuples(st.sampled_from(("fail", "kill", "prune", "wait", "sweep")), st.integers(0, 300)),
        st.tuples(st.sampled_from(("column", "key", "drop", "refill")), st.integers(0, 9)),
    ),
    min_size=6,
    max_size=14,
)


class Strike:
    """Ends a sync at the n-th call of its store."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, point: Point) -> None:
        """Count down."""
        self.left -= 1
        if self.left == -1:
            raise InjectedFault(point.label)


@dataclass
class History:
    """One source's life. `rows` is what it holds now, `shown` what each live snapshot showed;
    a `viewed` one has its typed view made by every sync."""

    root: Path
    encryption: Encryption
    keyed: bool
    viewed: bool = False
    rows: dict[str, list[list[str | None]]] = field(default_factory=dict)
    shown: dict[str, Mapping[str, Lines]] = field(default_factory=dict)
    played: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.days = Days(self.root, self.encryption)
        for name in NAMES:
            self.rows[name] = [[str(n), f"{name} {n % 3}"] for n in range(12)]
        self.sync(1)

    @property
    def options(self) -> dict[str, Any]:
        """How syncs are made."""
        return {"jobs": 1, "typed_from": 0 if self.viewed else None}

    def play(self, step: Step) -> None:
        """Take a step and look at everything."""
        name, number = step
        acts = {
            "change": self.change,
            "sync": lambda seed: self.sync(1),
            "sync by parts": lambda seed: self.sync(2 + seed % 2),
            "fail": lambda seed: self.sync(1, failing=NAMES[seed % 3 :]),
            "kill": self.be_killed,
            "prune": lambda seed: self.prune(1 + seed % 4),
            "wait": lambda seed: self.days.wait(seed % 8),
            "sweep": lambda seed: self.sweep(),
            "column": self.add_a_column,
            "key": lambda seed: self.turn_key(),
            "drop": self.drop,
            "refill": self.refill,
        }
        acts[name](number)
        self.played[name] += 1
        self.compare()

    def change(self, seed: int) -> None:
        """Insert, update, delete, duplicate and re-key some rows of one stream."""
        dice = Random(seed)
        rows = self.rows[dice.choice(sorted(self.rows))]
        for _ in range(dice.randrange(1, 8)):
            at = dice.randrange(len(rows) + 1)
            if at == len(rows) or dice.randrange(3) == 0:
                width = len(rows[0]) if rows else 2
                rows.insert(at, [str(dice.randrange(10**9)), *[None] * (width - 1)])
            elif (kind := dice.randrange(4)) == 0:
                rows.pop(at)
            elif kind == 1:
                rows[at] = [rows[at][0], f"now {dice.randrange(4)}", *rows[at][2:]]
            elif kind == 2:
                rows[at] = [str(dice.randrange(10**9)), *rows[at][1:]]
            elif not self.keyed:
                rows.insert(at, list(rows[at]))

    def add_a_column(self, seed: int) -> None:
        """Widen a stream."""
        rows = self.rows[sorted(self.rows)[seed % len(self.rows)]]
        for row in rows:
            row.append(None if seed % 2 else "new")

    def turn_key(self) -> None:
        """Give the streams a key, or take it."""
        self.keyed = not self.keyed
        for name, rows in self.rows.items():
            self.rows[name] = [[str(n), *row[1:]] for n, row in enumerate(rows)]

    def drop(self, seed: int) -> None:
        """Drop a stream, or make it again."""
        name = NAMES[seed % 3]
        if name not in self.rows:
            self.rows[name] = [["1", "again"]]
        elif len(self.rows) > 1:
            del self.rows[name]

    def refill(self, seed: int) -> None:
        """Empty a stream, or fill it with other rows."""
        name = sorted(self.rows)[seed % len(self.rows)]
        self.rows[name] = [[str(n), f"refilled {seed}"] for n in range(10 * (seed % 3))]

    def source(self, parts: int = 1, failing: Collection[str] = ()) -> ListedSource:
        """Give the source as it is now."""
        rows = {name: [list(row) for row in rows] for name, rows in self.rows.items()}
        self.days.wait(0.001)
        moment = self.days.now()
        return ListedSource(
            rows, moment=moment, keyed=self.keyed, parts=parts, failing=tuple(failing)
        )

    def sync(self, parts: int, failing: Sequence[str] = ()) -> None:
        """Back up; what fails keeps what the newest snapshot showed of it."""
        source = self.source(parts, failing)
        newest = list(self.shown.values())[-1] if self.shown else {}
        try:
            commit = self.days.trial().sync(source, **self.options).commit
        except FailedError:
            assert set(self.rows) <= set(failing)
            return
        self.shown[commit.sync] = self.expect(source, newest, failing)

    def expect(
        self, source: ListedSource, newest: Mapping[str, Lines], failing: Collection[str]
    ) -> Mapping[str, Lines]:
        """Say what a snapshot of the source must show."""
        read = {
            name: Counter(write_copy_line(row) for row in rows)
            for name, rows in source.streams.items()
            if name not in failing
        }
        carried = {
            name: newest[name] for name in failing if name in source.streams and name in newest
        }
        return read | carried

    def be_killed(self, at: int) -> None:
        """Back up and be ended somewhere: the snapshot is there wholly, or not at all."""
        source = self.source()
        strike = Strike(at)

        def around(store: ObjectStore) -> ObjectStore:
            return FaultyStore(store, strike)

        with suppress(InjectedFault):
            self.days.trial(wrap=around).sync(source, **self.options)
        live = self.days.trial().open().source("shop").commits.values()
        fresh = [one.sync for one in live if one.sync not in self.shown]
        assert len(fresh) <= 1
        for sync in fresh:
            self.shown[sync] = self.expect(source, {}, ())

    def prune(self, last: int) -> None:
        """Keep the last snapshots."""
        plan = self.days.prune(last=last).plan
        dropped = [self.sync_of(number) for number in plan.drop]
        newest = list(self.shown)[-1]
        assert newest not in dropped
        self.shown = {sync: one for sync, one in self.shown.items() if sync not in dropped}

    def sync_of(self, number: int) -> str:
        """Name the sync of a commit, dropped or not."""
        view = self.days.view()
        dropped = {n: one.commit for n, one in view.dropped.items()}
        return (view.commits | dropped)[number].sync

    def sweep(self) -> None:
        """Sweep what is old enough, as if the clock were right."""
        self.days.sweep(clock_ok=True, grace=timedelta(days=1))

    def compare(self) -> None:
        """Restore every live snapshot."""
        trial = self.days.trial()
        live = [one.sync for one in trial.open().source("shop").commits.values()]
        assert live == list(self.shown)
        for sync in live:
            got = {
                name: Counter(line + b"\n" for line in lines.split(b"\n")[:-1])
                for name, lines in trial.restore(sync).items()
            }
            assert got == self.shown[sync]

    def ask(self) -> None:
        """Ask every live snapshot for every stream in SQL."""
        trial = self.days.trial()
        for sync, streams in self.shown.items():
            snapshot = trial.snapshot(sync)
            for name, lines in streams.items():
                table = ".".join(f'"{part}"' for part in name.split("."))
                with Query(snapshot, _has_no_past, f"SELECT * FROM {table}") as query:
                    answer = query.rows(query.prepare(), texts=True)
                    found = Counter(write_copy_line([_text(one) for one in row]) for row in answer)
                assert found == lines

    def finish(self) -> None:
        """Look at every stored byte that is left."""
        assert self.days.trial().check("records").findings == []


def _has_no_past(stream: str) -> Timeline:
    raise AssertionError(stream)


def _text(value: Value) -> str | None:
    assert value is None or isinstance(value, str)
    return value
