"""An export holds every row of a snapshot, with checksums, or it has no manifest."""

import csv
import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from listbackup.errors import IntegrityError, RefusedError, UsageError
from listbackup.events import Event, Progressed, StreamDone, ignore
from listbackup.history.exporting import FORMATS, Export, Exporter, ExportOptions, Format
from listbackup.history.sqlitefiles import SqliteFile
from listbackup.history.values import choose_json, choose_sqlite, write_cell, write_safe_cell
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial
from tests.history.conftest import live_a_while

STREAMS: dict[str, list[list[str | None]]] = {
    "public.users": [
        ["1", 'he said "hi", ok', None],
        ["2", "two\r\nlines", ""],
        ["3", "=1+1", " é\u2028 "],
    ],
    "Hostile/../name": [["1"]],
    "manifest": [["1", "x"]],
    "none": [],
}


def export(trial: Trial, to: Path, kind: Format, *streams: str, **options: Any) -> Export:
    asked = ExportOptions(kind, streams, **options)
    return Exporter(trial.snapshot(), to, asked, play_host(), ignore).run()


def read_back(directory: Path, stream: str) -> list[list[str | None]]:
    """Read a stream's file as another program would; empty texts of CSV are told by the file."""
    manifest = json.loads((directory / "manifest.json").read_text())
    (told,) = [one for one in manifest["streams"] if one["stream"] == stream]
    path = directory / told["file"]
    names = [column["name"] for column in told["columns"]]
    if manifest["format"] == "csv":
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        assert header == names
        return [[value or None for value in row] for row in rows]
    if manifest["format"] == "ndjson":
        lines = path.read_bytes().split(b"\n")
        return [list(json.loads(line).values()) for line in lines[:-1]]
    if manifest["format"] == "json":
        return [list(row.values()) for row in json.loads(path.read_bytes())]
    if manifest["format"] == "sqlite":
        quoted = told["table"].replace('"', '""')
        with closing(sqlite3.connect(path)) as lite:
            return [list(row) for row in lite.execute(f'SELECT * FROM "{quoted}"')]
    place = str(path) if manifest["format"] == "duckdb" else ":memory:"
    with duckdb.connect(place) as database:
        table = told["table"] or f"read_parquet('{path}')"
        return [list(row) for row in database.execute(f"SELECT * FROM {table}").fetchall()]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_row_comes_back(make_trial: Callable[..., Trial], tmp_path: Path, kind: str) -> None:
    trial = make_trial()
    trial.sync(ListedSource(STREAMS))
    directory = tmp_path / "out"
    done = export(trial, directory, kind)  # type: ignore[arg-type]
    for stream, rows in STREAMS.items():
        blanks = kind == "csv"
        expected = [[(value or None) if blanks else value for value in row] for row in rows]
        assert read_back(directory, stream) == expected
    manifest = json.loads((directory / "manifest.json").read_text())
    assert manifest["snapshot"] == trial.snapshot().id
    assert {one["stream"]: one["rows"] for one in manifest["streams"]} == {
        name: len(rows) for name, rows in STREAMS.items()
    }
    for one in manifest["files"]:
        body = (directory / one["file"]).read_bytes()
        assert one["bytes"] == len(body)
        assert one["sha256"] == "sha256:" + hashlib.sha256(body).hexdigest()
    written = {path.name for path in directory.iterdir()}
    assert written == {"manifest.json", *(one.file for one in done.files)}


def test_dead_lines_are_left_out_of_every_format(trial: Trial, tmp_path: Path) -> None:
    shown = live_a_while(trial)[-1]
    for kind in FORMATS:
        export(trial, tmp_path / kind, kind, "public.users")
        found = read_back(tmp_path / kind, "public.users")
        expected = [list(row) for row in shown["public.users"]]
        assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_csv_tells_null_from_an_empty_text(trial: Trial, tmp_path: Path) -> None:
    trial.sync(ListedSource(STREAMS))
    export(trial, tmp_path / "out", "csv", "public.users")
    assert (tmp_path / "out/public.users.csv").read_bytes() == (
        'c0,c1,c2\r\n1,"he said ""hi"", ok",\r\n2,"two\r\nlines",""\r\n3,=1+1, é\u2028 \r\n'
    ).encode()


def test_excel_safe_marks_what_begins_like_a_formula() -> None:
    for text in ("=1+1", "+x", "-x", "@x", "\tx"):
        assert write_safe_cell(text) == f"'{text}"
        assert write_cell(text) == text
    for harmless in ("-5", "+1.50", "x=1", "", None):
        assert write_safe_cell(harmless) == write_cell(harmless)


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("integer", "-5", "-5"),
        ("bigint", "9007199254740991", "9007199254740991"),
        ("bigint", "9007199254740993", '"9007199254740993"'),
        ("numeric", "1.10", '"1.10"'),
        ("double precision", "3e-300", "3e-300"),
        ("double precision", "NaN", '"NaN"'),
        ("real", "-Infinity", '"-Infinity"'),
        ("boolean", "t", "true"),
        ("boolean", "f", "false"),
        ("jsonb", '{"a": [1, 2.50]}', '{"a": [1, 2.50]}'),
        ("json", '{"a":\n 1}', '{"a":  1}'),
        ("json", "{broken", '"{broken"'),
        ("text", "7", '"7"'),
        ("text", None, "null"),
        ("text", 9007199254740993, '"9007199254740993"'),
        ("text", 1.5, "1.5"),
    ],
)
def test_json_has_numbers_only_where_no_reader_rounds_them(
    kind: str, value: object, written: str
) -> None:
    assert choose_json(kind)(value) == written


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("bigint", "9223372036854775807", 9223372036854775807),
        ("bigint", "9223372036854775808", "9223372036854775808"),
        ("double precision", "0.1", 0.1),
        ("double precision", "NaN", "NaN"),
        ("boolean", "t", 1),
        ("bytea", "\\x00ff", b"\x00\xff"),
        ("bytea", "\\xzz", "\\xzz"),
        ("numeric", "1.10", "1.10"),
        ("BLOB", {"b64": "AP8="}, b"\x00\xff"),
        ("TEXT", {"r": "-inf"}, float("-inf")),
        ("INTEGER", 2**70, str(2**70)),
    ],
)
def test_sqlite_holds_what_it_can_hold_exactly(kind: str, value: object, held: object) -> None:
    _, convert = choose_sqlite(kind)
    assert convert(value) == held


def test_only_a_new_or_empty_directory_is_written_to(trial: Trial, tmp_path: Path) -> None:
    trial.sync(ListedSource(STREAMS))
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(RefusedError, match="not empty"):
        export(trial, tmp_path, "csv")
    assert [path.name for path in tmp_path.glob("*.csv")] == []
    export(trial, tmp_path, "csv", force=True)
    export(trial, tmp_path, "csv", "public.users", force=True)
    assert (tmp_path / "mine.txt").read_text() == "precious"
    assert len(json.loads((tmp_path / "manifest.json").read_text())["streams"]) == 1
    with pytest.raises(UsageError, match="No stream"):
        export(trial, tmp_path / "new", "csv", "nix")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", FORMATS)
def test_damage_leaves_no_manifest_and_nothing_that_looks_whole(
    make_trial: Callable[..., Trial], tmp_path: Path, kind: str
) -> None:
    trial = make_trial(encryption="none")
    live_a_while(trial, 3000)
    damage(trial.place)
    with pytest.raises(IntegrityError) as caught:
        export(trial, tmp_path / "out", kind, "public.users")  # type: ignore[arg-type]
    assert caught.value.subject
    assert list((tmp_path / "out").iterdir()) == []


def damage(place: Path) -> None:
    for path in (place / "data").rglob("*"):
        if path.is_file() and ("batch" in path.name or path.suffix == ".parquet"):
            raw = bytearray(path.read_bytes())
            raw[len(raw) // 2] ^= 1
            path.write_bytes(raw)


def test_a_forced_export_that_fails_takes_the_old_manifest_away(
    make_trial: Callable[..., Trial], tmp_path: Path
) -> None:
    trial = make_trial(encryption="none")
    live_a_while(trial, 3000)
    export(trial, tmp_path / "out", "csv")
    damage(trial.place)
    with pytest.raises(IntegrityError):
        export(trial, tmp_path / "out", "csv", force=True)
    assert not (tmp_path / "out/manifest.json").exists()


def test_progress_is_told(make_trial: Callable[..., Trial], tmp_path: Path) -> None:
    trial = make_trial()
    trial.sync(ListedSource(STREAMS))
    for kind in FORMATS:
        heard: list[Event] = []
        options = ExportOptions(kind)
        Exporter(trial.snapshot(), tmp_path / kind, options, play_host(), heard.append).run()
        assert sum(one.rows for one in heard if isinstance(one, Progressed)) == 5
        assert done(heard) == sorted(STREAMS)


def test_values_that_say_their_types_keep_them(tmp_path: Path) -> None:
    schema = {"columns": [{"name": "a", "type": "TEXT"}, {"name": "A", "type": "INT"}]}
    with SqliteFile(tmp_path / "x.sqlite") as file:
        assert file.add("sqlite_odd", schema, [[[5, "5"], [1.5, None]]], dynamic=True) == (
            "_sqlite_odd"
        )
    with closing(sqlite3.connect(tmp_path / "x.sqlite")) as lite:
        assert lite.execute("SELECT * FROM _sqlite_odd").fetchall() == [(5, "5"), (1.5, None)]


def done(heard: Sequence[Event]) -> list[str]:
    return sorted(one.stream for one in heard if isinstance(one, StreamDone))
