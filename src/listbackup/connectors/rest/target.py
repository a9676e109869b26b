"""A platform as a destination: nothing is written into one yet, and whoever asks is told so."""

from collections.abc import Mapping

from listbackup.connectors.rest.connection import Connection
from listbackup.errors import RefusedError
from listbackup.events import Emit, ignore
from listbackup.host import Host
from listbackup.records import Reading, StoredSnapshot
from listbackup.records.restoring import RestoreOptions, RestorePlan


class PlatformTarget:
    """A `records.restoring.Destination` that refuses every plan."""

    def __init__(
        self,
        connection: Connection,
        host: Host,
        emit: Emit = ignore,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = connection

    def plan(self, snapshot: StoredSnapshot, options: RestoreOptions) -> RestorePlan:
        """Refuse. Raises RefusedError."""
        raise self._refuse()

    def apply(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan, emit: Emit
    ) -> None:
        """Refuse. Raises RefusedError."""
        raise self._refuse()

    def reopen(self, plan: RestorePlan) -> Reading:
        """Refuse. Raises RefusedError."""
        raise self._refuse()

    def confirm_definitions(self, snapshot: StoredSnapshot, reading: Reading) -> bool:
        """Refuse. Raises RefusedError."""
        raise self._refuse()

    def complete(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan
    ) -> None:
        """Refuse. Raises RefusedError."""
        raise self._refuse()

    def discard(self, plan: RestorePlan) -> bool:
        """There is nothing of ours."""
        return False

    def _refuse(self) -> RefusedError:
        return RefusedError(
            "Restoring into a platform is not there yet.",
            subject=self._connection.masked,
            hint="`listbackup export SNAPSHOT --format ndjson --output DIR` writes its records "
            "into files.",
        )
