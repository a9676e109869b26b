"""`check`: what is damaged, lost, forged or rolled back, and how far it was looked for."""

from dataclasses import dataclass

from listbackup.app import App, Reach
from listbackup.errors import FailedError, IntegrityError
from listbackup.history.publishing import look, publishes, repair
from listbackup.vault.check import Check, Depth, Finding, Report
from listbackup.vault.opening import Vault

PROVEN = {
    "structure": (
        "every ledger entry is signed, chained and not older than what this machine has seen",
        "every manifest and state list is there, opens and agrees with its digest",
        "every object that a snapshot needs exists in its size",
    ),
    "data": ("every stored object has the digest that a signed manifest names",),
    "records": (
        "every line was decompressed and counted, its hash compared with the one beside it",
        "every stream adds up to the fingerprint that was taken when it was read",
    ),
}
NOT_PROVEN = {
    "structure": "the contents of the objects: `--read-data` reads every stored byte",
    "data": "that each line is what was counted and hashed: `--records` recounts them",
    "records": "that a database takes them back: `listbackup restore` proves that by comparing",
}
ORDER: tuple[Depth, ...] = ("structure", "data", "records")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check saw. `proven` and `not_proven` say what it means that nothing was found;
    `repaired` names the derived objects that were made again, or removed."""

    vault: str
    url: str
    depth: Depth
    sound: bool
    sources: int
    snapshots: int
    objects: int
    bytes: int
    rows: int
    seconds: float
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    proven: tuple[str, ...]
    not_proven: tuple[str, ...]
    repaired: tuple[str, ...] = ()


def check_vault(
    app: App, reach: Reach, depth: Depth = "structure", *, repair_derived: bool = False
) -> Checked:
    """Look for damage. What is found is in the result, not raised. With `repair_derived`, make
    derived objects again that are missing, damaged or stale. Raises VaultMissing, WrongKeyError,
    AuthError, StoreError."""
    began = app.host.clock.monotonic()
    vault = app.vault(reach, whole=True)
    report = Check(vault, depth).run()
    derived, repaired = _look_at_derived(vault, report, repair_derived)
    done = ORDER[: ORDER.index(depth) + 1]
    return Checked(
        vault=vault.id,
        url=vault.access.url,
        depth=depth,
        sound=report.sound,
        sources=report.sources,
        snapshots=report.snapshots,
        objects=report.objects,
        bytes=report.bytes,
        rows=report.rows,
        seconds=round(app.host.clock.monotonic() - began, 3),
        findings=tuple(report.findings),
        notes=(*report.notes, *derived, *_say_how_fresh(vault)),
        proven=tuple(one for step in done for one in PROVEN[step]) if report.sound else (),
        not_proven=(NOT_PROVEN[depth],),
        repaired=tuple(repaired),
    )


def _look_at_derived(vault: Vault, report: Report, again: bool) -> tuple[list[str], list[str]]:
    """Give notes on derived objects, and the keys of those that were made again. They are no part
    of what a snapshot needs, so whatever they are is no damage."""
    notes: list[str] = []
    repaired: list[str] = []
    if not publishes(vault):
        return notes, repaired
    if not report.sound:
        return ["Derived objects were not looked at: what they are made from is damaged."], []
    for name in vault.sources():
        try:
            found = look(vault, name, read=report.depth != "structure")
            if found and again:
                repaired += repair(vault, name)
                continue
        except (IntegrityError, FailedError) as error:
            notes.append(f"Derived objects of {name} cannot be judged: {error.message}")
            continue
        if found:
            listed = ", ".join(f"{one.key} ({one.fault})" for one in found[:3])
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            notes.append(
                f"Derived objects of {name} are not up to date: {listed}{more}. No data is at "
                "risk; `listbackup check --repair-derived` makes them again."
            )
    return notes, repaired


def _say_how_fresh(vault: Vault) -> list[str]:
    newest = vault.seen.newest if vault.seen else None
    known = [f"what this machine saw on {newest:%Y-%m-%d %H:%M:%S} UTC"] if newest else []
    known += [f"the kit of {vault.kit_date}"] if vault.kit_date else []
    since = (
        " and ".join(known) or "nothing: this machine never saw a commit, and has no kit at hand"
    )
    verdict = "NOT authentic" if vault.problems or vault.contradictions else "Authentic"
    return [
        f"{verdict}: vault {vault.id}. Its freshness rests on {since}.",
        "No outside witness: a rollback of vault and machine together would not be noticed.",
    ]
