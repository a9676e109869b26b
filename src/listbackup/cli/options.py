"""Options that several commands have, and what they mean to an operation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from listbackup.app import Reach
from listbackup.connectors import ReadOptions
from listbackup.errors import UsageError
from listbackup.vault.holding import Holding

VAULT = Group("Vault", sort_key=2)
OUTPUT = Group("Output", sort_key=3)
READING = Group("Being kind to production", sort_key=1)


def flag(help_text: str, group: Group | None = None) -> Parameter:
    """Describe a switch, which has no `--no-` form."""
    if group is None:
        return Parameter(negative="", help=help_text, show_default=False)
    return Parameter(negative="", group=group, help=help_text, show_default=False)


def several(help_text: str, group: Group) -> Parameter:
    """Describe an option that may be repeated."""
    return Parameter(negative="", group=group, help=help_text, show_default=False)


@Parameter(name="*")
@dataclass(frozen=True)
class OutputOptions:
    """How results are printed."""

    json: Annotated[
        bool, flag("Print JSON lines; errors as one JSON object on standard error.", OUTPUT)
    ] = False


@Parameter(name="*")
@dataclass(frozen=True)
class VaultOptions:
    """Which vault is meant, and what opens it."""

    vault: Annotated[
        str | None,
        Parameter(group=VAULT, help="Where the vault is; else LISTBACKUP_VAULT says it."),
    ] = None
    account: Annotated[str, Parameter(group=VAULT, help="The account within the vault.")] = (
        "default"
    )
    key_file: Annotated[
        Path | None, Parameter(group=VAULT, help="A key file; else LISTBACKUP_KEY_FILE.")
    ] = None
    passphrase_file: Annotated[
        Path | None,
        Parameter(group=VAULT, help="A file that holds a passphrase; LISTBACKUP_PASSPHRASE_FILE."),
    ] = None
    kit_file: Annotated[
        Path | None, Parameter(group=VAULT, help="The recovery kit; else LISTBACKUP_KIT_FILE.")
    ] = None
    volatile: Annotated[
        bool, flag("Allow a vault in memory (tmpfs), which a reboot forgets.", VAULT)
    ] = False
    json: Annotated[
        bool, flag("Print JSON lines; errors as one JSON object on standard error.", OUTPUT)
    ] = False

    def reach(self, url: str | None = None) -> Reach:
        """Say it to an operation; a `url` given by position wins."""
        if url is not None and self.vault is not None and url != self.vault:
            raise UsageError("Two vaults are named.", hint="Give the vault once.")
        holding = Holding(self.key_file, self.passphrase_file, self.kit_file)
        return Reach(url or self.vault, self.account, holding, self.volatile)


@Parameter(name="*")
@dataclass(frozen=True)
class ReadingOptions:
    """How a source is read."""

    include: Annotated[
        tuple[str, ...],
        several("Only streams like this: schema.table, `*` and `?`; may be repeated.", READING),
    ] = ()
    exclude: Annotated[
        tuple[str, ...],
        several("No streams like this; may be repeated.", READING),
    ] = ()
    jobs: Annotated[
        int, Parameter(group=READING, help="How many parts are read at once, 1 to 64.")
    ] = 2
    limit_rate: Annotated[
        str | None,
        Parameter(group=READING, help="At most so many bytes a second: 500K, 20M, 1G."),
    ] = None
    lock_timeout: Annotated[
        float,
        Parameter(group=READING, help="Seconds to wait for a locked table; then it is left out."),
    ] = 30.0
    statement_timeout: Annotated[
        float, Parameter(group=READING, help="Seconds that one statement may take; 0 is any.")
    ] = 0.0

    def to_reading(self) -> ReadOptions:
        """Say it to a connector. Raises UsageError."""
        if self.lock_timeout < 0 or self.statement_timeout < 0:
            raise UsageError("A timeout is not below zero.")
        return ReadOptions(
            include=self.include,
            exclude=self.exclude,
            jobs=check_jobs(self.jobs),
            limit_rate=read_rate(self.limit_rate),
            lock_timeout=self.lock_timeout,
            statement_timeout=self.statement_timeout,
        )


def check_jobs(jobs: int) -> int:
    """Let a number of jobs through. Raises UsageError."""
    if not 1 <= jobs <= 64:
        raise UsageError("--jobs is a number from 1 to 64.")
    return jobs


def read_rate(text: str | None) -> int:
    """Read bytes a second: a number, or one with K, M or G (powers of 1024). Raises UsageError."""
    if text is None:
        return 0
    factor = {"K": 1024, "M": 1024**2, "G": 1024**3}.get(text[-1:].upper(), 1)
    try:
        rate = int(float(text[:-1] if factor > 1 else text) * factor)
    except (ValueError, OverflowError):
        rate = 0
    if rate <= 0:
        raise UsageError(f"{text!r} is no rate.", hint="Write bytes a second: 500K, 20M, 1G.")
    return rate
