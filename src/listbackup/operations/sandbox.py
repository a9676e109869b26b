"""`sandbox serve`: platforms of our own on free ports, filled, with keys and a stanza for each.

Everything is in memory and gone when it ends.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from listbackup.app import App
from listbackup.errors import UsageError
from listbackup.log import SECRET_PREFIX
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.faults import Fault, Rule, parse_rules
from listbackup.sandbox.platforms.keap.filling import Amounts
from listbackup.sandbox.platforms.keap.filling import fill as fill_keap
from listbackup.sandbox.platforms.keap.platform import AUTHORIZE, TOKEN, Keap
from listbackup.sandbox.platforms.oauth import Client
from listbackup.sandbox.platforms.server import serve
from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from listbackup.sandbox.platforms.stripe.filling import fill as fill_stripe

LARGEST = 1_000_000
REDIRECT = "http://127.0.0.1:8765/callback"
"""Where a consent leads back to: `source add --redirect-url` takes it."""


@dataclass(frozen=True, slots=True)
class SandboxWishes:
    """What to serve: names of platforms, how many customers or contacts, from which seed, with
    which faults (`reset:0.01,html:every=50`), from which port on; 0 takes free ones."""

    platforms: tuple[str, ...]
    size: int = 1000
    seed: int = 0
    faults: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class SandboxKey:
    """Something that opens a sandbox. It opens nothing else."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SandboxServing:
    """A platform that is being served: where, how many customers or contacts it has, what opens
    it, which faults it has, the stanza of a configuration file that names it, and commands that
    connect it as a source, one for each way."""

    platform: str
    url: str
    size: int
    keys: tuple[SandboxKey, ...]
    faults: tuple[str, ...]
    stanza: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SandboxStopped:
    """A platform that was served: how many requests it answered, and how many of them it broke."""

    platform: str
    requests: int
    broken: int


@dataclass(frozen=True, slots=True)
class _Made:
    application: Application[Any]
    keys: tuple[SandboxKey, ...]
    ways: Mapping[str, Mapping[str, str]]
    path: str = ""
    more: Mapping[str, str] | None = None


class Sandbox:
    """The platforms that are being served."""

    def __init__(self, serving: Sequence[SandboxServing], made: Sequence[_Made]) -> None:
        self.serving = tuple(serving)
        self._made = tuple(made)

    def stopped(self) -> Iterator[SandboxStopped]:
        """Sum up."""
        for one in self._made:
            application = one.application
            broken = sum(application.dial.performed.values())
            yield SandboxStopped(application.name, application.answered, broken)


@contextmanager
def open_sandbox(app: App, wishes: SandboxWishes) -> Iterator[Sandbox]:
    """Serve platforms until the block ends. Raises UsageError for what is not understood and
    FailedError where a port cannot be had."""
    if not 0 <= wishes.size <= LARGEST:
        raise UsageError(f"--size is a number from 0 to {LARGEST:,}.")
    rules = parse_rules(wishes.faults)
    made = [MAKERS[name](app, wishes) for name in wishes.platforms]
    with ExitStack() as stack:
        serving = []
        for number, one in enumerate(made):
            one.application.logging = False
            one.application.dial.set(*rules)
            port = wishes.port + number if wishes.port else 0
            secure = any(rule.fault is Fault.CERTIFICATE for rule in rules)
            at = stack.enter_context(serve(one.application, port, secure=secure))
            serving.append(_describe(one, at.url, wishes.size, rules))
        yield Sandbox(serving, made)


def _describe(made: _Made, url: str, size: int, rules: Sequence[Rule]) -> SandboxServing:
    name = made.application.name
    urls = {"base_url": made.path, **(made.more or {})}
    lines = [
        "sources:",
        f"  sandbox-{name}:",
        f"    connector: {name}",
        *(f"    {key}: {url}{path}" for key, path in urls.items()),
        "    allow_private_hosts: true",
    ]
    faults = tuple(rule.fault.value for rule in rules)
    stanza, commands = "\n".join(lines), tuple(_write_commands(made, url, urls))
    return SandboxServing(name, url + made.path, size, made.keys, faults, stanza, commands)


def _write_commands(made: _Made, url: str, urls: Mapping[str, str]) -> Iterator[str]:
    """Write what connects the platform as a source; these secrets open the sandbox alone."""
    keys = {one.name: one.value for one in made.keys}
    places = {f"--{name.replace('_', '-')}": url + path for name, path in urls.items()}
    for auth, secrets in made.ways.items():
        name = f"sandbox-{made.application.name}-{auth}"
        said = [f"{SECRET_PREFIX}{one.upper()}={keys[key]}" for one, key in secrets.items()]
        said += [f"listbackup source add {made.application.name} --name {name} --auth {auth}"]
        consents = "client_id" in secrets
        said += [f"{option} {places[option]}" for option in places if consents or "base" in option]
        said += [f"--redirect-url {keys['redirect_url']}"] if consents else []
        yield " ".join([*said, "--allow-private-hosts"])


def _make_stripe(app: App, wishes: SandboxWishes) -> _Made:
    stripe = StripeSandbox(app.host.clock, wishes.seed)
    fill_stripe(stripe.books(), wishes.size, wishes.seed)
    fill_stripe(stripe.books(live=False), wishes.size // 10, wishes.seed)
    keys = (SandboxKey("key", stripe.key), SandboxKey("test_key", stripe.test_key))
    return _Made(stripe, keys, {"key": {"token": "key"}})


def _make_keap(app: App, wishes: SandboxWishes) -> _Made:
    keap = Keap(app.host.clock, wishes.seed)
    fill_keap(keap.add_tenant("sandbox"), wishes.seed, Amounts(contacts=wishes.size))
    client = Client("sandbox-client", keap.dice.bytes(16).hex(), (REDIRECT,))
    keap.authority.admit(client)
    keys = (
        SandboxKey("key", keap.issue_key("sandbox")),
        SandboxKey("client_id", client.id),
        SandboxKey("client_secret", client.secret),
        SandboxKey("redirect_url", REDIRECT),
    )
    client_keys = {"client_id": "client_id", "client_secret": "client_secret"}
    ways = {"key": {"key": "key"}, "oauth": client_keys}
    return _Made(keap, keys, ways, "/crm", {"authorize_url": AUTHORIZE, "token_url": TOKEN})


MAKERS: Mapping[str, Callable[[App, SandboxWishes], _Made]] = {
    "stripe": _make_stripe,
    "keap": _make_keap,
}
"""Platforms that have a sandbox."""
