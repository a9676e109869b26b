"""`check`: what is damaged, lost, forged or rolled back, and how far it was looked for."""

from dataclasses import dataclass

from listbackup.app import App, Reach
from listbackup.vault.check import Check, Depth, Finding
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
    """What a check saw. `proven` and `not_proven` say what it means that nothing was found."""

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


def check_vault(app: App, reach: Reach, depth: Depth = "structure") -> Checked:
    """Look for damage. What is found is in the result, not raised. Raises VaultMissing,
    WrongKeyError, AuthError, StoreError."""
    began = app.host.clock.monotonic()
    vault = app.vault(reach, whole=True)
    report = Check(vault, depth).run()
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
        notes=(*report.notes, *_say_how_fresh(vault)),
        proven=tuple(one for step in done for one in PROVEN[step]) if report.sound else (),
        not_proven=(NOT_PROVEN[depth],),
    )


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
