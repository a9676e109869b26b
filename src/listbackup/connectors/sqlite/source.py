"""A SQLite database as a source: copied, checked, then read from the copy."""

from collections.abc import Mapping

from listbackup.connectors import ReadOptions
from listbackup.connectors.sqlite.address import Address
from listbackup.connectors.sqlite.copying import copy_database
from listbackup.connectors.sqlite.findings import find_out, tell
from listbackup.connectors.sqlite.reading import Ground, SqliteReading
from listbackup.connectors.sqlite.session import speaking_of
from listbackup.errors import ListbackupError
from listbackup.events import Emit, StepDone, StepStarted, ignore
from listbackup.host import Host
from listbackup.records import AsOf


class SqliteSource:
    """A `records.Source`."""

    def __init__(
        self,
        address: Address,
        options: ReadOptions,
        host: Host,
        emit: Emit = ignore,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._address = address
        self._options = options
        self._host = host
        self._emit = emit

    def open(self) -> SqliteReading:
        """Copy the database and look through the copy. Raises AuthError, SourceError."""
        subject = self._address.masked
        copy = copy_database(
            self._address, self._options, self._options.jobs + 1, self._host, self._emit
        )
        try:
            self._emit(StepStarted("checking the copy"))
            with speaking_of(subject):
                findings = find_out(copy.readers[0], self._options, wal=copy.wal, check=True)
            self._emit(StepDone("checking the copy"))
            tell(findings, self._emit)
        except BaseException as error:
            copy.close()
            if isinstance(error, ListbackupError):
                error.subject = error.subject or subject
            raise
        ground = Ground(self._address, copy.readers, AsOf(copy.moment, copy.moment))
        return SqliteReading(ground, findings)
