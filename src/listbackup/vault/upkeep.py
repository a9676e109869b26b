"""What a writer does after a commit: a checkpoint every 64 entries, the heads once a day.

No checkpoint is written while an entry behind the last one is damaged: it would hide for ever what
that entry said, a prune for instance, or a commit. Best effort, after the acknowledgement: a
failure here loses nothing, the next run does it.
"""

from datetime import timedelta

from listbackup.crypto.signing import SigningKey
from listbackup.events import LedgerWritten
from listbackup.vault.beginning import append_to_account
from listbackup.vault.ledger import Entry, Mark
from listbackup.vault.opening import Vault
from listbackup.vault.sources import CHECKPOINT_EVERY, SourceView, account_head

HEADS_EVERY = timedelta(days=1)
MOST_LIVE = 30_000
"""A checkpoint of more snapshots would be longer than readers take; they read entries instead."""


class _Superseded(Exception):
    """Somebody else wrote in between: what was to be written is no longer true."""


def keep_up(vault: Vault, source: str) -> None:
    """Write a checkpoint of the source and the account's heads where they are due."""
    signer = vault.signer()
    view = vault.source(source)
    due = view.loaded.head - view.checkpoint >= CHECKPOINT_EVERY - 1
    if due and len(view.commits) <= MOST_LIVE and not view.loaded.problems:
        _write_checkpoint(vault, view, signer)
    last = vault.account.heads_entry
    if last is None or vault.host.clock.now() - last.time >= HEADS_EVERY:
        write_heads(vault, signer)


def _write_checkpoint(vault: Vault, view: SourceView, signer: SigningKey) -> None:
    now = vault.host.clock.now()
    live = [view.commits[number].to_json() for number in sorted(view.commits)]
    body = {**account_head(vault.account), "live": live}
    try:
        entry = view.ledger.append(
            "checkpoint", lambda number: body, signer, view.mark, _give_up, now
        )
    except _Superseded:
        return
    vault.emit(LedgerWritten(view.ledger.name, entry.number, "checkpoint"))
    vault.remember({view.ledger.name: Mark(entry.number, entry.digest)}, entry.time)


def _give_up(entry: Entry) -> None:
    raise _Superseded


def write_heads(vault: Vault, signer: SigningKey) -> None:
    """Write into the account's ledger how far each source's has come."""
    heads = {}
    for name in vault.sources():
        mark = vault.source(name).mark
        if mark is not None:
            heads[name] = {"number": mark.number, "digest": mark.digest}
    entry = append_to_account(vault, "heads", {"heads": heads}, signer)
    vault.remember({vault.account.name: vault.account.mark}, entry.time)
