"""Beginning a sync: the source's ledger is opened at its first one, the base is read.

A new source: its `open` entry, then the account's `source-open` with that digest, then the
witness. A run that was killed in between is taken up where it stood.
"""

from collections.abc import Mapping

from listbackup.crypto.signing import SigningKey
from listbackup.errors import IntegrityError
from listbackup.events import LedgerWritten, Warned
from listbackup.vault.ledger import Entry, Mark
from listbackup.vault.opening import Vault
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.sources import SourceView, verify_entry
from listbackup.vault.writer import SyncWriter


def begin_sync(vault: Vault, source: str) -> SyncWriter:
    """Start a sync of a source. Raises RefusedError, IntegrityError when writing is refused."""
    view = vault.source(source)
    signer = vault.signer()
    if source not in vault.account.sources:
        _open_source(vault, view, signer)
        view = vault.source(source)
    return SyncWriter(vault, view, signer, _read_base(vault, view))


def _read_base(vault: Vault, view: SourceView) -> Snapshot | None:
    newest = view.newest()
    if newest is None:
        return None
    try:
        return open_snapshot(vault, newest, view.name)
    except IntegrityError as error:
        vault.emit(
            Warned(
                f"The newest snapshot {newest.name} is damaged: {error.message}",
                "This sync goes on without it; run `listbackup check --read-data`.",
            )
        )
        return None


def _open_source(vault: Vault, view: SourceView, signer: SigningKey) -> None:
    account, now = vault.account, vault.host.clock.now()
    mark = account.mark
    if view.loaded.head == 0:
        head = {"account_head": {"number": mark.number, "digest": mark.digest}}
        try:
            first = view.ledger.append("open", lambda number: head, signer, None, _give_up, now)
        except _OpenedMeanwhile as other:
            first = other.entry
            verify_entry(account, first, 0)
        vault.emit(LedgerWritten(view.ledger.name, first.number, "open"))
        opened = first.digest
    else:
        opened = _first_digest(view)
    body = {"opened": view.name, "open": opened}
    append_to_account(vault, "source-open", body, signer)
    vault.remember({account.name: account.mark, view.ledger.name: Mark(1, opened)}, now)


def _first_digest(view: SourceView) -> str:
    first = view.loaded.entries.get(1)
    if first is None:
        raise IntegrityError(
            f"The first ledger entry of {view.name} is damaged.", subject=view.ledger.key(1)
        )
    return first.digest


def append_to_account(
    vault: Vault, kind: str, body: Mapping[str, object], signer: SigningKey
) -> Entry:
    """Append an entry to the account's ledger and take it and what came before it."""
    account, ledger = vault.account, vault.account.ledger
    now = vault.host.clock.now()
    fields = dict(body)
    entry = ledger.append(kind, lambda number: fields, signer, account.mark, account.extend, now)
    account.extend(entry)
    vault.emit(LedgerWritten(ledger.name, entry.number, kind))
    return entry


class _OpenedMeanwhile(Exception):
    """Another first sync of the source opened its ledger: there is one `open`, and it is that."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.digest)
        self.entry = entry


def _give_up(entry: Entry) -> None:
    raise _OpenedMeanwhile(entry)
