"""What happens on a platform between two backups, and while one runs: records come, change, go
and come back."""

from dataclasses import dataclass, field
from typing import Any

from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from tests.proof.platforms.post import Post
from tests.proof.platforms.worlds import World

COUNTED = ("created", "changed", "deleted", "undeleted")


@dataclass
class Happenings:
    """Random changes to a world's platform, by dice; what was deleted can come back. `deleted` are
    the ids of what was deleted since somebody emptied it."""

    world: World
    dice: Dice
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    deleted: set[str] = field(default_factory=set)
    _gone: list[tuple[str, Any]] = field(default_factory=list)

    def happen(self) -> None:
        """Let one thing happen."""
        throw = self.dice.below(10)
        kind = COUNTED[(0, 0, 0, 1, 1, 1, 1, 2, 2, 3)[throw]]
        match self.world.sandbox:
            case StripeSandbox() as stripe:
                done = self._on_stripe(stripe, kind)
            case Keap() as keap:
                done = self._on_keap(keap, kind)
            case Post() as post:
                done = self._on_post(post, kind)
            case other:
                raise AssertionError(other)
        self.counts[kind] += done

    def _on_stripe(self, stripe: StripeSandbox, kind: str) -> bool:
        books, dice = stripe.books(), self.dice
        if kind == "created":
            match dice.below(3):
                case 0:
                    books.make("customers", name=f"New “{dice.word(5)}”\u2028", metadata={"a": "1"})
                case 1:
                    books.make("products", name=f"Thing {dice.word(5)}")
                case _:
                    books.make("tax_rates", display_name=dice.word(5), percentage=7.25)
            return True
        if kind == "undeleted":
            return self._bring_back(lambda name, value: _make_again(books, name, value))
        name = dice.pick(
            ("customers", "products")
            if kind == "deleted"
            else ("customers", "products", "charges", "invoices", "subscriptions")
        )
        records = books.account[name].records
        if len(records) < 5:
            return False
        id_ = dice.pick(sorted(records))
        if kind == "changed":
            books.change(name, id_, metadata={"changed": dice.word(6)})
            return True
        self._gone.append((name, dict(records[id_].value)))
        self.deleted.add(id_)
        books.delete(name, id_)
        return True

    def _on_keap(self, keap: Keap, kind: str) -> bool:
        tenant, dice = keap.tenants["acme"], self.dice
        name = dice.pick(("contacts", "companies", "notes", "tasks", "products"))
        table = tenant[name]
        records = list(table.records())
        if kind == "undeleted":

            def write(where: str, value: Any) -> None:
                number = int(value["id"])
                stamps = tenant[where].plan.stamps
                again = {**value, stamps[-1]: tenant.now} if stamps else value
                tenant[where].write(number, again, tenant.seconds)

            return self._bring_back(write)
        if kind == "created":
            own = {"id", "tag_ids", *table.plan.stamps}
            tenant.add(name, {k: v for k, v in dice.pick(records).items() if k not in own})
            return True
        if len(records) < 5:
            return False
        record = dice.pick(records)
        if kind == "deleted":
            if name in ("companies", "products"):
                return False
            self._gone.append((name, record))
            self.deleted.add(str(record["id"]))
            tenant.remove(name, record["id"])
            return True
        text = {
            "contacts": "given_name",
            "companies": "company_name",
            "notes": "text",
            "tasks": "title",
            "products": "product_name",
        }[name]
        record[text] = f"“{dice.word(6)}”"
        tenant.change(name, record)
        return True

    def _on_post(self, post: Post, kind: str) -> bool:
        dice, parcels = self.dice, post.account["parcels"]
        number = 1000 + sum(self.counts.values())
        if kind == "created":
            post.put_parcel(number)
            post.put_scan(number, 0)
            value = {"id": f"b{number}", "name": dice.word(6), "open": True}
            post.account.put("branches", f"b{number}", value)
            return True
        if kind == "undeleted":
            return self._bring_back(lambda name, value: post.put_parcel(value["id"]))
        if len(parcels) < 5:
            return False
        id_ = dice.pick(sorted(parcels.records))
        if kind == "changed":
            post.put_scan(int(id_), dice.below(40))
            post.put_parcel(int(id_))
            return True
        self._gone.append(("parcels", dict(parcels[id_].value)))
        self.deleted.add(id_)
        for record in list(post.account["scans"].where("parcel", id_).oldest_first()):
            post.account.drop("scans", record.id)
        post.account.drop("parcels", id_)
        branches = post.account["branches"].records
        if len(branches) > 5:
            post.account.drop("branches", dice.pick(sorted(branches)))
        return True

    def _bring_back(self, write: Any) -> bool:
        if not self._gone:
            return False
        name, value = self._gone.pop(self.dice.below(len(self._gone)))
        write(name, value)
        return True


def _make_again(books: Any, name: str, value: dict[str, Any]) -> None:
    fields = {
        k: v
        for k, v in value.items()
        if k not in ("id", "created", "livemode", "object", "updated")
    }
    books.make(name, id=value["id"], created=value.get("created"), **fields)
