"""A vault to try things on: made, synced, read and checked in a few words.

Everything goes through the product's own entry points; only host and store are played.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from listbackup.events import Emit, Event
from listbackup.host import Host
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.local import LocalStore
from listbackup.objectstore.passing import without_retries
from listbackup.records import Source
from listbackup.sync.engine import SyncOptions, SyncResult, run_sync
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import write_copy_line
from listbackup.vault.accounts import Encryption
from listbackup.vault.check import Check, Depth, Report
from listbackup.vault.creation import Created, Wishes, create_vault, read_key_file
from listbackup.vault.installation import Installation
from listbackup.vault.kit import Kit, read_kit
from listbackup.vault.opening import Access, Vault, open_vault
from listbackup.vault.reading import Snapshot, open_snapshot
from listbackup.vault.selection import choose_snapshot
from listbackup.vault.unlocking import Secret
from listbackup.vault.upkeep import keep_up

Rows = Sequence[Sequence[str | None]]


@dataclass
class Trial:
    """One vault below `root`: its store, an installation with keys, and what was heard."""

    root: Path
    host: Host = field(default_factory=play_host)
    encryption: Encryption = "sealed"
    wrap: Callable[[ObjectStore], ObjectStore] = lambda store: store
    hear: Callable[[Emit], Emit] = lambda emit: emit
    name: str = "home"
    events: list[Event] = field(default_factory=list)

    @property
    def place(self) -> Path:
        """The directory of the vault."""
        return self.root / "vault"

    @property
    def config(self) -> Path:
        """The directory of keys and kits."""
        return self.root / self.name / "config"

    def access(self, secrets: Sequence[Secret] | None = None) -> Access:
        """Reach the vault, by default with this installation's key file."""
        store = self.wrap(LocalStore(self.place, self.host, volatile=True))
        installation = Installation(self.root / self.name / "state", self.host)
        held = self.secrets() if secrets is None else secrets
        emit = self.hear(self.events.append)
        return Access(store, without_retries(store), self.host, installation, emit, held)

    def secrets(self) -> list[Secret]:
        """Give what the key files of this installation hold."""
        return [
            Secret("file", read_key_file(path, path.read_bytes()), str(path))
            for path in sorted(self.config.glob("*.key"))
        ]

    def kit(self) -> Kit:
        """Read the recovery kit."""
        return read_kit(next(self.config.glob("kit-*.txt")).read_text())

    def create(self, passphrase: str | None = None) -> Created:
        """Make the vault."""
        self.place.mkdir(parents=True, exist_ok=True)
        wishes = Wishes(self.config, self.encryption, passphrase=passphrase, deployment="trial")
        return create_vault(self.access(), wishes, {"create_exclusive": "passed"})

    def open(self, *, whole: bool = False, secrets: Sequence[Secret] | None = None) -> Vault:
        """Open it anew, as another process would."""
        return open_vault(self.access(secrets), whole=whole)

    def sync(self, source: Source, name: str = "shop", **options: object) -> SyncResult:
        """Run one sync, with what comes after it."""
        vault = self.open()
        result = run_sync(source, vault, name, SyncOptions(**options))  # type: ignore[arg-type]
        keep_up(vault, name)
        return result

    def snapshot(self, words: str = "latest", *, allow_partial: bool = True) -> Snapshot:
        """Open a snapshot."""
        vault = self.open()
        choice = choose_snapshot(vault, words, allow_partial=allow_partial)
        return open_snapshot(vault, choice.commit, choice.view.name)

    def restore(self, words: str = "latest") -> dict[str, bytes]:
        """Give the lines of every stream of a snapshot, in source form."""
        snapshot = self.snapshot(words)
        return {name: b"".join(one.chunks()) for name, one in snapshot.streams.items()}

    def check(self, depth: Depth = "structure") -> Report:
        """Check the vault."""
        return Check(self.open(whole=True), depth).run()


def expect(streams: Mapping[str, Rows]) -> dict[str, bytes]:
    """Give what a restore of these rows must give."""
    return {name: b"".join(write_copy_line(row) for row in rows) for name, rows in streams.items()}


def make_rows(count: int, mark: str = "") -> list[list[str | None]]:
    """Make rows with a key, an awkward text and a null now and then."""
    return [[str(n), f'{mark}"\\\n\t{n}', None if n % 3 else "\x0bé"] for n in range(count)]
