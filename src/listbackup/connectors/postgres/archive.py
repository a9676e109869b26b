"""The archive of definitions: pg_dump of the schema alone, in the same snapshot, in the background.

pg_dump locks tables too, and would wait behind whoever waits for us to finish: a standstill that
the server cannot see. So it may wait for seconds only, its locks are watched, and who starts it
begins again when it could not have them.
"""

import subprocess
import threading
from collections.abc import Mapping, Sequence

from listbackup.clock import Clock
from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.catalog import Table, View
from listbackup.connectors.postgres.names import quote_table
from listbackup.connectors.postgres.session import Connection
from listbackup.connectors.postgres.tools import find_tool, grant_access, run_tool
from listbackup.errors import SourceError

PURPOSE = "listbackup-definitions"

COUNT_LOCKS = """
SELECT pg_stat_clear_snapshot()::text, (
    SELECT count(DISTINCT l.relation) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE a.application_name = %s AND l.granted AND l.relation = ANY (%s::oid[]))
"""

FIND_QUEUED = """
SELECT DISTINCT relation FROM pg_locks
WHERE NOT granted AND mode = 'AccessExclusiveLock'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class LockedOut(Exception):
    """pg_dump could not lock a table, or found it changed; the whole reading has to begin again."""


class Archive:
    """A running or finished pg_dump of definitions."""

    def __init__(
        self,
        address: Address,
        environment: Mapping[str, str],
        server_version: int,
        snapshot: str,
        barred: Sequence[Table | View],
        encoding: str,
        patience: float,
    ) -> None:
        self._address = address
        self._name = f"{PURPOSE} {snapshot}"
        arguments: list[str | bytes] = [
            "--format=custom",
            "--schema-only",
            f"--snapshot={snapshot}",
            f"--lock-wait-timeout={int(patience * 1000)}",
            *(f"--exclude-table={quote_table(t.schema, t.name)}".encode(encoding) for t in barred),
        ]
        program = find_tool("pg_dump", server_version)
        with grant_access(address, environment, purpose=self._name) as access:
            self._process = run_tool(program, access, arguments)
        self._output: tuple[bytes, bytes] | None = None
        self._thread = threading.Thread(target=self._collect, name="definitions", daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        self._output = self._process.communicate()

    def wait_for_locks(self, connection: Connection, tables: Sequence[Table], clock: Clock) -> None:
        """Wait until it holds its locks or has ended. Raises LockedOut, SourceError."""
        oids = [table.oid for table in tables if table.extension is None]
        while self._thread.is_alive() and oids:
            row = connection.execute(COUNT_LOCKS, (self._name, oids)).fetchone()
            if row and row[1] == len(oids):
                return
            clock.sleep(0.02)
        if not self._thread.is_alive():
            self.take()

    def take(self) -> bytes:
        """Wait for its end and give the archive. Raises LockedOut, SourceError."""
        self._thread.join()
        body, said = self._output or (b"", b"")
        if self._process.returncode == 0:
            return body
        text = self._address.scrub(" ".join(said.decode(errors="replace").split()))
        if any(word in text for word in ("lock timeout", "statement timeout", "cache lookup")):
            raise LockedOut(text)
        raise SourceError(
            f"The definitions could not be read: {text[-600:] or 'pg_dump gave no reason'}",
            subject=self._address.masked,
        )

    def close(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
        self._thread.join()


def find_queued(connection: Connection) -> list[int]:
    """Find the tables for which somebody waits to alter them."""
    return [oid for (oid,) in connection.execute(FIND_QUEUED)]


def read_globals(
    address: Address, environment: Mapping[str, str], server_version: int
) -> tuple[bytes | None, str]:
    """Read roles and tablespaces without passwords: the SQL, or None and why not."""
    program = find_tool("pg_dumpall", server_version)
    arguments = ["--globals-only", "--no-role-passwords", f"--database={address.database}"]
    with grant_access(address, environment, purpose="listbackup-roles") as access:
        process = run_tool(program, access, arguments)
        try:
            body, said = process.communicate()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if process.returncode == 0:
        return body, ""
    reason = address.scrub(" ".join(said.decode(errors="replace").split()))[-300:]
    return None, reason or f"pg_dumpall ended with {subprocess.list2cmdline([str(program)])}"
