"""The account: what its ledger says about signers, keys and sources, verified entry by entry.

Kinds: open, signer (both signed by the root), keys, source-open, probe, heads. An unknown kind
makes a reader refuse the account. Knows nothing of snapshots.
"""

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from listbackup.crypto.signing import PublicKey
from listbackup.errors import IntegrityError, RefusedError
from listbackup.vault.documents import refuse_unknown
from listbackup.vault.ledger import Entry, Ledger, Loaded, Mark, Problem

KINDS = frozenset({"open", "signer", "keys", "source-open", "probe", "heads"})
Encryption = Literal["none", "sealed"]


@dataclass(slots=True)
class Account:
    """An account as its verified ledger shows it."""

    ledger: Ledger
    loaded: Loaded
    root: PublicKey
    encryption: Encryption | None = None
    descriptor: str = ""
    generation: int = 1
    signers: dict[str, tuple[PublicKey, int, str]] = field(default_factory=dict)
    wraps: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    heads: dict[str, Mark] = field(default_factory=dict)
    heads_entry: Entry | None = None
    probe_entry: Entry | None = None
    own: PublicKey | None = None

    @property
    def name(self) -> str:
        """The account's id."""
        return self.ledger.account

    @property
    def mark(self) -> Mark:
        """The head of the account's ledger."""
        newest = self.loaded.newest()
        if newest is None:
            raise IntegrityError(
                f"The newest entry of the account ledger of {self.ledger.account} is damaged.",
                subject=self.ledger.key(self.loaded.head),
            )
        return Mark(newest.number, newest.digest)

    @property
    def sealed(self) -> bool:
        """Whether its objects are sealed. Raises IntegrityError when the entry that says so is
        damaged."""
        if self.encryption is None:
            raise IntegrityError(
                f"The first entry of the account ledger of {self.name} is damaged or lost.",
                subject=self.ledger.key(1),
            )
        return self.encryption == "sealed"

    def allows(self, entry: Entry, number: int) -> bool:
        """Tell whether an entry is signed by a signer valid at that number of the account ledger,
        or by this installation's own key (which nobody else can use)."""
        for key, since, _ in self.signers.values():
            if since <= number and entry.envelope.signed_by(key):
                return True
        return self.own is not None and entry.envelope.signed_by(self.own)

    def holds(self, number: int, entry_digest: str) -> bool:
        """Tell whether the ledger holds that entry; what others appended meanwhile is taken."""
        while self.loaded.head < number:
            following = self.ledger.fetch(self.loaded.head + 1)
            if following is None or following.prev != self.mark.digest:
                return False
            self.extend(following)
        entry = self.loaded.entries.get(number)
        return entry is None or entry.digest == entry_digest

    def take(self, entry: Entry) -> None:
        """Apply one entry of the ledger, in order. Raises IntegrityError, RefusedError."""
        by_root = entry.kind in ("open", "signer")
        signed = (
            entry.envelope.signed_by(self.root) if by_root else self.allows(entry, entry.number)
        )
        if not signed:
            raise IntegrityError(
                f"The entry {self.ledger.key(entry.number)} is not signed by a key that may.",
                subject=self.ledger.account,
            )
        refuse_unknown(entry.fields)
        if entry.kind not in KINDS:
            raise RefusedError(
                f"The account ledger's entry {entry.number} is of the kind {entry.kind!r}.",
                subject=self.ledger.account,
                risk="No data is at risk.",
                hint="Use a newer version of listbackup for this vault.",
            )
        _TAKERS[entry.kind](self, entry)

    def copy(self, ledger: Ledger) -> "Account":
        """Give one of its own to whoever reads the same ledger through another store handle."""
        loaded = Loaded(self.loaded.head, dict(self.loaded.entries), list(self.loaded.problems))
        return replace(
            self,
            ledger=ledger,
            loaded=loaded,
            signers=dict(self.signers),
            wraps=dict(self.wraps),
            sources=dict(self.sources),
            heads=dict(self.heads),
        )

    def extend(self, entry: Entry) -> None:
        """Take a new entry at the ledger's end."""
        self.take(entry)
        self.loaded.entries[entry.number] = entry
        self.loaded.head = max(self.loaded.head, entry.number)

    def _take_open(self, entry: Entry) -> None:
        encryption = entry.fields.text("encryption")
        if encryption not in ("none", "sealed"):
            raise RefusedError(
                f"The vault is encrypted in the mode {encryption!r}, which this version lacks.",
                risk="No data is at risk.",
                hint="Use a newer version of listbackup for this vault.",
            )
        self.encryption = "none" if encryption == "none" else "sealed"
        self.descriptor = entry.fields.text("descriptor")

    def _take_signer(self, entry: Entry) -> None:
        try:
            key = PublicKey(base64.b64decode(entry.fields.text("key"), validate=True))
        except ValueError as error:
            raise IntegrityError("A signer entry holds no key.") from error
        self.signers[key.id] = (key, entry.number, entry.fields.text("label"))

    def _take_keys(self, entry: Entry) -> None:
        self.generation = entry.fields.number("generation", least=1)
        for one in entry.fields.each("added"):
            self.wraps[one.text("key")] = one.text("sha256")

    def _take_source_open(self, entry: Entry) -> None:
        self.sources.setdefault(entry.fields.text("opened"), entry.fields.text("open"))

    def _take_heads(self, entry: Entry) -> None:
        self.heads_entry = entry
        heads = entry.fields.fields("heads")
        for source in heads.value:
            one = heads.fields(source)
            self.heads[source] = Mark(one.number("number"), one.text("digest"))

    def _take_probe(self, entry: Entry) -> None:
        self.probe_entry = entry


_TAKERS = {
    "open": Account._take_open,
    "signer": Account._take_signer,
    "keys": Account._take_keys,
    "source-open": Account._take_source_open,
    "heads": Account._take_heads,
    "probe": Account._take_probe,
}


class KnownAccounts:
    """Accounts that this process has verified whole, so that opening one again costs what was
    appended since and not its length: an account has an entry for each of its sources. Of what is
    known only the head is looked at again; the chain of digests binds the rest to it as it was
    read. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, str, str, str], Account] = {}

    def load(
        self, ledger: Ledger, root: PublicKey, own: PublicKey | None, mark: Mark | None
    ) -> Account:
        """Give an account, as `load_account` does without a listing."""
        place = (ledger.store.url, ledger.name, root.id, own.id if own else "")
        with self._lock:
            known = self._accounts.get(place)
        account = _follow(known.copy(ledger), mark) if known else None
        account = account or load_account(ledger, root, own, mark, listed=False)
        if not account.loaded.problems and account.loaded.head:
            with self._lock:
                self._accounts[place] = account.copy(ledger)
        return account


def _follow(account: Account, mark: Mark | None) -> Account | None:
    """Bring a known account forward; None where its ledger does not go on from what is known, and
    has to be read whole to say what is wrong."""
    ledger = account.ledger
    try:
        head = ledger.fetch(account.mark.number)
        if head is None or head.digest != account.mark.digest:
            return None
        while (entry := ledger.fetch(account.mark.number + 1)) is not None:
            if entry.prev != account.mark.digest:
                return None
            account.extend(entry)
    except IntegrityError:
        return None
    return account if mark is None or account.mark.number >= mark.number else None


def load_account(
    ledger: Ledger, root: PublicKey, own: PublicKey | None, mark: Mark | None, *, listed: bool
) -> Account:
    """Read and verify an account's ledger from its first entry. What is damaged is left in
    `loaded.problems`, so that reading can go on with what is sound. Raises RefusedError."""
    loaded = ledger.load(mark, lambda entry: entry.number == 1, listed=listed)
    account = Account(ledger, loaded, root, own=own)
    for number in sorted(loaded.entries):
        try:
            account.take(loaded.entries[number])
        except IntegrityError as error:
            loaded.problems.append(Problem(ledger.key(number), number, error.message))
            del loaded.entries[number]
    return account


def compare_mark(loaded: Loaded, mark: Mark | None, name: str) -> str | None:
    """Say how a ledger contradicts what was seen of it; None when it does not."""
    if mark is None:
        return None
    if loaded.head < mark.number:
        lost = (
            f"{loaded.head + 1} to {mark.number}" if loaded.head + 1 < mark.number else mark.number
        )
        return f"The ledger of {name} was rolled back: the entries {lost} are lost."
    entry = loaded.entries.get(mark.number)
    if entry is None or entry.digest != mark.digest:
        return f"The ledger of {name} holds another entry {mark.number} than was seen before."
    return None


def marks_of(loaded: Loaded, name: str) -> Mapping[str, Mark]:
    """Give the mark of a ledger's sound head, for the witness; nothing when it is damaged."""
    newest = loaded.newest()
    return {} if newest is None else {name: Mark(newest.number, newest.digest)}
