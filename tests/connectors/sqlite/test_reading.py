"""A reading gives every row of every table as it is, and names what it does not give."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.sqlite import parts
from listbackup.connectors.sqlite.parts import find_step
from listbackup.errors import SourceError
from listbackup.events import Event, Warned
from tests.connectors.sqlite.files import ask, lines_of, open_reading, run, snapshot_of


def parts_of(path: Path, stream: str) -> dict[str, list[bytes]]:
    """Give the lines of a stream by the home of their part."""
    with closing(open_reading(path)) as reading:
        (found,) = [one for one in reading.streams if one.name == stream]
        return {
            part.home: b"".join(reading.read(part)).splitlines() for part in reading.parts(found)
        }


def test_values_keep_their_types_whatever_the_column_says(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, i INT, v)")
    values = ["NULL", "1", "1.0", "'1'", "x'31'", "9e999", "-0.0", "9007199254740993"]
    for value in values:
        run(path, f"INSERT INTO t (i, v) VALUES ({value}, {value})")
    assert lines_of(snapshot_of(path), "main.t") == [
        b"[1,null,null]",
        b"[2,1,1]",
        b"[3,1,1.0]",
        b'[4,1,"1"]',
        b'[5,{"b64":"MQ=="},{"b64":"MQ=="}]',
        b'[6,{"r":"inf"},{"r":"inf"}]',
        b"[7,0,-0.0]",
        b"[8,9007199254740993,9007199254740993]",
    ]


KEYS = {
    "id INTEGER PRIMARY KEY, v": (["id", "v"], ("id",)),
    "id INT PRIMARY KEY NOT NULL, v": (["rowid", "id", "v"], ("id",)),
    "id INTEGER PRIMARY KEY DESC, v": (["rowid", "id", "v"], ("id",)),
    "a, b": (["rowid", "a", "b"], ("rowid",)),
    "rowid TEXT, v": (["_rowid_", "rowid", "v"], ("_rowid_",)),
    "rowid, _rowid_, OID": (["rowid", "_rowid_", "OID"], ()),
    "a, b, PRIMARY KEY (b, a)": (["rowid", "a", "b"], ("b", "a")),
}


@pytest.mark.parametrize("columns", KEYS)
def test_rows_are_known_by_their_key_or_by_their_rowid(tmp_path: Path, columns: str) -> None:
    path = tmp_path / "a.db"
    run(
        path,
        f"CREATE TABLE t ({columns}); INSERT INTO t VALUES (1, 2{', 3' * columns.count('OID')})",
    )
    stream = snapshot_of(path).streams["main.t"]
    assert ([c["name"] for c in stream.schema["columns"]], stream.key) == KEYS[columns]


def test_a_primary_key_with_nulls_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(path, "CREATE TABLE t (a, b, PRIMARY KEY (a, b)); INSERT INTO t VALUES (1, 1)")
    assert snapshot_of(path).streams["main.t"].key == ("a", "b")
    run(path, "INSERT INTO t VALUES (NULL, 1), (NULL, 1)")
    assert snapshot_of(path).streams["main.t"].key == ("rowid",)


def test_a_table_without_rowids_has_its_key_and_one_part(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(path, "CREATE TABLE t (a, b PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES (1, 'x')")
    assert parts_of(path, "main.t") == {"all": [b'[1,"x"]']}
    assert snapshot_of(path).streams["main.t"].key == ("b",)


def test_columns_that_follow_from_others_are_left_out_and_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(
        path,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v AS (id * 2), s AS (id * 3) STORED);"
        "INSERT INTO t VALUES (1), (2)",
    )
    stream = snapshot_of(path).streams["main.t"]
    assert [c["name"] for c in stream.schema["columns"]] == ["id"]
    assert [c["name"] for c in stream.schema["generated"]] == ["s"]
    assert stream.generated is not None
    assert stream.generated.rows == 2


def test_streams_are_chosen_by_patterns(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(path, 'CREATE TABLE a (x); CREATE TABLE ab (x); CREATE TABLE "A b" (x)')
    named = set(snapshot_of(path).streams)
    assert named == {"main.a", "main.ab", 'main."A b"'}
    chosen = ReadOptions(include=("main.a*",), exclude=("*b",))
    assert set(snapshot_of(path, chosen).streams) == {"main.a"}


def build_wide_range(path: Path, rowids: list[int]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        connection.executemany("INSERT INTO t VALUES (?, 1)", ((n,) for n in rowids))


def test_rows_stay_in_their_part_when_others_are_appended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "CELL", 1024)
    path = tmp_path / "a.db"
    build_wide_range(path, list(range(-5, 2100)))
    before = parts_of(path, "main.t")
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = ((n,) for n in range(2100, 2600))
        connection.executemany("INSERT INTO t VALUES (?, 1)", rows)
    after = parts_of(path, "main.t")
    assert list(before) == [
        "rowid -1024 -1",
        "rowid 0 1023",
        "rowid 1024 2047",
        "rowid 2048 3071",
    ]
    *full, _ = before
    assert all(before[home] == after[home] for home in full)
    assert sum(map(len, after.values())) == 2605


def test_a_table_that_grows_beyond_one_cell_keeps_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    build_wide_range(path, [1, 2])
    before = parts_of(path, "main.t")
    assert list(before) == ["rowid 0 1048575"]
    run(path, "INSERT INTO t VALUES (1048576, 1)")
    after = parts_of(path, "main.t")
    assert after["rowid 0 1048575"] == before["rowid 0 1048575"]


def test_rowids_at_both_ends_of_what_there_is_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "CELL", 2)
    path = tmp_path / "a.db"
    rowids = [-(2**63), -(2**63) + 1, -1, 0, 5, 10**12, 2**63 - 1]
    build_wide_range(path, rowids)
    read = parts_of(path, "main.t")
    assert [json.loads(line)[0] for lines in read.values() for line in lines] == rowids


@pytest.mark.parametrize("rows", [2**20 + 1, 10**7, 10**9])
def test_cells_are_as_many_as_the_rows_need_however_far_apart_they_lie(rows: int) -> None:
    for lowest, highest in ((1, rows), (-(2**63), 2**63 - 1), (10**18, 10**18 + 50 * rows)):
        step = find_step(rows, lowest, highest)
        assert step & (step - 1) == 0
        assert step >= 2**20
        assert (highest - lowest) // step <= 2 * rows / 2**20 + 2


def test_virtual_tables_are_read_as_the_tables_beneath_them(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(
        path,
        "CREATE VIRTUAL TABLE docs USING fts5 (body); INSERT INTO docs VALUES ('hello');"
        "PRAGMA writable_schema = ON;"
        "INSERT INTO sqlite_master VALUES"
        " ('table', 'far', 'far', 0, 'CREATE VIRTUAL TABLE far USING elsewhere (x)')",
    )
    snapshot = snapshot_of(path)
    assert lines_of(snapshot, "main.docs_content") == [b'[1,"hello"]']
    assert "main.docs" not in snapshot.streams
    (declared,) = snapshot.declared
    assert (declared.what, declared.subject) == ("virtual table", "main.far")
    assert "elsewhere" in declared.reason


def test_large_values_and_many_columns_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    wide = ", ".join(f"c{n}" for n in range(2000))
    run(path, f"CREATE TABLE wide ({wide}); CREATE TABLE big (v)")
    run(path, f"INSERT INTO wide VALUES ({', '.join(map(str, range(2000)))})")
    run(path, "INSERT INTO big VALUES (zeroblob(10000000)), (1)")
    snapshot = snapshot_of(path)
    assert json.loads(lines_of(snapshot, "main.wide")[0]) == list(range(2000))
    assert [len(line) for line in lines_of(snapshot, "main.big")] == [13333350, 5]
    assert [d.what for d in snapshot.declared] == ["rowids"]


def test_what_a_restore_would_lack_is_said_when_it_is_backed_up(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_function("secret", 1, lambda value: value, deterministic=True)
        connection.executescript("CREATE TABLE t (a); CREATE INDEX i ON t (secret(a))")
    (declared,) = snapshot_of(path).declared
    assert declared.subject == "main.i"
    assert "secret" in declared.reason


# ------------------------------------------------------------------------------------ damage


def build_two(path: Path) -> None:
    """Two tables, each of many pages, one with an index."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for name in ("sound", "sick"):
            connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, v)")
            rows = ((n, f"value {n} " * 5) for n in range(3000))
            connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", rows)
        connection.execute("CREATE INDEX sick_v ON sick (v)")


def page_of(path: Path, table: str, number: int) -> int:
    """Give the place in the file of a table's leaf."""
    question = (
        f"SELECT pgoffset FROM dbstat WHERE name = '{table}' AND pagetype = 'leaf' ORDER BY pageno"
    )
    place = ask(path, question)[number][0]
    assert isinstance(place, int)
    return place


def overwrite(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


def wipe_leaf(path: Path) -> None:
    overwrite(path, page_of(path, "sick", 5), bytes(4096))


def garble_cells(path: Path) -> None:
    overwrite(path, page_of(path, "sick", 5) + 8, b"\xff\xff" * 30)


def empty_leaf(path: Path) -> None:
    """Say that a page holds no rows, as a careless tool would."""
    page = b"\x0d\0\0\0\0\x10\0\0" + bytes(4088)
    overwrite(path, page_of(path, "sick", 5), page)


def point_to_another_table(path: Path) -> None:
    stranger = page_of(path, "sound", 3) // 4096 + 1
    root = ask(path, "SELECT pgoffset FROM dbstat WHERE name = 'sick' AND path = '/'")[0][0]
    assert isinstance(root, int)
    with path.open("r+b") as file:
        file.seek(root + 12)
        cell = root + int.from_bytes(file.read(2), "big")
        file.seek(cell)
        file.write(stranger.to_bytes(4, "big"))


@pytest.mark.parametrize("damage", [wipe_leaf, garble_cells, empty_leaf, point_to_another_table])
def test_a_damaged_table_is_named_and_not_read(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / "a.db"
    build_two(path)
    damage(path)
    snapshot = snapshot_of(path)
    assert "main.sick" in {one.name for one in snapshot.missing}
    assert all("damaged" in one.reason for one in snapshot.missing)
    left = [one.name for one in snapshot.missing if one.name != "main.sick"]
    assert left in ([], ["main.sound"])


def test_a_table_that_lost_rows_behind_its_indexs_back_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    build_two(path)
    run(path, "CREATE TABLE copy AS SELECT * FROM sick WHERE id <> 7")
    (old,), (new,) = (
        ask(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{name}'")
        for name in ("sick", "copy")
    )
    run(
        path,
        "DROP TABLE sound; PRAGMA writable_schema = ON;"
        f"UPDATE sqlite_master SET rootpage = {new[0]} WHERE name = 'sick';"
        f"UPDATE sqlite_master SET rootpage = {old[0]} WHERE name = 'copy';",
    )
    snapshot = snapshot_of(path)
    (missing,) = [one for one in snapshot.missing if one.name == "main.sick"]
    assert missing.reason == "it is damaged: 2999 rows were read, an index counts 3000"


def test_a_schema_that_is_no_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(
        path,
        "CREATE TABLE t (a); PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE'",
    )
    with pytest.raises(SourceError, match="damaged: malformed database schema"):
        open_reading(path)


def test_pages_that_nobody_uses_are_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    build_two(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'sound'"
        )
    said: list[Event] = []
    with closing(open_reading(path, emit=said.append)) as reading:
        assert [stream.name for stream in reading.streams] == ["main.sick"]
        assert reading.unread == ()
    assert any("never used" in event.message for event in said if isinstance(event, Warned))


def test_damage_that_belongs_to_no_table_alone_puts_all_in_doubt(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    build_two(path)
    run(
        path,
        "CREATE TABLE third (a); PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage ="
        " (SELECT rootpage FROM sqlite_master WHERE name = 'sound') WHERE name = 'third'",
    )
    with pytest.raises(SourceError, match="damaged: .*2nd reference"):
        open_reading(path)


def test_a_name_that_is_no_unicode_is_named_as_well_as_can_be(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(path, "CREATE TABLE good (a); CREATE TABLE baaad (a)")
    path.write_bytes(path.read_bytes().replace(b"baaad", b"b\xff\xfe\xfdd"))
    snapshot = snapshot_of(path)
    assert set(snapshot.streams) == {"main.good"}
    ((name, reason),) = [(one.name, one.reason) for one in snapshot.missing]
    assert name.startswith('main."b')
    assert "no Unicode" in reason
