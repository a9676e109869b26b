"""The second half of the demo of platforms: a day goes by, both moments can be asked, and what is
altered behind everybody's back is found.

By the same operations that everybody calls; what they answer is compared with what the platforms
themselves have. Knows no servers and no terminal.
"""

from dataclasses import dataclass, field

from listbackup.history.diffing import StreamDifference
from listbackup.operations.demoplatforms import (
    KEAP,
    NAMES,
    STRIPE,
    TITLES,
    Synced,
    Work,
    tell_likeness,
    tell_unlike,
)
from listbackup.operations.diffs import DiffWishes, Hearing, diff_snapshots
from listbackup.operations.finds import FindWishes, RecordLife, find_records
from listbackup.operations.queries import Asking, QueryWishes, run_query
from listbackup.operations.story import Act, Told
from listbackup.sandbox.platforms.business import Business, Day

ORDERS = "SELECT count(*) AS orders, sum((total->>'$.amount')::int) / 100 AS dollars FROM orders"


@dataclass(slots=True)
class Changes:
    """What happens after the first sync, which is known once it was made."""

    first: dict[str, Synced] = field(default_factory=dict)
    orders: list[tuple[int, float]] = field(default_factory=list)
    _work: Work | None = None
    _day: Day | None = None

    @property
    def work(self) -> Work:
        """The business at work. Raises LookupError before there is one."""
        if self._work is None:
            raise LookupError("the platforms are not served yet")
        return self._work

    @work.setter
    def work(self, work: Work) -> None:
        self._work = work

    @property
    def business(self) -> Business:
        """The business."""
        return self.work.business

    @property
    def day(self) -> Day:
        """The day. Raises LookupError before it went by."""
        if self._day is None:
            raise LookupError("no day went by yet")
        return self._day

    @property
    def acts(self) -> tuple[Act, ...]:
        """The acts, in order."""
        return (
            Act("day", "A day of work goes by.", self._live),
            Act("again", "It syncs again: only what changed is asked for.", self._sync),
            Act("diff", "What is different between the two moments?", self._diff),
            Act("sweep", "Keap tells nobody what was deleted: a sweep finds out.", self._sweep),
            Act("query", "SQL over the present, and over the past.", self._query),
            Act("find", "The life of a contact that was deleted.", self._find),
            Act("alter", "Would it notice? One record is altered without a trace.", self._alter),
        )

    def _live(self) -> Told:
        self._note_orders()
        day = self._day = self.business.live_a_day()
        self._note_orders()
        return Told(
            (
                f"Keap: {day.changed:,} contacts change, {day.added:,} come, with notes and "
                f"orders; {len(day.gone)} are deleted, with all that hangs on them.",
                f"Stripe: {day.customers_changed} customers change, {day.customers_added} come, "
                f"{day.customers_gone} is deleted.",
            ),
            day.changed + day.added + len(day.gone),
        )

    def _note_orders(self) -> None:
        count, cents = self.business.add_up_orders()
        self.orders.append((count, cents / 100))

    def _sync(self) -> Told:
        done = self.work.sync_all()
        lines = [
            f"{done[name].tell()} The first time it took {self.first[name].requests:,}."
            for name in NAMES
        ]
        found = self.work.compare(STRIPE)
        lines.append(tell_likeness(STRIPE, found) + " Its events told of the deleted one, too.")
        rows = sum(one.done.new_rows for one in done.values())
        size = sum(one.done.bytes for one in done.values())
        return Told((*lines, *tell_unlike(found.first)), rows, size, found.equal)

    def _diff(self) -> Told:
        day = self.day
        keap, stripe = self._compare_moments(KEAP), self._compare_moments(STRIPE)
        contacts, customers = keap["contacts"], stripe["customers"]
        right = (contacts.added, contacts.removed, contacts.changed) == (day.added, 0, day.changed)
        right = right and (customers.added, customers.removed, customers.changed) == (
            day.customers_added,
            day.customers_gone,
            day.customers_changed,
        )
        lines = [
            f"{TITLES[name]}, {one.stream}: {one.added:,} added, {one.removed:,} removed, "
            f"{one.changed:,} changed"
            for name, found in ((KEAP, keap), (STRIPE, stripe))
            for one in found.values()
            if one.added or one.removed or one.changed
        ]
        told = "That is what happened." if right else "That is NOT what happened."
        return Told((*lines, told), len(lines), 0, right)

    def _compare_moments(self, name: str) -> dict[str, StreamDifference]:
        found: dict[str, StreamDifference] = {}

        def hear(stream: StreamDifference) -> None:
            found[stream.stream] = stream

        wishes = DiffWishes(f"{name}:latest~1", f"{name}:latest")
        diff_snapshots(self.work.app, self.work.reach, wishes, Hearing(hear, lambda row: None))
        return found

    def _sweep(self) -> Told:
        before = self.work.compare(KEAP, "contacts")
        done = self.work.sweep(KEAP)
        after = self.work.compare(KEAP)
        return Told(
            (
                f"Before it the vault holds {before.only_here:,} contacts that Keap has no more; "
                f"{before.different - before.only_here:,} others are not equal.",
                "By itself it comes once a day or week, by stream; here it is asked for: --full.",
                done.tell(),
                tell_likeness(KEAP, after),
                *tell_unlike(after.first),
            ),
            done.done.gone_rows,
            0,
            after.equal and before.different == before.only_here == len(self.day.gone),
        )

    def _query(self) -> Told:
        lines, right = [f'listbackup query "{ORDERS}"'], True
        moments = (f"{KEAP}:latest~2", f"{KEAP}:latest")
        for words, expected in zip(moments, self.orders, strict=True):
            rows: list[tuple[int, float]] = []

            def take(asking: Asking, rows: list[tuple[int, float]] = rows) -> None:
                rows.extend((int(str(row[0])), float(str(row[1]))) for row in asking.rows())

            done = run_query(self.work.app, self.work.reach, QueryWishes(ORDERS, words), take)
            right = right and rows == [expected]
            lines += [f"{done.name}: {count:,} orders, ${total:,.2f}" for count, total in rows]
        verdict = "equal to what Keap had at either moment"
        lines.append(f"Both are {verdict}." if right else f"They are NOT {verdict}.")
        return Told(tuple(lines), len(self.orders), 0, right)

    def _find(self) -> Told:
        lives: list[RecordLife] = []
        key = self.day.gone[0]
        wishes = FindWishes(key, KEAP, ("contacts",))
        find_records(self.work.app, self.work.reach, wishes, lives.append)
        lines = [f"listbackup find {key} --source {KEAP} --stream contacts"]
        for life in lives:
            for step in life.steps:
                record = step.after or step.before or {}
                who = " ".join(str(record.get(one)) for one in ("given_name", "family_name"))
                lines.append(f"{step.name}: {step.kind} ({who})")
        kinds = [[step.kind for step in life.steps] for life in lives]
        lines.append("Its last state is in the vault, whole.")
        return Told(tuple(lines), len(lives), 0, kinds == [["appeared", "went"]])

    def _alter(self) -> Told:
        altered = self.business.alter_one()
        found = self.work.compare(KEAP, altered.stream)
        right = [(one.key, one.fields) for one in found.first] == [
            (f'["{altered.key}"]', (altered.field,))
        ]
        return Told(
            (
                f"In Keap's memory the {altered.field} of contact {altered.key} becomes "
                f"{altered.after} instead of {altered.before};",
                "its time of change stays, so no sync of changes could see it.",
                tell_likeness(KEAP, found),
                *tell_unlike(found.first),
            ),
            found.records,
            0,
            right,
        )
