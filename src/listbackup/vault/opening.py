"""Opening a vault: find its descriptor, pin its id, verify its ledgers, compare the witness.

`Vault` is what everything else works with: one account of one vault, trusted as far as `problems`
and `contradictions` say. Reading goes on with what is sound; writing is refused where the vault
contradicts what was seen of it. Knows no snapshot's contents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from listbackup.crypto.sealing import Key
from listbackup.crypto.signing import SigningKey
from listbackup.errors import IntegrityError, ObjectMissing, RefusedError, VaultMissing
from listbackup.events import Emit, Warned
from listbackup.host import Host
from listbackup.objectstore import ObjectStore
from listbackup.vault import layout
from listbackup.vault.accounts import (
    Account,
    KnownAccounts,
    compare_mark,
    load_account,
    marks_of,
)
from listbackup.vault.cache import Cache
from listbackup.vault.descriptor import MOST_DESCRIPTOR, Descriptor, read_descriptor
from listbackup.vault.installation import Installation
from listbackup.vault.keyring import Keyring
from listbackup.vault.ledger import Ledger, Mark, Problem
from listbackup.vault.objects import Objects
from listbackup.vault.sources import SourceView, load_source
from listbackup.vault.unlocking import Secret, list_wraps, open_account_key
from listbackup.vault.witness import KnownWitnesses, Seen, Witness


@dataclass(frozen=True, slots=True)
class Access:
    """Through what a vault is reached: the store with and without retries, the installation, what
    somebody holds, who listens, what this machine keeps of small objects, and what this process
    knows of accounts and witnesses."""

    store: ObjectStore
    exclusive: ObjectStore
    host: Host
    installation: Installation
    emit: Emit
    secrets: Sequence[Secret] = ()
    cache: Cache | None = None
    known: KnownAccounts = field(default_factory=KnownAccounts)
    witnesses: KnownWitnesses = field(default_factory=KnownWitnesses)

    @property
    def url(self) -> str:
        """The vault's address, as pins know it."""
        return self.store.url


@dataclass(slots=True)
class Vault:
    """One account of an opened vault."""

    access: Access
    descriptor: Descriptor
    account: Account
    witness: Witness
    seen: Seen | None
    keyring: Keyring
    objects: Objects
    problems: list[Problem] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    kit_date: str | None = None

    @property
    def id(self) -> str:
        """The vault's id."""
        return self.descriptor.vault

    @property
    def store(self) -> ObjectStore:
        """Where its objects are."""
        return self.access.store

    @property
    def host(self) -> Host:
        """Clock, randomness, disk."""
        return self.access.host

    @property
    def emit(self) -> Emit:
        """Who listens."""
        return self.access.emit

    def ledger(self, source: str) -> Ledger:
        """Give a source's ledger."""
        access = self.access
        return Ledger(
            access.store, access.exclusive, access.host, self.id, self.account.name, source
        )

    def sources(self) -> list[str]:
        """Name the account's sources."""
        return sorted(self.account.sources)

    def source(self, name: str, *, whole: bool = False) -> SourceView:
        """Load a source's ledger and compare it with what was seen. What contradicts is kept in
        `contradictions`; sound news is remembered. Raises RefusedError."""
        ledger = self.ledger(name)
        mark = self.seen.marks.get(ledger.name) if self.seen else None
        view = load_source(self.account, ledger, mark, whole=whole)
        contradiction = compare_mark(view.loaded, mark, ledger.name)
        contradictions = [*view.contradictions, *([contradiction] if contradiction else [])]
        for message in contradictions:
            self._contradict(message)
        if not contradictions and not view.loaded.problems:
            self._say_unacknowledged(view, mark)
            self.remember(marks_of(view.loaded, ledger.name), None)
        return view

    def remember(self, marks: Mapping[str, Mark], newest: datetime | None) -> None:
        """Bring the witness forward, durably, unless the vault contradicts it."""
        if self.contradictions:
            return
        self.witness.advance(marks, newest)
        self.seen = self.witness.read()

    def signer(self) -> SigningKey:
        """Give the key to write with. Raises IntegrityError when the vault contradicts what was
        seen, RefusedError when this installation is not enrolled."""
        self.refuse_contradictions()
        key = self.access.installation.signer(self.id)
        if key is None or key.public.id not in self.account.signers:
            raise RefusedError(
                "This installation has no valid signer key for the vault.",
                subject=self.access.url,
                hint="Enrol it with `listbackup key enrol --kit-file FILE`.",
            )
        return key

    def refuse_contradictions(self) -> None:
        """Raise IntegrityError when the vault contradicts what was seen of it, or its head is
        damaged: then nobody may write."""
        if self.contradictions:
            raise IntegrityError(
                "Writing is refused: " + " ".join(self.contradictions),
                subject=self.access.url,
                risk="Data is at risk: snapshots that were acknowledged are missing or replaced.",
                hint="Look for another copy of the vault; `listbackup check` names what is lost.",
            )
        self.account.mark  # noqa: B018

    def expect(self, marks: Mapping[str, Mark], kit_date: str | None) -> None:
        """Compare the ledgers with the heads that a kit of that date names. What contradicts is
        kept in `contradictions`. Raises RefusedError."""
        self.kit_date = kit_date
        for name, mark in marks.items():
            _, _, source = name.partition("/")
            loaded = self.source(source).loaded if source else self.account.loaded
            message = compare_mark(loaded, mark, name)
            if message is not None:
                self._contradict(message)

    def _contradict(self, message: str) -> None:
        if message not in self.contradictions:
            self.contradictions.append(message)
            self.emit(Warned(message, "Writing is refused until this is settled."))

    def _say_unacknowledged(self, view: SourceView, mark: Mark | None) -> None:
        own = self.account.own
        if self.seen is None or own is None or not self.seen.marks:
            return
        since = mark.number if mark is not None else 0
        for commit in view.commits.values():
            if commit.number > since and commit.signer == own.id:
                self.emit(
                    Warned(
                        f"Snapshot {commit.name} of {view.name} was committed by an earlier run "
                        "that ended before it could say so. It is whole."
                    )
                )


def read_vault_descriptor(access: Access) -> Descriptor:
    """Read and pin-check a vault's descriptor. Raises VaultMissing, IntegrityError."""
    pinned = access.installation.pins().get(access.url)
    try:
        raw = access.store.get(layout.place(layout.DESCRIPTOR), length=MOST_DESCRIPTOR)
    except ObjectMissing as error:
        if next(access.store.list("data/accounts/"), None) is not None:
            raise IntegrityError(
                "The vault's descriptor vault.json is lost.",
                subject=access.url,
                hint="Put it back from another copy of the vault, or from the first entry of the "
                "account's ledger, which holds one (docs/format.md).",
            ) from error
        raise VaultMissing("There is no vault there.", subject=access.url) from error
    descriptor = read_descriptor(raw)
    if pinned is not None and pinned != descriptor.vault:
        raise IntegrityError(
            f"Another vault ({descriptor.vault}) is there than was met before ({pinned}).",
            subject=access.url,
            hint="If the old vault was given up, `listbackup init` in an empty place replaces it.",
        )
    return descriptor


def open_vault(access: Access, account: str = "default", *, whole: bool = False) -> Vault:
    """Open one account of the vault. With `whole` listings are asked too (check).

    Raises VaultMissing, IntegrityError, RefusedError (format or kinds of a later version).
    """
    descriptor = read_vault_descriptor(access)
    installation = access.installation
    first = descriptor.vault not in installation.pins().values()
    signer = installation.ensure_signer(descriptor.vault)
    witness = Witness(installation, descriptor.vault, access.witnesses)
    seen = witness.read()
    ledger = Ledger(access.store, access.exclusive, access.host, descriptor.vault, account)
    mark = seen.marks.get(ledger.name) if seen else None
    if whole or seen is None:
        loaded = load_account(ledger, descriptor.root, signer.public, mark, listed=True)
    else:
        loaded = access.known.load(ledger, descriptor.root, signer.public, mark)
    if loaded.loaded.head == 0:
        if mark is not None or next(access.store.list(_below(account)), None) is not None:
            raise IntegrityError(
                f"The ledger of the account {account!r} is lost whole.",
                subject=access.url,
                hint="Look for another copy of the vault.",
            )
        raise VaultMissing(
            f"The vault holds no account {account!r}.",
            subject=access.url,
            hint="Name an account with --account, or end an interrupted `listbackup init`.",
        )
    vault = _assemble(access, descriptor, loaded, witness, seen)
    contradiction = compare_mark(loaded.loaded, mark, ledger.name)
    if contradiction is not None:
        vault._contradict(contradiction)
    if loaded.descriptor and loaded.descriptor != descriptor.sha256:
        message = "The vault's descriptor vault.json is not the one that the vault was made with."
        vault.problems.append(Problem(layout.DESCRIPTOR, 0, message))
    if first:
        access.emit(Warned(f"First contact of this machine with vault {descriptor.vault}."))
    if access.url not in installation.pins():
        installation.pin(access.url, descriptor.vault)
    if not vault.problems:
        vault.remember(marks_of(loaded.loaded, ledger.name), None)
    return vault


def _below(account: str) -> str:
    return layout.place(layout.account_prefix(account))


def _assemble(
    access: Access, descriptor: Descriptor, account: Account, witness: Witness, seen: Seen | None
) -> Vault:
    vault, name = descriptor.vault, account.name

    def unlock() -> Key:
        wraps = list_wraps(access.store, name, account.generation)
        return open_account_key(vault, name, wraps, access.secrets, account.wraps)

    entropy = access.host.entropy
    keyring = Keyring(access.store, vault, name, account.generation, unlock, entropy)
    objects = Objects(access.store, vault, name, keyring, entropy, access.cache)
    opened = Vault(access, descriptor, account, witness, seen, keyring, objects)
    opened.problems.extend(account.loaded.problems)
    return opened
