"""To whom we speak: URLs are read in one strict way, and every address is judged before it is used.

A platform's answers say where to go next, and so may a forger's: a source may reach the origins
that it was set up with and no other, over TLS, at public addresses. A stanza that says
`allow_private_hosts` may reach machines of one's own network, without TLS too; a machine's
metadata, multicast and reserved addresses it never reaches. Makes no connections.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, urljoin

from listbackup.connectors.rest.addresses import Reach, judge_address
from listbackup.connectors.rest.transport import Kind, TransportError

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)"
    r"(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?"
)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(?P<port>[1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_PORTS = {"https": 443, "http": 80}

_OWN_NAMES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp"),
    *("private", "home.arpa", "in-addr.arpa", "ip6.arpa", "onion", "test", "invalid"),
)
_METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
_SAFE = "!$%&'()*+,-./:;=?@[]_~|"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: scheme and host in lower case, an IPv6 host without brackets; path and
    query as they go over the wire."""

    scheme: str
    host: str
    port: int
    path: str = "/"
    query: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port: who answers, and who may be given credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """The URL again, in its one spelling."""
        return f"{self.origin}{self.path}{'?' + self.query if self.query else ''}"

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The address, where the host is one and not a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None


def parse_target(url: str) -> Target:
    """Read an absolute http or https URL. Raises TransportError (forbidden host) for all that two
    programs could read in two ways: user names, odd spellings of addresses, names not in ASCII,
    trailing dots, backslashes, spaces."""
    match = None if _ODD.search(url) else _URL.fullmatch(url)
    if match is None:
        raise _refuse("the URL cannot be read in one way only")
    scheme = match["scheme"].lower()
    if scheme not in _PORTS:
        raise _refuse(f"{scheme[:20]} is no scheme of a platform")
    host, port = _read_authority(match["authority"], _PORTS[scheme])
    path, query = quote(match["path"] or "/", safe=_SAFE), quote(match["query"] or "", safe=_SAFE)
    return Target(scheme, host, port, path, query)


class HostGuard:
    """The origins that a source may reach, and whether they may be private.

    `urls` are those that the source was set up with: their origins are allowed. Raises
    TransportError (forbidden host), at once where one of them is not allowed.
    """

    def __init__(self, urls: Iterable[str], *, allow_private_hosts: bool = False) -> None:
        self._private = allow_private_hosts
        self._origins: frozenset[str] = frozenset()
        targets = [parse_target(url) for url in urls]
        for target in targets:
            self._judge_name(target)
        self._origins = frozenset(target.origin for target in targets)

    def judge_url(self, url: str) -> Target:
        """Read a URL to which a request is to go. Raises TransportError (forbidden host)."""
        target = parse_target(url)
        # whose names and addresses were judged when the guard was made
        if target.origin not in self._origins:
            raise _refuse(f"{target.origin} is not where this source was set up to go")
        return target

    def judge_redirect(self, target: Target, location: str) -> Target:
        """Read where a response sends us on. Raises TransportError (forbidden host)."""
        if _ODD.search(location):
            raise _refuse("the redirect's URL cannot be read in one way only")
        try:
            return self.judge_url(urljoin(target.url, location))
        except ValueError:
            raise _refuse("the redirect's URL cannot be read") from None

    def judge_resolved(self, host: str, address: str) -> str:
        """Give an address back, in its one spelling, to which a host's name was resolved.

        Raises TransportError (forbidden host) where it is not allowed.
        """
        try:
            parsed = ip_address(address)
        except (ValueError, AddressValueError):
            raise _refuse(f"{host} is resolved to what is no address") from None
        reach, words = judge_address(parsed)
        if reach is Reach.NEVER or (reach is Reach.PRIVATE and not self._private):
            raise _refuse(f"{host} leads to {words}", private=reach is Reach.PRIVATE)
        return str(parsed)

    def _judge_name(self, target: Target) -> None:
        if target.scheme == "http" and not self._private:
            raise _refuse(f"{target.origin} is not encrypted", private=True)
        if target.address is not None:
            self.judge_resolved(target.host, target.host)
        elif target.host in _METADATA_NAMES:
            raise _refuse(f"{target.host} is a name of a machine's metadata")
        elif not self._private and _is_own(target.host):
            raise _refuse(f"{target.host} is a name of one's own network", private=True)


@lru_cache(maxsize=256)
def _read_authority(text: str, usual: int) -> tuple[str, int]:
    """Read host and port, the same for every request of a source."""
    if "@" in text:
        raise _refuse("the URL holds a user name")
    authority = _AUTHORITY.fullmatch(text)
    if authority is None:
        raise _refuse("the host or port of the URL cannot be read in one way only")
    port = int(authority["port"]) if authority["port"] else usual
    if port > 65535:
        raise _refuse("there is no such port")
    return _read_host(authority["host"].lower()), port


def _read_host(host: str) -> str:
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1]))
        except AddressValueError:
            raise _refuse("the IPv6 address of the URL cannot be read") from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise _refuse("the address of the URL is spelt in an odd way") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refuse("the host's name is not spelt in plain ASCII (use its xn-- form)")
    return host


def _is_own(host: str) -> bool:
    return "." not in host or any(host == own or host.endswith(f".{own}") for own in _OWN_NAMES)


def _refuse(why: str, *, private: bool = False) -> TransportError:
    hint = "; a host of your own network needs allow_private_hosts" if private else ""
    return TransportError(Kind.FORBIDDEN_HOST, why + hint, maybe_done=False)
