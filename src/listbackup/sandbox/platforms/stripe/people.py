"""Templates of who pays and how: customers, payment methods, tax ids, balances."""

from listbackup.sandbox.platforms.stripe.shaping import ADDRESS, PERSON, nothing, template

CARD = {
    "brand": "visa",
    "checks": {
        "address_line1_check": None,
        "address_postal_code_check": "pass",
        "cvc_check": "pass",
    },
    "country": "US",
    "display_brand": "visa",
    "exp_month": 8,
    "exp_year": 2031,
    "fingerprint": "Xt5EWLLDS7FJjR1c",
    "funding": "credit",
    "generated_from": None,
    "last4": "4242",
    "networks": {"available": ["visa"], "preferred": None},
    "regulated_status": "unregulated",
    "three_d_secure_usage": {"supported": True},
    "wallet": None,
}
TEMPLATES = (
    template(
        "customer",
        nothing(
            "address created currency customer_account default_source description discount email "
            "name phone shipping test_clock"
        ),
        balance=0,
        delinquent=False,
        invoice_prefix="",
        invoice_settings=nothing("custom_fields default_payment_method footer rendering_options"),
        livemode=False,
        metadata={},
        next_invoice_sequence=1,
        preferred_locales=[],
        tax_exempt="none",
    ),
    template(
        "payment_method",
        nothing("created customer customer_account"),
        allow_redisplay="unspecified",
        billing_details=PERSON,
        card=CARD,
        livemode=False,
        metadata={},
        type="card",
    ),
    template(
        "tax_id",
        nothing("created customer customer_account country"),
        livemode=False,
        owner=None,
        type="eu_vat",
        value="",
        verification={"status": "pending", "verified_address": None, "verified_name": None},
    ),
    template(
        "customer_balance_transaction",
        nothing(
            "checkout_session created credit_note customer customer_account description invoice"
        ),
        amount=0,
        currency="usd",
        ending_balance=0,
        livemode=False,
        metadata={},
        type="adjustment",
    ),
    template(
        "customer_cash_balance_transaction",
        nothing("created customer customer_account"),
        currency="usd",
        ending_balance=0,
        livemode=False,
        net_amount=0,
        type="funded",
    ),
    template(
        "setup_intent",
        nothing(
            "application automatic_payment_methods cancellation_reason client_secret created "
            "customer customer_account description excluded_payment_method_types flow_directions "
            "last_setup_error latest_attempt mandate next_action on_behalf_of payment_method "
            "payment_method_configuration_details single_use_mandate"
        ),
        livemode=False,
        metadata={},
        payment_method_options={},
        payment_method_types=["card"],
        status="requires_payment_method",
        usage="off_session",
    ),
    template(
        "review",
        nothing(
            "billing_zip charge closed_reason created ip_address ip_address_location "
            "payment_intent session"
        ),
        livemode=False,
        open=True,
        opened_reason="rule",
        reason="rule",
    ),
    template(
        "account",
        nothing("business_type created individual"),
        business_profile={
            **nothing(
                "annual_revenue estimated_worker_count mcc minority_owned_business_designation "
                "name product_description support_email support_phone support_url url"
            ),
            "support_address": ADDRESS,
        },
        capabilities={"card_payments": "active", "transfers": "active"},
        charges_enabled=True,
        controller={"type": "account"},
        country="US",
        default_currency="usd",
        details_submitted=True,
        email="owner@shop.example",
        metadata={},
        payouts_enabled=True,
        settings={"dashboard": {"display_name": "Shop", "timezone": "Etc/UTC"}},
        type="standard",
    ),
)
