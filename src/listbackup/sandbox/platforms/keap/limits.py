"""Keap's rate limits: what OAuth applications share over all tenants, and what a key has for one.

Sources: developer.infusionsoft.com/api-token-quota-and-usage-measurements; that keys share a
tenant's quota, and each has its own second, integration.keap.com/t/92313.
"""

from dataclasses import dataclass, field

import msgspec

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.keap.errors import JSON
from listbackup.sandbox.platforms.quotas import Quota, Standing, Window

_MINUTE, _DAY = 60.0, 86400.0
OAUTH = (
    Window("second", 25, 1.0, sliding=True),
    Window("minute", 1500, _MINUTE, sliding=True),
    Window("day", 150_000, _DAY),
)
SPIKE = (Window("second", 10, 1.0, sliding=True),)
"""What each key has. Of the limit of 25 a second it never comes near."""
KEYS = (
    Window("minute", 240, _MINUTE, sliding=True),
    Window("day", 30_000, _DAY),
)
"""What all keys of a tenant have together. Minutes are rolling windows, days end at midnight
UTC."""


@dataclass(slots=True)
class Budgets:
    """How much may be asked: by an application over all tenants, by the keys of a tenant, and by
    each key in a second."""

    oauth: Quota = field(default_factory=lambda: Quota(OAUTH))
    keys: Quota = field(default_factory=lambda: Quota(KEYS))
    spike: Quota = field(default_factory=lambda: Quota(SPIKE))

    def take_for_client(self, client: str, now: float) -> tuple[bool, dict[str, str]]:
        """Let an application's request pass, or not; give the headers that tell of the limits."""
        verdict = self.oauth.take(client, now)
        return verdict.allowed, write_headers(verdict.standings)

    def take_for_key(self, tenant: str, key: str, now: float) -> tuple[bool, dict[str, str]]:
        """Let a request with a key pass, or not; give the headers that tell of the limits."""
        if any(standing.free <= 0 for standing in self.spike.look(key, now)):
            return False, write_headers(self.keys.look(tenant, now))
        verdict = self.keys.take(tenant, now)
        if verdict.allowed:
            self.spike.take(key, now)
        return verdict.allowed, write_headers(verdict.standings)


def write_headers(standings: tuple[Standing, ...]) -> dict[str, str]:
    """Tell of the day's quota and the minute's throttle as Keap does; times in ms since 1970."""
    by_name = {standing.window.name: standing for standing in standings}
    found = _tell("quota", by_name["day"]) | _tell("throttle", by_name["minute"])
    found["x-keap-product-quota-expiry-time"] = str(int(by_name["day"].resets * 1000))
    return found


def pretend_free(headers: dict[str, str]) -> dict[str, str]:
    """Give headers according to which nothing was used."""
    free = write_headers(Quota(OAUTH).look("nobody", 0.0))
    return {**headers, **{name: free[name] for name in free if not name.endswith("expiry-time")}}


def throttle(retry_after: str | None = None) -> Response:
    """Say that it was too much."""
    said = {"code": "429", "message": "Quota Exceeded", "status": "Request Throttled"}
    body = {**said, "details": None}
    hint = {} if retry_after is None else {"retry-after": retry_after}
    return Response(429, {**JSON, **hint}, msgspec.json.encode(body))


def _tell(what: str, standing: Standing) -> dict[str, str]:
    start = f"x-keap-product-{what}"
    return {
        f"{start}-limit": str(standing.window.limit),
        f"{start}-time-unit": standing.window.name,
        f"{start}-interval": "1",
        f"{start}-available": str(standing.free),
        f"{start}-used": str(standing.used),
    }
