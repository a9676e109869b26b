"""Labels: tags and a note on a snapshot, kept in the ledger because snapshots never change.

A `label` entry `{snapshot: number, tags: [...], note: text}` replaces all that was said of that
commit before. Knows nothing of rules that keep snapshots by their tags.
"""

from collections.abc import Callable

from listbackup.errors import BusyError, UsageError
from listbackup.events import LedgerWritten
from listbackup.vault.ledger import Mark
from listbackup.vault.opening import Vault
from listbackup.vault.pruning import Superseded, give_up
from listbackup.vault.sources import Committed, account_head

MOST_TAGS = 64
MOST_TAG = 100
MOST_NOTE = 2000
_ATTEMPTS = 8

Change = Callable[[Committed], tuple[tuple[str, ...], str]]
"""Gives the tags and the note that a snapshot is to have, from what it has."""


def check_tag(tag: str) -> str:
    """Let a tag through: printable, without space or comma. Raises UsageError."""
    if not tag or len(tag) > MOST_TAG or not tag.isprintable() or set(tag) & {" ", ","}:
        raise UsageError(
            f"{tag[:200]!r} is no tag.",
            hint=f"A tag has at most {MOST_TAG} printable characters, no space and no comma.",
        )
    return tag


def write_label(vault: Vault, source: str, number: int, change: Change) -> Committed:
    """Change the labels of a live commit, and give it as it is then.

    Raises UsageError for labels that are none or a snapshot that was dropped meanwhile, BusyError
    when others write again and again, RefusedError, IntegrityError.
    """
    signer = vault.signer()
    for _ in range(_ATTEMPTS):
        view = vault.source(source)
        commit = view.commits.get(number)
        if commit is None:
            raise UsageError("The snapshot was dropped meanwhile.", subject=source)
        tags, note = change(commit)
        _check(tags, note)
        if (tags, note) == (commit.tags, commit.note):
            return commit
        body = {"snapshot": number, "tags": list(tags), "note": note}
        try:
            entry = view.ledger.append(
                "label",
                lambda _, body=body: account_head(vault.account) | body,  # type: ignore[misc]
                signer,
                view.mark,
                give_up,
                vault.host.clock.now(),
            )
        except Superseded:
            continue
        vault.emit(LedgerWritten(view.ledger.name, entry.number, "label"))
        vault.remember({view.ledger.name: Mark(entry.number, entry.digest)}, entry.time)
        return vault.source(source).commits[number]
    raise BusyError("Others write into the ledger again and again.", subject=source)


def _check(tags: tuple[str, ...], note: str) -> None:
    for tag in tags:
        check_tag(tag)
    if len(tags) > MOST_TAGS or len(note) > MOST_NOTE:
        raise UsageError(
            "That is too much to say of one snapshot.",
            hint=f"At most {MOST_TAGS} tags and a note of {MOST_NOTE} characters.",
        )
