"""Which connector speaks to which engine: an explicit table from URL scheme to dotted path.

Nothing is imported until `load` is called, so that a command which touches no database pays for
none. Knows no engine beyond the names in the table.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from listbackup.errors import UsageError


@dataclass(frozen=True, slots=True)
class Connector:
    """One engine and where its parts lie, each a dotted path `module:attribute`.

    `address`: gives an address for a URL and an environment. `source`: a `records.Source` made
    from an address, ReadOptions, a host, a listener and an environment. `inspect`: gives what
    `source test` shows for an address, ReadOptions, a host and a listener. `target`: a
    `records.restoring.Destination` made from an address, a host, a listener and an environment.
    """

    engine: str
    schemes: tuple[str, ...]
    address: str
    source: str
    inspect: str
    target: str


POSTGRES = Connector(
    engine="postgresql",
    schemes=("postgresql", "postgres"),
    address="listbackup.connectors.postgres.address:parse_address",
    source="listbackup.connectors.postgres.source:PostgresSource",
    inspect="listbackup.connectors.postgres.inspection:inspect",
    target="listbackup.connectors.postgres.restoring:PostgresTarget",
)

SQLITE = Connector(
    engine="sqlite",
    schemes=("sqlite",),
    address="listbackup.connectors.sqlite.address:parse_address",
    source="listbackup.connectors.sqlite.source:SqliteSource",
    inspect="listbackup.connectors.sqlite.inspection:inspect",
    target="listbackup.connectors.sqlite.restoring:SqliteTarget",
)

REST = Connector(
    engine="rest",
    schemes=(),
    address="",
    source="listbackup.connectors.rest.source:RestSource",
    inspect="listbackup.connectors.rest.inspection:inspect",
    target="listbackup.connectors.rest.target:PlatformTarget",
)
"""Every platform behind an HTTP API. It has no URL of its own: a stanza names it, and what stands
for its address is a `connectors.rest.connection.Connection`."""

CONNECTORS: tuple[Connector, ...] = (POSTGRES, SQLITE, REST)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a source is to be read, whatever its engine.

    `include` and `exclude` are patterns over stream names (`*` and `?`; no `include` means all);
    `jobs` how many parts are read at once; `limit_rate` bytes a second over all of them (0 is no
    limit); timeouts in seconds, 0 waits for ever (`statement_timeout`) or not at all
    (`lock_timeout`); after `long_reading` seconds a warning says what a held snapshot costs;
    `full` lists all streams whole, also those that could be asked for changes alone.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    jobs: int = 2
    limit_rate: int = 0
    lock_timeout: float = 30.0
    statement_timeout: float = 0.0
    long_reading: float = 3600.0
    full: bool = False


def find_connector(url: str) -> Connector:
    """Find the connector of a URL by its scheme. Raises UsageError, without the URL's secrets."""
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    for connector in CONNECTORS:
        if scheme in connector.schemes:
            return connector
    known = ", ".join(f"{name}://" for entry in CONNECTORS for name in entry.schemes)
    raise UsageError(
        "No connector reads that kind of URL." if scheme else "A source is given as a URL.",
        hint=f"Known: {known}. Examples: postgresql://user@host:5432/database, sqlite:///srv/app.db",
    )


def find_engine(engine: str) -> Connector:
    """Find the connector of an engine's name, as it stands in a manifest. Raises UsageError."""
    for connector in CONNECTORS:
        if connector.engine == engine:
            return connector
    raise UsageError(f"No connector knows the engine {engine!r}.")


def load(path: str) -> Any:
    """Import what a dotted path `module:attribute` names."""
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
