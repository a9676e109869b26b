"""What making and changing a Keap record asks for and does, beyond the shape of its body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from listbackup.sandbox.platforms.keap.errors import RefusedError
from listbackup.sandbox.platforms.keap.tables import Record, several
from listbackup.sandbox.platforms.keap.visits import Visit

Make = Callable[[Visit, Record], Record]
Change = Callable[[Visit, Record, Record], None]
Drop = Callable[[Visit, Record], None]


@dataclass(frozen=True, slots=True)
class Rules:
    """How records of a table are made of a body, changed by one, and what speaks against
    deleting them. A field that is null in a body is emptied."""

    make: Make
    change: Change
    drop: Drop


def make_plainly(visit: Visit, body: Record) -> Record:
    """Make a record of what a body says."""
    return {name: value for name, value in body.items() if value is not None}


def change_plainly(visit: Visit, record: Record, body: Record) -> None:
    """Write over a record what a body says."""
    for name, value in body.items():
        if value is None:
            record.pop(name, None)
        else:
            record[name] = value


def drop_freely(visit: Visit, record: Record) -> None:
    """Let a record be deleted."""


def check_there(visit: Visit, record: Mapping[str, object], **tables: str) -> None:
    """Make sure that what fields name is there. Raises RefusedError (400)."""
    for name, table in tables.items():
        value = record.get(name)
        if value is not None and visit.tenant.find(table, value) is None:
            raise RefusedError(400, f"'{name}' {value} does not exist", name)


def check_custom(visit: Visit, record: Mapping[str, object], record_type: str) -> None:
    """Make sure that custom fields are those of the record type. Raises RefusedError (400)."""
    values = several(record.get("custom_fields"))
    if not values:
        return
    known = {meta["id"] for meta in visit.tenant.custom_fields(record_type).values()}
    for value in values:
        if isinstance(value, dict) and value["id"] not in known:
            raise RefusedError(400, f"Custom field {value['id']} does not exist", "custom_fields")


def check_unique(visit: Visit, table: str, field: str, record: Record) -> None:
    """Make sure that no other record has this value. Raises RefusedError (409)."""
    value = str(record.get(field, "")).casefold()
    for other in visit.tenant.records(table):
        if str(other.get(field, "")).casefold() == value and other["id"] != record.get("id"):
            raise RefusedError(409, f"{field} '{record[field]}' is already in use", field)


def settle(check: Callable[[Visit, Record], None], make: Make = make_plainly) -> Rules:
    """Make rules of which `check` looks at the record that would be, made or changed."""

    def make_checked(visit: Visit, body: Record) -> Record:
        record = make(visit, body)
        check(visit, record)
        return record

    def change_checked(visit: Visit, record: Record, body: Record) -> None:
        change_plainly(visit, record, body)
        check(visit, record)

    return Rules(make_checked, change_checked, drop_freely)


PLAIN = Rules(make_plainly, change_plainly, drop_freely)
