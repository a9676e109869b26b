"""Fingerprints taken from a live database: what a COPY gives, hashed and added up.

The same code takes them when a snapshot is made and after it was restored.
"""

from contextlib import closing

from listbackup.connectors.postgres.receiving import receive_copy
from listbackup.connectors.postgres.session import Connection
from listbackup.records import Json
from listbackup.records.encodings import Encoding
from listbackup.records.fingerprints import (
    NO_LANES,
    Fingerprint,
    add_lanes,
    digest_schema,
)


def fingerprint_copy(
    connection: Connection, statement: str, columns: list[Json], encoding: Encoding
) -> Fingerprint:
    """Take the fingerprint of what a COPY ... TO STDOUT gives, as one of `columns`. Raises
    SourceError, psycopg.Error."""
    rows, lanes = 0, NO_LANES
    with closing(receive_copy(connection, statement)) as chunks:
        for chunk in chunks:
            hashes = encoding.hash_lines(chunk, ())
            rows += hashes.rows
            lanes = add_lanes(lanes, hashes.lanes)
    return Fingerprint(digest_schema({"columns": columns}), rows, lanes)
