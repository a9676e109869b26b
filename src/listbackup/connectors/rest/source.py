"""A platform as a source: connected, asked whose account it is, then read."""

from collections.abc import Mapping
from datetime import datetime

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.answers import Check
from listbackup.connectors.rest.bodies import check_json
from listbackup.connectors.rest.connection import Connection
from listbackup.connectors.rest.ground import Ground
from listbackup.connectors.rest.inspection import name_identity
from listbackup.connectors.rest.loop import Loop
from listbackup.connectors.rest.notes import read_date
from listbackup.connectors.rest.opening import Account, identify, open_requester
from listbackup.connectors.rest.reading import RestReading
from listbackup.connectors.rest.requester import Requester
from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import ListbackupError
from listbackup.events import Emit, ignore
from listbackup.host import Host


class RestSource:
    """A `records.Source`."""

    def __init__(
        self,
        connection: Connection,
        options: ReadOptions,
        host: Host,
        emit: Emit = ignore,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = connection
        self._options = options
        self._host = host
        self._emit = emit

    def open(self) -> RestReading:
        """Connect, and ask whose account it is. Raises AuthError, SourceError, RateLimited."""
        loop = Loop(f"rest-{self._connection.name}")
        try:
            asker, account = loop.run(self._connect())
            ground = self._ground(asker)
            identity = name_identity(self._connection, account)
            return RestReading(ground, identity, loop, self._options, asker.requester.close)
        except BaseException as error:
            loop.close()
            if isinstance(error, ListbackupError):
                error.subject = error.subject or self._connection.name
            raise

    async def _connect(self) -> tuple["_Dated", Account | None]:
        requester = open_requester(self._connection, self._emit, self._host.entropy)
        asker = _Dated(requester)
        try:
            return asker, await identify(self._connection, asker)
        except BaseException:
            await requester.close()
            raise

    def _ground(self, asker: "_Dated") -> Ground:
        connection = self._connection
        began = connection.pace.now()
        return Ground(
            connection.platform,
            connection.base_url,
            connection.settings,
            asker,
            connection.pace,
            asker.said or began,
            began,
        )


class _Dated:
    """Asks, and remembers the platform's time off the first answer."""

    def __init__(self, requester: Requester) -> None:
        self.requester = requester
        self.said: datetime | None = None

    async def ask(self, request: Request, check: Check = check_json) -> Response:
        """Ask as the requester does."""
        response = await self.requester.ask(request, check)
        if self.said is None:
            self.said = read_date(response.headers)
        return response
