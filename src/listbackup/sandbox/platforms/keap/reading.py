"""Answers Keap's list and retrieve operations."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.keap.errors import JSON, RefusedError, give
from listbackup.sandbox.platforms.keap.filters import (
    FilterError,
    Test,
    parse_filter,
    parse_order,
    read_filters,
    read_order,
)
from listbackup.sandbox.platforms.keap.operations import (
    FIELDS,
    UNASKED_CONTACT,
    USUAL_PAGE,
    Listing,
)
from listbackup.sandbox.platforms.keap.tables import (
    Rank,
    Record,
    Row,
    Table,
    cut,
    pick,
    rank_value,
    several,
)
from listbackup.sandbox.platforms.keap.tokens import read_token, write_token
from listbackup.sandbox.platforms.keap.views import VIEWS
from listbackup.sandbox.platforms.keap.visits import Handler, Visit


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a list request asks for."""

    tests: list[Test] = field(default_factory=list)
    filter: str = ""
    order: str = "id"
    falling: bool = False
    size: int = USUAL_PAGE
    token: str = ""

    @property
    def mark(self) -> str:
        """What a page token belongs to."""
        return f"{self.filter}|{self.order}|{self.falling}"


def make_lister(listing: Listing) -> Handler:
    """Make what answers a list operation."""
    filters, orders = read_filters(listing.filters), read_order(listing.order)

    def answer(visit: Visit) -> Response:
        visit.check_owners()
        try:
            wish = _read_wish(visit, listing)
            custom = visit.tenant.custom_fields(listing.custom) if listing.custom else {}
            tests = parse_filter(wish.filter, filters, custom)
            path, falling = parse_order(wish.order, orders) if wish.order else ("id", False)
        except FilterError as error:
            raise RefusedError(400, str(error)) from None
        meant = _Wish(tests, wish.filter, path, falling, wish.size, wish.token)
        return _list(visit, listing, meant)

    return answer


def make_getter(table: str, part: str, view: str = "") -> Handler:
    """Make what answers a retrieve operation; `part` is the part of the path with the id."""

    def answer(visit: Visit) -> Response:
        visit.check_owners()
        record = visit.find(table, visit.parts[part])
        _check_owned(visit, record, part)
        chosen = choose_fields(visit, table)
        shown = VIEWS[view](visit.tenant, record) if view else record
        return give(select(table, shown, chosen) if isinstance(shown, dict) else shown)

    return answer


def choose_fields(visit: Visit, table: str) -> list[str] | None:
    """Read `fields`; None where nothing is named. Raises RefusedError (400)."""
    known = FIELDS.get(table)
    if known is None:
        return None
    named = visit.names("fields")
    for name in named:
        if name not in known:
            raise RefusedError(400, f"Unknown field '{name}' in 'fields'", name)
    return named or None


def select(table: str, record: Record, named: list[str] | None) -> Record:
    """Leave of a record what is shown where these fields are named."""
    known = FIELDS.get(table)
    if known is None:
        return record
    if table == "contacts":
        wanted = {"id", *named} if named else set(UNASKED_CONTACT)
        return {name: value for name, value in record.items() if name in wanted}
    hidden = set(known) - set(named or ())
    return {name: value for name, value in record.items() if name not in hidden}


def _check_owned(visit: Visit, record: Record, part: str) -> None:
    for name, value in visit.parts.items():
        if name != part and name in record and str(record[name]) != value:
            raise RefusedError(404, f"{visit.parts[part]} was not found under {value}")


def _read_wish(visit: Visit, listing: Listing) -> _Wish:
    first = visit.call.first
    if not listing.largest:
        return _Wish(order="", size=1_000_000)
    usual = min(listing.largest, USUAL_PAGE)
    text = first("page_size")
    try:
        size = usual if not text else int(text)
    except ValueError:
        raise RefusedError(400, "'page_size' must be a whole number", "page_size") from None
    if not 0 <= size <= listing.largest:
        raise RefusedError(400, f"'page_size' must be at most {listing.largest}", "page_size")
    return _Wish(
        filter=first("filter") or "",
        order=first("order_by") or "",
        size=size or usual,
        token=first("page_token") or "",
    )


def _list(visit: Visit, listing: Listing, wish: _Wish) -> Response:
    tenant = visit.tenant
    table = tenant[listing.table]
    view = VIEWS[listing.view] if listing.view else None
    numbers = _owned(visit, listing, table)
    moment = tenant.seconds - tenant.lag if tenant.lag and wish.filter else None

    def rank(row: Row) -> Rank | None:
        if moment is not None and row.changed > moment:
            return None
        get = _reader(table, row, view and (lambda record: view(tenant, record)))
        if not all(test(get) for test in wish.tests) or not _fixed(listing, get):
            return None
        return (1, float(row.number), "") if wish.order == "id" else rank_value(get(wish.order))

    parts = tuple(sorted(visit.parts.items()))
    version = tenant.version if listing.view or listing.owners else 0
    key = (listing.path, parts, wish.mark, moment, version)
    after = read_token(wish.token, listing.path, wish.mark) if wish.token else None
    page = cut(table.ranked(key, numbers, rank), after, wish.size, falling=wish.falling)
    chosen = choose_fields(visit, listing.table)
    shown = [_show(visit, listing, table.row(number), chosen) for number in page.numbers]
    token = write_token(page.after, listing.path, wish.mark) if page.after else ""
    return _envelop(visit, listing, shown, token)


def _owned(visit: Visit, listing: Listing, table: Table) -> list[int] | None:
    if not listing.owners:
        return None
    (part, paths), *others = listing.owners
    found: dict[int, None] = {}
    for path in paths.split("|"):
        if path in table.plan.indexed:
            found |= dict.fromkeys(table.owned(path, visit.parts[part]))
        else:
            wanted = visit.parts[part]
            rows = (row for row in table.rows() if wanted in several(table.value(row, path)))
            found |= dict.fromkeys(row.number for row in rows)
    return [
        number
        for number in found
        if all(table.value(table.row(number), p) == visit.parts[name] for name, p in others)
    ]


def _reader(
    table: Table, row: Row, view: Callable[[Record], object] | None
) -> Callable[[str], object]:
    seen: list[Record] = []

    def get(path: str) -> object:
        if table.keeps(path):
            return table.value(row, path)
        if not seen:
            record = table.read(row.number)
            shown = view(record) if view else None
            seen.append({**record, **shown} if isinstance(shown, dict) else record)
        return pick(seen[0], path)

    return get


def _fixed(listing: Listing, get: Callable[[str], object]) -> bool:
    return all(get(path) == value for path, value in listing.fixed)


def _show(visit: Visit, listing: Listing, row: Row, chosen: list[str] | None) -> msgspec.Raw:
    if not listing.view and listing.table not in FIELDS:
        return msgspec.Raw(row.data)
    record: object = msgspec.json.decode(row.data)
    if listing.view:
        shown = VIEWS[listing.view](visit.tenant, record)  # type: ignore[arg-type]
    else:
        shown = select(listing.table, record, chosen)  # type: ignore[arg-type]
    return msgspec.Raw(msgspec.json.encode(shown))


_EXTRAS: dict[str, Callable[[Visit], Record]] = {
    "/automations": lambda visit: {"automation_count": len(visit.tenant["automations"])},
    "/campaigns/{campaign_id}/goals": lambda visit: {"campaign_id": visit.parts["campaign_id"]},
    "/campaigns/{campaign_id}/sequences": lambda visit: {"campaign_id": visit.parts["campaign_id"]},
    "/merchants": lambda visit: {
        "default_merchant_account_id": next(
            (str(record["id"]) for record in visit.tenant.records("merchants")), ""
        )
    },
}


def _envelop(visit: Visit, listing: Listing, shown: list[msgspec.Raw], token: str) -> Response:
    body: dict[str, object] = {listing.within: shown}
    if listing.path in _EXTRAS:
        body.update(_EXTRAS[listing.path](visit))
    if listing.largest:
        body["next_page_token"] = token
    return Response(200, dict(JSON), msgspec.json.encode(body))
