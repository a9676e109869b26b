"""Where a PostgreSQL database is and how to be let in: URL, TLS options, passwords, masking.

Passwords are looked for in this order: the URL (works, and draws a warning), the file that
`LISTBACKUP_PASSWORD_FILE` names, then libpq's own `PGPASSWORD` and `.pgpass`. Nothing here opens
a connection, and nothing here prints or represents a password.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode

from listbackup.errors import AuthError, UsageError

SCHEMES = ("postgresql", "postgres")
SHOWN = frozenset(
    "application_name channel_binding connect_timeout gssencmode hostaddr keepalives "
    "load_balance_hosts requirecert sslcert sslcrl sslkey sslmode sslnegotiation sslrootcert "
    "sslsni ssl_min_protocol_version ssl_max_protocol_version target_session_attrs".split()
)
"""Query parameters that are no secrets; all others are masked."""

MASK = "***"


@dataclass(frozen=True, slots=True)
class Address:
    """One database. `hosts` are (host, port) pairs, tried in turn; a host that begins with `/`
    is the directory of a socket, an empty one libpq's default. `parameters` go to libpq."""

    hosts: tuple[tuple[str, int], ...]
    database: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    password_in_url: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        """The first host, for names and messages; `localhost` where it is a socket's default."""
        return self.hosts[0][0] or "localhost"

    @property
    def port(self) -> int:
        """The first port."""
        return self.hosts[0][1]

    @property
    def masked(self) -> str:
        """The URL as it may be shown: no password, no parameter that could be one."""
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        places = ",".join(f"{quote(host, safe=':[]')}:{port}" for host, port in self.hosts)
        query = {k: v if k in SHOWN else MASK for k, v in sorted(self.parameters.items())}
        tail = f"?{urlencode(query, safe='*/')}" if query else ""
        return f"postgresql://{user}{places}/{quote(self.database, safe='')}{tail}"

    def with_database(self, database: str) -> "Address":
        """The same server, another database."""
        return replace(self, database=database)

    def with_user(self, user: str, password: str | None) -> "Address":
        """The same database, another user."""
        return replace(self, user=user, password=password)

    def libpq(self) -> dict[str, str]:
        """Give libpq's connection parameters, the password among them where it is known."""
        given = {
            **self.parameters,
            "host": ",".join(host for host, _ in self.hosts),
            "port": ",".join(str(port) for _, port in self.hosts),
            "dbname": self.database,
        }
        if self.user is not None:
            given["user"] = self.user
        if self.password is not None:
            given["password"] = self.password
        return {name: value for name, value in given.items() if value.strip(",")}

    def scrub(self, text: str) -> str:
        """Take the secrets out of a message that somebody else wrote."""
        secrets = [v for k, v in self.parameters.items() if k not in SHOWN]
        for secret in (self.password, *secrets):
            if secret and len(secret) > 3:
                text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
        return text


def parse_address(url: str, environment: Mapping[str, str]) -> Address:
    """Read a URL `postgresql://user:password@host:port/database?sslmode=...`.

    Several hosts may be given, split by commas; `?host=/directory` names a socket. Raises
    UsageError (which never repeats the URL) and AuthError for an unreadable password file.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise UsageError("A PostgreSQL source is given as postgresql://user@host:port/database.")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    credentials, _, places = authority.rpartition("@")
    user, colon, password = credentials.partition(":")
    parameters = _parse_query(query)
    in_query = parameters.pop("password", "")
    secret = unquote(password) if colon else in_query
    database = parameters.pop("dbname", "") or unquote(path)
    if not database:
        raise UsageError(
            "The URL names no database.", hint="Write it as postgresql://user@host:port/database"
        )
    named = unquote(user) or parameters.pop("user", "") or environment.get("PGUSER")
    hosts = _parse_hosts(parameters.pop("host", "") or places, parameters.pop("port", ""))
    return Address(
        hosts=hosts,
        database=database,
        user=named or None,
        password=secret or _read_password_file(environment),
        password_in_url=bool(secret),
        parameters=parameters,
    )


def _parse_query(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise UsageError("The URL's parameters are not written as name=value&...") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UsageError("The URL gives a parameter twice.")
    return found


def _parse_hosts(places: str, ports: str) -> tuple[tuple[str, int], ...]:
    given = ports.split(",")
    hosts = []
    for index, place in enumerate(places.split(",")):
        host, port = _split_place(place)
        if ports:
            port = given[index] if index < len(given) else given[-1]
        try:
            number = int(port) if port else 5432
        except ValueError:
            raise UsageError("The port in the URL is not a number.") from None
        if not 0 < number < 65536:
            raise UsageError("The port in the URL is not between 1 and 65535.")
        hosts.append((unquote(host), number))
    return tuple(hosts)


def _split_place(place: str) -> tuple[str, str]:
    if place.startswith("/"):
        return place, ""
    if place.startswith("["):
        host, closed, rest = place[1:].partition("]")
        if not closed:
            raise UsageError("An address in brackets is not closed in the URL.")
        return host, rest.removeprefix(":")
    host, _, port = place.partition(":")
    return host, port


def _read_password_file(environment: Mapping[str, str]) -> str | None:
    name = environment.get("LISTBACKUP_PASSWORD_FILE")
    if not name:
        return None
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise AuthError(
            f"The password file cannot be read: {type(error).__name__}.",
            subject=name,
            hint="LISTBACKUP_PASSWORD_FILE names a file that holds the password and no more.",
        ) from error
