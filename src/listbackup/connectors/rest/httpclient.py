"""The transport over real HTTP. The only module that knows the HTTP library (aiohttp).

Each connection resolves its name once, and goes to an address that was judged; redirects are
followed by hand, each judged anew; bodies are let in within limits of size, time and slowness.
No cookies, no proxies. Certificates are checked against the system's authorities, or those of the
environment's SSL_CERT_FILE.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from listbackup import __version__
from listbackup.connectors.rest.bodies import ACCEPTED, Inflater
from listbackup.connectors.rest.hosts import HostGuard, Target
from listbackup.connectors.rest.resolving import Resolve, resolve_by_system
from listbackup.connectors.rest.transport import Kind, Limits, Request, Response, TransportError

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# All else may prove who we are, and goes to no other origin.
_HARMLESS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_IDLE = 20.0
_LIMITS = Limits()


class HttpClient:
    """Sends requests to the origins that its guard allows. Made and used within one event loop."""

    def __init__(
        self,
        guard: HostGuard,
        limits: Limits = _LIMITS,
        *,
        resolve: Resolve = resolve_by_system,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._limits = limits
        self._resolve = resolve
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> Response:
        """Send it once, following redirects of a GET. Raises TransportError."""
        target = self._guard.judge_url(request.url)
        headers = {"Accept-Encoding": ACCEPTED, **request.headers}
        for _ in range(self._limits.most_redirects + 1):
            response = await self._exchange(request, target, headers)
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None:
                return response
            if request.method != "GET":
                raise TransportError(Kind.REDIRECT, f"a {request.method} is not sent elsewhere")
            goal = self._guard.judge_redirect(target, location)
            if goal.origin != target.origin:
                headers = {n: v for n, v in headers.items() if n.lower() in _HARMLESS}
                headers["Accept-Encoding"] = ACCEPTED
            target = goal
        raise TransportError(Kind.REDIRECT, f"more than {self._limits.most_redirects} in a row")

    async def close(self) -> None:
        """Give up all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _exchange(
        self, request: Request, target: Target, headers: Mapping[str, str]
    ) -> Response:
        try:
            async with asyncio.timeout(self._limits.total):
                return await self._receive(request, target, headers)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            found = _translate(error, target)
        # Raised outside, so that the library's error, which may show our headers, is gone.
        raise found

    async def _receive(
        self, request: Request, target: Target, headers: Mapping[str, str]
    ) -> Response:
        limits, loop = self._limits, asyncio.get_running_loop()
        url = URL.build(
            scheme=target.scheme,
            host=target.host,
            port=target.port,
            path=target.path,
            query_string=target.query,
            encoded=True,
        )
        async with asyncio.timeout(limits.connect + limits.read) as patience:
            async with self._open().request(
                request.method,
                url,
                headers=headers,
                data=request.body or None,
                allow_redirects=False,
                ssl=self._trust() if target.scheme == "https" else True,
            ) as answer:
                patience.reschedule(None)
                told = _read_headers(answer, limits)
                inflater = Inflater(told.get("content-encoding", ""), limits.largest_body)
                began, size = loop.time(), 0
                async for piece in answer.content.iter_any():
                    inflater.add(piece)
                    size += len(piece)
                    _judge_speed(size, loop.time() - began, limits)
                return Response(answer.status, told, inflater.finish())

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            limits = self._limits
            connector = aiohttp.TCPConnector(
                resolver=_JudgingResolver(self._guard, self._resolve),
                socket_factory=self._make_socket,
                use_dns_cache=False,
                limit=0,
                keepalive_timeout=_IDLE,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"listbackup/{__version__}"},
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=limits.connect, sock_read=limits.read
                ),
                auto_decompress=False,
                trust_env=False,
                max_line_size=limits.largest_headers // 4,
                max_field_size=limits.largest_headers // 4,
            )
        return self._session

    def _trust(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = _load_authorities(*(os.environ.get(name) for name in _AUTHORITIES))
        return self._tls

    def _make_socket(self, place: Any) -> socket.socket:
        # The last gate: whatever was resolved, this is the address that is connected to.
        family, kind, protocol, _, address = place
        self._guard.judge_resolved("the connection", address[0])
        return socket.socket(family, kind, protocol)


def connect(urls: Sequence[str], allow_private_hosts: bool) -> HttpClient:
    """Make a client that reaches the origins of these URLs. Raises TransportError (forbidden host)
    where one of them is not allowed."""
    return HttpClient(HostGuard(urls, allow_private_hosts=allow_private_hosts))


@lru_cache(maxsize=4)
def _load_authorities(*named: str | None) -> ssl.SSLContext:
    """Load whom to trust, as the environment names it; all clients of a process share it, for it
    takes time and memory."""
    return ssl.create_default_context()


class _JudgingResolver(AbstractResolver):
    def __init__(self, guard: HostGuard, resolve: Resolve) -> None:
        self._guard = guard
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = [self._guard.judge_resolved(host, one) for one in await self._resolve(host, port)]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        return None


def _read_headers(answer: aiohttp.ClientResponse, limits: Limits) -> dict[str, str]:
    told: dict[str, str] = {}
    size = 0
    for name, value in answer.headers.items():
        size += len(name) + len(value)
        low = name.lower()
        told[low] = f"{told[low]}, {value}" if low in told else value
    if size > limits.largest_headers:
        raise TransportError(Kind.TOO_LARGE, "the headers are too large")
    return told


def _judge_speed(size: int, seconds: float, limits: Limits) -> None:
    if seconds > limits.grace and size < limits.slowest * seconds:
        raise TransportError(
            Kind.TOO_SLOW, f"{size} B in {seconds:.0f} s, {limits.slowest} B/s is the least"
        )


def _translate(error: Exception, target: Target) -> TransportError:
    """Say in our words what the library says; its own may hold the URL."""
    where = f"{target.host} port {target.port}"
    match error:
        case aiohttp.ClientConnectorDNSError():
            return TransportError(Kind.UNRESOLVED, target.host, maybe_done=False)
        case aiohttp.ClientSSLError():
            return TransportError(Kind.CERTIFICATE, _explain_tls(error), maybe_done=False)
        case aiohttp.ClientConnectorError():
            if error.os_error.errno == errno.ECONNREFUSED:
                return TransportError(Kind.REFUSED, where, maybe_done=False)
            return TransportError(Kind.RESET, f"{where} cannot be reached", maybe_done=False)
        case TimeoutError():
            return TransportError(Kind.TIMEOUT, f"of {where}")
        case aiohttp.ClientPayloadError():
            return TransportError(Kind.WRONG_LENGTH, "the body ends too early")
        case aiohttp.ClientResponseError():
            return TransportError(Kind.MALFORMED, "its head cannot be read, or is too large")
        case aiohttp.ClientConnectionError() | OSError():
            return TransportError(Kind.RESET, where)
        case _:
            return TransportError(Kind.MALFORMED, type(error).__name__)


def _explain_tls(error: aiohttp.ClientSSLError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = error.certificate_error
        return reason.verify_message if isinstance(reason, ssl.SSLCertVerificationError) else ""
    return "no TLS connection could be made"
