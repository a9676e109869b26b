"""A Stripe sandbox, empty or with a small business in it."""

import pytest

from listbackup.sandbox.platforms.stripe.application import StripeSandbox
from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.filling import fill
from tests.sandbox.platforms.asking import Asker, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stripe(clock: Clock) -> Asker:
    return Asker(clock, StripeSandbox(clock, 7))


@pytest.fixture
def books(stripe: Asker) -> Books:
    return stripe.stripe.books()


@pytest.fixture
def shop(stripe: Asker, books: Books) -> Asker:
    """A business of 40 customers."""
    fill(books, 40, 3)
    return stripe
