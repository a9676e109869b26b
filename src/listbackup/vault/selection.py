"""Which snapshot is meant: `latest`, `latest~N`, an id, a name or a time, after `SOURCE:` or not.

Only live snapshots are meant: what a prune dropped is not found. A bare `latest` with several
sources is refused with their list; a time without a zone is UTC, and how it was read is told. Where
a damaged entry of the ledger may have dropped what is chosen, that is said. Knows commits, not
contents.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from listbackup.errors import IntegrityError, UsageError
from listbackup.events import Warned
from listbackup.vault.opening import Vault
from listbackup.vault.sources import Committed, SourceView

_LATEST = re.compile(r"latest(?:~(\d+))?")
_ID = re.compile(r"[0-9a-f]{8,32}")
_NAME = re.compile(r"\d{8}-\d{6}")


@dataclass(frozen=True, slots=True)
class Choice:
    """The snapshot that is meant, and how the words were read."""

    view: SourceView
    commit: Committed
    reading: str


def choose_sources(vault: Vault, source: str | None = None) -> list[str]:
    """Give the source that is named, or all of them. Raises UsageError when it is not there."""
    names = vault.sources()
    if source is None:
        return names
    if source not in names:
        known = ", ".join(names) or "none"
        raise UsageError(f"There is no source {source!r}.", hint=f"Sources: {known}.")
    return [source]


def choose_snapshot(vault: Vault, words: str, *, allow_partial: bool = False) -> Choice:
    """Find the one snapshot that is meant. Raises UsageError with what there is,
    IntegrityError when a newer one than the answer is damaged."""
    choice = _choose(vault, words, allow_partial)
    number = choice.commit.number
    for problem in choice.view.loaded.problems:
        if problem.number > number:
            vault.emit(
                Warned(
                    f"{problem.message} It may have dropped this snapshot, or hold a newer one.",
                    "Run `listbackup check` to see what is affected.",
                )
            )
    return choice


def _choose(vault: Vault, words: str, allow_partial: bool) -> Choice:
    source, _, wanted = words.partition(":") if _names_source(vault, words) else ("", "", words)
    names = [source] if source else vault.sources()
    if not names:
        raise UsageError("The vault holds no snapshot yet.", subject=vault.access.url)
    views = [vault.source(name) for name in names]
    if match := _LATEST.fullmatch(wanted):
        return _choose_latest(views, int(match.group(1) or 0), allow_partial)
    if _NAME.fullmatch(wanted):
        found = [(view, one) for view in views for one in _all(view) if one.name == wanted]
        return _only(found, words, f"snapshot named {wanted}")
    if _ID.fullmatch(wanted):
        found = [(view, one) for view in views for one in _all(view) if one.sync.startswith(wanted)]
        return _only(found, words, f"snapshot {wanted}")
    return _choose_time(views, wanted, allow_partial)


def _names_source(vault: Vault, words: str) -> bool:
    head, mark, _ = words.partition(":")
    if mark and head in vault.account.sources:
        return True
    if mark and re.fullmatch(r"[a-z0-9_-]+", head) and not head[:4].isdigit():
        known = ", ".join(vault.sources()) or "none"
        raise UsageError(f"There is no source {head!r}.", hint=f"Sources: {known}.")
    return False


def _all(view: SourceView) -> list[Committed]:
    return [view.commits[number] for number in sorted(view.commits)]


def _usable(view: SourceView, allow_partial: bool) -> list[Committed]:
    return [one for one in _all(view) if allow_partial or one.status == "complete"]


def _one_source(views: list[SourceView], words: str) -> SourceView:
    if len(views) > 1:
        names = ", ".join(view.name for view in views)
        raise UsageError(
            f"Several sources are in the vault; {words!r} is not clear.",
            hint=f"Write SOURCE:{words}. Sources: {names}.",
        )
    return views[0]


def _choose_latest(views: list[SourceView], back: int, allow_partial: bool) -> Choice:
    words = f"latest~{back}" if back else "latest"
    view = _one_source(views, words)
    usable = _usable(view, allow_partial)
    newest = usable[-1 - back].number if back < len(usable) else 0
    damaged = [one for one in view.loaded.problems if one.number > newest]
    if damaged:
        raise IntegrityError(
            f"{damaged[0].message} What `{words}` means is not certain.",
            subject=view.name,
            risk="Data is at risk: a newer snapshot may be lost.",
            hint="Name a snapshot by its id; `listbackup snapshots` lists them.",
        )
    if back >= len(usable):
        kind = "" if allow_partial else "complete "
        raise UsageError(
            f"There are {len(usable)} {kind}snapshots of {view.name}; {words!r} is none of them.",
            hint="`--allow-partial` takes partial ones too; `listbackup snapshots` lists them.",
        )
    return Choice(view, usable[-1 - back], words)


def _only(found: list[tuple[SourceView, Committed]], words: str, what: str) -> Choice:
    if len(found) != 1:
        count = "no" if not found else str(len(found))
        raise UsageError(
            f"There is {count} {what}." if len(found) < 2 else f"There are {count} of {what}.",
            hint="`listbackup snapshots` lists them; SOURCE:NAME says which source.",
        )
    view, commit = found[0]
    return Choice(view, commit, words)


def _choose_time(views: list[SourceView], text: str, allow_partial: bool) -> Choice:
    moment = read_time(text)
    view = _one_source(views, text)
    usable = [one for one in _usable(view, allow_partial) if one.end <= moment]
    reading = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    if not usable:
        raise UsageError(
            f"There is no snapshot of {view.name} as of {reading}.",
            hint="`listbackup snapshots` lists them.",
        )
    return Choice(view, usable[-1], f"as of {reading}")


def read_time(text: str) -> datetime:
    """Read an ISO 8601 date or time; without a zone it is UTC. Raises UsageError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no snapshot.",
            hint="Write latest, latest~N, an id (8 digits or more), a name or a time.",
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
