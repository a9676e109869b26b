"""Receive what a COPY sends, as chunks of whole lines, with as little work per row as can be.

On a connection without TLS the idle socket is read directly (`wire.py`); with TLS the rows come
from libpq one by one. Either way the count in the server's answer must agree with what was given.
"""

import select
import socket
from collections.abc import Generator, Iterator
from contextlib import suppress

import psycopg
from psycopg.pq import ConnStatus, ExecStatus

from listbackup.connectors.postgres.session import Connection
from listbackup.connectors.postgres.wire import UNIT, Told, exchange, verify_count
from listbackup.records.counting import count_lines


def receive_copy(
    connection: Connection, statement: str, unit: int = UNIT, *, plain: bool | None = None
) -> Generator[bytes, None, None]:
    """Run one COPY ... TO STDOUT and give its lines in chunks of about `unit` bytes. Other
    statements may stand before it, separated by semicolons; none of them is answered. `plain`
    spares asking whether the socket is.

    The connection is idle before and, if it lives, after, also where the reader stops early; but
    after any failure libpq may not know that the transaction is aborted. Raises psycopg.Error,
    and SourceError where counts disagree.
    """
    told = Told()
    plain = socket_is_plain(connection) if plain is None else plain
    chunks = _receive_raw if plain else _receive_from_libpq
    rows = 0
    for chunk in chunks(connection, statement.encode(connection.info.encoding), unit, told):
        rows += count_lines(chunk)
        yield chunk
    verify_count(rows, told)


def socket_is_plain(connection: Connection) -> bool:
    """Whether what goes over the connection's socket is the protocol itself."""
    options = {option.keyword: option.val for option in connection.pgconn.info}
    return not connection.pgconn.ssl_in_use and options.get(b"gssencmode") == b"disable"


def hang_up(connection: Connection) -> None:
    """Close a connection whose socket others may still hold, for them too."""
    with suppress(OSError), socket.socket(fileno=socket.dup(connection.pgconn.socket)) as wire:
        wire.shutdown(socket.SHUT_RDWR)
    connection.close()


def _receive_raw(
    connection: Connection, statement: bytes, unit: int, told: Told
) -> Iterator[bytes]:
    try:
        with socket.socket(fileno=socket.dup(connection.pgconn.socket)) as wire:
            yield from exchange(wire, statement, unit, told, lambda: _cancel(connection))
    except OSError as error:
        raise psycopg.OperationalError(f"the connection was lost: {error}") from error
    finally:
        if not told.ready:
            connection.close()
    if told.error:
        raise _make_error(*told.error)


def _make_error(state: str, text: str) -> psycopg.Error:
    try:
        return psycopg.errors.lookup(state)(text)
    except KeyError:
        return psycopg.DatabaseError(text)


def _cancel(connection: Connection) -> None:
    """Ask the server to end a COPY that nobody reads on."""
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=5.0)


def _receive_from_libpq(
    connection: Connection, statement: bytes, unit: int, told: Told
) -> Iterator[bytes]:
    server = connection.pgconn
    server.send_query(statement)
    poll = select.poll()
    poll.register(server.socket, select.POLLIN)
    started = server.get_result()
    while started is not None and started.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
        started = server.get_result()
    if started is None or started.status != ExecStatus.COPY_OUT:
        _finish_libpq(connection, started, told)
        raise psycopg.OperationalError("the server did not begin to copy")
    try:
        yield from _read_rows(connection, poll, unit)
    except GeneratorExit:
        with suppress(psycopg.Error):
            _finish_libpq(connection, server.get_result(), told)
        raise
    _finish_libpq(connection, server.get_result(), told)


def _read_rows(connection: Connection, poll: select.poll, unit: int) -> Iterator[bytes]:
    server = connection.pgconn
    rows: list[memoryview] = []
    size, ended, wanted = 0, False, True
    while not ended:
        length, row = server.get_copy_data(1)
        if length > 0 and row is not None:
            rows.append(row)
            size += length
        elif length == 0:
            poll.poll()
            server.consume_input()
        ended = length < 0
        if rows and (ended or size >= unit):
            if wanted:
                try:
                    yield b"".join(rows)
                except GeneratorExit:
                    wanted = False
                    _cancel(connection)
            rows, size = [], 0


def _finish_libpq(
    connection: Connection, result: "psycopg.pq.abc.PGresult | None", told: Told
) -> None:
    failed: psycopg.Error | None = None
    while result is not None:
        if result.status == ExecStatus.COMMAND_OK:
            told.rows = result.command_tuples or 0
        elif result.status == ExecStatus.FATAL_ERROR:
            failed = failed or psycopg.errors.error_from_result(result, encoding="utf-8")
        result = connection.pgconn.get_result()
    if failed:
        raise failed
    if connection.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError("the connection was lost")
