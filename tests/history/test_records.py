"""The past of JSON records: what changed, who is found, what SQL sees and what is exported."""

import csv
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from listbackup.events import ignore
from listbackup.history.diffing import RowDifference, pair_streams
from listbackup.history.exporting import Exporter, ExportOptions, Format
from listbackup.history.finding import Finder, Life
from listbackup.history.partfields import MOST_READ
from listbackup.history.publishing import Terms, publish
from listbackup.history.querying import Query
from listbackup.history.syncrecords import Told
from listbackup.history.timelines import SourcePast, Timeline
from listbackup.records import Part, Stream
from listbackup.records.recordlines import join_lines
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import MOMENT, ListedReading, ListedSource
from listbackup.testing.vaults import Trial
from tests.history.shops import ask as plain_ask

Records = Sequence[Mapping[str, Any] | str]
KEYS = {"contacts": ("id",), "contact_tags": ("contact.id", "tag")}


@dataclass
class RecordSource:
    """Streams of records, given as objects or as JSON."""

    streams: Mapping[str, Records]
    moment: datetime = MOMENT

    def open(self) -> "RecordReading":
        """Start a reading."""
        return RecordReading(self)


class RecordReading(ListedReading):
    """One pass over a `RecordSource`."""

    def __init__(self, source: RecordSource) -> None:
        super().__init__(ListedSource({}, moment=source.moment))
        self._records = source.streams
        self.streams = [self._describe(name) for name in source.streams]

    def _describe(self, name: str) -> Stream:
        key = KEYS.get(name, ())
        schema = {"kind": "records", "columns": [], "key": list(key)}
        return Stream(name, "records/1", schema, key, tuple(range(len(key))))

    def read(self, part: Part) -> Iterator[bytes]:
        """Give the records, three a chunk."""
        records = [
            one.encode() if isinstance(one, str) else json.dumps(one).encode()
            for one in self._records[part.stream]
        ]
        for start in range(0, len(records), 3):
            yield join_lines(records[start : start + 3])


def make_contacts(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"cus_{n}",
            "email": f"user{n}@example.com",
            "score": n / 8,
            "tags": [{"id": n % 3, "name": "a/b"}],
            "address": {"city": "Köln" if n % 2 else "Berlin", "zip": f"0{n}"},
            "company": None,
        }
        for n in range(count)
    ]


FIRST = {"contacts": make_contacts(9), "contact_tags": [{"contact": {"id": 1}, "tag": "x", "n": 1}]}


def change(contacts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """3 has another address and a new field, 4 goes, `cus_new` comes."""
    changed = [dict(one) for one in contacts if one["id"] != "cus_4"]
    changed[3] |= {"address": {"city": "Ulm"}, "vip": True}
    changed[5] = dict(reversed(changed[5].items()))
    return [*changed, {"id": "cus_new", "score": "high"}]


@pytest.fixture(params=[0, None], ids=["with a stored view", "without"], scope="module")
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Give a vault of two snapshots, that nobody changes."""
    trial = Trial(tmp_path_factory.mktemp("records"))
    trial.create()
    trial.sync(RecordSource(FIRST), typed_from=request.param)
    second = {**FIRST, "contacts": change(FIRST["contacts"])}
    later = RecordSource(second, MOMENT + timedelta(days=1))
    trial.sync(later, typed_from=request.param)
    return trial


def ask(trial: Trial, sql: str, words: str = "latest") -> list[list[Any]]:
    def follow(stream: str) -> Timeline:
        return SourcePast(trial.open(), "shop").timeline(stream)

    with Query(trial.snapshot(words), follow, sql) as query:
        return [list(row) for row in query.rows(query.prepare())]


def test_records_come_back_byte_for_byte(trial: Trial) -> None:
    lines = [json.dumps(one).encode() for one in change(FIRST["contacts"])]
    assert sorted(trial.restore()["contacts"].splitlines()) == sorted(lines)
    assert trial.check("data").sound


def test_fields_are_columns_of_sql_in_every_snapshot(trial: Trial) -> None:
    sql = "SELECT id, score, vip, company FROM contacts WHERE id IN ('cus_3', 'cus_new') ORDER BY 1"
    assert ask(trial, sql) == [["cus_3", "0.375", True, None], ["cus_new", "high", None, None]]
    assert ask(trial, "SELECT sum(score), count(company) FROM contacts", "latest~1") == [[4.5, 0]]
    assert ask(trial, "SELECT tags->>'$[0].name', address->>'$.city' FROM contacts LIMIT 1") == [
        ["a/b", "Berlin"]
    ]
    assert ask(trial, 'SELECT "contact.id", tag, contact FROM contact_tags') == [
        [1, "x", '{"id": 1}']
    ]
    assert [row[0] for row in ask(trial, "DESCRIBE contacts")] == [*FIRST["contacts"][0], "vip"]


def test_every_record_that_ever_was_has_its_time(trial: Trial) -> None:
    sql = (
        "SELECT id, address->>'$.city', _from_snapshot, _to_snapshot FROM history.contacts"
        " WHERE id IN ('cus_1', 'cus_3', 'cus_4', 'cus_new') ORDER BY id, _from"
    )
    first, second = "20261101-120000", "20261102-120000"
    assert ask(trial, sql) == [
        ["cus_1", "Köln", first, None],
        ["cus_3", "Köln", first, second],
        ["cus_3", "Ulm", second, None],
        ["cus_4", "Berlin", first, second],
        ["cus_new", None, second, None],
    ]


def compare(trial: Trial, stream: str) -> list[RowDifference]:
    (pair,) = pair_streams(trial.snapshot("latest~1"), trial.snapshot(), [stream])
    pair.compare()
    return sorted(pair.rows(), key=lambda row: str(row.key))


def test_a_comparison_names_the_fields_that_changed(trial: Trial) -> None:
    rows = compare(trial, "contacts")
    assert [(row.kind, row.key, row.columns) for row in rows] == [
        ("changed", '["cus_3"]', ("address", "vip")),
        ("removed", '["cus_4"]', ()),
        ("changed", '["cus_6"]', ()),
        ("added", '["cus_new"]', ()),
    ]
    assert rows[0].after is not None
    assert (rows[0].after["address"], rows[0].after["vip"]) == ('{"city": "Ulm"}', "true")
    assert rows[1].before is not None
    assert (rows[1].before["id"], rows[1].before["company"]) == ("cus_4", None)
    assert compare(trial, "contact_tags") == []


def finder(trial: Trial, stream: str = "contacts") -> Finder:
    return Finder(SourcePast(trial.open(), "shop").timeline(stream))


def tell(lives: list[Life]) -> list[tuple[str | None, list[tuple[str, tuple[str, ...]]]]]:
    return [(life.key, [(step.kind, step.columns) for step in life.steps]) for life in lives]


def test_a_record_is_found_by_its_key_as_a_person_writes_it(trial: Trial) -> None:
    life = ('["cus_3"]', [("appeared", ()), ("changed", ("address", "vip"))])
    assert tell(finder(trial).find_key("cus_3")) == [life]
    assert tell(finder(trial).find_key('["cus_3"]')) == [life]
    assert tell(finder(trial).find_key("cus_4")) == [
        ('["cus_4"]', [("appeared", ()), ("went", ())])
    ]
    assert finder(trial).find_key("cus_99") == []
    tags = finder(trial, "contact_tags")
    assert tell(tags.find_key('[1, "x"]')) == [('[1,"x"]', [("appeared", ())])]
    assert tags.find_key("1") == []


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("user7@", ['["cus_7"]']),
        ("Köln", ['["cus_1"]', '["cus_3"]', '["cus_5"]', '["cus_7"]']),
        ("0.375", ['["cus_3"]']),
        ("city", []),
        ("high", ['["cus_new"]']),
        ("Berlin\n", []),
    ],
)
def test_a_text_is_found_within_values_at_any_depth(
    trial: Trial, text: str, keys: list[str]
) -> None:
    assert sorted(str(life.key) for life in finder(trial).find_text(text, 100)) == keys


SPELLINGS = [
    r'{"id":"\u00e9\/1","t":"caf\u00E9 \ud83d\ude00"}',
    '{"id":"é/1", "t":"a \\"b\\" c\\\\d"}',
    r'{"id":17,"t":"x\u003cy"}',
    r'{"id":"17","t":"half \ud83d"}',
    r'{"id":1.50,"t":{"n":[{"m":"deep/er"}]}}',
]


def test_however_a_platform_writes_a_text_it_is_found(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.create()
    trial.sync(RecordSource({"contacts": SPELLINGS}))

    def keys(*lives: Life) -> list[str | None]:
        return sorted([life.key for life in lives], key=str)

    one = finder(trial)
    assert keys(*one.find_key("é/1")) == sorted([r'["\u00e9\/1"]', '["é/1"]'])
    assert keys(*one.find_key("17")) == sorted(["[17]", '["17"]'])
    assert keys(*one.find_key("1.50")) == ["[1.50]"]
    assert one.find_key("1.5") == []
    for text, key in [
        ("café 😀", r'["\u00e9\/1"]'),
        ('"b"', '["é/1"]'),
        ("c\\d", '["é/1"]'),
        ("<y", "[17]"),
        ("deep/er", "[1.50]"),
        ("half", '["17"]'),
    ]:
        assert keys(*one.find_text(text, 100)) == [key], text


def export(trial: Trial, to: Path, kind: Format) -> dict[str, Any]:
    Exporter(trial.snapshot(), to, ExportOptions(kind, ("contacts",)), play_host(), ignore).run()
    (told,) = json.loads((to / "manifest.json").read_text())["streams"]
    assert told["rows"] == 9
    return dict(told)


EXPECTED = {one["id"]: one for one in change(FIRST["contacts"])}


@pytest.mark.parametrize("kind", ["ndjson", "json"])
def test_exports_as_json_are_the_records_themselves(
    trial: Trial, tmp_path: Path, kind: Format
) -> None:
    told = export(trial, tmp_path / "out", kind)
    text = (tmp_path / "out" / told["file"]).read_text()
    records = json.loads(text) if kind == "json" else list(map(json.loads, text.splitlines()))
    assert {one["id"]: one for one in records} == EXPECTED


def test_an_export_as_csv_has_every_field(trial: Trial, tmp_path: Path) -> None:
    told = export(trial, tmp_path / "out", "csv")
    with (tmp_path / "out" / told["file"]).open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(EXPECTED)
    assert rows["cus_3"] == {
        "id": "cus_3",
        "email": "user3@example.com",
        "score": "0.375",
        "tags": '[{"id": 0, "name": "a/b"}]',
        "address": '{"city": "Ulm"}',
        "company": "",
        "vip": "true",
    }
    assert [one["name"] for one in told["columns"]] == list(rows["cus_3"])


def test_an_export_as_sqlite_keeps_numbers(trial: Trial, tmp_path: Path) -> None:
    told = export(trial, tmp_path / "out", "sqlite")
    with closing(sqlite3.connect(tmp_path / "out" / told["file"])) as lite:
        rows = lite.execute("SELECT id, score, vip, address FROM contacts ORDER BY id").fetchall()
    assert rows[3] == ("cus_3", 0.375, 1, '{"city": "Ulm"}')
    assert rows[8] == ("cus_new", "high", None, None)


@pytest.mark.parametrize("kind", ["parquet", "duckdb"])
def test_typed_exports_have_one_table_of_all_batches(
    trial: Trial, tmp_path: Path, kind: Format
) -> None:
    told = export(trial, tmp_path / "out", kind)
    path = tmp_path / "out" / told["file"]
    with duckdb.connect(":memory:" if kind == "parquet" else str(path)) as plain:
        table = f"'{path}'" if kind == "parquet" else "contacts"
        rows = plain.execute(f"SELECT id, score, vip FROM {table} ORDER BY id").fetchall()
    assert rows[3] == ("cus_3", "0.375", True)
    assert rows[8] == ("cus_new", "high", None)


def read_schema(trial: Trial, version: int) -> dict[str, Any]:
    name = f"schemas/v{version}/contacts-schema.json"
    path = trial.place / "data/accounts/default/sources/shop" / name
    return dict(json.loads(path.read_bytes()))


@pytest.mark.parametrize("typed_from", [0, None])
def test_schemas_and_statistics_widen_with_the_records(
    tmp_path: Path, typed_from: int | None
) -> None:
    trial = Trial(tmp_path, encryption="none")
    trial.create()

    def back_up(streams: Mapping[str, Records], day: int) -> None:
        source = RecordSource(streams, MOMENT + timedelta(days=day))
        done = trial.sync(source, typed_from=typed_from)
        told = Told(done.commit.number, done.new_rows, done.gone_rows)
        publish(trial.open(), "shop", told, Terms(seconds=1000.0))

    back_up(FIRST, 0)
    schema = read_schema(trial, 1)
    assert schema["properties"]["score"] == {"type": ["number", "null"]}
    assert schema["properties"]["company"] == {"type": "null"}
    assert schema["required"] == ["id"]
    back_up({"contacts": change(FIRST["contacts"])}, 1)
    schema = read_schema(trial, 2)
    assert schema["properties"]["score"]["type"] == ["number", "null", "string"]
    assert schema["properties"]["vip"]["type"] == ["boolean", "null"]
    assert "x-gone" not in json.dumps(schema)
    back_up({"contacts": change(FIRST["contacts"])[:-1]}, 2)
    with pytest.raises(FileNotFoundError):
        read_schema(trial, 3)
    if typed_from == 0:
        home = trial.place / "data/accounts/default/sources/shop"
        first, second, third = json.loads(
            (home / "statistics/2026/11/stats-contacts.json").read_bytes()
        )["syncs"]
        columns = {one["name"]: one for one in first["new_columns"]}
        assert (columns["score"]["type"], columns["score"]["sum"]) == ("DOUBLE", "4.5")
        assert {one["name"] for one in second["new_columns"]} >= {"id", "vip", "score"}
        assert third["rows"] == 8
        (current,) = home.glob("processed/*/*/*/contacts/current/*.parquet")
        sql = f"SELECT count(*), sum(score), count(company) FROM '{current}'"
        assert plain_ask(sql) == [(9, 4.5, 0)]
    assert trial.check("data").sound


def test_streams_of_no_records_and_of_no_fields_can_be_asked_and_exported(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.create()
    trial.sync(RecordSource({"contacts": [], "empty": ["{}", "{}"]}))
    assert ask(trial, "SELECT count(*), count(id) FROM contacts") == [[0, 0]]
    assert ask(trial, "SELECT count(*) FROM empty") == [[2]]
    for kind in ("csv", "ndjson", "json", "sqlite", "parquet", "duckdb"):
        options = ExportOptions(kind)
        done = Exporter(trial.snapshot(), tmp_path / kind, options, play_host(), ignore).run()
        assert [one.rows for one in done.streams] == [0, 2]


def test_many_lines_without_a_typed_view_are_not_read_for_a_description(tmp_path: Path) -> None:
    trial = Trial(tmp_path, encryption="none")
    trial.create()
    text = "x" * 100_000
    contacts = [{"id": f"cus_{number}", "text": text} for number in range(MOST_READ // 100_000 + 1)]

    def back_up(contacts: list[dict[str, Any]], day: int) -> None:
        source = RecordSource({"contacts": contacts}, MOMENT + timedelta(days=day))
        done = trial.sync(source, typed_from=None)
        told = Told(done.commit.number, done.new_rows, done.gone_rows)
        publish(trial.open(), "shop", told, Terms(seconds=1000.0))

    back_up(contacts, 0)
    with pytest.raises(FileNotFoundError):
        read_schema(trial, 1)
    assert trial.check("data").sound
    back_up(contacts[:3], 1)
    assert trial.check("data").sound
