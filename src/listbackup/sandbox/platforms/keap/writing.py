"""Answers Keap's create, update and delete operations."""

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.keap.bodies import field_names
from listbackup.sandbox.platforms.keap.errors import RefusedError, give, give_nothing
from listbackup.sandbox.platforms.keap.operations import FIELDS
from listbackup.sandbox.platforms.keap.reading import choose_fields, select
from listbackup.sandbox.platforms.keap.resources import Resource
from listbackup.sandbox.platforms.keap.rules import PLAIN, Rules
from listbackup.sandbox.platforms.keap.rules_people import RULES as PEOPLE
from listbackup.sandbox.platforms.keap.rules_sales import RULES as SALES
from listbackup.sandbox.platforms.keap.tables import Record
from listbackup.sandbox.platforms.keap.views import VIEWS
from listbackup.sandbox.platforms.keap.visits import Handler, Visit

RULES: dict[str, Rules] = {**PEOPLE, **SALES}
_MASK_NEEDED = frozenset({"field_groups", "field_tabs", "link_types"})


def show(visit: Visit, table: str, record: Record, view: str = "", status: int = 200) -> Response:
    """Answer with a record, as much of it as is asked for."""
    shown = VIEWS[view](visit.tenant, record) if view else record
    chosen = choose_fields(visit, table)
    return give(select(table, shown, chosen) if isinstance(shown, dict) else shown, status)


def create(visit: Visit, table: str, body: Record) -> Record:
    """Make a record of a body that has the right shape. Raises RefusedError."""
    return visit.tenant.add(table, RULES.get(table, PLAIN).make(visit, body))


def update(visit: Visit, table: str, record: Record, body: Record) -> Record:
    """Change a record by a body that has the right shape. Raises RefusedError."""
    RULES.get(table, PLAIN).change(visit, record, body)
    return visit.tenant.change(table, record)


def make_creator(resource: Resource) -> Handler:
    """Make what answers a create operation."""

    def answer(visit: Visit) -> Response:
        visit.check_owners()
        choose_fields(visit, resource.table)
        body = {**visit.read(resource.create), **visit.parts, **dict(resource.fixed)}
        record = create(visit, resource.table, body)
        return show(visit, resource.table, record, resource.view, 201)

    return answer


def make_updater(resource: Resource) -> Handler:
    """Make what answers an update operation: with `update_mask` only what it names changes."""

    def answer(visit: Visit) -> Response:
        visit.check_owners()
        choose_fields(visit, resource.table)
        record = _find(visit, resource)
        body = mask(visit, resource, record, visit.read(resource.update))
        record = update(visit, resource.table, record, body)
        return show(visit, resource.table, record, resource.view)

    return answer


def make_deleter(resource: Resource) -> Handler:
    """Make what answers a delete operation."""

    def answer(visit: Visit) -> Response:
        visit.check_owners()
        record = _find(visit, resource)
        RULES.get(resource.table, PLAIN).drop(visit, record)
        visit.tenant.remove(resource.table, visit.parts[resource.part])
        return give_nothing()

    return answer


def mask(visit: Visit, resource: Resource, record: Record, body: Record) -> Record:
    """Leave of a body what `update_mask` names. Raises RefusedError (400)."""
    named = visit.names("update_mask")
    if not named:
        if resource.table in _MASK_NEEDED:
            raise RefusedError(400, "'update_mask' is required", "update_mask")
        return body
    known = field_names(resource.update)
    shown = {*known, *record, *FIELDS.get(resource.table, ())}
    for name in named:
        if name not in shown:
            raise RefusedError(400, f"Unknown field '{name}' in 'update_mask'", "update_mask")
    return {name: body.get(name) for name in named if name in known}


def _find(visit: Visit, resource: Resource) -> Record:
    record = visit.find(resource.table, visit.parts[resource.part])
    for part, value in visit.parts.items():
        if part != resource.part and str(record.get(part, value)) != value:
            raise RefusedError(404, f"{resource.table} was not found under {value}")
    for name, value in resource.fixed:
        if record.get(name) != value:
            raise RefusedError(404, f"{resource.table} was not found", resource.table)
    return record
