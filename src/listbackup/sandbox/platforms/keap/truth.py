"""What a Keap tenant has, stream by stream, straight from its tables: whatever a reader got can be
held against it. Without requests, pages, filters or limits.
"""

import re
from collections.abc import Iterator

import msgspec

from listbackup.connectors.rest.models.streams import Stream
from listbackup.sandbox.platforms.keap.listings import LISTINGS
from listbackup.sandbox.platforms.keap.operations import FIELDS, Listing
from listbackup.sandbox.platforms.keap.reading import select
from listbackup.sandbox.platforms.keap.routes import PREFIX
from listbackup.sandbox.platforms.keap.tables import Row, several
from listbackup.sandbox.platforms.keap.tenants import Tenant
from listbackup.sandbox.platforms.keap.views import VIEWS

_PART = re.compile(r"\{[^}]*\}")
_PARENT = "{parent.id}"
_BY_SHAPE = {_PART.sub("{}", PREFIX + listing.path): listing for listing in LISTINGS}


def tell_records(tenant: Tenant, stream: Stream) -> Iterator[bytes] | None:
    """Give the records of a stream as JSON, as they are now; None for a stream that does not stand
    in one table."""
    listing = _BY_SHAPE.get(_PART.sub("{}", f"/crm{stream.request.path.written}"))
    if listing is None or len(listing.owners) > 1:
        return None
    if any(text.written != _PARENT for text in stream.adds.values()):
        return None
    return _tell(tenant, stream, listing)


def _tell(tenant: Tenant, stream: Stream, listing: Listing) -> Iterator[bytes]:
    table = tenant[listing.table]
    named = list(stream.properties.names) if stream.properties else None
    plain = not (listing.view or stream.adds or listing.table in FIELDS)
    for row in tuple(table.rows()):
        if any(table.value(row, path) != value for path, value in listing.fixed):
            continue
        if plain:
            yield row.data
            continue
        shown = _show(tenant, listing, row, named)
        for owner in _name_owners(tenant, listing, row):
            adds = dict.fromkeys(stream.adds, owner)
            yield msgspec.json.encode({**adds, **shown})


def _show(tenant: Tenant, listing: Listing, row: Row, named: list[str] | None) -> dict[str, object]:
    record = msgspec.json.decode(row.data, type=dict[str, object])
    if not listing.view:
        return select(listing.table, record, named)
    shown = VIEWS[listing.view](tenant, record)
    return shown if isinstance(shown, dict) else {"id": shown}


def _name_owners(tenant: Tenant, listing: Listing, row: Row) -> list[object]:
    if not listing.owners:
        return [None]
    ((_, path),) = listing.owners
    return several(tenant[listing.table].value(row, path))
