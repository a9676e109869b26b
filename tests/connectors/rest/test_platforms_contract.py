"""Whole syncs ask only what the platforms' operations take, and every operation that they use."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

from listbackup.connectors.rest.loading import load_platform
from listbackup.log import Secret
from listbackup.testing.contracts import Contract
from listbackup.testing.paces import PlayedPace
from tests.connectors.rest.contractworlds import Backups, Sync, make_keap, make_stripe

FACTS = Path(__file__).parent / "operations"
# Lists below records of modules that the sandbox's account is not set up to use, or that the
# sandbox does not know.
UNREACHED = {
    "GET /v1/payment_attempt_records",
    "GET /v1/payment_intents/{intent}/amount_details_line_items",
    "GET /v1/financial_connections/transactions",
    "GET /v1/issuing/tokens",
    "GET /v1/treasury/credit_reversals",
    "GET /v1/treasury/debit_reversals",
    "GET /v1/treasury/inbound_transfers",
    "GET /v1/treasury/outbound_payments",
    "GET /v1/treasury/outbound_transfers",
    "GET /v1/treasury/received_credits",
    "GET /v1/treasury/received_debits",
    "GET /v1/treasury/transaction_entries",
    "GET /v1/treasury/transactions",
}


def read_contract(name: str) -> Contract:
    return Contract((FACTS / f"{name}.parameters.txt").read_text("utf-8"))


def sync_twice(backups: Backups, live: Callable[[], None] = lambda: None) -> tuple[Sync, Sync]:
    """Everything, and a day later what changed; `live` changes something."""
    first = backups.sync()
    backups.pace.set_wall(backups.pace.now() + timedelta(hours=20))
    live()
    return first, backups.sync()


@cache
def sync_keap() -> tuple[Sync, Sync]:
    pace = PlayedPace()
    keap, key = make_keap(pace)
    url, secret = "https://api.keap.com/crm", {"key": Secret(key)}
    return sync_twice(Backups("keap", "key", secret, keap, url, read_contract("keap"), pace))


@cache
def sync_stripe() -> tuple[Sync, Sync]:
    pace = PlayedPace()
    stripe, key = make_stripe(pace)
    url, secret = "https://api.stripe.com", {"token": Secret(key)}

    def live() -> None:
        books = stripe.books()
        for collection in ("customers", "products", "invoices", "subscriptions"):
            books.change(
                collection, min(books.account[collection].records), metadata={"new": "yes"}
            )

    backups = Backups("stripe", "key", secret, stripe, url, read_contract("stripe"), pace)
    return sync_twice(backups, live)


def list_used(name: str) -> set[str]:
    return {one for stream in load_platform(name).streams for one in stream.covers}


def test_keap_is_asked_nothing_that_its_operations_do_not_take() -> None:
    for sync in sync_keap():
        assert sync.asked.violations == []
        assert sync.failed == {}
        assert {name: one.reason for name, one in sync.closing.outcomes.items() if one.reason} == {}


def test_every_operation_of_keap_that_a_stream_covers_is_asked() -> None:
    first, _ = sync_keap()
    assert {one for one in list_used("keap") if not first.asked.counts[one]} == set()
    assert first.asked.counts["GET /rest/v2/oauth/connect/userinfo"] >= 1


def test_every_list_of_keap_gives_something() -> None:
    first, _ = sync_keap()
    assert {name for name, found in first.records.items() if not found} == set()


def test_a_later_sync_of_keap_asks_for_what_changed_where_it_can() -> None:
    first, second = sync_keap()
    streams = load_platform("keap").streams
    whole = {one.parent.stream for one in streams if one.parent and one.parent.when == "all"}
    filtered = {one.name for one in streams if one.since} - whole
    assert "notes" in filtered
    for name in filtered:
        assert second.closing.outcomes[name].status == "upserts", name
    assert len(second.records["contacts"]) < len(first.records["contacts"])


def test_stripe_is_asked_nothing_that_its_operations_do_not_take() -> None:
    for sync in sync_stripe():
        assert sync.asked.violations == []
        assert sync.failed == {}
        assert {name: one.reason for name, one in sync.closing.outcomes.items() if one.reason} == {}


def test_every_operation_of_stripe_that_a_stream_covers_is_asked() -> None:
    first, second = sync_stripe()
    assert {one for one in list_used("stripe") if not first.asked.counts[one]} == UNREACHED
    assert second.asked.counts["GET /v1/events"] >= 1
    assert second.asked.counts["GET /v1/customers/{customer}"] == 1


def test_lists_that_a_record_of_stripe_shows_in_part_are_read_whole() -> None:
    first, _ = sync_stripe()
    for name in ("invoices.lines", "subscriptions.items", "quotes.line_items", "customers.tax_ids"):
        assert len(first.records[name]) >= 23, name
