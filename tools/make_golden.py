"""Makes the golden vaults under tests/golden, with the product's own writer on a played machine.

Run once for a format and kept for ever: `python tools/make_golden.py DIRECTORY`. A later format
gets a directory of its own beside them. What is expected of each snapshot is written from the rows
themselves, never read back from the vault.
"""

import base64
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from listbackup.host import Host
from listbackup.objectstore.local import LocalStore
from listbackup.records import Declared, Extra, Part, Stream
from listbackup.sync.engine import SyncOptions, run_sync
from listbackup.testing.changes import Change, commit_changes
from listbackup.testing.hosts import PlayedClock, play_host
from listbackup.testing.readings import ListedReading, ListedSource
from listbackup.vault.accounts import Encryption
from listbackup.vault.creation import Wishes, create_vault, read_key_file
from listbackup.vault.installation import Installation
from listbackup.vault.layout import stream_path
from listbackup.vault.opening import Access, open_vault
from listbackup.vault.unlocking import Secret
from listbackup.vault.upkeep import keep_up

Row = list[str | None]
PASSPHRASE = "correct horse battery staple, spelt wïth ümlauts"
START = datetime(2026, 10, 30, 9, 0, tzinfo=UTC)
CONTROLS = "".join(chr(code) for code in (*range(1, 32), 127))
CONTACTS: list[Row] = [
    ["1", "Ada", "plain"],
    ["2", None, ""],
    ["3", "tab\there", 'quote " and backslash \\ and \\N'],
    ["4", "line\nbreak\r", "vertical\vtab"],
    ["5", CONTROLS, "umlaut ü, kanji 漢字, emoji 🙂, u+2028 \u2028"],
    ["6", ",null", '","'],
    ["7", "null", "[null]"],
]
MANY: list[Row] = [[str(number), str(number * number % 97)] for number in range(2200)]
LATIN = [b"1\tcaf\xe9\t\\N\n", b"2\t\\\\\xff\\t\xfe\tplain\n"]
LATIN_LINES = [["1", b"caf\xe9", None], ["2", b"\\\xff\t\xfe", "plain"]]
ODD_NAME = 'public."Odd / ..\\Näme"'


class GoldenReading(ListedReading):
    """The listed streams and one of a database that is not in UTF-8."""

    def __init__(self, source: ListedSource) -> None:
        super().__init__(source)
        columns = [{"name": f"c{n}", "type": "text", "position": n} for n in range(3)]
        schema = {"kind": "table", "columns": columns, "key": ["c0"], "charset": "SQL_ASCII"}
        latin = Stream("latin", "copy-text-array/1", schema, ("c0",), (0,), 2, 0)
        self.streams = [*self.streams, latin]

    def read(self, part: Part) -> Iterator[bytes]:
        """Give the part's rows."""
        if part.stream == "latin":
            yield b"".join(LATIN)
        else:
            yield from super().read(part)

    def parts(self, stream: Stream) -> Sequence[Part]:
        """Cut nothing."""
        return [Part(stream.name, 0, "all")]


class GoldenSource(ListedSource):
    """Gives `GoldenReading`s."""

    def open(self) -> ListedReading:
        """Start a reading."""
        return GoldenReading(self)


@dataclass
class Maker:
    """One golden vault in the making."""

    scratch: Path
    encryption: Encryption
    clock: PlayedClock = field(default_factory=lambda: PlayedClock(START))
    expected: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.host: Host = play_host(1 if self.encryption == "sealed" else 2, self.clock)
        self.installation = Installation(self.scratch / "state", self.host)

    def access(self) -> Access:
        """Reach the vault with the key file."""
        store = LocalStore(self.scratch / "vault", self.host, volatile=True)
        key = self.scratch / "key-file"
        held = [Secret("file", read_key_file(key, key.read_bytes()), "key")] if key.exists() else []
        return Access(store, store, self.host, self.installation, lambda event: None, held)

    def create(self) -> None:
        """Make the vault with every way to open it."""
        sealed = self.encryption == "sealed"
        wishes = Wishes(
            self.scratch,
            self.encryption,
            deployment="golden",
            key_file=self.scratch / "key-file" if sealed else None,
            passphrase=PASSPHRASE if sealed else None,
            kit_file=self.scratch / "kit.txt",
            label="golden",
        )
        create_vault(self.access(), wishes, {"create_exclusive": "passed"})
        if sealed:
            (self.scratch / "passphrase").write_text(PASSPHRASE + "\n", "utf-8")

    def sync(self, name: str, source: ListedSource, streams: Mapping[str, Sequence[Any]]) -> None:
        """Run one whole sync; `streams` are the lines that it must show."""
        vault = open_vault(self.access())
        commit = run_sync(source, vault, name, SyncOptions(jobs=1)).commit
        self.expect(name, commit.name, commit.status, streams)
        keep_up(vault, name)
        self.clock.jump(timedelta(days=1, hours=1))

    def change(
        self,
        changes: Mapping[str, Change],
        carried: Mapping[str, str],
        streams: Mapping[str, Sequence[Any]],
    ) -> None:
        """Commit a snapshot that keeps what did not change."""
        moment = self.clock.now().replace(microsecond=0)
        vault = open_vault(self.access())
        commit = commit_changes(vault, "shop", changes, carried=carried, moment=moment)
        self.expect("shop", commit.name, commit.status, streams)
        keep_up(vault, "shop")
        self.clock.jump(timedelta(days=1, hours=1))

    def expect(
        self, source: str, name: str, status: str, streams: Mapping[str, Sequence[Any]]
    ) -> None:
        """Note what a snapshot must show."""
        lines = {stream: write_lines(rows) for stream, rows in sorted(streams.items())}
        self.expected.append({"source": source, "name": name, "status": status, "lines": lines})


def write_lines(rows: Sequence[Sequence[Any]]) -> str:
    """Write rows as copy-text-array/1 is specified."""
    values = [
        [{"b64": base64.b64encode(v).decode()} if isinstance(v, bytes) else v for v in row]
        for row in rows
    ]
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in values]
    return "".join(f"{line}\n" for line in lines)


def make_vault(scratch: Path, encryption: Encryption) -> list[dict[str, Any]]:
    """Make one golden vault: whole and partial syncs of two months, carried streams, a stream
    that was never read, dead lines of two syncs, packs and objects of their own, two sources."""
    maker = Maker(scratch, encryption)
    maker.create()
    first: dict[str, list[Row]] = {
        "contacts": CONTACTS,
        "many": MANY,
        ODD_NAME: [["x", "y"]],
        "empty": [],
    }
    extras = (Extra("pg-archive", b"PGDMP golden"), Extra("pg-sequences", b'[{"name":"s"}]'))
    declared = (Declared("statistics", "shop", "a restore makes them anew"),)
    source = GoldenSource(first, moment=START, extras=extras, declared=declared)
    shown: dict[str, Sequence[Any]] = {**first, "latin": LATIN_LINES}
    maker.sync("shop", source, shown)

    locked = {"contacts": "locked by another session", "many": "locked", "late": "no right to read"}
    fewer: dict[str, list[Row]] = {ODD_NAME: [["x", "z"], ["w", None]], "empty": []}
    moment = START + timedelta(days=3)
    listed: dict[str, list[Row]] = {**fewer, **{name: [] for name in locked}}
    shown = {**shown, **fewer}
    maker.sync("shop", GoldenSource(listed, moment=moment, locked=locked), shown)

    contacts: list[Row] = [*CONTACTS[:2], *CONTACTS[4:], ["3", "changed", None]]
    many = [*MANY[1:700], *MANY[900:]]
    maker.change(
        {
            "contacts": Change(contacts, contacts[-1:], {0: [(2, 2)]}),
            "many": Change(many, (), {0: [(0, 1), (700, 200)]}),
        },
        {ODD_NAME: "lock timeout"},
        {"contacts": contacts, "many": many, ODD_NAME: fewer[ODD_NAME]},
    )
    left: list[Row] = [*MANY[1:700], *MANY[900:2199], ["2199", "new"]]
    maker.change(
        {
            "contacts": Change(contacts),
            "many": Change(left, left[-1:], {0: [(2199, 1)]}),
        },
        {},
        {"contacts": contacts, "many": left},
    )
    loose: list[Row] = [["same"], ["same"], [None]]
    maker.sync("crm", ListedSource({"loose": loose}, moment=moment, keyed=False), {"loose": loose})
    return maker.expected


def main() -> int:
    """Make both vaults and what is expected of them in a directory that holds none yet."""
    place = Path(sys.argv[1])
    for encryption, name in (("sealed", "sealed"), ("none", "plain")):
        with tempfile.TemporaryDirectory(prefix="golden-") as scratch:
            expected = make_vault(Path(scratch), "sealed" if encryption == "sealed" else "none")
            shutil.rmtree(Path(scratch) / "state")
            shutil.copytree(scratch, place / name)
        for snapshot in expected:
            folder = place / "expected" / f"{snapshot['source']}-{snapshot['name']}"
            folder.mkdir(parents=True, exist_ok=True)
            for stream, lines in snapshot["lines"].items():
                (folder / f"{stream_path(stream)}.ndjson").write_text(lines, "utf-8", newline="")
        index = [
            {**one, "lines": {stream: stream_path(stream) for stream in one["lines"]}}
            for one in expected
        ]
        (place / "expected.json").write_text(json.dumps(index, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
