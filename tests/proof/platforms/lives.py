"""The life of a source over many played days: what happens on the platform, syncs that run while
it happens, syncs that run in peace, and what the vault has after each."""

import json
from dataclasses import dataclass, field

from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.transport import Request
from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.faults import Fault, Rule
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.sync.engine import SyncResult
from listbackup.vault.writer import is_short
from tests.proof.platforms.happenings import Happenings
from tests.proof.platforms.truth import Lines
from tests.proof.platforms.worlds import World

READ = {
    "stripe": (
        *("customers", "customers.payment_methods", "products", "prices", "tax_rates"),
        *("invoices", "subscriptions", "charges"),
    ),
    "keap": ("contacts", "companies", "notes", "tasks", "products"),
    "post": (),
}
BLIND = {"keap": ("contacts", "companies", "notes", "tasks"), "post": ("parcels", "parcels.scans")}
"""Streams of which a platform does not tell what was deleted: that waits for a full listing."""
DOUBTS = (Fault.ERROR_500, Fault.HTML, Fault.RESET, Fault.CURSOR_LOOP, Fault.DUPLICATE_PAGE)
LISTS = {"stripe": "GET /v1/*", "keap": "GET /crm/rest/v2/*", "post": "GET /*"}


@dataclass
class Life:
    """One life. `told` counts what happened, `wrong` says what should not have."""

    world: World
    dice: Dice
    syncs: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    kept: int = 0
    day: int = 0
    _held: dict[str, Lines] = field(default_factory=dict)
    _ever: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.happenings = Happenings(self.world, self.dice)
        self.world.include = READ[self.world.kind]
        self.world.platform = list_rarely(self.world.platform)
        if isinstance(self.world.sandbox, Keap):
            self.world.sandbox.tenants["acme"].lag = 90.0

    def live(self, days: int) -> None:
        """Let days go by."""
        self._sync("first")
        self._check("first", full=True)
        for self.day in range(1, days + 1):
            for _ in range(self.dice.below(6)):
                self.happenings.happen()
                self.world.pass_time(minutes=self.dice.below(40))
            self._sync_in_turmoil()
            self.world.pass_time(hours=3)
            self._sync_in_peace()
            gap = 33 * 24 if self.day == days * 2 // 3 else 18
            self.world.pass_time(hours=gap)
        self.world.sandbox.hooks.clear()
        self._sync("full")
        self._check("at the end", full=True)

    def _sync_in_turmoil(self) -> None:
        """Sync while things happen, or while one in some requests is answered badly; what was
        there all the time does not die."""
        world = self.world
        before, truth = self._held, world.tell_truth().streams
        self.happenings.deleted.clear()
        faulty = self.dice.below(3) == 0
        if faulty:
            fault = self.dice.pick(DOUBTS)
            world.sandbox.dial.set(Rule(fault, LISTS[world.kind], first=2, probability=0.3))
        else:
            world.sandbox.hooks.append(self._disturb)
        self._sync("full" if self.dice.below(4) == 0 else "faulty" if faulty else "disturbed")
        world.sandbox.hooks.clear()
        world.sandbox.dial.clear()
        after, still = world.look_into_vault(), world.tell_truth().streams
        for name, lines in before.items():
            there = lines.keys() & truth[name].keys() & still[name].keys()
            there = {key for key in there if not self._went(key)}
            self.kept += len(there)
            lost = there - after.get(name, {}).keys()
            if lost:
                self.wrong.append(f"day {self.day}: {len(lost)} wrongly dead of {name}: {lost}")

    def _went(self, key: str) -> bool:
        """Say whether a record, or the one that it belongs to, was away for a while."""
        return str(json.loads(key)[0]) in self.happenings.deleted

    def _disturb(self, request: Request) -> None:
        if self.dice.below(5) == 0:
            self.happenings.happen()

    def _sync_in_peace(self) -> None:
        full = self.day % 6 == 0
        result = self._sync("full" if full else "quiet")
        if result is None or result.reasons:
            said = result.reasons if result else "refused"
            self.wrong.append(f"day {self.day}: a quiet sync says {said}")
        self._check("quiet", full=full)

    def _sync(self, how: str) -> SyncResult | None:
        self.syncs[how] = self.syncs.get(how, 0) + 1
        result = self.world.sync(full=how == "full")
        for one in result.streams:
            if is_short(one) and one.status == "complete" and "set aside" not in one.reason:
                self.wrong.append(f"day {self.day}: {one.name} is complete, and in doubt")
        return result

    def _check(self, how: str, *, full: bool) -> None:
        truth = self.world.tell_truth()
        self._held = self.world.look_into_vault()
        self._remember(truth.streams)
        for one in self.world.compare(truth, self._held):
            blind = one.stream in BLIND.get(self.world.kind, ()) and not full
            known = one.extra <= self._ever.get(one.stream, set())
            if one.missing or one.other or (one.extra and not (blind and known)):
                self.wrong.append(f"day {self.day}, {how}, full {full}: {one}")

    def _remember(self, streams: dict[str, Lines]) -> None:
        for name, lines in streams.items():
            self._ever.setdefault(name, set()).update(lines)
        for name, lines in self._held.items():
            self._ever.setdefault(name, set()).update(lines)


def list_rarely(platform: Platform) -> Platform:
    """Let streams be listed whole so rarely that changes have to be seen otherwise."""
    streams = [one.model_copy(update={"full_every": 60 * 86400}) for one in platform.streams]
    return platform.model_copy(update={"streams": tuple(streams)})
