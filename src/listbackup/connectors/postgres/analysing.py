"""Statistics of the planner, gathered in the background while what was restored is read again."""

import threading
from contextlib import suppress

import psycopg

from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.session import Connection, connect


class Analysis:
    """An ANALYZE of a whole database, begun when it is made. It changes no row: if it fails, the
    server's own autovacuum does it later."""

    def __init__(self, address: Address) -> None:
        self._session: Connection = connect(address, purpose="listbackup-statistics")
        self._thread = threading.Thread(target=self._run, name="statistics", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(psycopg.Error), self._session as session:
            session.execute("SET synchronous_commit = off; ANALYZE")

    def wait(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def stop(self) -> None:
        """End it at once."""
        with suppress(psycopg.Error):
            self._session.cancel_safe(timeout=5.0)
        self.wait()
