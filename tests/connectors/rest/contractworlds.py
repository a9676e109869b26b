"""Platforms of our own that have something in every list, for tests of what is asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.budgets import Budgets
from listbackup.connectors.rest.connection import (
    Connection,
    Overrides,
    choose_way,
    settle_settings,
)
from listbackup.connectors.rest.credentials import Credential, MemoryKeeper, write_credential
from listbackup.connectors.rest.loading import load_platform
from listbackup.connectors.rest.reading import RestReading
from listbackup.connectors.rest.source import RestSource
from listbackup.connectors.rest.transport import Transport
from listbackup.errors import SourceError
from listbackup.log import Secret
from listbackup.records import Before, Closing, Mark, Stream
from listbackup.records.recordlines import read_keys
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.keap.filling import Amounts
from listbackup.sandbox.platforms.keap.filling import fill as fill_keap
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.sandbox.platforms.state import Watch
from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.filling import fill as fill_stripe
from listbackup.sandbox.platforms.stripe.kinds import Child
from listbackup.sandbox.platforms.stripe.resources import CHILDREN
from listbackup.sandbox.platforms.transport import SandboxTransport
from listbackup.testing.contracts import Contract, Validating
from listbackup.testing.hosts import SeededEntropy, play_host
from listbackup.testing.paces import PlayedPace

BORN = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
LONG = {
    ("customers", "tax_ids"),
    ("customers", "sources"),
    ("invoices", "lines"),
    ("subscriptions", "items"),
    ("transfers", "reversals"),
    ("application_fees", "refunds"),
    ("credit_notes", "lines"),
    ("checkout/sessions", "line_items"),
    ("payment_links", "line_items"),
    ("quotes", "line_items"),
    ("payment_intents", "amount_details_line_items"),
    ("accounts", "external_accounts"),
}
"""Lists that are given to one record in a length that the record itself does not show."""


def make_keap(watch: Watch) -> tuple[Keap, str]:
    """A Keap with one small tenant, and a key to it."""
    keap = Keap(watch, 1)
    fill_keap(
        keap.add_tenant("acme"),
        1,
        Amounts(contacts=60, companies=7, subscriptions=9, opportunities=9),
    )
    return keap, keap.issue_key("acme")


def make_stripe(watch: Watch) -> tuple[StripeSandbox, str]:
    """A Stripe whose account is small, in live mode, and a platform of one other; and a key."""
    stripe = StripeSandbox(watch, 1)
    books = stripe.books()
    fill_stripe(books, 40, 1)
    connected = stripe.add_account(of=stripe.account)
    for child in CHILDREN:
        if (child.parent, child.name) in LONG:
            records = books.account[child.parent].records
            _lengthen(books, child, connected if connected in records else min(records))
    return stripe, stripe.key


def _lengthen(books: Books, child: Child, whose: str) -> None:
    for number in range(23):
        name = f"{child.parent.replace('/', '_')}_{child.name}_{number:02}"
        books.load(child.collection, name, BORN + number, **{child.field: whose})


@dataclass
class Sync:
    """What one whole sync gave: records by stream and key, what was said of each stream, what
    could not be read, and what was asked."""

    records: dict[str, dict[bytes, bytes]]
    closing: Closing
    failed: dict[str, str]
    asked: Validating


@dataclass
class Backups:
    """Syncs of one source over a sandbox in the same process, each request judged."""

    name: str
    way: str
    secret: Mapping[str, Secret]
    sandbox: Application[Any]
    base_url: str
    contract: Contract
    pace: PlayedPace
    before: dict[str, Before] = field(default_factory=dict)

    def sync(self) -> Sync:
        """Read everything, by one thread."""
        asked = Validating(SandboxTransport(self.sandbox, self.pace), self.contract, self.base_url)
        reading = RestSource(self._connect(asked), ReadOptions(), play_host()).open()
        records: dict[str, dict[bytes, bytes]] = {}
        failed: dict[str, str] = {}
        try:
            reading.go_on(self.before)
            for stream in list(reading.streams):
                try:
                    records[stream.name] = _read(reading, stream)
                except SourceError as error:
                    failed[stream.name] = error.message
            closing = reading.finish()
        finally:
            reading.close()
        self.before = {
            name: Before(one.checkpoint, None, len(records.get(name, ())), 0)
            for name, one in closing.outcomes.items()
        }
        return Sync(records, closing, failed, asked)

    def _connect(self, transport: Transport) -> Connection:
        platform = load_platform(self.name)
        keeper = MemoryKeeper()
        credential = Credential(self.name, self.way, self.secret, self.pace.now(), "", "")
        keeper.write(write_credential(credential))
        return Connection(
            name=self.name,
            platform=platform,
            way=choose_way(platform, self.way),
            settings=settle_settings(platform, {}),
            overrides=Overrides(self.base_url),
            allow_private_hosts=False,
            keeper=keeper,
            connect=lambda urls, private: transport,
            pace=self.pace,
            budgets=Budgets(self.pace, SeededEntropy(1)),
        )


def _read(reading: RestReading, stream: Stream) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    (part,) = reading.parts(stream)
    for given in reading.read_on(part):
        if not isinstance(given, Mark):
            lines = given.split(b"\n")[:-1]
            found |= zip(read_keys(lines, stream.key), lines, strict=True)
    return found
