"""The error tree: what went wrong, in which category, and what the reader can do next.

    ListbackupError
    ├── FailedError            1    the operation did not do what was asked
    │   ├── SourceError             a source could not be read
    │   ├── RestoreError            a restore did not end in a proven copy
    │   └── StoreError              an object store did not answer as asked
    │       ├── StoreUnavailable    no clear answer (retryable; the put may have happened)
    │       ├── ObjectExists        create-exclusive lost: the key is taken
    │       └── ObjectMissing       there is no such object
    ├── UsageError             2    the command or its input is not understood
    ├── AuthError              4    credentials are missing, wrong or refused
    ├── RefusedError           5    a rule of the vault or a policy forbids it
    ├── VaultMissing           10   there is no vault at that URL
    ├── BusyError              11   another writer holds or won the source
    ├── WrongKeyError          12   this key, passphrase or kit does not open the vault
    ├── IntegrityError         13   stored bytes are damaged, lost, forged or rolled back
    ├── RateLimited            14   the platform asks to wait longer than we may
    └── InterruptedByUser      130  Ctrl-C or SIGTERM

Knows nothing of faces: `exit_code` is the one total mapping to process exit codes.
"""

from enum import Enum
from typing import ClassVar, assert_never


class Category(Enum):
    """What kind of failure it is; faces translate it, nothing else does."""

    FAILED = "failed"
    USAGE = "usage"
    PARTIAL = "partial"
    AUTH = "auth"
    REFUSED = "refused"
    VAULT_MISSING = "vault_missing"
    BUSY = "busy"
    WRONG_KEY = "wrong_key"
    INTEGRITY = "integrity"
    RATE_LIMITED = "rate_limited"
    INTERRUPTED = "interrupted"


def exit_code(category: Category) -> int:
    """Give the process exit code of a category (total: checked by the type checker)."""
    match category:
        case Category.FAILED:
            return 1
        case Category.USAGE:
            return 2
        case Category.PARTIAL:
            return 3
        case Category.AUTH:
            return 4
        case Category.REFUSED:
            return 5
        case Category.VAULT_MISSING:
            return 10
        case Category.BUSY:
            return 11
        case Category.WRONG_KEY:
            return 12
        case Category.INTEGRITY:
            return 13
        case Category.RATE_LIMITED:
            return 14
        case Category.INTERRUPTED:
            return 130
        case _:
            assert_never(category)


class ListbackupError(Exception):
    """An error that a person will read.

    `message` says what happened, `subject` to which source, vault or object, `risk` whether data
    is at risk, `hint` what to do next.
    """

    category: ClassVar[Category] = Category.FAILED
    retryable: ClassVar[bool] = False
    default_risk: ClassVar[str] = "Nothing that was acknowledged is affected."
    default_hint: ClassVar[str] = "Run the command again; `listbackup doctor` looks for causes."

    def __init__(
        self,
        message: str,
        *,
        subject: str | None = None,
        risk: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.risk = risk or self.default_risk
        self.hint = hint or self.default_hint


class FailedError(ListbackupError):
    """The operation did not do what was asked."""


class SourceError(FailedError):
    """A source could not be read."""

    default_risk = "Earlier snapshots are untouched; nothing new was committed."
    default_hint = "Run `listbackup source test URL` to see what is missing."


class RestoreError(FailedError):
    """A restore did not end in a proven copy."""

    default_risk = "The vault is untouched; do not use the target of this restore."


class StoreError(FailedError):
    """An object store did not answer as asked."""

    default_hint = "Check that the store is reachable and has space, then run the command again."


class StoreUnavailable(StoreError):
    """The store gave no clear answer; what was asked may or may not have happened."""

    retryable = True


class ObjectExists(StoreError):
    """Create-exclusive lost: the key is taken."""


class ObjectMissing(StoreError):
    """There is no such object."""


class UsageError(ListbackupError):
    """The command or its input is not understood."""

    category = Category.USAGE
    default_risk = "Nothing was read or written."
    default_hint = "See `listbackup --help`."


class AuthError(ListbackupError):
    """Credentials are missing, wrong or refused."""

    category = Category.AUTH
    default_hint = "Check user, password and rights, then run `listbackup source test URL`."


class RefusedError(ListbackupError):
    """A rule of the vault or a policy forbids it."""

    category = Category.REFUSED
    default_risk = "Nothing was written."


class VaultMissing(ListbackupError):
    """There is no vault at that URL."""

    category = Category.VAULT_MISSING
    default_risk = "Nothing was written."
    default_hint = "Check the URL, or create a vault there with `listbackup init URL`."


class BusyError(ListbackupError):
    """Another writer holds or won the source."""

    category = Category.BUSY
    retryable = True
    default_hint = "Wait for the other backup to end, then run the command again."


class WrongKeyError(ListbackupError):
    """This key, passphrase or kit does not open the vault."""

    category = Category.WRONG_KEY
    default_risk = "The vault is untouched."
    default_hint = "Give the right one: --key-file, --passphrase-file or --kit-file."


class IntegrityError(ListbackupError):
    """Stored bytes are damaged, lost, forged or rolled back."""

    category = Category.INTEGRITY
    default_risk = "Data is at risk: what is named here cannot be trusted; the rest can."
    default_hint = "Run `listbackup check --read-data` to see which snapshots are affected."


class RateLimited(ListbackupError):
    """The platform asks to wait longer than we may."""

    category = Category.RATE_LIMITED
    retryable = True


class InterruptedByUser(ListbackupError):
    """Ctrl-C or SIGTERM ended the operation."""

    category = Category.INTERRUPTED
    default_hint = "Run the command again; it starts from what was acknowledged."
