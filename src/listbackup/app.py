"""The composition root: the only module that knows concrete stores, sources and destinations.

Everything is built when it is first asked for; nothing happens at import. An `App` is one machine
and one environment; a `Reach` says which vault is meant and what is held to open it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from listbackup.config.choosing import Setting, choose
from listbackup.config.finding import STANZAS, find_file, find_stanzas, reads_none
from listbackup.connectors import REST, Connector, ReadOptions, find_connector, load
from listbackup.errors import IntegrityError, UsageError
from listbackup.events import Emit, Warned, ignore
from listbackup.host import Host
from listbackup.log import Redactor, redactor_for
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.opening import open_store
from listbackup.objectstore.passing import without_retries
from listbackup.objectstore.retrying import RetryingStore
from listbackup.records import Source
from listbackup.records.restoring import Destination
from listbackup.settings import Directories, find_directories
from listbackup.vault.accounts import KnownAccounts
from listbackup.vault.cache import Cache
from listbackup.vault.credentials import SealedCredential
from listbackup.vault.holding import (
    Holding,
    default_holding,
    find_holding,
    gather,
    read_passphrase,
)
from listbackup.vault.installation import Installation
from listbackup.vault.opening import Access, Vault, open_vault, read_vault_descriptor
from listbackup.vault.witness import KnownWitnesses

if TYPE_CHECKING:
    from listbackup.config.loading import Configuration
    from listbackup.config.models import NamedSource
    from listbackup.connectors.rest.budgets import Budgets
    from listbackup.connectors.rest.connection import Connect, Connection
    from listbackup.connectors.rest.credentials import Keeper
    from listbackup.connectors.rest.pace import Pace
    from listbackup.connectors.rest.transport import Transport

Around = Callable[[ObjectStore], ObjectStore]
"""Puts a wrapper around a store: a meter, faults, a recorder."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which vault, which account in it, and what was named to open it, by option; the rest is
    found by `App`. `volatile` allows directories in memory; `config` names the file of settings."""

    url: str | None = None
    account: str | None = None
    holding: Holding = field(default_factory=Holding)
    volatile: bool = False
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of a source or destination, and what speaks to it. `address` is the connector's
    own; only what is named here is relied upon."""

    connector: Connector
    address: Any = field(repr=False)

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return str(self.address.masked)

    @property
    def host(self) -> str:
        """Its host."""
        return str(self.address.host)

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.address.port)

    @property
    def container(self) -> str:
        """The database, or what holds the streams."""
        return str(self.address.database)


class App:
    """One machine and one environment, from which everything else is made."""

    def __init__(
        self,
        environment: Mapping[str, str],
        emit: Emit = ignore,
        host: Host | None = None,
        around: Around = lambda store: store,
        *,
        redactor: Redactor | None = None,
        connect: "Connect | None" = None,
        pace: "Pace | None" = None,
    ) -> None:
        """Take what comes from outside. `around` wraps every store below the retries; `redactor`
        learns every secret that is opened; `connect` makes transports to platforms, whose time is
        `pace`."""
        self.environment = environment
        self.emit = emit
        self.host = host or Host()
        self.redactor = redactor or redactor_for(environment)
        self._around = around
        self._connect = connect
        self._pace = pace
        self._configurations: dict[Path, Configuration] = {}
        self._opened: dict[Reach, Vault] = {}
        self._accounts = KnownAccounts()
        self._witnesses = KnownWitnesses()

    @cached_property
    def directories(self) -> Directories:
        """Where keys and state are kept."""
        return find_directories(self.environment)

    @cached_property
    def installation(self) -> Installation:
        """What this machine remembers."""
        return Installation(self.directories.state, self.host)

    def configuration(self, reach: Reach) -> "Configuration | None":
        """Give the configuration file with the sources that have files of their own, read once;
        None where there is neither. Raises UsageError, RefusedError."""
        if reads_none(reach.config, self.environment):
            return None
        config = self.directories.config
        path = find_file(reach.config, self.environment, Path.cwd(), config)
        place = path or config / STANZAS
        if place not in self._configurations:
            stanzas = find_stanzas(config)
            if path is None and not stanzas:
                return None
            from listbackup.config.loading import join_configurations

            self._configurations[place] = join_configurations(
                path, place, stanzas, self.environment
            )
        return self._configurations[place]

    @cached_property
    def pace(self) -> "Pace":
        """The time of event loops."""
        from listbackup.connectors.rest.pace import SystemPace

        return self._pace or SystemPace(self.host.clock)

    @cached_property
    def budgets(self) -> "Budgets":
        """What platforms allow all sources of this process together."""
        from listbackup.connectors.rest.budgets import Budgets

        return Budgets(self.pace, self.host.entropy)

    def forget_configuration(self) -> None:
        """Read the configuration again when it is asked for next."""
        self._configurations.clear()

    def setting(self, reach: Reach, name: str, flag: Any = None, default: Any = None) -> Setting:
        """Give one setting of the file's first level, and where it comes from. Raises UsageError,
        RefusedError."""
        found = self.configuration(reach)
        written = (getattr(found.document, name), found.place(name)) if found else None
        return choose(
            name, flag=flag, environment=self.environment, written=written, default=default
        )

    def vault_url(self, reach: Reach) -> str | None:
        """Say which vault is meant; None where none is named."""
        return cast("str | None", self.setting(reach, "vault", reach.url).value)

    def account(self, reach: Reach) -> str:
        """Say which account is meant."""
        return str(self.setting(reach, "account", reach.account, "default").value)

    def store(self, url: str, *, volatile: bool = False) -> ObjectStore:
        """Open a store, with retries. Raises UsageError."""
        return RetryingStore(self.plain_store(url, volatile=volatile), self.host)

    def plain_store(self, url: str, *, volatile: bool = False) -> ObjectStore:
        """Open a store that passes every answer on as it came. Raises UsageError."""
        return self._around(open_store(url, self.host, volatile=volatile))

    def access(self, reach: Reach) -> Access:
        """Reach a vault's store; nothing is read yet. Raises UsageError without a URL."""
        url = self.vault_url(reach)
        if not url:
            raise UsageError(
                "No vault is named.",
                hint="Give --vault URL, set LISTBACKUP_VAULT, or write it into listbackup.yaml.",
            )
        store = self.store(url, volatile=reach.volatile)
        return Access(store, without_retries(store), self.host, self.installation, self.emit)

    def vault(self, reach: Reach, *, whole: bool = False) -> Vault:
        """Open a vault with what is held. Raises VaultMissing, IntegrityError, RefusedError."""
        access = self.access(reach)
        held = gather(self.host.disk, *self._find_holdings(reach, access))
        # a directory is as near as a cache; whoever looks at the whole wants what the store has
        far = not access.url.startswith("file:")
        cache = Cache(self.directories.cache, self.host) if far and not whole else None
        access = replace(
            access,
            secrets=held.secrets,
            cache=cache,
            known=self._accounts,
            witnesses=self._witnesses,
        )
        vault = open_vault(access, self.account(reach), whole=whole)
        vault.expect(held.heads, held.kit_date)
        self._opened[reach] = vault
        return vault

    def passphrase(self, reach: Reach) -> str | None:
        """Give the passphrase that was named, by option or environment. Raises UsageError."""
        return read_passphrase(self.host.disk, self.named(reach))

    def named(self, reach: Reach) -> Holding:
        """Give what was named: by option, else by the environment, else by the file."""
        if not reach.holding.empty:
            return reach.holding
        said = find_holding(self.environment)
        return said if not said.empty else self._written_holding(reach)

    def endpoint(self, url: str, password_file: Path | None = None) -> Endpoint:
        """Understand the address of a source or destination; `password_file` is what the
        configuration file names. Raises UsageError, AuthError."""
        connector = find_connector(url)
        environment = self.environment
        if password_file is not None and not environment.get("LISTBACKUP_PASSWORD_FILE"):
            environment = {**environment, "LISTBACKUP_PASSWORD_FILE": str(password_file)}
        return Endpoint(connector, load(connector.address)(url, environment))

    def named_endpoint(self, reach: Reach, name: str) -> Endpoint:
        """Understand a source of the configuration, by name. Raises UsageError, AuthError."""
        found = self.configuration(reach)
        if found is None:
            raise UsageError(f"No configuration names a source {name!r}.")
        said = found.source(name)
        if said.url is not None:
            return self.endpoint(said.url, said.password_file)
        return Endpoint(REST, self.connection(reach, name, said))

    def connection(
        self, reach: Reach, name: str, said: "NamedSource", keeper: "Keeper | None" = None
    ) -> "Connection":
        """Understand a source of a platform. What opens it is sealed by the vault that is meant,
        where no other `keeper` is given. Raises UsageError."""
        from listbackup.connectors.rest.connection import (
            Connection,
            Overrides,
            choose_way,
            settle_settings,
        )
        from listbackup.connectors.rest.loading import load_platform

        platform = load_platform(said.connector or "")
        urls = (said.base_url, said.authorize_url, said.token_url, said.revoke_url)
        return Connection(
            name=name,
            platform=platform,
            way=choose_way(platform, said.auth),
            settings=settle_settings(platform, said.settings),
            overrides=Overrides(*(url or "" for url in urls)),
            allow_private_hosts=said.allow_private_hosts,
            keeper=keeper or self.credentials(reach, name),
            connect=self._connect or self._connect_by_http,
            pace=self.pace,
            budgets=self.budgets,
            learn=self.redactor.learn,
            clean=self.redactor.clean,
        )

    def credentials(self, reach: Reach, name: str) -> SealedCredential:
        """Give the place of what opens a source; the vault is opened when it is needed."""
        return SealedCredential(lambda: self._opened.get(reach) or self.vault(reach), name)

    def warn_of_password(self, endpoint: Endpoint) -> None:
        """Say once that a password in a URL is seen by others. (A source that is opened says so
        itself.)"""
        if endpoint.address.password_in_url:
            self.emit(
                Warned(
                    "The URL holds a password; shells and process lists may keep it.",
                    "Use LISTBACKUP_PASSWORD_FILE, PGPASSWORD or ~/.pgpass instead.",
                )
            )

    def source(self, endpoint: Endpoint, options: ReadOptions) -> Source:
        """Make a source that can be read."""
        make = load(endpoint.connector.source)
        made = make(endpoint.address, options, self.host, self.emit, self.environment)
        return cast(Source, made)

    def inspect(self, endpoint: Endpoint, options: ReadOptions) -> Any:
        """Look at a source without reading it: the connector's own description of it."""
        look = load(endpoint.connector.inspect)
        return look(endpoint.address, options, self.host, self.emit)

    def destination(self, endpoint: Endpoint) -> Destination:
        """Make a destination that can be written into."""
        make = load(endpoint.connector.target)
        made = make(endpoint.address, self.host, self.emit, self.environment)
        return cast(Destination, made)

    def _connect_by_http(self, urls: Sequence[str], private: bool) -> "Transport":
        from listbackup.connectors.rest.hosts import HostGuard
        from listbackup.connectors.rest.httpclient import HttpClient

        return HttpClient(HostGuard(urls, allow_private_hosts=private))

    def _find_holdings(self, reach: Reach, access: Access) -> tuple[str, list[Holding]]:
        pinned = self.installation.pins().get(access.url)
        vault = pinned or read_vault_descriptor(access).vault
        self._check_pin(reach, access, vault)
        named = self.named(reach)
        if named.empty:
            return vault, default_holding(self.directories.config, vault)
        return vault, [named]

    def speaks_of(self, reach: Reach) -> "Configuration | None":
        """Give the configuration file where its keys and its pin belong to the vault that is
        meant: it names this one, or none at all."""
        found = self.configuration(reach)
        own = found.document.vault if found is not None else None
        return found if own is None or own == self.vault_url(reach) else None

    def _written_holding(self, reach: Reach) -> Holding:
        found = self.speaks_of(reach)
        if found is None:
            return Holding()
        said = found.document
        return Holding(said.key_file, said.passphrase_file, said.kit_file)

    def _check_pin(self, reach: Reach, access: Access, vault: str) -> None:
        found = self.speaks_of(reach)
        wanted = found.document.vault_id if found is not None else None
        if found is not None and wanted is not None and wanted != vault:
            raise IntegrityError(
                f"The vault there is {vault}, not {wanted} as {found.place('vault_id')} says.",
                subject=access.url,
                risk="Nothing was written. It is another vault, or it was exchanged.",
                hint="Look where the right vault is; if it was given up, change `vault_id`.",
            )
