"""`tag`: tags and a note on a snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass

from listbackup.app import App, Reach
from listbackup.vault.labels import check_tag, write_label
from listbackup.vault.selection import choose_snapshot
from listbackup.vault.sources import Committed


@dataclass(frozen=True, slots=True)
class Labelled:
    """A snapshot and what is said of it now."""

    source: str
    snapshot: str
    name: str
    tags: tuple[str, ...]
    note: str


def label_snapshot(
    app: App,
    reach: Reach,
    words: str,
    tags: Sequence[str] = (),
    note: str | None = None,
    *,
    remove: Sequence[str] = (),
) -> Labelled:
    """Add `tags` to a snapshot, take those of `remove` away, replace its note (None: leave it).

    Nothing is written where nothing changes. Raises UsageError, RefusedError, IntegrityError,
    BusyError.
    """
    for tag in (*tags, *remove):
        check_tag(tag)

    def change(commit: Committed) -> tuple[tuple[str, ...], str]:
        kept = [one for one in commit.tags if one not in remove]
        return tuple(dict.fromkeys([*kept, *tags])), commit.note if note is None else note

    vault = app.vault(reach)
    choice = choose_snapshot(vault, words, allow_partial=True)
    commit = choice.commit
    if tags or remove or note is not None:
        commit = write_label(vault, choice.view.name, commit.number, change)
    return Labelled(choice.view.name, commit.sync, commit.name, commit.tags, commit.note)
