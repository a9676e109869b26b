"""Which IP addresses are the public internet, which somebody's own network, and which never a
platform. From IANA's registries of special-purpose addresses and multicast.

Addresses that carry another one inside (IPv4-mapped, 6to4, NAT64, ISATAP) are judged by that.
"""

from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

Address = IPv4Address | IPv6Address


class Reach(Enum):
    """Where an address leads."""

    PUBLIC = "public"
    PRIVATE = "private"
    NEVER = "never"


_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, DigitalOcean, OpenStack and others
        "169.254.169.253",  # AWS, its resolver
        "169.254.170.2",  # AWS ECS, credentials of tasks
        "169.254.170.23",  # AWS EKS, credentials of pods
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure, the host
        "192.0.0.192",  # Oracle
        "fd00:ec2::253",  # AWS
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
        "fd00:42::42",  # Scaleway
    )
)

_PRIVATE_4 = {
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "an address of a provider's own network",
    "127.0.0.0/8": "a loopback address",
    "169.254.0.0/16": "a link-local address",
    "172.16.0.0/12": "a private address",
    "192.168.0.0/16": "a private address",
    "198.18.0.0/15": "an address of a test network",
}
_NEVER_4 = {
    "0.0.0.0/8": "an unspecified address",
    "192.0.0.0/24": "a reserved address",
    "192.0.2.0/24": "an address of documentation",
    "192.88.99.0/24": "a relay of 6to4",
    "198.51.100.0/24": "an address of documentation",
    "203.0.113.0/24": "an address of documentation",
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": "a reserved address",
}
_PRIVATE_6 = {
    "::1/128": "a loopback address",
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a site-local address",
}
_NEVER_6 = {
    "::/128": "an unspecified address",
    "2001::/23": "a reserved address",
    "2001:db8::/32": "an address of documentation",
    "3fff::/20": "an address of documentation",
    "ff00::/8": "a multicast address",
}

_TABLE_4 = [
    (IPv4Network(net), reach, words)
    for reach, table in ((Reach.PRIVATE, _PRIVATE_4), (Reach.NEVER, _NEVER_4))
    for net, words in table.items()
]
_TABLE_6 = [
    (IPv6Network(net), reach, words)
    for reach, table in ((Reach.PRIVATE, _PRIVATE_6), (Reach.NEVER, _NEVER_6))
    for net, words in table.items()
]

_GLOBAL_6 = IPv6Network("2000::/3")
_6TO4 = IPv6Network("2002::/16")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


def judge_address(address: Address) -> tuple[Reach, str]:
    """Say where an address leads, and in words what it is (`a loopback address`)."""
    if address in _METADATA:
        return Reach.NEVER, "an address of a machine's metadata"
    if isinstance(address, IPv4Address):
        for network, reach, words in _TABLE_4:
            if address in network:
                return reach, words
        return Reach.PUBLIC, "a public address"
    if address.scope_id is not None:
        return Reach.NEVER, "an address with a zone"
    for wide, reach, words in _TABLE_6:
        if address in wide:
            return reach, words
    inside = _unwrap(address)
    if inside is not None:
        return judge_address(inside)
    if address in _GLOBAL_6:
        return Reach.PUBLIC, "a public address"
    return Reach.NEVER, "a reserved address"


def _unwrap(address: IPv6Address) -> IPv4Address | None:
    """Give the IPv4 address inside an IPv6 address that carries one."""
    number = int(address)
    low = IPv4Address(number & 0xFFFFFFFF)
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _6TO4:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _NAT64 or address in _COMPATIBLE or address in _TRANSLATED:
        return low
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        return low
    return None
