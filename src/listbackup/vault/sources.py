"""A source as its verified ledger shows it: the commits that are live, those that were dropped.

Kinds: open, commit, prune, label, checkpoint; any other makes a reader refuse the source. A
checkpoint holds all live commits, so that a reader needs at most as many entries as lie between two
of them. Knows nothing of what a manifest says, nor by which rules a prune chose.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from listbackup.clock import format_time, parse_time
from listbackup.errors import IntegrityError, RefusedError
from listbackup.vault.accounts import Account
from listbackup.vault.documents import Fields, refuse_unknown
from listbackup.vault.layout import source_prefix
from listbackup.vault.ledger import Entry, Ledger, Loaded, Mark, Problem
from listbackup.vault.refs import Ref, digest, read_ref

KINDS = frozenset({"open", "commit", "prune", "label", "checkpoint"})
SNAPSHOT_STATUSES = ("complete", "partial")
CHECKPOINT_EVERY = 64


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit: `number` in the source's ledger is the only order. `tags` and `note` are what the
    newest label says of it; `streams` is the digest of the names of those that it read."""

    number: int
    digest: str
    sync: str
    name: str
    start: datetime
    end: datetime
    time: datetime
    status: str
    manifest: Ref
    data_key: Mapping[str, str] | None
    signer: str
    clock_suspect: bool = False
    streams: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Write it as checkpoints hold it."""
        return {
            "number": self.number,
            "digest": self.digest,
            "sync": self.sync,
            "name": self.name,
            "as_of": {"from": format_time(self.start), "to": format_time(self.end)},
            "time": format_time(self.time),
            "status": self.status,
            "manifest": self.manifest.to_json(),
            "data_key": dict(self.data_key) if self.data_key else None,
            "signer": self.signer,
            "clock_suspect": self.clock_suspect,
            "streams": self.streams,
            "tags": list(self.tags),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Dropped:
    """A commit that is live no more: by which prune entry, and that entry's signed time."""

    commit: Committed
    by: int
    time: datetime


@dataclass(slots=True)
class SourceView:
    """What the verified entries of a source's ledger say."""

    ledger: Ledger
    loaded: Loaded
    commits: dict[int, Committed] = field(default_factory=dict)
    dropped: dict[int, Dropped] = field(default_factory=dict)
    checkpoint: int = 0
    contradictions: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The source's id."""
        return self.ledger.source or ""

    @property
    def mark(self) -> Mark | None:
        """The head; None where there is no entry yet. Raises IntegrityError when damaged."""
        if self.loaded.head == 0:
            return None
        newest = self.loaded.newest()
        if newest is None:
            raise IntegrityError(
                f"The newest ledger entry of {self.name} is damaged or lost.",
                subject=self.ledger.key(self.loaded.head),
            )
        return Mark(newest.number, newest.digest)

    def newest(self) -> Committed | None:
        """Give the newest live commit."""
        return self.commits[max(self.commits)] if self.commits else None


def load_source(account: Account, ledger: Ledger, mark: Mark | None, *, whole: bool) -> SourceView:
    """Read and verify a source's ledger back to its newest checkpoint (`whole`: to its first
    entry). What is damaged is left in `loaded.problems`. Raises RefusedError for unknown kinds."""
    loaded = ledger.load(
        mark,
        lambda entry: entry.number == 1 or (entry.kind == "checkpoint" and not whole),
        listed=whole or mark is None,
    )
    view = SourceView(ledger, loaded)
    floor = 0
    for number in sorted(loaded.entries):
        entry = loaded.entries[number]
        try:
            floor = verify_entry(account, entry, floor)
            _take(view, entry)
            _compare_account(account, view, entry)
        except IntegrityError as error:
            loaded.problems.append(Problem(ledger.key(number), number, error.message))
            del loaded.entries[number]
    return view


def _compare_account(account: Account, view: SourceView, entry: Entry) -> None:
    head = entry.fields.fields("account_head")
    number = head.number("number")
    if not account.holds(number, head.text("digest")):
        message = (
            f"The account's ledger does not hold the entry {number} that the ledger of "
            f"{view.name} was written under: it was rolled back or replaced."
        )
        if message not in view.contradictions:
            view.contradictions.append(message)


def verify_entry(account: Account, entry: Entry, floor: int) -> int:
    """Verify that an entry is signed by a key that was valid where its `account_head` says, and
    give that number; `floor` is the predecessor's. Raises IntegrityError, RefusedError for kinds
    and requirements of a later version."""
    number = entry.fields.fields("account_head").number("number", least=1)
    if number < floor or not account.allows(entry, number):
        raise IntegrityError(
            f"The ledger entry {entry.number} of {entry.fields.text('source')} is not signed by a "
            "key that may."
        )
    refuse_unknown(entry.fields)
    if entry.kind not in KINDS:
        raise RefusedError(
            f"The ledger holds an entry of kind {entry.kind!r} (number {entry.number}).",
            subject=entry.fields.text("source"),
            risk="No data is at risk.",
            hint="Use a newer version of listbackup for this source.",
        )
    return number


def follow_entry(account: Account, entry: Entry) -> None:
    """Verify an entry that was met behind those that were loaded, and bring the account forward
    to where it was written. Raises IntegrityError, RefusedError."""
    head = entry.fields.fields("account_head")
    if not account.holds(head.number("number"), head.text("digest")):
        raise IntegrityError(
            f"The ledger entry {entry.number} of {entry.fields.text('source')} was written under "
            "another account ledger."
        )
    verify_entry(account, entry, 0)


def account_head(account: Account) -> dict[str, Any]:
    """Give what every entry of a source's ledger says of the account's."""
    mark = account.mark
    return {"account_head": {"number": mark.number, "digest": mark.digest}}


def digest_streams(names: Iterable[str]) -> str:
    """Give the digest of a set of streams' names: equal sets can be told without manifests."""
    return digest(json.dumps(sorted(names), separators=(",", ":")).encode("ascii") + b"\n")


def read_drop(entry: Entry) -> frozenset[int]:
    """Give the numbers of the commits that a prune entry drops. Raises IntegrityError."""
    drop = entry.fields.items("drop")
    if not all(type(one) is int and 0 < one < entry.number for one in drop):
        raise IntegrityError(f"The ledger entry {entry.number} drops what was not there.")
    return frozenset(drop)


def _take(view: SourceView, entry: Entry) -> None:
    take = _TAKERS.get(entry.kind)
    if take is not None:
        take(view, entry)


def _take_commit(view: SourceView, entry: Entry) -> None:
    within = source_prefix(view.ledger.account, view.name)
    view.commits[entry.number] = _read_commit(entry.fields, entry.number, entry.digest, within)


def _take_prune(view: SourceView, entry: Entry) -> None:
    drop = read_drop(entry)
    if view.commits and max(view.commits) in drop:
        raise IntegrityError(f"The ledger entry {entry.number} drops the newest snapshot.")
    for number in drop & view.commits.keys():
        commit = view.commits.pop(number)
        view.dropped[number] = Dropped(commit, entry.number, entry.time)


def _take_label(view: SourceView, entry: Entry) -> None:
    tags, note = entry.fields.texts("tags"), entry.fields.text("note")
    commit = view.commits.get(entry.fields.number("snapshot"))
    if commit is not None:
        view.commits[commit.number] = replace(commit, tags=tags, note=note)


def _take_checkpoint(view: SourceView, entry: Entry) -> None:
    within = source_prefix(view.ledger.account, view.name)
    commits = {}
    for one in entry.fields.each("live"):
        number = one.number("number")
        commits[number] = _read_commit(one, number, one.text("digest"), within)
    if 1 in view.loaded.entries and not view.loaded.problems:
        known = {one.number: one.digest for one in view.commits.values()}
        if known != {one.number: one.digest for one in commits.values()}:
            raise IntegrityError(
                f"The checkpoint {entry.number} of {view.name} does not name what is live."
            )
    view.checkpoint = entry.number
    view.commits = commits


_TAKERS = {
    "commit": _take_commit,
    "prune": _take_prune,
    "label": _take_label,
    "checkpoint": _take_checkpoint,
}


def _read_commit(fields: Fields, number: int, entry_digest: str, within: str) -> Committed:
    moment = fields.fields("as_of")
    keys = fields.value.get("data_key")
    data_key = None
    if keys is not None:
        one = fields.fields("data_key")
        data_key = {name: one.text(name) for name in ("key", "sha256", "id")}
    try:
        times = (moment.text("from"), moment.text("to"), fields.text("time"))
        start, end, time = (parse_time(one) for one in times)
    except ValueError as error:
        raise IntegrityError(f"{fields.what} holds a time that does not parse.") from error
    if fields.text("status") not in SNAPSHOT_STATUSES:
        raise IntegrityError(f"{fields.what} has the unknown status {fields.text('status')!r}.")
    return Committed(
        number=number,
        digest=entry_digest,
        sync=fields.text("sync"),
        name=fields.text("name"),
        start=start,
        end=end,
        time=time,
        status=fields.text("status"),
        manifest=read_ref(fields.fields("manifest"), within),
        data_key=data_key,
        signer=fields.text("signer"),
        clock_suspect=fields.flag("clock_suspect", False),
        streams=fields.optional_text("streams"),
        tags=fields.texts("tags", ()),
        note=fields.text("note", ""),
    )
