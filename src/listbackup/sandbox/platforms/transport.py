"""A sandbox in the same process: a Transport that asks an application, without a network.

What a fault does on the wire it tells as the client would have seen it, on the pace that is given.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from listbackup.connectors.rest.pace import Pace
from listbackup.connectors.rest.transport import Kind, Limits, Request, Response, TransportError
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.breaking import Answer, Breaker
from listbackup.sandbox.platforms.faults import Fault

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class SandboxTransport:
    """Sends to an application; each answer takes `latency` seconds of the pace."""

    def __init__(
        self,
        application: Application[Any],
        pace: Pace,
        limits: Limits | None = None,
        latency: float = 0.0,
    ) -> None:
        self._breaker = Breaker(application)
        self._pace = pace
        self._limits = limits or Limits()
        self._latency = latency

    async def send(self, request: Request) -> Response:
        """Send it once. Raises TransportError where a client would get no whole response."""
        for _ in range(self._limits.most_redirects + 1):
            response = await self._exchange(request)
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None:
                return response
            request = _follow(request, location)
        raise TransportError(Kind.REDIRECT, "too many")

    async def close(self) -> None:
        """Nothing to give up."""

    async def _exchange(self, request: Request) -> Response:
        if self._latency:
            await self._pace.sleep(self._latency)
        answer = self._breaker.answer(request)
        if answer.wire is not None:
            await self._suffer(answer, answer.wire)
        if len(answer.response.body) > self._limits.largest_body:
            raise TransportError(Kind.TOO_LARGE, f"over {self._limits.largest_body} B")
        return answer.response

    async def _suffer(self, answer: Answer, fault: Fault) -> None:
        match fault:
            case Fault.RESET:
                raise TransportError(Kind.RESET, "in the middle of the response")
            case Fault.TIMEOUT:
                await self._pace.sleep(self._limits.read)
                raise TransportError(Kind.TIMEOUT, f"nothing came for {self._limits.read:g} s")
            case Fault.DRIP:
                # A body this short has come before anybody calls it slow.
                seconds = min(float(len(answer.response.body)), self._limits.grace)
                await self._pace.sleep(seconds)
                if len(answer.response.body) > self._limits.grace:
                    raise TransportError(Kind.TOO_SLOW, "1 B/s")
            case Fault.WRONG_LENGTH:
                raise TransportError(Kind.WRONG_LENGTH, "less came than was announced")
            case Fault.BOMB | Fault.HUGE:
                raise TransportError(Kind.TOO_LARGE, f"over {self._limits.largest_body} B")
            case Fault.CERTIFICATE:
                raise TransportError(Kind.CERTIFICATE, "self-signed", maybe_done=False)


def _follow(request: Request, location: str) -> Request:
    """Go where a redirect leads, as a careful client does: a GET, and to the same origin."""
    if request.method != "GET":
        raise TransportError(Kind.REDIRECT, f"a {request.method} is not sent elsewhere")
    target = urljoin(request.url, location)
    if urlsplit(target)[:2] != urlsplit(request.url)[:2]:
        raise TransportError(Kind.FORBIDDEN_HOST, urlsplit(target).hostname or "")
    return replace(request, url=target)
