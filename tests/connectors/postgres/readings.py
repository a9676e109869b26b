"""A reading in a few words: opened, read whole, closed."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.reading import PostgresReading
from listbackup.connectors.postgres.source import PostgresSource
from listbackup.events import Event
from listbackup.host import Host
from listbackup.records import Stream
from tests.connectors.postgres.conftest import Database


@contextmanager
def reading(database: Database, **options: object) -> Iterator[PostgresReading]:
    asked = ReadOptions(**options)  # type: ignore[arg-type]
    with closing(open_source(database, asked).open()) as found:
        yield found


def open_source(
    database: Database, options: ReadOptions, heard: list[Event] | None = None
) -> PostgresSource:
    emit = (lambda event: None) if heard is None else heard.append
    return PostgresSource(database.address, options, Host(), emit, os.environ)


def read_stream(found: PostgresReading, stream: Stream) -> list[bytes]:
    chunks = [chunk for part in found.parts(stream) for chunk in found.read(part)]
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    return b"".join(chunks).split(b"\n")[:-1]


def read_everything(found: PostgresReading) -> dict[str, list[bytes]]:
    rows = {stream.name: read_stream(found, stream) for stream in found.streams}
    assert {"pg-archive", "pg-sequences"} <= {extra.kind for extra in found.extras()}
    return rows
