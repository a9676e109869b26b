"""Whatever SQL is asked, no file is opened, no host is called, nothing of another source is seen.

Two walls, each tried alone: only a SELECT is run at all, and the engine itself, locked, refuses
what a statement wants beyond the streams that it was lent. The kernel says which files were
opened (inotify), because DuckDB does not open them through Python.
"""

import ctypes
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from listbackup.errors import FailedError, ListbackupError, UsageError
from listbackup.history.engine import Engine
from listbackup.history.querying import Query
from listbackup.history.timelines import SourcePast
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial
from listbackup.vault.reading import Snapshot

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")

CANARY = "the canary sings 81c7"
OPENED, READ, CHANGED = 0x20, 0x1, 0x2 | 0x40 | 0x80 | 0x100 | 0x200
HOSTILE = r"""
SELECT * FROM read_csv('{secret}')
SELECT * FROM read_csv('{secret}', header = false, columns = {{'a': 'VARCHAR'}})
SELECT * FROM read_csv_auto('{secret}')
SELECT * FROM sniff_csv('{secret}')
SELECT * FROM read_text('{secret}')
SELECT * FROM read_blob('{secret}')
SELECT content FROM read_text(['{secret}', '/etc/passwd'])
SELECT * FROM read_text('{directory}/*')
SELECT * FROM read_text('{link}')
SELECT * FROM read_text('file://{secret}')
SELECT * FROM read_text('file:{secret}')
SELECT * FROM read_json('{secret}')
SELECT * FROM read_ndjson_objects('{secret}')
SELECT * FROM read_parquet('{secret}')
SELECT * FROM parquet_metadata('{secret}')
SELECT * FROM parquet_schema('{secret}')
SELECT * FROM parquet_scan('{directory}/*.parquet')
SELECT * FROM read_duckdb('{database}')
SELECT * FROM '{secret}'
SELECT * FROM "{secret}"
SELECT * FROM '{directory}/*.csv'
FROM '/etc/passwd'
SELECT * FROM '/proc/self/environ'
SELECT * FROM read_text('/proc/self/environ')
SELECT * FROM read_text('/dev/stdin')
SELECT * FROM glob('{directory}/*')
SELECT * FROM glob('/etc/*')
SELECT * FROM glob('vault://*')
SELECT * FROM read_text('vault://{secret}')
SELECT * FROM read_text('vault://../../../../../..{secret}')
SELECT * FROM read_blob('vault:///../{secret}')
SELECT * FROM read_text('vault://accounts/other/sources/crm/ledger/000000000001.json')
SELECT * FROM read_blob('vault://{foreign}')
SELECT * FROM read_text('{foreign}')
SELECT * FROM read_blob('{other}')
SELECT * FROM read_parquet('vault://99.parquet')
SELECT * FROM read_parquet('vault://*.parquet')
SELECT * FROM "crm"."public"."secrets"
SELECT * FROM secrets
SELECT * FROM history.secrets
SELECT * FROM read_parquet('http://127.0.0.1:{port}/x.parquet')
SELECT * FROM read_csv('https://127.0.0.1:{port}/x.csv')
SELECT * FROM 's3://127.0.0.1:{port}/x.parquet'
SELECT * FROM read_text('hf://datasets/x/y.csv')
SELECT * FROM sqlite_scan('{database}', 't')
SELECT * FROM postgres_scan('host=127.0.0.1 port={port}', 'public', 't')
SELECT * FROM postgres_query('x', 'SELECT 1')
SELECT * FROM mysql_query('x', 'SELECT 1')
SELECT * FROM delta_scan('{directory}')
SELECT * FROM iceberg_scan('{directory}')
SELECT * FROM st_read('{secret}')
SELECT * FROM read_xlsx('{secret}')
SELECT getenv('LISTBACKUP_CANARY')
SELECT * FROM duckdb_secrets()
SELECT * FROM which_secret('s3://x', 's3')
SELECT * FROM secret_frame
SELECT * FROM environment
SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')
SELECT * FROM query('COPY (SELECT 1) TO ''{fresh}''')
SELECT * FROM query_table('{secret}')
SELECT * FROM query_table(['{secret}'])
SELECT * FROM pragma_storage_info('{secret}')
FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''{secret}'')'))
SELECT * FROM pragma_database_list
SELECT * FROM duckdb_settings() WHERE value LIKE '%sings%'
SELECT current_setting('home_directory'), current_setting('http_proxy')
SELECT (SELECT content FROM read_text('{secret}')) AS a
WITH a AS (SELECT * FROM read_text('{secret}')) SELECT * FROM a
SELECT 1 UNION ALL SELECT content FROM read_text('{secret}')
SELECT * FROM (DESCRIBE SELECT * FROM read_csv('{secret}'))
SUMMARIZE SELECT * FROM read_text('{secret}')
SELECT * FROM enable_logging(storage = 'file', storage_path = '{fresh}')
SELECT write_log('{secret}')
SELECT * FROM pg_read_file('{secret}')
SELECT lo_import('{secret}')
SELECT * FROM summary((SELECT * FROM read_text('{secret}')))
COPY (SELECT 1) TO '{fresh}'
COPY (SELECT 1) TO 'vault://1.parquet'
COPY users TO '{fresh}' (FORMAT parquet)
COPY (SELECT * FROM users) TO '{directory}/split' (FORMAT csv, PARTITION_BY (c0))
CREATE TABLE t AS SELECT * FROM read_text('{secret}')
CREATE VIEW v AS SELECT * FROM read_text('{secret}')
CREATE MACRO m(a) AS TABLE SELECT * FROM read_text(a)
ATTACH '{database}' AS stolen
ATTACH '{fresh}' AS made
ATTACH 'http://127.0.0.1:{port}/x.db' AS far
ATTACH 'postgres:host=127.0.0.1 port={port}' AS far (TYPE postgres)
INSTALL httpfs
INSTALL httpfs FROM 'http://127.0.0.1:{port}'
LOAD '{secret}'
LOAD httpfs
FORCE INSTALL sqlite_scanner FROM community
UPDATE EXTENSIONS
SET enable_external_access = true
SET allowed_directories = ['/']
SET allowed_paths = ['{secret}']
SET lock_configuration = false
SET python_enable_replacements = true
SET python_scan_all_frames = true
SET memory_limit = '100GB'
SET temp_directory = '{directory}'
SET extension_directory = '{directory}'
SET secret_directory = '{directory}'
SET log_query_path = '{fresh}'
SET profiling_output = '{fresh}'
SET GLOBAL disabled_filesystems = ''
RESET enable_external_access
RESET allowed_directories
RESET lock_configuration
PRAGMA enable_external_access = true
PRAGMA enable_profiling = 'json'
PRAGMA profiling_output = '{fresh}'
CALL enable_logging(storage = 'file', storage_path = '{fresh}')
CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')
CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'b')
EXPORT DATABASE '{directory}/exported'
IMPORT DATABASE '{directory}'
CHECKPOINT
VACUUM
PREPARE p AS SELECT * FROM read_text('{secret}')
EXPLAIN ANALYZE SELECT * FROM read_text('{secret}')
""".strip().splitlines()


class Watch:
    """What the kernel says was done to some files and directories since the last look."""

    def __init__(self, *paths: Path) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for path in paths:
            wanted = OPENED | READ | CHANGED
            assert self._library.inotify_add_watch(self._descriptor, bytes(path), wanted) >= 0

    def look(self) -> list[tuple[int, str]]:
        try:
            told = os.read(self._descriptor, 1 << 20)
        except BlockingIOError:
            return []
        found, at = [], 0
        while at < len(told):
            _, mask, _, length = struct.unpack_from("iIII", told, at)
            found.append((mask, told[at + 16 : at + 16 + length].rstrip(b"\0").decode()))
            at += 16 + length
        return found

    def close(self) -> None:
        os.close(self._descriptor)


class Listener(threading.Thread):
    """A host that counts who calls."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.calls = 0
        self.start()

    def run(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@dataclass
class Scene:
    """A vault with two sources, another vault, secrets beside them, and who watches."""

    trial: Trial
    words: dict[str, Any]
    watch: Watch
    listener: Listener
    secret: Path
    snapshot: Snapshot
    past: SourcePast

    def harmless(self, told: object) -> bool:
        """Whether nothing was opened, called or told. (The test's own connections do not open
        what is watched.)"""
        seen = self.watch.look()
        assert not seen, seen
        assert self.listener.calls == 0
        return CANARY not in repr(told) and "root:x:0" not in repr(told)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    root = tmp_path_factory.mktemp("hostile")
    trial = Trial(root / "own", encryption="none")
    trial.create()
    trial.sync(ListedSource({"public.users": [["1", "x"]]}))
    trial.sync(ListedSource({"secrets": [["1", CANARY]]}), "crm")
    other = Trial(root / "other", encryption="none")
    other.create()
    other.sync(ListedSource({"secrets": [["1", CANARY]]}))
    directory = root / "directory"
    directory.mkdir()
    secret, link, database = (directory / name for name in ("secret.csv", "link", "some.duckdb"))
    secret.write_text(CANARY + "\n")
    link.symlink_to(secret)
    with duckdb.connect(str(database)) as made:
        made.execute("CREATE TABLE t AS SELECT $1 AS a", [CANARY])
    crm = trial.place / "data/accounts/default/sources/crm/raw"
    foreign = next(path for path in crm.rglob("*") if path.is_file())
    another = next(path for path in (other.place / "data").rglob("pack-*") if path.is_file())
    listener = Listener()
    watch = Watch(directory, secret, database, foreign, another)
    words = {
        "secret": secret,
        "directory": directory,
        "link": link,
        "database": database,
        "foreign": foreign,
        "other": another,
        "fresh": directory / "fresh",
        "port": listener.port,
    }
    snapshot, past = trial.snapshot("shop:latest"), SourcePast(trial.open(), "shop")
    yield Scene(trial, words, watch, listener, secret, snapshot, past)
    watch.close()
    listener.close()


@pytest.fixture(autouse=True)
def canary(monkeypatch: pytest.MonkeyPatch, scene: Scene) -> None:
    monkeypatch.setenv("LISTBACKUP_CANARY", CANARY)
    monkeypatch.setenv("HTTP_PROXY", f"http://{CANARY.replace(' ', '.')}@127.0.0.1:1")


def tree(scene: Scene) -> list[tuple[str, int]]:
    """List all files and their sizes; what the watch sees of that is forgotten."""
    found = sorted((str(p), p.lstat().st_size) for p in scene.trial.root.parent.rglob("*"))
    scene.watch.look()
    return found


def ask(scene: Scene, sql: str) -> Any:
    secret_frame = {"a": [CANARY]}
    environment = dict(os.environ)
    assert secret_frame
    assert environment
    try:
        with Query(scene.snapshot, scene.past.timeline, sql, "64MB") as query:
            return list(query.rows(query.prepare(), limit=1000, timeout=5))
    except (UsageError, FailedError) as error:
        return (error.message, error.hint)


def test_the_watch_sees_what_duckdb_opens(scene: Scene) -> None:
    with duckdb.connect() as free:
        told = free.execute("SELECT content FROM read_text($1)", [str(scene.secret)]).fetchall()
    assert CANARY in told[0][0]
    assert any(mask & OPENED for mask, _ in scene.watch.look())


def test_there_are_enough_statements() -> None:
    assert len(set(HOSTILE)) >= 60


def test_hostile_statements_reach_nothing(scene: Scene) -> None:
    before = tree(scene)
    for line in HOSTILE:
        sql = line.format(**scene.words)
        assert scene.harmless(ask(scene, sql)), sql
    assert tree(scene) == before


def test_the_engine_alone_refuses_them_too(scene: Scene) -> None:
    before = tree(scene)
    secret_frame = {"a": [CANARY]}
    assert secret_frame
    for line in HOSTILE:
        sql = line.format(**scene.words)
        with Engine("64MB") as engine:
            engine.lock()
            told: Any
            try:
                told = engine.guard(lambda e=engine, s=sql: e.database.execute(s).fetchall())  # type: ignore[misc]
            except ListbackupError as error:
                told = error.message
            assert scene.harmless(told), sql
            refused = "SELECT content FROM read_text($1)"
            with pytest.raises(duckdb.Error):
                engine.database.execute(refused, [str(scene.secret)])
            assert scene.harmless(None), sql
    assert tree(scene) == before


def test_what_the_engine_is_lent_can_be_read_and_not_written(scene: Scene) -> None:
    class Lent:
        size = 4

        def read(self, start: int, length: int) -> bytes:
            return b"lent"[start : start + length]

    with Engine() as engine:
        engine.files.lend("one.txt", Lent())
        engine.lock()
        read = "SELECT content FROM read_text('vault://one.txt')"
        assert engine.database.execute(read).fetchall() == [("lent",)]
        for name in ("one.txt", "two.txt"):
            with pytest.raises(UsageError):
                copy = f"COPY (SELECT 1) TO 'vault://{name}' (FORMAT csv)"
                engine.guard(lambda sql=copy: engine.database.execute(sql))  # type: ignore[misc]
        for name in ("one", "../one", "a/one.txt", "*", "one.*", ""):
            other = f"SELECT content FROM read_text('vault://{name}')"
            assert engine.database.execute(other).fetchall() == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT 1" + " + 1" * 20_000,
        "SELECT list(a) FROM range(100000000) t(a)",
        "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c",
        "WITH RECURSIVE r(a) AS (SELECT 1 UNION SELECT a + 1 FROM r) SELECT max(a) FROM r",
        "SELECT string_agg(a, '') FROM (SELECT repeat('x', 100000) a FROM range(1000000))",
        "SELECT regexp_matches(repeat('a', 100000), '(a*)*b')",
    ],
)
def test_greed_is_bounded_by_memory_and_time(scene: Scene, sql: str) -> None:
    try:
        with Query(scene.snapshot, scene.past.timeline, sql, "64MB") as query:
            list(query.rows(query.prepare(), limit=10, timeout=0.5))
    except (UsageError, FailedError) as error:
        assert "\n" not in error.message
