"""Readings that are broken on purpose, to see that the comparison says no."""

import json
from dataclasses import dataclass, replace
from typing import Any

from listbackup.connectors.rest.transport import Request, Response, Transport


@dataclass
class Thief:
    """A transport below the connector that spoils one record, wherever it comes, in a way that
    nobody can see: it is left out, changed, or followed by one that never was."""

    inner: Transport
    path: str
    within: str
    how: str
    victim: object = None

    async def send(self, request: Request) -> Response:
        """Send it, and spoil what comes."""
        response = await self.inner.send(request)
        if self.path not in request.url or response.status != 200:
            return response
        page: dict[str, Any] = json.loads(response.body)
        records = page.get(self.within)
        if not isinstance(records, list) or len(records) < 3:
            return response
        self.victim = self.victim or records[1]["id"]
        place = next((n for n, one in enumerate(records) if one["id"] == self.victim), None)
        if place is None:
            return response
        if self.how == "lost":
            del records[place]
        elif self.how == "changed":
            records[place] = {**records[place], "thief": 1}
        else:
            records.insert(place + 1, {**records[place], "id": "never was"})
        return replace(response, body=json.dumps(page).encode())

    async def close(self) -> None:
        """Close the transport."""
        await self.inner.close()
