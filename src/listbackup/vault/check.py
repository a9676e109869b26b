"""Looking for what is damaged, lost, exchanged, forged or rolled back.

Three depths. `structure`: every ledger entry, every manifest and state list, every key, and that
each object that is named exists in its size. `data`: the stored digest of every object and every
frame's tag. `records`: every line decompressed, recounted, hashed again and compared with the
hashes beside it and the fingerprint of its state. Each finding names the object and the snapshots
and streams that need it. Reads only; repairs nothing.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from listbackup.errors import IntegrityError, ObjectMissing
from listbackup.events import Found, StepDone, StepStarted
from listbackup.vault import layout
from listbackup.vault.accounts import compare_mark
from listbackup.vault.opening import Vault
from listbackup.vault.reading import Snapshot, open_snapshot, read_dead_positions
from listbackup.vault.recount import recount_stream
from listbackup.vault.refs import Ref, digest
from listbackup.vault.sources import Committed, SourceView
from listbackup.vault.states import State
from listbackup.vault.verification import Look, Uses, verify_objects

Depth = Literal["structure", "data", "records"]

_MOST_KEY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and whom it affects."""

    problem: str
    object: str
    snapshots: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """What a check saw."""

    vault: str
    depth: Depth
    sources: int = 0
    snapshots: int = 0
    objects: int = 0
    bytes: int = 0
    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class Check:
    """One check of one account."""

    def __init__(self, vault: Vault, depth: Depth) -> None:
        self.vault = vault
        self.report = Report(vault.id, depth)
        self._uses = Uses()
        self._states: dict[tuple[str, str], tuple[State, Snapshot]] = {}

    def run(self) -> Report:
        """Check everything. Damage is reported, never raised; a wrong key is raised."""
        self._step("ledgers", self._check_account)
        views = [self.vault.source(name, whole=True) for name in self.vault.sources()]
        if not self._unlock(views):
            return self.report
        for view in views:
            self.report.sources += 1
            self._check_source(view)
        self._step("objects", self._check_objects)
        if self.report.depth == "records":
            self._step("records", self._recount)
        return self.report

    def _step(self, name: str, work: Callable[[], None]) -> None:
        self.vault.emit(StepStarted(name))
        work()
        self.vault.emit(StepDone(name))

    def _find(
        self,
        problem: str,
        object_key: str,
        snapshots: tuple[str, ...] = (),
        streams: tuple[str, ...] = (),
    ) -> None:
        self.report.findings.append(Finding(problem, object_key, snapshots, streams))
        self.vault.emit(Found(problem, object_key, snapshots, streams))

    def _check_account(self) -> None:
        account, vault = self.vault.account, self.vault
        for problem in vault.problems:
            self._find(problem.message, problem.key)
        for message in vault.contradictions:
            self._find(message, account.ledger.prefix + "ledger/")
        for key, sha256 in account.wraps.items():
            self._check_digest(key, sha256, f"The wrapped key {key}")
        if account.encryption == "sealed" and not account.wraps:
            self._find("No wrap of the account key is recorded.", account.ledger.prefix + "keys/")

    def _unlock(self, views: list[SourceView]) -> bool:
        """Open the account key; where its wraps are damaged, no sealed snapshot can be read."""
        if not self.vault.account.wraps:
            return True
        try:
            self.vault.keyring.account_key()
        except IntegrityError as error:
            labels = tuple(
                f"{view.name}:{view.commits[number].name}"
                for view in views
                for number in sorted(view.commits)
            )
            self._find(error.message, error.subject or "", labels)
            self.report.notes.append("Nothing that is sealed could be looked at.")
            return False
        return True

    def _check_digest(
        self, key: str, sha256: str, what: str, labels: tuple[str, ...] = (), sealed: bool = False
    ) -> bool:
        try:
            body = self.vault.store.get(layout.place(key, sealed), length=_MOST_KEY)
        except ObjectMissing:
            self._find(f"{what} is lost.", key, labels)
            return False
        if digest(body) != sha256:
            self._find(f"{what} is damaged or exchanged: its digest differs.", key, labels)
            return False
        return True

    def _check_source(self, view: SourceView) -> None:
        name = view.name
        for problem in view.loaded.problems:
            self._find(problem.message, problem.key, _after(view, problem.number))
        mark = self.vault.seen.marks.get(view.ledger.name) if self.vault.seen else None
        witnessed = compare_mark(view.loaded, mark, view.ledger.name)
        recorded = compare_mark(view.loaded, self.vault.account.heads.get(name), view.ledger.name)
        for message in dict.fromkeys(one for one in (witnessed, recorded) if one):
            self._find(message, view.ledger.prefix + "ledger/")
        for message in view.contradictions:
            self._find(message, self.vault.account.ledger.prefix + "ledger/")
        self._check_open(view)
        for number in sorted(view.commits):
            self.report.snapshots += 1
            self._check_snapshot(view, view.commits[number])

    def _check_open(self, view: SourceView) -> None:
        first = view.loaded.entries.get(1)
        if view.loaded.head == 0:
            self._find(f"The source {view.name} is lost: its ledger is empty.", view.ledger.prefix)
        elif first is not None and first.digest != self.vault.account.sources[view.name]:
            self._find(f"The source {view.name} was replaced by another.", view.ledger.key(1))

    def _check_snapshot(self, view: SourceView, commit: Committed) -> None:
        label = f"{view.name}:{commit.name}"
        if not self._data_key_is_sound(commit, label):
            return
        try:
            snapshot = open_snapshot(self.vault, commit, view.name)
        except IntegrityError as error:
            self._find(error.message, commit.manifest.key, (label,))
            return
        self._uses.add(commit.manifest, label, None)
        for stored in snapshot.manifest.objects:
            self._uses.list(stored)
        for kind, ref in snapshot.manifest.extras:
            self._uses.add(ref, label, kind)
            self._check_extra(kind, ref, label)
        for name in snapshot.streams:
            self._check_stream(snapshot, name, label)

    def _check_extra(self, kind: str, ref: Ref, label: str) -> None:
        if self.report.depth != "records":
            return
        try:
            self.vault.objects.read(ref)
        except IntegrityError as error:
            self._find(error.message, ref.key, (label,), (kind,))

    def _check_stream(self, snapshot: Snapshot, name: str, label: str) -> None:
        entry = next(one for one in snapshot.manifest.streams if one.name == name)
        if entry.state is None:
            return
        self._uses.add(entry.state, label, name)
        try:
            state = snapshot.state(name)
            for ref in state.refs():
                self._uses.add(ref, label, name)
            read_dead_positions(self.vault.objects, state)
            self._states.setdefault((entry.state.key, name), (state, snapshot))
        except IntegrityError as error:
            self._find(error.message, error.subject or entry.state.key, (label,), (name,))

    def _data_key_is_sound(self, commit: Committed, label: str) -> bool:
        if commit.data_key is None:
            return True
        key = commit.data_key["key"]
        return self._check_digest(
            key, commit.data_key["sha256"], f"The data key {key}", (label,), sealed=True
        )

    def _check_objects(self) -> None:
        look: Look = "size" if self.report.depth == "structure" else "data"
        with ThreadPoolExecutor(4) as pool:
            for verdict in verify_objects(self.vault.objects, self._uses, look, pool):
                self.report.objects += 1
                self.report.bytes += verdict.bytes
                if verdict.problem is not None:
                    users = self._uses.users(verdict.key)
                    self._find(verdict.problem, verdict.key, users.snapshots, users.streams)

    def _recount(self) -> None:
        for (_, name), (state, snapshot) in self._states.items():
            label = f"{snapshot.source}:{snapshot.name}"
            for problem, key in recount_stream(self.vault.objects, state):
                self._find(problem, key, (label,), (name,))
            self.report.rows += state.rows


def _after(view: SourceView, number: int) -> tuple[str, ...]:
    commit = view.commits.get(number)
    return (f"{view.name}:{commit.name}",) if commit else ()
