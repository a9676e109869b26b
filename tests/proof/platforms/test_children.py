"""Lists that Stripe is asked for once for each customer that changed, as its events tell: what
could not be read in one backup is read in the next one.
"""

from pathlib import Path

from listbackup.sandbox.platforms.faults import Fault, Rule
from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from tests.proof.platforms.worlds import World

HISTORY = "customers.balance_transactions"


def add_a_transaction(stripe: StripeSandbox) -> None:
    """Give a customer another transaction; the events tell of the customer."""
    books = stripe.books()
    customer = next(iter(books.account["customers"].records))
    books.make("balances", told=False, customer=customer, amount=500, currency="eur")
    books.change("customers", customer, metadata={"paid": "otherwise"})


def test_transactions_that_could_not_be_read_come_with_the_next_backup(scratch: Path) -> None:
    world = World("stripe", scratch, include=("customers", HISTORY))
    assert not world.sync().reasons
    world.pass_time(hours=10)
    assert isinstance(world.sandbox, StripeSandbox)
    add_a_transaction(world.sandbox)
    world.pass_time(hours=3)
    world.sandbox.dial.set(Rule(Fault.ERROR_500, "GET /v1/customers/*balance_transactions"))
    (reason,) = world.sync().reasons
    assert HISTORY in reason
    world.sandbox.dial.clear()
    world.pass_time(hours=15)
    assert not world.sync().reasons
    assert not world.compare()
