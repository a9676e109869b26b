"""Fills an account with what is sold, and with what there is once a month."""

from dataclasses import dataclass

from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.stripe.books import Books

MONTH = 30 * 86400
NOUNS = ("Basic", "Pro", "Größe XL", "Support", "Course", "Workshop", "“Gold” & Co.")


@dataclass(frozen=True, slots=True)
class Priced:
    """A price, and of what."""

    id: str
    product: str
    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """What can be bought: once, and every month."""

    once: tuple[Priced, ...]
    monthly: tuple[Priced, ...]


def fill_catalog(books: Books, dice: Dice, now: int, products: int) -> Shelf:
    """Make products with their prices, coupons, rates, links, payouts."""
    born = now - 3 * 365 * 86400
    once: list[Priced] = []
    monthly: list[Priced] = []
    for number in range(1, products + 1):
        name = f"{dice.pick(NOUNS)} {number}"
        product = "prod_" + dice.word(14)
        books.load("products", product, born, name=name, updated=born, metadata={"n": str(number)})
        for recurring, shelf in ((False, once), (True, monthly)):
            shelf.append(_make_price(books, dice, born, product, name, recurring))
    coupon = books.load("coupons", dice.word(8), born, percent_off=25.5, name="Quarter")
    books.load("coupons", "WELCOME", born, amount_off=500, currency="usd", duration="forever")
    for code in ("SPRING", "AUTUMN"):
        promotion = {"coupon": coupon, "type": "coupon"}
        books.load(
            "promotion_codes", "promo_" + dice.word(24), born, code=code, promotion=promotion
        )
    for name, percentage in (("VAT", 20.0), ("Sales tax", 8.25)):
        id = "txr_" + dice.word(24)
        books.load("tax_rates", id, born, display_name=name, percentage=percentage)
    books.load(
        "shipping_rates",
        "shr_" + dice.word(24),
        born,
        display_name="Ground",
        fixed_amount={"amount": 500, "currency": "usd"},
    )
    link = "plink_" + dice.word(24)
    books.load("payment_links", link, born, url=f"https://buy.stripe.example/{dice.word(12)}")
    books.load("items", "li_" + dice.word(24), born, price=once[0].id, _of=link)
    books.load("webhook_endpoints", "we_" + dice.word(24), born, url="https://shop.example/hook")
    file = books.load("files", "file_" + dice.word(24), born, filename="logo.png", size=9863)
    books.load("file_links", "link_" + dice.word(24), born, file=file)
    _move_money(books, dice, born)
    for month in range(36):
        moment = born + month * MONTH
        amount = dice.between(10**5, 10**6)
        books.load("payouts", "po_" + dice.word(24), moment, amount=amount, arrival_date=moment)
    return Shelf(tuple(once), tuple(monthly))


def _move_money(books: Books, dice: Dice, born: int) -> None:
    """What there is where an account has others connected to it."""
    account = "acct_1" + dice.word(15)
    transfer = books.load(
        "transfers", "tr_" + dice.word(24), born, amount=1000, destination=account
    )
    books.load("reversals", "trr_" + dice.word(24), born, amount=100, transfer=transfer)
    fee = books.load("application_fees", "fee_" + dice.word(24), born, amount=100, account=account)
    books.load("fee_refunds", "fr_" + dice.word(24), born, amount=10, fee=fee)
    books.load("topups", "tu_" + dice.word(24), born, amount=5000)


def _make_price(
    books: Books, dice: Dice, born: int, product: str, name: str, recurring: bool
) -> Priced:
    amount = 100 * dice.between(5, 300)
    id = "price_" + dice.word(24)
    interval = {
        "interval": "month",
        "interval_count": 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
    books.load(
        "prices",
        id,
        born,
        product=product,
        recurring=interval if recurring else None,
        type="recurring" if recurring else "one_time",
        unit_amount=amount,
        unit_amount_decimal=str(amount),
    )
    if recurring:
        decimal = str(amount)
        books.load("plans", id, born, amount=amount, amount_decimal=decimal, product=product)
    return Priced(id, product, name, amount)
