"""A platform, a vault and the time between them: one source that is synced over and over, and
compared with what the platform would have given.

Everything is the product's own but the clock, and the transport, which asks a sandbox in the same
process.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.budgets import Budgets
from listbackup.connectors.rest.connection import (
    Connection,
    Overrides,
    choose_way,
    settle_settings,
)
from listbackup.connectors.rest.credentials import (
    Credential,
    Keeper,
    MemoryKeeper,
    Tokens,
    write_credential,
)
from listbackup.connectors.rest.loading import parse_platform
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.source import RestSource
from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.disk import SystemDisk
from listbackup.host import Host
from listbackup.log import Secret
from listbackup.records import Source
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.breaking import Breaker
from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.keap.filling import Amounts
from listbackup.sandbox.platforms.keap.filling import fill as fill_keap
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.sandbox.platforms.oauth import Client, Grant, Wish
from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from listbackup.sandbox.platforms.stripe.filling import fill as fill_stripe
from listbackup.sandbox.platforms.transport import SandboxTransport
from listbackup.sync.engine import SyncResult
from listbackup.testing.hosts import SeededEntropy
from listbackup.testing.paces import PlayedPace
from listbackup.testing.vaults import Trial
from tests.proof.platforms.post import Post
from tests.proof.platforms.truth import Lines, Truth, find_key

SMALL = 12
"""So many records a page: lists have many pages, and pages overlap."""
KINDS = ("stripe", "keap", "post")
LATENCY = 0.05
HOST = "https://keap.example"
CLIENT = Client("keap-app-id", "canary-of-the-client-5d1e", ("http://127.0.0.1:9999/back",))


class PacedClock:
    """The vault's clock: the pace's time, and a millisecond more with every look."""

    def __init__(self, pace: PlayedPace) -> None:
        self._pace = pace
        self._looks = 0

    def now(self) -> datetime:
        """Give the played time."""
        self._looks += 1
        return self._pace.now() + timedelta(milliseconds=self._looks)

    def monotonic(self) -> float:
        """Give the seconds that have passed."""
        return self._pace.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self._pace.set_wall(self._pace.now() + timedelta(seconds=seconds))


@cache
def describe(kind: str, size: int = SMALL) -> Platform:
    """Load a description whose pages are small (0: as they are)."""
    if kind == "post":
        data = (Path(__file__).parent / "post.yaml").read_bytes()
    else:
        place = files("listbackup.connectors.rest") / "platforms" / f"{kind}.yaml"
        data = place.read_bytes()
    platform = parse_platform(data, f"{kind}.yaml")
    paging = {name: _shrink(one, size) for name, one in platform.paging.items()}
    return platform.model_copy(update={"paging": paging}) if size else platform


def _shrink(paging: Any, size: int) -> Any:
    given = getattr(paging, "size", None)
    if given is None:
        return paging
    return paging.model_copy(update={"size": given.model_copy(update={"value": size})})


@dataclass
class World:
    """One platform of a kind, with an account that is small; one vault, one source.

    `include` are the streams that are synced, all where it is empty; `latency` is how long each
    answer takes.
    """

    kind: str
    root: Path
    seed: int = 1
    amount: int = 30
    tags: int = 14
    include: tuple[str, ...] = ()
    latency: float = LATENCY
    jobs: int = 2
    size: int = SMALL
    pace: PlayedPace = field(default_factory=PlayedPace)
    wrap: Callable[[Transport], Transport] = lambda transport: transport
    keeper: Keeper = field(default_factory=MemoryKeeper)
    way: str = "key"

    def __post_init__(self) -> None:
        self.dice = Dice(self.seed, "world", self.kind)
        self.platform = describe(self.kind, self.size)
        self.budgets = Budgets(self.pace, SeededEntropy(self.seed))
        self.sandbox: Application[Any] = self._build()
        self.connect()
        host = Host(PacedClock(self.pace), SeededEntropy(self.seed), SystemDisk())
        self.trial = Trial(self.root, host, encryption="sealed")
        self.trial.create()

    def _build(self) -> Application[Any]:
        if self.kind == "stripe":
            stripe = StripeSandbox(self.pace, self.seed)
            fill_stripe(stripe.books(), self.amount, self.seed)
            return stripe
        if self.kind == "keap":
            keap = Keap(self.pace, self.seed)
            amounts = Amounts(contacts=self.amount, companies=17, tags=self.tags, products=14)
            fill_keap(keap.add_tenant("acme"), self.seed, amounts)
            return keap
        post = Post(self.pace, self.seed)
        post.fill(self.amount, self.amount * 2)
        return post

    # ------------------------------------------------------------------------------ the source

    def make_key(self) -> str:
        """Let the platform give a key."""
        match self.sandbox:
            case StripeSandbox() as stripe:
                return stripe.add_key()
            case Keap() as keap:
                return keap.issue_key("acme")
            case Post() as post:
                return post.add_key()
        raise AssertionError(self.sandbox)

    def connect(self) -> None:
        """Connect the source, or connect it again: by a new key."""
        if self.way == "oauth":
            self.consent("acme", self.keeper)
            return
        name = "key" if self.kind == "keap" else "token"
        secrets = {name: Secret(self.make_key())}
        credential = Credential(self.kind, "key", secrets, self.pace.now(), "", "")
        self.keeper.write(write_credential(credential))

    def consent(self, tenant: str, keeper: Keeper) -> Grant:
        """Let a person of a tenant consent, and keep the tokens."""
        assert isinstance(self.sandbox, Keap)
        authority = self.sandbox.authority
        authority.admit(CLIENT)
        code = authority.consent(Wish(CLIENT, CLIENT.redirects[0], ("full",), None, ""), tenant)
        given = authority.exchange(CLIENT, code, CLIENT.redirects[0], "")
        now = self.pace.now()
        until = now + timedelta(seconds=given.lifetime)
        tokens = Tokens(Secret(given.access), Secret(given.refresh), now, until)
        secrets = {"client_id": Secret(CLIENT.id), "client_secret": Secret(CLIENT.secret)}
        credential = Credential("keap", "oauth", secrets, now, tenant, tenant, tokens)
        keeper.write(write_credential(credential))
        return authority.grants[-1]

    @property
    def base_url(self) -> str:
        """Where the platform is."""
        return f"{HOST}/crm" if self.kind == "keap" else f"https://{self.kind}.example"

    def connection(self, **changes: Any) -> Connection:
        """The source as it is set up."""
        made = Connection(
            name=self.kind,
            platform=self.platform,
            way=choose_way(self.platform, self.way),
            settings=settle_settings(self.platform, {}),
            overrides=Overrides(
                self.base_url,
                f"{HOST}/app/oauth/authorize",
                f"{HOST}/token",
                f"{HOST}/token/revoke",
            ),
            allow_private_hosts=False,
            keeper=self.keeper,
            connect=lambda urls, private: self.wrap(
                SandboxTransport(self.sandbox, self.pace, latency=self.latency)
            ),
            pace=self.pace,
            budgets=self.budgets,
        )
        return replace(made, **changes)

    def source(self, *, full: bool = False, **changes: Any) -> RestSource:
        """What a sync reads."""
        options = ReadOptions(include=self.include, full=full, jobs=self.jobs)
        trial = self.trial
        return RestSource(self.connection(**changes), options, trial.host, trial.events.append)

    def sync(self, *, full: bool = False, **options: Any) -> SyncResult:
        """Sync once. Raises what a sync raises."""
        options.setdefault("jobs", self.jobs)
        options.setdefault("typed_from", None)
        return self.trial.sync(cast(Source, self.source(full=full)), self.kind, **options)

    def pass_time(self, **span: float) -> None:
        """Let time pass."""
        self.pace.set_wall(self.pace.now() + timedelta(**span))

    # ---------------------------------------------------------------------------- the judgement

    def tell_truth(self, *, honest: bool = True) -> Truth:
        """Look at what the platform has; not `honest`: as its faults let it be seen."""
        key = self.make_key()
        name, value = ("x-keap-api-key", key) if self.kind == "keap" else ("authorization", key)
        if self.kind != "keap":
            value = f"Bearer {key}"
        breaker = Breaker(self.sandbox)

        def ask(request: Request) -> Response:
            request = replace(request, headers={**request.headers, name: value})
            while True:
                if honest:
                    response = self.sandbox.handle(request)
                else:
                    response = breaker.answer(request).response
                if response.status != 429:
                    return response
                self.pass_time(seconds=61 if self.kind == "keap" else 1)

        hooks, self.sandbox.hooks = self.sandbox.hooks, []
        logging, self.sandbox.logging = self.sandbox.logging, False
        truth = Truth(self.platform, self.base_url, self.connection().settings, ask).look()
        self.sandbox.hooks, self.sandbox.logging = hooks, logging
        return truth

    def look_into_vault(self) -> dict[str, Lines]:
        """Give what the newest snapshot has, of every stream by key."""
        snapshot = self.trial.snapshot()
        keys = {one.name: one.key for one in self.platform.streams}
        held: dict[str, Lines] = {}
        for name, stream in snapshot.streams.items():
            lines = b"".join(stream.chunks()).splitlines()
            by_key = {find_key(json.loads(line), keys[name]): line for line in lines}
            assert len(by_key) == len(lines), f"{name} has two lines of one key"
            held[name] = by_key
        return held

    def compare(
        self, truth: Truth | None = None, held: Mapping[str, Lines] | None = None
    ) -> list["Difference"]:
        """Say in what the vault and the platform differ."""
        truth = truth or self.tell_truth()
        held = self.look_into_vault() if held is None else held
        wanted = [name for name in truth.streams if not self.include or name in self.include]
        found = [compare_lines(name, truth.streams[name], held.get(name, {})) for name in wanted]
        return [one for one in found if one is not None]


@dataclass(frozen=True, slots=True)
class Difference:
    """In what a stream of a vault is not what the platform has: keys of what is missing, of what
    is there though it is not, and of what has other bytes."""

    stream: str
    missing: frozenset[str]
    extra: frozenset[str]
    other: frozenset[str]


def compare_lines(stream: str, truth: Lines, held: Lines) -> Difference | None:
    """Compare two states of a stream byte for byte; None where they are the same."""
    missing = frozenset(truth.keys() - held.keys())
    extra = frozenset(held.keys() - truth.keys())
    other = frozenset(key for key in truth.keys() & held.keys() if truth[key] != held[key])
    if not (missing or extra or other):
        return None
    return Difference(stream, missing, extra, other)
