"""A platform of a test's own, as a stranger would describe it: asked in played time, read as any
other, kept as a vault keeps it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

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
    MemoryKeeper,
    list_wanted,
    write_credential,
)
from listbackup.connectors.rest.loading import parse_platform
from listbackup.connectors.rest.source import RestSource
from listbackup.connectors.rest.transport import Request, Response
from listbackup.errors import SourceError
from listbackup.host import Host
from listbackup.log import Secret
from listbackup.records import Before, Mark
from listbackup.records.recordlines import read_keys
from listbackup.testing.hosts import SeededEntropy
from listbackup.testing.paces import PlayedPace

Record = dict[str, Any]
Answer = Callable[[Request], Response]
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
HEAD = """
platform: land
title: Land
version: "1"
base_url: https://land.example
"""
TOKEN = "authentication: [{kind: bearer, name: token, title: Token}]\n"
KEPT = "restore: {kind: archive_only, why: a test}"


def describe(paging: str, *more: str, records: str = "data") -> str:
    """Describe one list of things."""
    keys = [f"paging: {paging}" * bool(paging), f"records: {records}" * bool(records), *more]
    lines = "".join(f"\n    {one}" for one in keys if one)
    return f"streams:\n  - name: things\n    request: {{path: /things}}{lines}\n    {KEPT}\n"


@dataclass
class Land:
    """The platform, and the copy of it. `said` is what the last sync said of each stream: nothing
    where all is well; `declared` are streams that it declared to be not permitted."""

    yaml: str
    answer: Answer
    settings: dict[str, str] = field(default_factory=dict)
    pace: PlayedPace = field(default_factory=lambda: PlayedPace(START))
    asked: list[Request] = field(default_factory=list)
    copy: dict[str, dict[bytes, Record]] = field(default_factory=dict)
    before: dict[str, Before] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    marks: list[Any] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        text = self.yaml
        if "platform:" not in text:
            text = HEAD + TOKEN * ("authentication:" not in text) + text
        self.platform = parse_platform(text.encode(), "land.yaml")
        way = choose_way(self.platform, None)
        secrets = {one.name: Secret(f"canary-{one.name}-8d1f") for one in list_wanted(way)}
        keeper = MemoryKeeper()
        name = self.platform.platform
        keeper.write(write_credential(Credential(name, way.name, secrets, self.pace.now())))
        self.connection = Connection(
            name="land",
            platform=self.platform,
            way=way,
            settings=settle_settings(self.platform, self.settings),
            overrides=Overrides(),
            allow_private_hosts=False,
            keeper=keeper,
            connect=lambda urls, private: self,
            pace=self.pace,
            budgets=Budgets(self.pace, SeededEntropy(1)),
        )

    async def send(self, request: Request) -> Response:
        """Answer a request (it is its own transport)."""
        self.asked.append(request)
        await self.pace.sleep(0.01)
        date = {"date": format_datetime(self.pace.now(), usegmt=True)}
        found = self.answer(request)
        return Response(found.status, {**date, **found.headers}, found.body)

    async def close(self) -> None:
        """There is nothing."""

    def pass_time(self, **span: int) -> None:
        """Let time pass."""
        self.pace.set_wall(self.pace.now() + timedelta(**span))

    def sync(self, **options: Any) -> list[Record]:
        """Read everything and keep it; give the records of `things`, or of the last stream."""
        self.asked.clear()
        source = RestSource(self.connection, ReadOptions(**options), Host(entropy=SeededEntropy(5)))
        reading = source.open()
        self.said, given = {}, {}
        try:
            reading.go_on(self.before)
            names = [stream.name for stream in reading.streams]
            for stream in list(reading.streams):
                try:
                    given[stream.name] = self._read(reading, stream)
                except SourceError as error:
                    self.said[stream.name] = error.message
            closing = reading.finish()
            self.declared = {one.subject for one in closing.declared}
        finally:
            reading.close()
        for name, records in given.items():
            outcome = closing.outcomes[name]
            kept = {} if outcome.status == "complete" else self.copy.get(name, {})
            self.copy[name] = {**kept, **records}
            for key in outcome.deleted:
                self.copy[name].pop(key, None)
            self.before[name] = Before(outcome.checkpoint, None, len(self.copy[name]), 0)
            self.said[name] = outcome.reason
        return list(self.copy.get(names[-1], {}).values())

    def _read(self, reading: Any, stream: Any) -> dict[bytes, Record]:
        found = {}
        (part,) = reading.parts(stream)
        for chunk in reading.read_on(part):
            if isinstance(chunk, Mark):
                self.marks.append(chunk.place)
                continue
            for line in chunk.split(b"\n")[:-1]:
                (key,) = read_keys([line], stream.key)
                found[key] = json.loads(line)
        return found


def query(request: Request) -> dict[str, Any]:
    """What a request asks for, in its query or its body."""
    asked: dict[str, Any] = dict(parse_qsl(urlsplit(request.url).query))
    return asked | (json.loads(request.body) if request.body else {})


def write(page: Any, status: int = 200, **headers: str) -> Response:
    """Write an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status, {"content-type": "application/json", **named}, json.dumps(page).encode()
    )


def make_things(count: int) -> list[Record]:
    """Make records."""
    return [{"id": number, "name": f"thing {number}"} for number in range(1, count + 1)]
