"""`prune`: which snapshots count no more, by rules; and what dropping them would free."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from listbackup.app import App, Reach
from listbackup.errors import IntegrityError, ListbackupError
from listbackup.events import Warned
from listbackup.vault.ledger import Entry
from listbackup.vault.opening import Vault
from listbackup.vault.pruning import PrunePlan, plan_prune, prune_source
from listbackup.vault.retention import Rules
from listbackup.vault.selection import choose_sources
from listbackup.vault.upkeep import write_heads


@dataclass(frozen=True, slots=True)
class PruneWishes:
    """Of which source (None: of every one) what is kept. `dry_run` only says what would be."""

    source: str | None = None
    rules: Rules = field(default_factory=Rules)
    dry_run: bool = False
    clock_ok: bool = False


@dataclass(frozen=True, slots=True)
class PruneLine:
    """One snapshot: the words of `kept` say why it stays; none, and it is dropped. `freed_bytes`
    are the stored bytes that a later sweep then frees, each object counted with the oldest
    dropped snapshot that needs it; only a dry run tells them."""

    snapshot: str
    name: str
    number: int
    as_of: datetime
    status: str
    tags: tuple[str, ...]
    kept: tuple[str, ...]
    held: str | None
    freed_bytes: int | None

    @property
    def dropped(self) -> bool:
        """Whether it is dropped."""
        return not self.kept


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was decided of one source. `number` is the ledger entry that says it: None where
    nothing was dropped or written."""

    source: str
    dry_run: bool
    number: int | None
    kept: int
    dropped: int
    freed_bytes: int | None
    snapshots: tuple[PruneLine, ...]


def prune(app: App, reach: Reach, wishes: PruneWishes) -> list[Pruned]:
    """Drop what no rule keeps, source by source; nothing is deleted.

    Raises UsageError without rules, RefusedError while a clock is in doubt, IntegrityError when a
    ledger is damaged, BusyError, WrongKeyError: manifests are read to know what must stay.
    """
    wishes.rules.check()
    vault = app.vault(reach)
    done = []
    for name in choose_sources(vault, wishes.source):
        entry: Entry | None = None
        if wishes.dry_run:
            decided = plan_prune(vault, name, wishes.rules, clock_ok=wishes.clock_ok)
        else:
            decided, entry = prune_source(vault, name, wishes.rules, clock_ok=wishes.clock_ok)
        freed = _count_freed(app, decided) if wishes.dry_run else None
        done.append(_summarise(name, decided, entry, freed, dry_run=wishes.dry_run))
    if any(one.number is not None for one in done):
        _write_heads(app, vault)
    return done


def _write_heads(app: App, vault: Vault) -> None:
    # The prune is true already: the next backup writes the heads if this fails.
    try:
        write_heads(vault, vault.signer())
    except ListbackupError as error:
        app.emit(Warned(f"The account's heads were not written: {error.message}"))


def _count_freed(app: App, decided: PrunePlan) -> Mapping[int, int] | None:
    """Count by dropped snapshot the stored bytes that no kept one needs; None when it cannot be
    told."""
    commits, plan, needs = decided.view.commits, decided.plan, decided.needs
    if not plan.drop:
        return {}
    needs.read(commits.values())
    counted: set[str] = set()
    try:
        for number in plan.keep:
            counted |= needs.objects(commits[number])
        freed = {}
        for number in plan.drop:
            alone = needs.objects(commits[number]) - counted
            counted |= alone
            freed[number] = sum(needs.sizes.get(one, 0) for one in alone)
    except IntegrityError as error:
        app.emit(Warned(f"What would be freed cannot be told: {error.message}"))
        return None
    return freed


def _summarise(
    source: str,
    decided: PrunePlan,
    entry: Entry | None,
    freed: Mapping[int, int] | None,
    *,
    dry_run: bool,
) -> Pruned:
    plan, lines = decided.plan, []
    for number, commit in sorted(decided.view.commits.items()):
        hold = decided.held.get(number)
        lines.append(
            PruneLine(
                snapshot=commit.sync,
                name=commit.name,
                number=number,
                as_of=commit.end,
                status=commit.status,
                tags=commit.tags,
                kept=plan.keep.get(number, ()),
                held=hold.reason if hold else None,
                freed_bytes=None if freed is None else freed.get(number, 0),
            )
        )
    return Pruned(
        source=source,
        dry_run=dry_run,
        number=entry.number if entry else None,
        kept=len(plan.keep),
        dropped=len(plan.drop),
        freed_bytes=None if freed is None else sum(freed.values()),
        snapshots=tuple(lines),
    )
