"""Receiving what a COPY sends: every row once, whatever its size, and the session fit after."""

import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listbackup.connectors.postgres.receiving import hang_up, receive_copy, socket_is_plain
from listbackup.connectors.postgres.session import PINS, Connection, connect
from listbackup.connectors.postgres.wire import Told, exchange, receive
from listbackup.errors import AuthError, SourceError, UsageError
from listbackup.sandbox.postgres import PostgresServer
from tests.connectors.postgres.conftest import Database

SIZES = "SELECT g, repeat(chr(65 + g % 26), CASE WHEN g % 97 = 0 THEN 200000 ELSE g % 300 END)"
ROWS = f"{SIZES} FROM generate_series(1, 3000) g"


@pytest.fixture(params=["socket", "libpq"])
def session(request: pytest.FixtureRequest, newest_database: Database) -> Connection:
    """A session whose rows come from the socket itself, or one by one from libpq as with TLS."""
    parameters = {} if request.param == "socket" else {"gssencmode": "prefer"}
    connection = connect(newest_database.address, parameters=parameters)
    request.addfinalizer(connection.close)
    assert socket_is_plain(connection) == (request.param == "socket")
    return connection


@pytest.fixture
def newest_database(newest: PostgresServer, make_database: Callable[..., Database]) -> Database:
    return make_database(newest)


@pytest.mark.parametrize("unit", [1000, 1 << 16, 1 << 20])
def test_rows_of_every_size_come_whole_and_in_order(session: Connection, unit: int) -> None:
    chunks = list(receive_copy(session, f"COPY ({ROWS}) TO STDOUT", unit))
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    with session.cursor().copy(f"COPY ({ROWS}) TO STDOUT") as copy:
        assert b"".join(chunks) == b"".join(bytes(row) for row in copy)


def test_no_rows_are_no_chunks(session: Connection) -> None:
    assert list(receive_copy(session, "COPY (SELECT 1 WHERE false) TO STDOUT")) == []


def test_rows_without_columns_are_counted(session: Connection) -> None:
    statement = "COPY (SELECT FROM generate_series(1, 2000)) TO STDOUT"
    assert b"".join(receive_copy(session, statement)) == b"\n" * 2000


def test_an_error_after_some_rows_is_raised_and_the_session_lives(session: Connection) -> None:
    failing = f"COPY ({SIZES}, 1 / (2500 - g) FROM generate_series(1, 3000) g) TO STDOUT"
    with pytest.raises(psycopg.errors.DivisionByZero):
        list(receive_copy(session, failing, 1 << 16))
    assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_that_is_refused_is_raised(session: Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        list(receive_copy(session, "COPY public.no_such_table TO STDOUT"))
    assert session.execute("SELECT 1").fetchone() == (1,)


def test_statements_before_the_rows_are_run_and_not_answered(session: Connection) -> None:
    session.execute("CREATE TABLE public.guarded AS SELECT 7 AS a")
    session.execute("BEGIN")
    guard = "LOCK TABLE public.guarded IN ACCESS SHARE MODE; SELECT 1, 'x' FROM pg_class"
    assert list(receive_copy(session, f"{guard}; COPY public.guarded TO STDOUT")) == [b"7\n"]
    locked = "SELECT mode FROM pg_locks WHERE relation = 'public.guarded'::regclass"
    assert session.execute(locked).fetchall() == [("AccessShareLock",)]
    session.execute("ROLLBACK")


def test_a_statement_that_fails_before_the_rows_keeps_them_from_coming(
    session: Connection,
) -> None:
    guard = "SELECT (CASE WHEN random() < 2 THEN 'no more' ELSE '0' END)::int"
    with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="no more"):
        list(receive_copy(session, f"{guard}; COPY ({ROWS}) TO STDOUT"))
    assert session.execute("SELECT 1").fetchone() == (1,)


def test_who_stops_reading_leaves_the_session_idle(session: Connection) -> None:
    chunks = receive_copy(session, f"COPY ({SIZES} FROM generate_series(1, 100000) g) TO STDOUT")
    next(chunks)
    chunks.close()
    assert session.execute("SELECT 1").fetchone() == (1,)
    assert b"".join(receive_copy(session, "COPY (SELECT 7) TO STDOUT")) == b"7\n"


def test_a_lost_connection_is_an_error_not_an_end(
    session: Connection, newest_database: Database
) -> None:
    rows = f"COPY ({SIZES} FROM generate_series(1, 100000) g) TO STDOUT"
    chunks = receive_copy(session, rows)
    next(chunks)
    newest_database.run(f"SELECT pg_terminate_backend({session.info.backend_pid}, 5000)")
    with pytest.raises((psycopg.Error, SourceError)):
        list(chunks)


def test_notices_and_changed_settings_in_between_do_not_matter(session: Connection) -> None:
    session.execute("""
        CREATE FUNCTION public.noisy(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
        RAISE NOTICE 'row %', i; PERFORM set_config('application_name', 'row ' || i, false);
        RETURN i; END $$""")
    rows = "COPY (SELECT public.noisy(g) FROM generate_series(1, 500) g) TO STDOUT"
    expected = b"".join(b"%d\n" % n for n in range(1, 501))
    assert b"".join(receive_copy(session, rows)) == expected


sizes = st.integers(0, 40) | st.sampled_from([65529, 65530, 65531, 65532, 65535, 70000, 131072])
fillings = st.sampled_from([b"x", b"d", b"Z\x05", b"\td\x01", b"\\\\N", b"dd\x01\x02"])
answers = st.lists(st.tuples(sizes, fillings), max_size=30)


@settings(max_examples=60, deadline=None)
@given(answers, st.sampled_from([64, 4096, 1 << 17]), st.integers(1, 100_000))
def test_whatever_the_rows_are_they_are_cut_where_they_end(
    rows: list[tuple[int, bytes]], unit: int, piece: int
) -> None:
    lines = [(filling * (size // len(filling) + 1))[:size] + b"\n" for size, filling in rows]
    messages = [b"d" + struct.pack("!i", len(line) + 4) + line for line in lines]
    count = b"COPY %d\0" % len(lines)
    answer = b"H\0\0\0\7\0\0\0" + b"".join(messages) + b"c\0\0\0\4"
    answer += b"C" + struct.pack("!i", len(count) + 4) + count + b"Z\0\0\0\5T"
    ours, theirs = socket.socketpair()

    def send() -> None:
        for start in range(0, len(answer), piece):
            theirs.sendall(answer[start : start + piece])

    sender = threading.Thread(target=send)
    sender.start()
    with ours, theirs:
        told = Told()
        chunks = list(exchange(ours, b"COPY t TO STDOUT", unit, told, lambda: None))
        sender.join()
    assert b"".join(chunks) == b"".join(lines)
    assert told.rows == len(lines)


def test_an_answer_that_lies_about_its_count_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(
            b"H\0\0\0\7\0\0\0"
            + b"d\0\0\0\x06a\n"
            + b"c\0\0\0\4"
            + b"C\0\0\0\x0bCOPY 2\0"
            + b"Z\0\0\0\5T"
        )
        with pytest.raises(SourceError, match="sent 1 rows and said that it had sent 2"):
            list(receive(ours.fileno(), b"COPY t TO STDOUT"))


def test_an_answer_that_is_cut_off_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.sendall(b"H\0\0\0\7\0\0\0" + b"d\0\0\0\x06a\n" + b"d\0\0")
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(SourceError, match="lost"):
            list(receive(ours.fileno(), b"COPY t TO STDOUT"))
        theirs.close()


def test_hanging_up_ends_it_for_who_was_lent_the_socket(newest_database: Database) -> None:
    connection = connect(newest_database.address)
    lent = socket.socket(fileno=socket.dup(connection.pgconn.socket))
    failures: list[BaseException] = []

    def read() -> None:
        try:
            list(receive(lent.fileno(), b"COPY (SELECT pg_sleep(60)) TO STDOUT"))
        except SourceError as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    while not newest_database.run("SELECT FROM pg_stat_activity WHERE query LIKE 'COPY%%sleep%%'"):
        pass
    hang_up(connection)
    reader.join(10)
    lent.close()
    assert len(failures) == 1


def test_every_session_is_pinned(database: Database) -> None:
    for name, value in PINS.items():
        (shown,) = database.run(f"SHOW {name}")[0]
        assert str(shown).replace('"', "") == value


def test_a_wrong_password_is_said_without_it(newest_database: Database) -> None:
    wrong = newest_database.address.with_user("postgres", "canary-password")
    with pytest.raises(AuthError) as failure:
        connect(wrong)
    assert "canary" not in f"{failure.value.message} {failure.value.subject} {failure.value.hint}"


def test_nobody_listening_is_a_source_that_cannot_be_read(newest_database: Database) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = replace(newest_database.address, hosts=(("127.0.0.1", free.getsockname()[1]),))
        with pytest.raises(SourceError):
            connect(nowhere)


def test_an_option_that_libpq_does_not_know_is_a_mistake_in_the_url(
    newest_database: Database,
) -> None:
    with pytest.raises(UsageError):
        connect(newest_database.address, parameters={"sslmood": "require"})
