"""`doctor`: what could go wrong on this machine and with this vault, before it does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from listbackup.app import App, Reach
from listbackup.errors import ListbackupError, RefusedError
from listbackup.operations.keys import kit_was_verified
from listbackup.vault.holding import key_path, kit_path
from listbackup.vault.opening import Vault

State = Literal["good", "warning", "bad"]
PROBE_LASTS = timedelta(days=30)
BACKUP_LASTS = timedelta(days=7)
MOST_SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that was looked at."""

    topic: str
    state: State
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """Everything that was looked at."""

    vault: str | None
    advice: tuple[Advice, ...]

    @property
    def warnings(self) -> int:
        """How many things could go wrong."""
        return sum(one.state == "warning" for one in self.advice)

    @property
    def bad(self) -> int:
        """How many things are wrong now."""
        return sum(one.state == "bad" for one in self.advice)


def diagnose(app: App, reach: Reach) -> Diagnosed:
    """Look at this machine and, where one is named, at the vault. What is wrong is in the result,
    not raised."""
    advice = list(_look_at_programs())
    advice += _look_at_files(app)
    try:
        named = app.vault_url(reach)
    except ListbackupError as error:
        advice.append(Advice("configuration", "bad", error.message, error.hint))
        return Diagnosed(None, tuple(advice))
    if not named:
        advice.append(
            Advice(
                "vault", "warning", "No vault is named.", "Give --vault or set LISTBACKUP_VAULT."
            )
        )
        return Diagnosed(None, tuple(advice))
    try:
        vault = app.vault(reach)
    except ListbackupError as error:
        advice.append(Advice("vault", "bad", error.message, error.hint))
        return Diagnosed(None, tuple(advice))
    looks: tuple[Callable[[App, Vault], Iterator[Advice]], ...] = (
        _look_at_trust,
        _look_at_kit,
        _look_at_keys,
        _look_at_clock,
        _look_at_probe,
        _look_at_sources,
    )
    for look in looks:
        try:
            advice += look(app, vault)
        except ListbackupError as error:
            advice.append(Advice("vault", "bad", error.message, error.hint))
    return Diagnosed(vault.id, tuple(advice))


def _look_at_programs() -> Iterator[Advice]:
    from listbackup.sandbox.installations import BUNDLED, find_bundled

    for major in BUNDLED:
        try:
            found = find_bundled(major)
            yield _good("programs", f"PostgreSQL {major}'s programs are at {found.programs}.")
        except ListbackupError as error:
            yield Advice("programs", "bad", error.message, error.hint)


def _look_at_files(app: App) -> Iterator[Advice]:
    for directory in (app.directories.config, app.directories.state):
        open_files = [path for path in _files(directory) if path.stat().st_mode & 0o077]
        for path in open_files:
            yield Advice("files", "bad", f"Others may read {path}.", f"Run: chmod 600 '{path}'")
        if not open_files:
            yield _good("files", f"{directory} is private.")


def _files(directory: Path) -> Iterator[Path]:
    for pattern in ("*.key", "kit-*.txt", "*/signer.key", "*/witness.json"):
        yield from directory.glob(pattern)


def _look_at_trust(app: App, vault: Vault) -> Iterator[Advice]:
    for message in vault.contradictions:
        yield Advice("trust", "bad", message, "Run `listbackup check`.")
    for problem in vault.problems:
        yield Advice("trust", "bad", problem.message, "Run `listbackup check`.")
    if not vault.contradictions and not vault.problems:
        yield _good("trust", f"Vault {vault.id} is authentic and not behind what was seen.")
    yield Advice(
        "witness",
        "warning",
        "There is no outside witness: a rollback of vault and machine together is not noticed.",
        "Keep the newest `listbackup snapshots` output elsewhere, too.",
    )
    try:
        vault.signer()
        yield _good("signer", "This machine may write.")
    except RefusedError as error:
        yield Advice("signer", "warning", error.message, error.hint)


def _look_at_kit(app: App, vault: Vault) -> Iterator[Advice]:
    path = kit_path(app.directories.config, vault.id)
    verified = kit_was_verified(app, vault.id)
    if path.exists():
        yield Advice(
            "kit",
            "warning",
            f"The recovery kit lies on this machine: {path}.",
            "Run `listbackup key kit --forget-local`."
            if verified
            else "Store a copy elsewhere, then `listbackup key verify-kit --kit-file COPY` and "
            "`listbackup key kit --forget-local`.",
        )
    if verified:
        yield _good("kit", f"A copy of the kit was verified on {verified:%Y-%m-%d}.")
    elif not path.exists():
        yield Advice(
            "kit",
            "warning",
            "No copy of the recovery kit was ever verified from this machine.",
            "Run `listbackup key verify-kit --kit-file COPY`.",
        )


def _look_at_keys(app: App, vault: Vault) -> Iterator[Advice]:
    if vault.account.encryption != "sealed":
        yield Advice(
            "keys",
            "warning",
            "The vault is not sealed: whoever reads the store reads everything.",
            "A new vault is sealed unless `init --encryption none` is asked for.",
        )
        return
    try:
        vault.keyring.account_key()
    except ListbackupError as error:
        yield Advice("keys", "bad", error.message, error.hint)
        return
    yield _good("keys", f"What is at hand opens the vault; it has {len(vault.account.wraps)} ways.")
    usual = key_path(app.directories.config, vault.id)
    if vault.access.url.startswith("file://") and usual.exists():
        root = Path(vault.access.url.removeprefix("file://"))
        if usual.resolve().is_relative_to(root) or root.is_relative_to(usual.parent.resolve()):
            yield Advice(
                "keys",
                "warning",
                "Key and vault lie together: whoever gets one gets both.",
                "Keep the vault on another disk or machine.",
            )


def _look_at_clock(app: App, vault: Vault) -> Iterator[Advice]:
    now = app.host.clock.now()
    skew = abs(vault.store.now() - now)
    newest = vault.seen.newest if vault.seen else None
    if skew > MOST_SKEW:
        yield Advice(
            "clock", "bad", f"The store's clock is {skew} from this machine's.", "Set the clock."
        )
    elif newest is not None and now < newest:
        yield Advice(
            "clock", "bad", f"The clock is before the newest signed time {newest}.", "Set it."
        )
    else:
        yield _good("clock", f"The store's clock is {skew.total_seconds():.0f} s from ours.")


def _look_at_probe(app: App, vault: Vault) -> Iterator[Advice]:
    entry = vault.account.probe_entry
    age = app.host.clock.now() - entry.time if entry else None
    if age is None or age > PROBE_LASTS:
        said = "never" if age is None else f"{age.days} days ago"
        yield Advice(
            "probe",
            "warning",
            f"The store was last probed {said}.",
            f"Run `listbackup vault probe '{vault.access.url}'`.",
        )
    else:
        yield _good("probe", f"The store was probed {age.days} days ago.")


def _look_at_sources(app: App, vault: Vault) -> Iterator[Advice]:
    if not vault.sources():
        yield Advice("sources", "warning", "Nothing is backed up yet.", "Run `listbackup backup`.")
    for name in vault.sources():
        newest = vault.source(name).newest()
        if newest is None:
            yield Advice(name, "warning", "It has no snapshot.", "Run `listbackup backup`.")
            continue
        age = app.host.clock.now() - newest.end
        said = f"Newest snapshot {newest.name}, {newest.status}, {age.days} days old."
        late = age > BACKUP_LASTS or newest.status != "complete"
        state: State = "warning" if late else "good"
        yield Advice(name, state, said, "Run `listbackup backup` again." if late else "")


def _good(topic: str, message: str) -> Advice:
    return Advice(topic, "good", message, "")
