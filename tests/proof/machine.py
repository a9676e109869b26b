"""A state machine that does to a real vault what it tells the model, and compares the two."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from listbackup.disk import SystemDisk
from listbackup.errors import BusyError, FailedError, IntegrityError, RefusedError
from listbackup.events import Event, ManifestStored
from listbackup.host import Host
from listbackup.testing.faults import FaultyDisk, FaultyStore, Hook, InjectedFault, Point, hear
from listbackup.testing.hosts import PlayedClock, SeededEntropy
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Rows, Trial, expect, make_rows
from listbackup.vault.accounts import Encryption
from listbackup.vault.beginning import append_to_account
from listbackup.vault.creation import signer_body
from tests.proof.counts import fast_place
from tests.proof.model import Model, Nothing, Refused, Shot
from tests.proof.stage import add_key, restore_everything

NAMES = ("a", "public.b", "../up", "Größe", "x" * 300, "con")
STREAMS = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(make_rows, st.integers(0, 6), st.sampled_from(("", "one", "two"))),
    min_size=1,
    max_size=3,
)
FAILING = st.sets(st.sampled_from(NAMES), max_size=2)
MACHINES = st.sampled_from(("home", "second"))


class Counting:
    """A hook that strikes at the n-th point, whatever it is."""

    def __init__(self, strike_at: int) -> None:
        self._left = strike_at

    def __call__(self, point: Point) -> None:
        """Count, and strike when it is time."""
        self._left -= 1
        if self._left == -1:
            raise InjectedFault(point.label)


class VaultMachine(RuleBasedStateMachine):
    """A vault in a directory, its model beside it."""

    encryption: Encryption = "sealed"

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="listbackup-model-", dir=fast_place(Path("/tmp"))))
        self.clock, self.entropy = PlayedClock(), SeededEntropy(1)
        self.model = Model()
        self.kept: int | None = None

    def teardown(self) -> None:
        """Compare everything once more, and remove it."""
        try:
            if self.model.shots or self.kept is not None:
                self.compare_all("home")
        finally:
            shutil.rmtree(self.root)

    def trial(self, name: str, hook: Hook = lambda point: None) -> Trial:
        """Give the vault as a fresh process of a machine meets it."""
        host = Host(self.clock, self.entropy, FaultyDisk(SystemDisk(), hook))
        return Trial(
            self.root,
            host,
            self.encryption,
            wrap=lambda store: FaultyStore(store, hook),
            hear=lambda emit: hear(hook, emit),
            name=name,
        )

    def compare_all(self, name: str) -> None:
        """Restore every snapshot and recount every line."""
        trial = self.trial(name)
        assert restore_everything(trial.open()) == [dict(one.streams) for one in self.model.shots]
        assert trial.check("records").findings == []

    @initialize(streams=STREAMS)
    def begin(self, streams: dict[str, Rows]) -> None:
        """Make the vault and back up once."""
        self.trial("home").create()
        self.back_up("home", streams, set())

    @rule(name=MACHINES, streams=STREAMS, failing=FAILING)
    def back_up(self, name: str, streams: dict[str, Rows], failing: set[str]) -> None:
        """Back up; some streams fail in the middle."""
        trial, source = self.trial(name), ListedSource(streams, failing=tuple(failing))
        try:
            shot = self.model.propose(name, expect(streams), failing)
        except Nothing:
            with pytest.raises(FailedError):
                trial.sync(source, jobs=1)
            return
        except Refused:
            with pytest.raises(RefusedError):
                self.sync_as_stranger(trial, source)
            return
        result = trial.sync(source, jobs=1)
        assert result.commit.status == shot.status
        assert {one.name for one in result.streams if one.status == "carried"} == shot.carried
        self.model.commit(shot)

    def sync_as_stranger(self, trial: Trial, source: ListedSource) -> None:
        """Back up with the keys of another machine, but no signer of one's own."""
        if not trial.config.exists():
            shutil.copytree(self.trial("home").config, trial.config)
        trial.sync(source)

    @precondition(lambda self: "second" not in self.model.enrolled)
    @rule()
    def enrol(self) -> None:
        """Let a second machine write, by the kit."""
        second = self.trial("second")
        if not second.config.exists():
            shutil.copytree(self.trial("home").config, second.config)
        vault = second.open()
        root = vault.descriptor.open_root(second.kit().secret)
        signer = vault.access.installation.ensure_signer(vault.id)
        append_to_account(vault, "signer", signer_body(signer, "second"), root)
        self.model.enrol("second")

    @precondition(lambda self: self.model.keys < 3 and self.encryption == "sealed")
    @rule()
    def add_a_key(self) -> None:
        """Add one more key file, which opens the vault alone."""
        home = self.trial("home")
        add_key(home)
        self.model.add_key()
        held = [one for one in home.secrets() if one.origin.endswith("second.key")]
        vault = home.open(secrets=held)
        vault.keyring.account_key()
        assert len(vault.account.wraps) >= self.model.keys + 1

    @rule(streams=STREAMS, point=st.integers(0, 420))
    def be_interrupted(self, streams: dict[str, Rows], point: int) -> None:
        """Back up and be struck somewhere: the snapshot is there wholly, or not at all."""
        shot = self.model.propose("home", expect(streams), ())
        try:
            self.trial("home", Counting(point)).sync(ListedSource(streams), jobs=1)
            struck = False
        except InjectedFault:
            struck = True
        found = restore_everything(self.trial("home").open())
        self.model.shots = self.model.found_after(shot, len(found))
        assert struck or self.model.shots[-1] is shot
        assert found == [dict(one.streams) for one in self.model.shots]

    @precondition(lambda self: "second" in self.model.enrolled)
    @rule(streams=STREAMS, faster=STREAMS)
    def be_overtaken(self, streams: dict[str, Rows], faster: dict[str, Rows]) -> None:
        """Back up while another machine does, which commits first and wins."""
        trial, other = self.trial("home"), self.trial("second")

        def overtake(event: Event) -> None:
            if isinstance(event, ManifestStored):
                other.sync(ListedSource(faster), jobs=1)

        with pytest.raises(BusyError):
            replace(trial, hear=lambda emit: overtake).sync(ListedSource(streams), jobs=1)
        self.model.commit(self.model.propose("second", expect(faster), ()))

    @rule(name=MACHINES, which=st.integers(0, 100), partial=st.booleans())
    def restore(self, name: str, which: int, partial: bool) -> None:
        """Restore one of the snapshots that `latest` counts."""
        shots: list[Shot] = self.model.shots if partial else self.model.complete()
        trial = self.trial(name)
        if not trial.config.exists():
            shutil.copytree(self.trial("home").config, trial.config)
        if not shots:
            return
        back = which % len(shots)
        snapshot = trial.snapshot(f"latest~{back}", allow_partial=partial)
        streams = snapshot.streams
        got = {one: b"".join(streams[one].chunks()) for one in streams}
        assert got == shots[-1 - back].streams
        assert {one.name for one in snapshot.missing} == shots[-1 - back].carried

    @rule()
    def check(self) -> None:
        """Look for damage where there is none."""
        report = self.trial("home").check("data")
        assert report.findings == []
        assert report.snapshots == len(self.model.shots)

    @rule()
    def keep_a_copy(self) -> None:
        """Keep the vault's directory as it is now, for somebody who will put it back."""
        shutil.rmtree(self.root / "copy", ignore_errors=True)
        shutil.copytree(self.root / "vault", self.root / "copy")
        self.kept = len(self.model.shots)

    @precondition(lambda self: self.kept is not None and self.kept < len(self.model.shots))
    @rule(streams=STREAMS)
    def be_set_back(self, streams: dict[str, Rows]) -> None:
        """Put the old copy in the vault's place: it is noticed, nothing is written; then mend."""
        home = self.trial("home")
        home.open().source("shop")
        (self.root / "vault").rename(self.root / "aside")
        shutil.copytree(self.root / "copy", self.root / "vault")
        self.model.set_back = True
        with pytest.raises(Refused):
            self.model.propose("home", expect(streams), ())
        with pytest.raises(IntegrityError, match="rolled back"):
            home.sync(ListedSource(streams))
        assert any("rolled back" in one.problem for one in self.trial("home").check().findings)
        shutil.rmtree(self.root / "vault")
        (self.root / "aside").rename(self.root / "vault")
        self.model.set_back = False


class PlainVaultMachine(VaultMachine):
    """The same in a vault that is not sealed."""

    encryption = "none"
