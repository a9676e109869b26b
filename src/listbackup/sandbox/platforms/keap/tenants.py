"""One Keap tenant: its tables, its clock, what deleting takes along.

Knows records and how they hang together, not requests.
"""

from collections.abc import Iterator, Mapping

from listbackup.sandbox.platforms.keap.plans import PLANS
from listbackup.sandbox.platforms.keap.tables import Record, Table, pick, several
from listbackup.sandbox.platforms.state import Watch

_HANGS = {
    "contacts": (("notes", "contact_id"), ("tasks", "contact_id"), ("emails", "contact_id")),
    "products": (("options", "product_id"), ("plans", "product_id")),
    "lead_sources": (("expenses", "lead_source_id"), ("recurring_expenses", "lead_source_id")),
    "product_categories": (("product_categories", "parent_category_id"),),
}
FIRST_NUMBERS = {"contacts": 1000, "orders": 500, "companies": 100}


class Tenant:
    """The records of one Keap account. `lag` is for how many seconds filtered lists still miss
    what was just written; `user` is who makes what is made through the interface."""

    def __init__(self, name: str, watch: Watch) -> None:
        self.name = name
        self.watch = watch
        self.lag = 0.0
        self.user = "1"
        self.profile: Record = {"name": name, "currency_code": "USD", "language_tag": "en-US"}
        self.files: dict[int, bytes] = {}
        self.images: dict[str, bytes] = {}
        self._tables: dict[str, Table] = {}
        self._items = 0

    def __getitem__(self, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = table = Table(PLANS[name])
            for _ in range(FIRST_NUMBERS.get(name, 0)):
                table.take_number()
        return self._tables[name]

    @property
    def seconds(self) -> float:
        """Seconds since 1970."""
        return self.watch.now().timestamp()

    @property
    def now(self) -> str:
        """The time as Keap writes it, to the second."""
        return self.watch.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def version(self) -> int:
        """A number that moves when any record does."""
        return sum(table.version for table in self._tables.values())

    def take_item(self) -> int:
        """Give a number for a part of a record: an order item, a criterion."""
        self._items += 1
        return self._items

    def names(self) -> tuple[str, ...]:
        """Name the tables that were used."""
        return tuple(self._tables)

    def records(self, name: str) -> Iterator[Record]:
        """Give all records of a table, oldest first."""
        return self[name].records()

    def find(self, name: str, id_: object) -> Record | None:
        """Give a record by what it is known by, or None."""
        number = self[name].find(id_)
        return None if number is None else self[name].read(number)

    def add(self, name: str, fields: Mapping[str, object]) -> Record:
        """Add a record: under a new id, with the times of now where it brings none."""
        table = self[name]
        number, moment = table.take_number(), self.now
        record: Record = {}
        if table.plan.name and not table.plan.given:
            record[table.plan.name] = str(number)
        record.update(fields)
        for stamp in filter(None, table.plan.stamps):
            record.setdefault(stamp, moment)
        table.write(number, record, self.seconds)
        return record

    def change(self, name: str, record: Record, *, quietly: bool = False) -> Record:
        """Write a record anew; quietly: its time of change stays."""
        table = self[name]
        number = table.find(record[table.plan.name])
        if number is None:
            raise LookupError(name)
        if not quietly and len(table.plan.stamps) > 1:
            record[table.plan.stamps[1]] = self.now
        table.write(number, record, self.seconds)
        return record

    def remove(self, name: str, id_: object) -> None:
        """Delete a record and what hangs on it. Raises LookupError."""
        table = self[name]
        number = table.find(id_)
        if number is None:
            raise LookupError(name)
        table.remove(number)
        for hanging, path in _HANGS.get(name, ()):
            for one in self[hanging].owned(path, str(id_)):
                self.remove(hanging, one)
        if name in {"contacts", "companies", "tags"}:
            self._unapply(name, str(id_))
        if name == "contacts":
            for path in ("contact1_id", "contact2_id"):
                for one in self["links"].owned(path, str(id_)):
                    self["links"].remove(one)
        if name == "files":
            self.files.pop(number, None)

    def apply_tag(self, tag: str, contact: str, moment: str | None = None) -> bool:
        """Give a contact a tag; false where it has it. The contact's time of change stays: who
        has which tag has to be asked for by itself."""
        record = self.find("contacts", contact)
        if record is None or tag in several(record.get("tag_ids")):
            return False
        record["tag_ids"] = [*several(record.get("tag_ids")), tag]
        self.change("contacts", record, quietly=True)
        fields = {"tag_id": tag, "contact_id": contact, "applied_time": moment or self.now}
        self.add("applied_tags", fields)
        return True

    def remove_tag(self, tag: str, contact: str) -> bool:
        """Take a tag from a contact; false where it has none."""
        table = self["applied_tags"]
        held = [n for n in table.owned("contact_id", contact) if table.read(n)["tag_id"] == tag]
        for number in held:
            table.remove(number)
        record = self.find("contacts", contact)
        if record is not None and held:
            record["tag_ids"] = [one for one in several(record.get("tag_ids")) if one != tag]
            self.change("contacts", record, quietly=True)
        return bool(held)

    def custom_fields(self, record_type: str) -> dict[str, Record]:
        """Give a record type's custom fields by their lower-case names."""
        table = self["fields"]
        found = [table.read(number) for number in table.owned("record_type", record_type)]
        return {str(meta["field_name"]).lower(): meta for meta in found}

    def _unapply(self, name: str, id_: str) -> None:
        if name == "tags":
            for number in self["applied_tags"].owned("tag_id", id_):
                self.remove_tag(id_, str(pick(self["applied_tags"].read(number), "contact_id")))
        table = self["applied_company_tags" if name == "companies" else "applied_tags"]
        path = {"contacts": "contact_id", "companies": "company_id", "tags": "tag_id"}[name]
        for number in table.owned(path, id_):
            table.remove(number)
        if name == "tags":
            companies = self["applied_company_tags"]
            for number in companies.owned("tag_id", id_):
                companies.remove(number)
