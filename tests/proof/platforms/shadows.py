"""Readings that are broken on purpose, to see that the comparison says no."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from listbackup.connectors.rest.transport import Request, Response, Transport


@dataclass
class Thief:
    """A transport below the connector that spoils one page in a way that nobody can see: a record
    is left out, changed, or one that never was is put in."""

    inner: Transport
    path: str
    within: str
    how: str
    done: list[str] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        """Send it, and spoil what comes."""
        response = await self.inner.send(request)
        if self.done or self.path not in request.url or response.status != 200:
            return response
        page: dict[str, Any] = json.loads(response.body)
        records = page.get(self.within)
        if not isinstance(records, list) or len(records) < 3:
            return response
        self.done.append(self.how)
        if self.how == "lost":
            del records[1]
        elif self.how == "changed":
            records[1] = {**records[1], "thief": 1}
        else:
            records.insert(1, {**records[1], "id": "never was"})
        return replace(response, body=json.dumps(page).encode())

    async def close(self) -> None:
        """Close the transport."""
        await self.inner.close()
