"""From an address to a store: the one table of schemes, and what a URL may say.

A store is added by one line in STORES and one module with a function of the shape of `Opener`.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from listbackup.errors import UsageError
from listbackup.host import Host
from listbackup.objectstore import ObjectStore

STORES: Mapping[str, str] = {
    "file": "listbackup.objectstore.opening:open_local",
    "memory": "listbackup.objectstore.opening:open_memory",
    "s3": "listbackup.objectstore.s3:open_s3",
}
"""Scheme of a URL -> dotted path of its opener."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """An address taken apart: what stands after `scheme://`, percent-decoded, and the options."""

    text: str
    scheme: str
    place: str
    path: str
    options: Mapping[str, str]

    def check_options(self, *known: str) -> None:
        """Raise UsageError for an option that this kind of store does not know."""
        for name in self.options:
            if name not in known:
                offered = f"It knows: {', '.join(known)}." if known else "It knows none."
                raise UsageError(
                    f"a {self.scheme}:// address has no option `{name}`",
                    subject=self.text,
                    hint=offered,
                )


class Opener(Protocol):
    """What a store's module offers to this one."""

    def __call__(self, url: StoreUrl, host: Host, *, volatile: bool) -> ObjectStore:
        """Open a store. Raises UsageError for an address that means nothing."""
        ...


def open_store(
    url: str, host: Host, *, volatile: bool = False, stores: Mapping[str, str] = STORES
) -> ObjectStore:
    """Open the store at an address: a path, `file://`, `s3://bucket/prefix?endpoint=...&region=...`
    or `memory://name`. Nothing is read or written yet, and the store need not exist. It passes
    every answer on as it came: wrap it in a RetryingStore for patience.

    `volatile` allows directories in memory. Raises UsageError for an address that means nothing.
    """
    parsed = parse_url(url, stores)
    module, _, name = stores[parsed.scheme].partition(":")
    opener = cast(Opener, getattr(importlib.import_module(module), name))
    return opener(parsed, host, volatile=volatile)


def parse_url(url: str, stores: Mapping[str, str] = STORES) -> StoreUrl:
    """Take an address apart. Raises UsageError; a password in it is never repeated."""
    if not url.strip() or "\0" in url:
        raise UsageError("the address of the vault is empty or not text", hint=_EXAMPLES)
    match = _SCHEME.match(url)
    if match is None:
        _refuse_half_a_scheme(url, stores)
        return StoreUrl(url, "file", "", url, {})
    scheme = match[1].lower()
    if scheme not in stores:
        known = ", ".join(f"{name}://" for name in stores)
        raise UsageError(
            f"no kind of store is called {scheme}://", hint=f"Known: a path, {known}. {_EXAMPLES}"
        )
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise UsageError(
            f"the address of a {scheme}:// store has a name or password in it",
            subject=f"{scheme}://***@{parts.netloc.rpartition('@')[2]}{parts.path}",
            hint="Give credentials by the environment (AWS_ACCESS_KEY_ID, ...) or a profile.",
        )
    if parts.fragment:
        raise UsageError("an address has no `#` part", subject=url, hint="Write `#` as %23.")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    return StoreUrl(url, scheme, unquote(parts.netloc), unquote(parts.path), options)


def normalise_url(url: str) -> str:
    """Give the one spelling of an address: a path and its `file://` form become the same."""
    parsed = parse_url(url)
    if parsed.scheme == "file":
        return "file://" + quote(str(_folder(parsed)))
    path = "/".join(part for part in parsed.path.split("/") if part)
    options = "&".join(f"{name}={quote(parsed.options[name])}" for name in sorted(parsed.options))
    place = f"{parsed.place}/{path}".rstrip("/")
    return f"{parsed.scheme}://{place}" + (f"?{options}" if options else "")


def open_local(url: StoreUrl, host: Host, *, volatile: bool) -> ObjectStore:
    """Open a directory."""
    from listbackup.objectstore.local import LocalStore

    return LocalStore(_folder(url), host, volatile=volatile)


def open_memory(url: StoreUrl, host: Host, *, volatile: bool) -> ObjectStore:
    """Open a store in this process's memory; one name is one store."""
    from listbackup.objectstore.memory import MemoryStore, share_shelf

    url.check_options()
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", url.place) or url.path.strip("/"):
        raise UsageError("a memory store has a plain name", subject=url.text, hint="memory://name")
    return MemoryStore(url.place, host.clock, shelf=share_shelf(url.place))


def _folder(url: StoreUrl) -> Path:
    url.check_options()
    if url.place not in ("", "localhost"):
        raise UsageError(
            "a file:// address names a path on this machine only",
            subject=url.text,
            hint=f"Three slashes: file:///{url.place}{url.path}",
        )
    return Path(url.path).expanduser().resolve()


def _refuse_half_a_scheme(url: str, stores: Mapping[str, str]) -> None:
    scheme, colon, rest = url.partition(":")
    if colon and scheme.lower() in stores:
        raise UsageError(
            f"`{scheme}:` is neither a path nor an address",
            subject=url,
            hint=f"Write {scheme.lower()}://{rest.lstrip('/')}, or ./{url} for a path.",
        )


_EXAMPLES = "For example: /srv/backups, file:///srv/backups, s3://bucket/prefix?region=eu-west-1."
