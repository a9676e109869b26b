"""Options that several commands have, and what they mean to an operation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from listbackup.app import Reach
from listbackup.errors import UsageError
from listbackup.operations.preferences import ReadingWishes
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
    account: Annotated[
        str | None,
        Parameter(group=VAULT, help="The account within the vault; `default` where none is named."),
    ] = None
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
    config: Annotated[
        Path | None,
        Parameter(
            group=VAULT,
            help="The configuration file; else LISTBACKUP_CONFIG, ./listbackup.yaml, "
            "~/.config/listbackup/listbackup.yaml. `none` reads none.",
        ),
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
        return Reach(url or self.vault, self.account, holding, self.volatile, self.config)


@Parameter(name="*")
@dataclass(frozen=True)
class ReadingOptions:
    """How a source is read."""

    include: Annotated[
        tuple[str, ...] | None,
        several("Only streams like this: schema.table, `*` and `?`; may be repeated.", READING),
    ] = None
    exclude: Annotated[
        tuple[str, ...] | None,
        several("No streams like this; may be repeated.", READING),
    ] = None
    jobs: Annotated[
        int | None,
        Parameter(
            group=READING,
            help="How many parts are read at once, 1 to 64; 2 by default, 8 lists of a platform.",
        ),
    ] = None
    limit_rate: Annotated[
        str | None,
        Parameter(group=READING, help="At most so many bytes a second: 500K, 20M, 1G."),
    ] = None
    lock_timeout: Annotated[
        float | None,
        Parameter(
            group=READING,
            help="Seconds to wait for a locked table, then it is left out; 30 by default.",
        ),
    ] = None
    statement_timeout: Annotated[
        float | None,
        Parameter(group=READING, help="Seconds that one statement may take; 0, the default: any."),
    ] = None

    def wishes(self) -> ReadingWishes:
        """Say it to an operation."""
        return ReadingWishes(
            include=self.include,
            exclude=self.exclude,
            jobs=self.jobs,
            limit_rate=self.limit_rate,
            lock_timeout=self.lock_timeout,
            statement_timeout=self.statement_timeout,
        )
