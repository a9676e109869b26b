"""What is found at the moment of a reading, before any row is read: streams, facts, definitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from listbackup.connectors.postgres import largeobjects
from listbackup.connectors.postgres.catalog import Table, View
from listbackup.connectors.postgres.copying import ENCODING, make_schema
from listbackup.connectors.postgres.definitions import collect, digest_definitions, summarise
from listbackup.connectors.postgres.extras import list_views_to_refresh, read_sequences
from listbackup.connectors.postgres.facts import (
    find_enum_hash_partitions,
    identify,
    read_database_facts,
)
from listbackup.connectors.postgres.moment import Moment
from listbackup.connectors.postgres.session import Connection
from listbackup.records import Declared, Identity, Stream, Unread
from listbackup.records.patterns import is_wanted

LOST_VIEW = "its definition reads a table that could not be locked"


@dataclass(frozen=True, slots=True)
class Findings:
    """`tables` by stream name; `raw_encoding` where values may be any bytes (SQL_ASCII)."""

    identity: Identity
    server_version: int
    streams: Mapping[str, Stream]
    tables: Mapping[str, Table]
    unread: tuple[Unread, ...]
    declared: tuple[Declared, ...]
    sequences: Sequence[Mapping[str, Any]]
    views: Sequence[Mapping[str, str]]
    definitions: str
    facts: Mapping[str, Any]
    raw_encoding: bool


def find_out(
    connection: Connection, moment: Moment, include: Sequence[str], exclude: Sequence[str]
) -> Findings:
    """Ask everything that a reading has to know, in the transaction of the moment. Raises
    psycopg.Error."""
    facts = read_database_facts(connection)
    raw = facts["database"]["encoding"] == "SQL_ASCII"
    selection = moment.selection
    streams = {t.stream: _make_stream(t, moment.tables, raw) for t in selection.read}
    objects, unread_objects, excluded = _find_large_objects(connection, include, exclude)
    if objects:
        streams[objects.name] = objects
    sequences, unread_sequences = read_sequences(connection)
    barred: list[Table | View] = [*selection.barred, *moment.lost_views]
    definitions = collect(connection, [one.oid for one in barred])
    lost = [Unread(one.stream, LOST_VIEW) for one in moment.lost_views]
    views = list_views_to_refresh(connection, [one.oid for one in moment.lost_views])
    server, container = identify(connection)
    declared = [
        Declared("placement in hash partitions", name, "the hash of an enum is one of an OID")
        for name in find_enum_hash_partitions(connection)
    ]
    version = connection.info.server_version
    shown = connection.info.parameter_status("server_version") or str(version)
    return Findings(
        identity=Identity("postgresql", server, container, f"PostgreSQL {shown}"),
        server_version=version,
        streams=streams,
        tables={table.stream: table for table in selection.read},
        unread=(*selection.unread, *unread_sequences, *unread_objects, *lost),
        declared=(*selection.declared, *declared),
        sequences=sequences,
        views=views,
        definitions=digest_definitions(definitions),
        facts={
            **facts,
            "excluded": [*selection.excluded, *excluded],
            "barred": [one.stream for one in barred],
            "definitions": summarise(definitions),
        },
        raw_encoding=raw,
    )


def _make_stream(table: Table, tables: Mapping[int, Table], raw: bool) -> Stream:
    root = tables.get(table.root, table)
    parent = tables.get(table.parent) if table.is_partition else None
    schema = make_schema(table, root, parent)
    if raw:
        schema["charset"] = "SQL_ASCII"
    names = [column.name for column in table.exported]
    return Stream(
        name=table.stream,
        encoding=ENCODING,
        schema=schema,
        key=table.key,
        key_positions=tuple(names.index(name) for name in table.key),
        estimated_rows=table.estimated_rows,
        estimated_bytes=table.bytes,
    )


def _find_large_objects(
    connection: Connection, include: Sequence[str], exclude: Sequence[str]
) -> tuple[Stream | None, list[Unread], list[str]]:
    count, closed = largeobjects.count_large_objects(connection)
    name = largeobjects.STREAM
    if count == 0:
        return None, [], []
    if not is_wanted(name, include, exclude):
        return None, [], [name]
    if closed:
        return None, [Unread(name, f"{closed} of {count} large objects may not be read")], []
    stream = Stream(
        name=name,
        encoding=ENCODING,
        schema=largeobjects.SCHEMA,
        key=("oid", "chunk"),
        key_positions=(0, 1),
        estimated_rows=count,
    )
    return stream, [], []
