"""Fills an account with its settings: one or two of each, as most accounts have."""

from listbackup.sandbox.platforms.dice import Dice
from listbackup.sandbox.platforms.stripe.books import Books


def fill_settings(books: Books, dice: Dice, born: int, product: str) -> None:
    """Make features, meters, portal, tax registrations, fraud lists, domains, terminals."""

    def load(collection: str, prefix: str, **fields: object) -> str:
        return books.load(collection, prefix + dice.word(24), born, **fields)

    feature = load("entitlements/features", "feat_", lookup_key="export", name="Export")
    shown = books.show("entitlements/features", feature)
    load("product_features", "prodft_", entitlement_feature=shown, _of=product)
    load("invoice_rendering_templates", "inrtem_", nickname="Plain")
    load("billing/meters", "mtr_", display_name="Calls", event_name="calls")
    load("billing/alerts", "alrt_", title="Many calls")
    load("billing_portal/configurations", "bpc_")
    load("tax/registrations", "taxreg_", active_from=born)
    load("tax/registrations", "taxreg_", active_from=born, status="expired", expires_at=born + 1)
    fraud = load("radar/value_lists", "rsl_", alias="blocked", name="Blocked")
    for number in range(3):
        load("radar/value_list_items", "rsli_", value=f"bad{number}@x.example", value_list=fraud)
    load("payment_method_configurations", "pmc_")
    load("payment_method_domains", "pmd_", domain_name="shop.example")
    load("apple_pay/domains", "apwc_", domain_name="shop.example")
    location = load("terminal/locations", "tml_", display_name="Counter")
    load("terminal/readers", "tmr_", label="Till 1", location=location)
