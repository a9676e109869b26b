"""Keap's rate limits: what OAuth applications share over all tenants, and what a key has for one.

Source: developer.infusionsoft.com/api-token-quota-and-usage-measurements.
"""

from dataclasses import dataclass

import msgspec

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.keap.errors import JSON
from listbackup.sandbox.platforms.quotas import Quota, Standing, Window

_MINUTE, _DAY = 60.0, 86400.0
OAUTH = (
    Window("second", 25, 1.0, sliding=True),
    Window("minute", 1500, _MINUTE),
    Window("day", 150_000, _DAY),
)
KEY = (
    Window("second", 10, 1.0, sliding=True),
    Window("minute", 240, _MINUTE),
    Window("day", 30_000, _DAY),
)
"""Of the documented spike limit of 25 a second a key never comes near."""


@dataclass(slots=True)
class Budgets:
    """How much may be asked. Who asks is named `oauth:{client}` or `key:{tenant}`."""

    oauth: Quota
    key: Quota

    def take(self, who: str, now: float) -> tuple[bool, dict[str, str]]:
        """Let a request pass, or not; give the headers that tell how the limits stand."""
        quota = self.oauth if who.startswith("oauth:") else self.key
        verdict = quota.take(who, now)
        return verdict.allowed, write_headers(verdict.standings)


def make_budgets() -> Budgets:
    """Make the documented limits, unused."""
    return Budgets(Quota(OAUTH), Quota(KEY))


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
    body = {"code": "429", "message": "Quota Exceeded", "status": "Request Throttled"}
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
