"""Pruning: a ledger entry that says which snapshots count no more. It deletes nothing.

`{drop: [number...], keep: {number: [words]}, policy: digest of the rules}` is appended like a
commit, so prunes and syncs have one order; whoever meets another entry on the way judges anew.
Whatever the rules say, it drops neither the newest snapshot, nor the one that holds the newest
complete state of a stream, nor a held one; and it does nothing while a clock is in doubt. Knows
nothing of deleting (`sweeping`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from listbackup.crypto.signing import SigningKey
from listbackup.errors import BusyError, IntegrityError, RefusedError
from listbackup.events import LedgerWritten, Warned
from listbackup.vault.documents import write_document
from listbackup.vault.holds import Hold, find_holds
from listbackup.vault.ledger import Entry, Mark
from listbackup.vault.needs import Needs
from listbackup.vault.opening import Vault
from listbackup.vault.refs import digest
from listbackup.vault.retention import Candidate, Plan, Rules, plan_retention
from listbackup.vault.sources import Committed, SourceView, account_head

MOST_AHEAD = timedelta(days=1)
"""A snapshot that shows a moment further behind its own commit was taken by a wrong clock."""
_ATTEMPTS = 8


@dataclass(slots=True)
class PrunePlan:
    """What would be kept and dropped, and what was learnt on the way."""

    view: SourceView
    plan: Plan
    needs: Needs
    held: Mapping[int, Hold] = field(default_factory=dict)


class Superseded(Exception):
    """Somebody else wrote in between: what was decided has to be decided again."""


def plan_prune(vault: Vault, source: str, rules: Rules, *, clock_ok: bool = False) -> PrunePlan:
    """Decide what of a source is kept. Raises UsageError for rules that are none, RefusedError
    while a clock is in doubt, IntegrityError when the ledger is damaged."""
    rules.check()
    view = vault.source(source)
    refuse_damaged(view)
    if not clock_ok:
        refuse_doubtful_clocks(view)
    candidates = [
        Candidate(one.number, one.end, one.status == "complete", one.tags)
        for one in view.commits.values()
    ]
    needs = Needs(vault.objects, vault.host.clock, source)
    first = plan_retention(candidates, rules)
    going = [view.commits[number] for number in first.drop]
    if not going:
        return PrunePlan(view, first, needs)
    now = vault.store.now()
    held = {
        number: hold
        for number, hold in find_holds(vault.store, going, vault.host.clock).items()
        if hold.holds(now) or hold.holds(vault.host.clock.now())
    }
    also: dict[int, list[str]] = {number: ["held"] for number in held}
    for number, streams in _find_newest_states(vault, view, going, needs).items():
        named = ", ".join(streams[:3]) + (f" and {len(streams) - 3} more" * (len(streams) > 3))
        also.setdefault(number, []).append(f"newest state of {named}")
    return PrunePlan(view, plan_retention(candidates, rules, also), needs, held)


def prune_source(
    vault: Vault, source: str, rules: Rules, *, clock_ok: bool = False
) -> tuple[PrunePlan, Entry | None]:
    """Decide, and write it down; the entry is None where nothing is to be dropped.

    Raises what `plan_prune` raises, and BusyError when others write again and again.
    """
    signer = vault.signer()
    for _ in range(_ATTEMPTS):
        decided = plan_prune(vault, source, rules, clock_ok=clock_ok)
        if not decided.plan.drop:
            return decided, None
        try:
            return decided, _append(vault, decided, rules, signer)
        except Superseded:
            continue
    raise BusyError("Others write into the ledger again and again.", subject=source)


def refuse_damaged(view: SourceView) -> None:
    """Raise IntegrityError unless the ledger is sound as far as it was read."""
    if view.loaded.problems:
        raise IntegrityError(
            f"{view.loaded.problems[0].message} Nothing is dropped or deleted while it is so.",
            subject=view.name,
            hint="`listbackup check` names what is affected; look for another copy of the vault.",
        )


def give_up(entry: Entry) -> None:
    """Judge an entry that was met on the way: whatever it is, decide anew."""
    raise Superseded


def refuse_doubtful_clocks(view: SourceView) -> None:
    """Raise RefusedError when a live snapshot was committed by a clock in doubt, or shows a moment
    that lies behind its own commit."""
    doubtful = [
        one for one in view.commits.values() if one.clock_suspect or one.end - one.time > MOST_AHEAD
    ]
    if doubtful:
        raise RefusedError(
            f"The clock is in doubt for {len(doubtful)} of its snapshots, the first is "
            f"{doubtful[0].name}.",
            subject=view.name,
            risk="Nothing was dropped: rules that count days need clocks that are right.",
            hint="Look at the clocks of this machine, the store and the database; if the times in "
            "`listbackup snapshots` are right all the same, give --clock-ok.",
        )


def _find_newest_states(
    vault: Vault, view: SourceView, going: Sequence[Committed], needs: Needs
) -> dict[int, list[str]]:
    """Find the snapshots among those `going` that hold a stream's newest complete state: by
    number, the names of the streams.

    Of snapshots that say that they read the same streams only the newest readable one is looked at.
    """
    groups: dict[str | int, list[Committed]] = {}
    for _, commit in sorted(view.commits.items(), reverse=True):
        groups.setdefault(commit.streams or commit.number, []).append(commit)
    needs.read([group[0] for group in groups.values()], states=False)
    holders: dict[str, int] = {}
    for group in groups.values():
        for commit in group:
            names = _fresh_streams(vault, commit, needs)
            for name in names or ():
                holders[name] = max(commit.number, holders.get(name, 0))
            if names is not None:
                break
    numbers = {one.number for one in going}
    found: dict[int, list[str]] = {}
    for name, number in sorted(holders.items()):
        if number in numbers:
            found.setdefault(number, []).append(name)
    return found


def _fresh_streams(vault: Vault, commit: Committed, needs: Needs) -> list[str] | None:
    try:
        return [one.name for one in needs.manifest(commit).streams if one.fresh]
    except IntegrityError as error:
        # It holds no state for anybody: then an older snapshot holds the newest, and stays.
        vault.emit(Warned(f"Snapshot {commit.name} cannot be read: {error.message}"))
        return None


def _append(vault: Vault, decided: PrunePlan, rules: Rules, signer: SigningKey) -> Entry:
    view, plan = decided.view, decided.plan
    body = {
        "drop": list(plan.drop),
        "keep": {str(number): list(words) for number, words in plan.keep.items()},
        "policy": digest(write_document(rules.to_json())),
    }
    entry = view.ledger.append(
        "prune",
        lambda number: account_head(vault.account) | body,
        signer,
        view.mark,
        give_up,
        vault.host.clock.now(),
    )
    vault.emit(LedgerWritten(view.ledger.name, entry.number, "prune"))
    vault.remember({view.ledger.name: Mark(entry.number, entry.digest)}, entry.time)
    return entry
