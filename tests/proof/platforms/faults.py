"""One trial of one fault: a platform that does it, a sync that meets it, and what became of it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from listbackup.errors import ListbackupError
from listbackup.sandbox.platforms.faults import Fault, Rule
from listbackup.sync.engine import SyncResult
from listbackup.vault.writer import is_short
from tests.proof.platforms.expected import TABLE, Ending
from tests.proof.platforms.truth import Truth
from tests.proof.platforms.worlds import Difference, World

LISTS = {
    "stripe": ("GET /v1/customers", "GET /v1/charges", "GET /v1/payment_intents"),
    "keap": (
        "GET /crm/rest/v2/contacts",
        "GET /crm/rest/v2/notes",
        "GET /crm/rest/v2/emailAddresses",
    ),
    "post": ("GET /parcels", "GET /branches"),
}
"""Lists of several pages."""
SHIFTS = 25
SHAPES = (Fault.FIELD_ADDED, Fault.FIELD_REMOVED, Fault.FIELD_RETYPED)
FEW = {
    "stripe": (
        *("customers", "customers.payment_methods", "customers.tax_ids", "products", "prices"),
        *("invoices", "invoices.lines", "subscriptions", "charges", "payment_intents"),
    ),
    "keap": (
        "contacts",
        "companies",
        "notes",
        "tags",
        "tags.contacts",
        "email_addresses",
        "products",
    ),
    "post": (),
}
"""What is synced where one list alone meets the fault."""


@dataclass
class Findings:
    """What trials found: how many syncs ended how, and what should not be."""

    performed: int = 0
    complete: int = 0
    partial: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def to_text(self) -> str:
        """Say it in one line."""
        return (
            f"{self.performed} faults performed: {self.complete} syncs complete and equal, "
            f"{self.partial} partial with the right reason, {self.refused} ended with the right "
            f"error, {len(self.wrong)} wrong"
        )


def try_fault(
    kind: str, fault: Fault, seed: int, root: Path, found: Findings, *, whole: bool
) -> None:
    """Sync while a fault happens now and then, and, in `whole` trials, while it happens to one
    list for good; once more when it is over, where it left something to be made good."""
    expected = TABLE[fault]
    every = expected.every + (seed * 3 % 5 if expected.every > 1 else 0)
    one = LISTS[kind][0 if fault is Fault.DELETED_MEANWHILE else seed % len(LISTS[kind])]
    often = Rule(fault, first=min(every, 2 + seed % 5), every=every, times=expected.times)
    always = Rule(fault, one, first=2 if expected.each > 1 else 1, every=expected.each)
    scenes = [(often, expected.often), (always, expected.always)]
    for rule, ending in scenes[: 2 if whole else 1]:
        scene = "often" if rule is often else "always"
        include = FEW[kind] if rule is always else ()
        words = f"{kind} {fault} {scene} seed {seed}"
        for shift in range(SHIFTS):
            # not every request is one to which the fault can happen
            place = root / f"{fault}-{seed}-{scene}-{shift}"
            world = World(kind, place, seed, include=include, jobs=1 + seed % 2)
            world.sandbox.dial.set(replace(rule, first=rule.first + shift))
            if Trial(world, fault, ending, found, words).run():
                break
        else:
            found.wrong.append(f"{words}: the fault was never performed")


@dataclass
class Trial:
    """One scene."""

    world: World
    fault: Fault
    ending: Ending
    found: Findings
    words: str

    def run(self) -> bool:
        """Sync with the fault, judge, and sync without it; false where it never happened."""
        world, dial = self.world, self.world.sandbox.dial
        error, result = None, None
        try:
            result = world.sync()
        except ListbackupError as raised:
            error = raised
        done = dial.performed.get(self.fault, 0)
        if not done:
            return False
        self.found.performed += done
        if result is not None:
            self._judge(result)
        else:
            assert error is not None
            self._judge_error(error)
        dial.clear()
        if error is None and self._is_done(result):
            return True
        if error is not None or self.fault is Fault.SCOPE_CUT:
            world.connect()
        world.pass_time(hours=3)
        again = world.sync(full=TABLE[self.fault].full)
        truth = world.tell_truth()
        said = [*again.reasons, *_declare(again, truth)]
        if said:
            self._wrong(f"afterwards: {said[:3]}")
        for one in world.compare(truth)[:3]:
            self._wrong(f"afterwards {_tell(one)}")
        return True

    def _is_done(self, result: SyncResult | None) -> bool:
        return result is not None and not result.reasons and self.ending.complete

    def _judge(self, result: SyncResult) -> None:
        """See that nothing is missing but what is said to be."""
        shapes = self.fault in SHAPES
        truth = self.world.tell_truth(honest=not shapes)
        short = {one.name for one in result.streams if is_short(one)}
        declared = " ".join(_declare(result, truth))
        for one in self.world.compare(truth):
            if one.stream in short or f"{one.stream}:" in declared:
                continue
            if self.fault is Fault.DELETED_MEANWHILE and not one.missing:
                continue
            self._wrong(f"SILENT {_tell(one)}")
        self._judge_reasons(result, truth)

    def _judge_reasons(self, result: SyncResult, truth: Truth) -> None:
        ending = self.ending
        said = [*result.reasons, *_declare(result, truth)]
        if ending.error:
            self._wrong(f"it was to end with {ending.error}: {said[:2]}")
        elif said and ending.complete:
            self._wrong(f"it was to be survived: {said[:3]}")
        elif not said and not ending.complete and not ending.either:
            self._wrong("nothing was said")
        for one in said if ending.says else []:
            if not ending.fits(one):
                self._wrong(f"not the right reason: {one}")
        if said:
            self.found.partial += 1
        else:
            self.found.complete += 1

    def _judge_error(self, error: ListbackupError) -> None:
        ending = self.ending
        told = f"{error.message} {error.hint}"
        self.found.refused += 1
        if error.category.value == ending.error and ending.fits(told):
            return
        # the first question of a sync is whose account it is: without an answer there is no sync
        if ending.says and ending.fits(told):
            return
        self._wrong(f"{error.category.value}: {error.message}")

    def _wrong(self, what: str) -> None:
        self.found.wrong.append(f"{self.words}: {what}")


def _declare(result: SyncResult, truth: Truth) -> list[str]:
    """Give what a sync declares that is not so of the account anyway."""
    return [one for one in result.declared if one.partition(": ")[0] not in truth.refused]


def _tell(one: Difference) -> str:
    return (
        f"{one.stream}: {len(one.missing)} missing, {len(one.extra)} too many, "
        f"{len(one.other)} other"
    )
