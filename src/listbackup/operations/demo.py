"""`demo`: the whole way with a sample database, by the same operations that everybody calls.

A PostgreSQL server of our own is filled with a media agency's data, backed up, checked, restored
and compared; then one row is altered, and the comparison has to find it. Then a day goes by, and
both moments are there (`demohistory`). Everything lies in one private directory that goes with
the server.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from listbackup.app import App, Reach
from listbackup.events import Event, Found
from listbackup.operations.backups import BackupWishes, back_up
from listbackup.operations.checks import check_vault
from listbackup.operations.demohistory import LaterDays
from listbackup.operations.initialising import InitWishes, initialise
from listbackup.operations.restores import RestoreWishes, compare_only, restore_snapshot
from listbackup.operations.story import Act, Story, Told
from listbackup.recovery.restoring import explain
from listbackup.sandbox.agency import alter_one_row, build_agency, create_database
from listbackup.sandbox.postgres import PostgresServer, run_postgres

SOURCE, RESTORED, RETURNED = "agency", "agency_restored", "agency_first_moment"


PROOFS = 8
"""How many steps have something to prove."""


class Demo(Story):
    """The story of one database."""

    def __init__(self, app: App, server: PostgresServer, scale: float) -> None:
        self._server = server
        self._scale = scale
        self._home = server.directory / "demo"
        self._app = App(self.environment(app.environment), _without_findings(app), app.host)
        self._reach = Reach(str(self._home / "vault"), volatile=True)
        later = LaterDays(self._app, self._reach, SOURCE, RETURNED, self._server.url, self.url)
        acts = (
            Act("sample", "A media agency keeps its business in PostgreSQL.", self._fill),
            Act("init", "It makes a vault: sealed, with a key and a recovery kit.", self._init),
            Act("backup", "It backs the database up.", self._back_up),
            Act("check", "Is every stored byte what was written?", self._check),
            Act("restore", "The worst day: restore into a new database, compare.", self._restore),
            Act("alter", "Would it notice? One cent is changed in one row.", self._alter),
            *later.acts,
        )
        super().__init__(app.host.clock, acts, PROOFS)

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Give the environment of the demo: its own directories, its own password."""
        kept = {k: v for k, v in given.items() if not k.startswith(("LISTBACKUP_", "PG"))}
        return kept | {
            "LISTBACKUP_CONFIG_DIR": str(self._home / "config"),
            "LISTBACKUP_STATE_DIR": str(self._home / "state"),
            "LISTBACKUP_CONFIG": "none",
            "LISTBACKUP_VAULT": str(self._home / "vault"),
            "LISTBACKUP_PASSWORD_FILE": str(self._server.password_file),
        }

    @property
    def programs(self) -> Path:
        """Where PostgreSQL's programs are."""
        return self._server.installation.programs

    def url(self, database: str) -> str:
        """Give the address of a database, without its password."""
        return self._server.url(database, password=False)

    def _fill(self) -> Told:
        create_database(self._server.url(), SOURCE)
        self.rows = build_agency(self._server.url(SOURCE), self._scale)
        told = (
            f"A real PostgreSQL {self._server.installation.major} server, started just now.",
            f"{self.rows:,} rows of users, campaigns, line items and events, with awkward types.",
        )
        return Told(told, self.rows)

    def _init(self) -> Told:
        made = initialise(self._app, self._reach, InitWishes())
        told = (f"Vault {made.vault}.", "Without its key or kit nobody reads it, not even we.")
        return Told(told)

    def _back_up(self) -> Told:
        done = back_up(self._app, self._reach, BackupWishes(self.url(SOURCE)))
        rate = f"{done.bytes / 1e6 / max(done.seconds, 0.001):.0f} MB/s"
        told = (
            f"One consistent moment of {done.streams} streams, {done.rows:,} rows ({rate}).",
            f"Snapshot {done.name}, committed by one signed entry in a ledger.",
            *(f"Not exact by nature: {one}." for one in done.declared),
        )
        return Told(told, done.rows, done.bytes)

    def _check(self) -> Told:
        checked = check_vault(self._app, self._reach, "data")
        told = (
            f"Read {checked.objects} objects, {checked.bytes / 1e6:.1f} MB: every digest and every "
            "seal is right."
            if checked.sound
            else "Something is WRONG.",
        )
        return Told(told, checked.rows, checked.bytes, checked.sound)

    def _restore(self) -> Told:
        wishes = RestoreWishes("latest", self.url(RESTORED))
        done = restore_snapshot(self._app, self._reach, wishes)
        told = (
            f"{done.rows:,} rows written into a database that did not exist before.",
            "Read again and compared by fingerprint, rows and definitions: "
            + ("EQUAL." if done.proven else "NOT EQUAL."),
        )
        return Told(told, done.rows, done.bytes, done.proven)

    def _alter(self) -> Told:
        altered = alter_one_row(self._server.url(RESTORED))
        wishes = RestoreWishes("latest", self.url(RESTORED))
        comparison = compare_only(self._app, self._reach, wishes).comparison
        found = [one for one in comparison.differences if altered.table == one.subject]
        named = (
            len(comparison.differences) == 1
            and len(found) == 1
            and found[0].columns == (altered.column,)
            and [row.key for row in found[0].rows] == [f'["{altered.key}"]']
        )
        told = (
            f"{altered.table}, row {altered.key}: {altered.column} {altered.before} became "
            f"{altered.after}.",
            *(f"Found: {explain(one)}." for one in comparison.differences),
        )
        return Told(told, comparison.rows, 0, named)


@contextmanager
def open_demo(app: App, scale: float = 1.0) -> Iterator[Demo]:
    """Start a server for a demo; everything is gone when the block ends. Raises FailedError."""
    with run_postgres(app.host) as server:
        yield Demo(app, server, scale)


def _without_findings(app: App) -> Callable[[Event], None]:
    """The one difference that the story makes itself is told as part of it."""

    def emit(event: Event) -> None:
        if not isinstance(event, Found):
            app.emit(event)

    return emit
