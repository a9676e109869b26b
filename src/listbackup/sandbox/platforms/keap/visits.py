"""One request to a Keap tenant, while it is answered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.calls import Call
from listbackup.sandbox.platforms.keap.bodies import read_body
from listbackup.sandbox.platforms.keap.errors import RefusedError
from listbackup.sandbox.platforms.keap.plans import OWNERS
from listbackup.sandbox.platforms.keap.tables import Record
from listbackup.sandbox.platforms.keap.tenants import Tenant

Handler = Callable[["Visit"], Response]


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is asked, and what."""

    tenant: Tenant
    call: Call[Any]

    @property
    def parts(self) -> dict[str, str]:
        """What the names in the path stand for."""
        return self.call.parts

    def read(self, shape: str) -> Record:
        """Read the body. Raises RefusedError (400)."""
        return read_body(self.call.request.body, shape)

    def find(self, table: str, id_: object) -> Record:
        """Give a record. Raises RefusedError (404)."""
        record = self.tenant.find(table, id_)
        if record is None:
            raise RefusedError(404, f"{table} {id_} was not found", table)
        return record

    def check_owners(self) -> None:
        """Make sure that what the path lies under is there. Raises RefusedError (404)."""
        for part, table in OWNERS.items():
            if part in self.parts:
                self.find(table, self.parts[part])

    def names(self, parameter: str) -> list[str]:
        """Give the names in a parameter that lists them: repeated, or separated by commas."""
        values = [value for name, value in self.call.query if name == parameter]
        return [name.strip() for value in values for name in value.split(",") if name.strip()]
