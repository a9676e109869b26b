"""Children that back a platform up over real HTTP, killed at a random moment of a phase that is
drawn first; then a sync that goes on from what they left.

The platform is served by the parent, which outlives them. A child tells each phase as it begins,
and the parent kills it at one of these moments or a little later.
"""

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection as Line
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.budgets import Budgets
from listbackup.connectors.rest.connection import (
    Connection,
    Overrides,
    choose_way,
    settle_settings,
)
from listbackup.connectors.rest.credentials import Credential, MemoryKeeper, write_credential
from listbackup.connectors.rest.httpclient import connect
from listbackup.connectors.rest.loop import ROOM
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.pace import SystemPace
from listbackup.connectors.rest.source import RestSource
from listbackup.connectors.rest.transport import Request, Response, Transport
from listbackup.host import Host
from listbackup.log import Secret
from listbackup.records import Source
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.server import Serving
from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from listbackup.sync.engine import SyncResult
from listbackup.sync.marking import Cuts
from listbackup.testing.faults import FaultyStore, Point
from listbackup.testing.vaults import Trial
from tests.proof.platforms.worlds import SMALL, World, describe
from tests.proof.strikes import forks

PHASES = ("list", "child", "feed", "put", "journal", "commit")
OFTEN = Cuts(every=timedelta(0), least=timedelta(0), bytes=0)
"""Everything that was read is named at every mark."""
END = "end"
READ = ("customers", "customers.payment_methods", "charges", "products", "prices")
COUNTED = "GET /v1/charges"
"""A list that is gone on with where it was left."""
RECORD = 40_000
AGAIN = ROOM // (SMALL * RECORD) + 4
"""So many of its pages may be asked for once more after a kill: what waited to be written, and the
pages on their way before and after."""
Tell = Callable[[str], None]


class Hurried:
    """A clock of the platform on which every request takes a twentieth of a second, so that no
    limit is ever met."""

    def __init__(self, start: datetime, sandbox: Application[Any]) -> None:
        self._start = start
        self._sandbox = sandbox

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self._start += timedelta(seconds=seconds)

    def now(self) -> datetime:
        """Give the time."""
        return self._start + timedelta(seconds=self._sandbox.answered / 20)


@dataclass
class Telling:
    """A client that tells what is asked."""

    inner: Transport
    tell: Tell

    async def send(self, request: Request) -> Response:
        """Tell the phase, and send."""
        path = urlsplit(request.url).path
        below = path.count("/") > 2
        self.tell("feed" if path == "/v1/events" else "child" if below else "list")
        return await self.inner.send(request)

    async def close(self) -> None:
        """Close it."""
        await self.inner.close()


@dataclass(frozen=True)
class Installation:
    """What a process has to know to sync: picklable."""

    root: Path
    url: str
    key: str

    def trial(self, tell: Tell) -> Trial:
        """Open the vault."""

        def hook(point: Point) -> None:
            if point.moment != "before" or point.call != "put":
                return
            words = point.subject
            named = "journal" if "journal" in words else "put"
            tell("commit" if "manifest" in words or "ledger" in words else named)

        return Trial(self.root, Host(), wrap=lambda store: FaultyStore(store, hook))

    def sync(
        self, tell: Tell, pace: SystemPace | None = None, include: Sequence[str] = READ
    ) -> SyncResult:
        """Sync once."""
        trial = self.trial(tell)
        pace = pace or SystemPace(trial.host.clock)
        platform = unlimited()
        keeper = MemoryKeeper()
        secrets = {"token": Secret(self.key)}
        keeper.write(write_credential(Credential("stripe", "key", secrets, pace.now(), "", "")))
        connection = Connection(
            name="stripe",
            platform=platform,
            way=choose_way(platform, "key"),
            settings=settle_settings(platform, {}),
            overrides=Overrides(self.url),
            allow_private_hosts=True,
            keeper=keeper,
            connect=lambda urls, private: Telling(connect(urls, private), tell),
            pace=pace,
            budgets=Budgets(pace, trial.host.entropy),
        )
        source = RestSource(connection, ReadOptions(include=tuple(include)), trial.host)
        return trial.sync(cast(Source, source), "stripe", cuts=OFTEN, typed_from=None)


def unlimited() -> Platform:
    """Give the description without any limit: nobody waits here."""
    platform = describe("stripe")
    ways = [one.model_copy(update={"budgets": ()}) for one in platform.authentication]
    return platform.model_copy(update={"budgets": (), "authentication": tuple(ways)})


def _child(installation: Installation, line: Line) -> None:
    installation.sync(lambda word: line.send_bytes(word.encode()))
    line.send_bytes(END.encode())


@dataclass
class Field:
    """A platform with an account, a vault in two states (`empty`, and `later` than a first sync,
    with changes since), and the kills that were tried. `again` says for each how many pages of the
    counted list were asked for once more."""

    world: World
    serving: Serving
    chance: random.Random
    histogram: Counter[str] = field(default_factory=Counter)
    again: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = Hurried(self.world.pace.now(), self.world.sandbox)
        self.world.sandbox.watch = self.watch
        self.key = self.world.make_key()
        self.states: dict[str, dict[str, int]] = {}
        self.needed: dict[str, Counter[str]] = {}
        Installation(self._place("empty"), "", "").trial(lambda word: None).create()

    def _place(self, name: str) -> Path:
        return self.world.root / name

    def measure(self, state: str) -> None:
        """Sync once from a state without a kill, and remember how often each phase begins, and
        what was asked."""
        told: list[str] = []
        shutil.copytree(self._place(state), self._place("measured"))
        self.world.sandbox.log.clear()
        result = self._installation("measured").sync(told.append)
        assert result.reasons == []
        assert self._compare("measured") == []
        self.states[state] = dict(Counter(told))
        self.needed[state] = self._count_asked()
        if state == "empty":
            shutil.copytree(self._place("measured"), self._place("later"))
            self._change()
        shutil.rmtree(self._place("measured"))

    def _change(self) -> None:
        assert isinstance(self.world.sandbox, StripeSandbox)
        books = self.world.sandbox.books()
        self.watch.pass_time(7200)
        for name in ("customers", "products", "charges"):
            for id_ in sorted(books.account[name].records)[:9]:
                books.change(name, id_, metadata={"changed": "x" * 9000})
        books.delete("customers", max(books.account["customers"].records))

    def _installation(self, name: str) -> Installation:
        return Installation(self._place(name), self.serving.url, self.key)

    def _compare(self, name: str) -> list[object]:
        self.world.include = READ
        self.world.trial = self._installation(name).trial(lambda word: None)
        return list(self.world.compare())

    def _count_asked(self) -> Counter[str]:
        return Counter(one.operation for one in self.world.sandbox.log)

    def kill_one(self, state: str, phase: str) -> None:
        """Kill one child in a phase, go on, and look at what is there."""
        often = self.states[state].get(phase, 0)
        if not often:
            return
        number, wait = self.chance.randrange(often), self.chance.random() ** 3 / 50
        shutil.copytree(self._place(state), self._place("again"))
        self.world.sandbox.log.clear()
        died = self._run(phase, number, wait)
        self.histogram[died] += 1
        result = self._installation("again").sync(lambda word: None)
        words = f"killed in {died} (wanted {phase} {number} of {often} from {state})"
        if result.reasons:
            self.wrong.append(f"{words}: {result.reasons}")
        self._judge_asked(state, words)
        for one in self._compare("again"):
            self.wrong.append(f"{words}: {one}")
        if not self.world.trial.check("structure").sound:
            self.wrong.append(f"{words}: the vault is not sound")
        shutil.rmtree(self._place("again"))

    def _judge_asked(self, state: str, words: str) -> None:
        more = self._count_asked()[COUNTED] - self.needed[state][COUNTED]
        self.again.append(max(0, more))
        if more > AGAIN:
            self.wrong.append(f"{words}: {more} pages were asked for once more")

    def _run(self, phase: str, number: int, wait: float) -> str:
        """Run a child and kill it; give the phase in which it died."""
        ear, mouth = forks().Pipe(duplex=False)
        child = forks().Process(target=_child, args=(self._installation("again"), mouth))
        child.start()
        mouth.close()
        told = ["start"]
        met = 0
        with suppress(EOFError):
            while told[-1] != END:
                told.append(ear.recv_bytes().decode())
                if told[-1] != phase or child.pid is None:
                    continue
                met += 1
                if met == number + 1:
                    time.sleep(wait)
                    with suppress(ProcessLookupError):
                        os.kill(child.pid, signal.SIGKILL)
        child.join()
        ear.close()
        assert child.exitcode == -signal.SIGKILL or told[-1] == END, child.exitcode
        child.close()
        return told[-1]


def make_heavy(world: World) -> None:
    """Make records so large that there is a mark with every page."""
    assert isinstance(world.sandbox, StripeSandbox)
    books = world.sandbox.books()
    for id_ in list(books.account["charges"].records):
        books.change("charges", id_, told=False, metadata={"note": "x" * RECORD})
