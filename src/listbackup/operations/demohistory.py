"""The second half of the demo: a day of work goes by, and both moments can be asked.

By the same operations that everybody calls; what they answer is compared with what the database
itself had said. Knows no server's programs and no terminal.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from listbackup.app import App, Reach
from listbackup.history.diffing import StreamDifference
from listbackup.operations.backups import BackupWishes, back_up
from listbackup.operations.diffs import DiffWishes, Hearing, diff_snapshots
from listbackup.operations.finds import FindWishes, RecordLife, find_records
from listbackup.operations.prunes import PruneWishes, prune
from listbackup.operations.queries import Asking, QueryWishes, run_query
from listbackup.operations.restores import RestoreWishes, restore_snapshot
from listbackup.operations.story import Act, Told
from listbackup.sandbox.agency import Day, add_up_budgets, live_a_day
from listbackup.vault.retention import Rules

BUDGETS = "SELECT count(*) AS campaigns, sum(budget) AS budget FROM campaigns"
RECORD = "3"
"""The key of a campaign that the day changes."""


@dataclass(slots=True)
class LaterDays:
    """What happens after the first backup. `admin` gives addresses with the password, `url` those
    that a person would type; the first moment is restored into `target`."""

    app: App
    reach: Reach
    source: str
    target: str
    admin: Callable[[str], str]
    url: Callable[[str], str]
    day: Day | None = None
    budgets: list[tuple[int, Decimal]] = field(default_factory=list)

    @property
    def acts(self) -> tuple[Act, ...]:
        """The acts, in order."""
        return (
            Act("day", "A day of work goes by.", self._live),
            Act("again", "It backs up again: only what changed is stored.", self._back_up),
            Act("diff", "What is different between the two moments?", self._diff),
            Act("query", "SQL over the present, and over the past.", self._query),
            Act("find", "The life of one record.", self._find),
            Act("return", "The first moment comes back, whole.", self._restore),
            Act("prune", "Old snapshots go by rules; what is needed stays.", self._prune),
        )

    def _live(self) -> Told:
        database = self.admin(self.source)
        self.budgets.append(add_up_budgets(database))
        self.day = live_a_day(database)
        self.budgets.append(add_up_budgets(database))
        day = self.day
        return Told(
            (
                f"{day.changed:,} campaigns get another budget, {day.added:,} events come, "
                f"{day.removed:,} line items go,",
                f"and the table users gets a column: {day.column}.",
            ),
            day.changed + day.added + day.removed,
        )

    def _back_up(self) -> Told:
        done = back_up(self.app, self.reach, BackupWishes(self.url(self.source)))
        kept = done.rows - done.new_rows
        return Told(
            (
                f"{done.rows:,} rows read, {done.new_rows:,} of them new; {kept:,} are there "
                "already and are only named again.",
                f"Snapshot {done.name}: {done.stored_bytes / 1e6:.2f} MB stored.",
                *(f"Written anew: {one}." for one in done.anew),
            ),
            done.rows,
            done.bytes,
        )

    def _diff(self) -> Told:
        found: dict[str, StreamDifference] = {}

        def hear(stream: StreamDifference) -> None:
            found[stream.stream] = stream

        hearing = Hearing(hear, lambda row: None)
        done = diff_snapshots(self.app, self.reach, DiffWishes("latest~1", "latest"), hearing)
        day = self.day
        right = day is not None and (
            found["public.campaigns"].changed,
            found["public.events_2026_11"].added,
            found["public.line_items"].removed,
            found["public.users"].columns.added,
        ) == (day.changed, day.added, day.removed, (day.column,))
        lines = [
            f"{name}: {one.added:,} added, {one.removed:,} removed, {one.changed:,} changed"
            + (f"; new column {', '.join(one.columns.added)}" if one.columns.added else "")
            for name, one in found.items()
            if one.added or one.removed or one.changed or one.columns.added
        ]
        told = "That is what happened." if right else "That is NOT what happened."
        return Told((*lines, told), done.added + done.removed + done.changed, 0, right)

    def _query(self) -> Told:
        lines, right = [f"listbackup query '{BUDGETS}'"], True
        for words, expected in zip(("latest~1", "latest"), self.budgets, strict=True):
            rows: list[tuple[int, Decimal]] = []

            def take(asking: Asking, rows: list[tuple[int, Decimal]] = rows) -> None:
                rows.extend((int(str(row[0])), Decimal(str(row[1]))) for row in asking.rows())

            done = run_query(self.app, self.reach, QueryWishes(BUDGETS, words), take)
            right = right and rows == [expected]
            lines += [f"{done.name}: {count:,} campaigns, {total:,}" for count, total in rows]
        verdict = "equal to what PostgreSQL said at either moment"
        lines.append(f"Both are {verdict}." if right else f"They are NOT {verdict}.")
        return Told(tuple(lines), len(self.budgets), 0, right)

    def _find(self) -> Told:
        lives: list[RecordLife] = []
        wishes = FindWishes(RECORD, streams=("public.campaigns",))
        find_records(self.app, self.reach, wishes, lives.append)
        lines = [f"listbackup find {RECORD} --stream public.campaigns"]
        for life in lives:
            for step in life.steps:
                what = ", ".join(
                    f"{name}: {(step.before or {}).get(name)} -> {(step.after or {}).get(name)}"
                    for name in step.columns
                    if step.kind == "changed"
                )
                lines.append(f"{step.name}: {step.kind} {what}".rstrip())
        kinds = [[step.kind for step in life.steps] for life in lives]
        return Told(tuple(lines), len(lives), 0, kinds == [["appeared", "changed"]])

    def _restore(self) -> Told:
        wishes = RestoreWishes("latest~1", self.url(self.target))
        done = restore_snapshot(self.app, self.reach, wishes)
        again = add_up_budgets(self.admin(self.target)) == self.budgets[0]
        return Told(
            (
                f"{done.rows:,} rows of snapshot {done.name} written into a database of their own,",
                "read again and compared: " + ("EQUAL." if done.proven and again else "NOT EQUAL."),
            ),
            done.rows,
            done.bytes,
            done.proven and again,
        )

    def _prune(self) -> Told:
        [done] = prune(self.app, self.reach, PruneWishes(rules=Rules(last=1)))
        return Told(
            (
                f"listbackup prune --keep-last 1: {done.dropped} dropped, {done.kept} kept.",
                "A later `listbackup sweep` deletes what no snapshot needs, after a week of grace.",
            ),
            done.dropped,
            0,
            (done.kept, done.dropped) == (1, 1),
        )
