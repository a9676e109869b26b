"""Templates of what is sold: products, prices, plans, coupons, promotion codes, taxes, links."""

from listbackup.sandbox.platforms.stripe.shaping import NO_TAX, nothing, template

TEMPLATES = (
    template(
        "product",
        nothing(
            "created default_price description package_dimensions shippable statement_descriptor "
            "tax_code unit_label updated url"
        ),
        active=True,
        images=[],
        livemode=False,
        marketing_features=[],
        metadata={},
        name="",
        type="service",
    ),
    template(
        "price",
        nothing(
            "created custom_unit_amount lookup_key nickname product recurring tiers_mode "
            "transform_quantity unit_amount unit_amount_decimal"
        ),
        active=True,
        billing_scheme="per_unit",
        currency="usd",
        livemode=False,
        metadata={},
        tax_behavior="unspecified",
        type="one_time",
    ),
    template(
        "plan",
        nothing(
            "amount amount_decimal created meter nickname product tiers_mode transform_usage "
            "trial_period_days"
        ),
        active=True,
        billing_scheme="per_unit",
        currency="usd",
        interval="month",
        interval_count=1,
        livemode=False,
        metadata={},
        usage_type="licensed",
    ),
    template(
        "coupon",
        nothing(
            "amount_off created currency duration_in_months max_redemptions name percent_off "
            "redeem_by"
        ),
        duration="once",
        livemode=False,
        metadata={},
        times_redeemed=0,
        valid=True,
    ),
    template(
        "promotion_code",
        nothing("created customer customer_account expires_at max_redemptions promotion"),
        active=True,
        code="",
        livemode=False,
        metadata={},
        restrictions={
            "first_time_transaction": False,
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        times_redeemed=0,
    ),
    template(
        "tax_rate",
        nothing(
            "country created description effective_percentage flat_amount jurisdiction "
            "jurisdiction_level state tax_type"
        ),
        active=True,
        display_name="",
        inclusive=False,
        livemode=False,
        metadata={},
        percentage=0.0,
        rate_type="percentage",
    ),
    template(
        "shipping_rate",
        nothing("created delivery_estimate fixed_amount tax_code"),
        active=True,
        display_name="",
        livemode=False,
        metadata={},
        tax_behavior="unspecified",
        type="fixed_amount",
    ),
    template(
        "payment_link",
        nothing(
            "application application_fee_amount application_fee_percent consent_collection "
            "inactive_message invoice_creation on_behalf_of payment_intent_data "
            "payment_method_types restrictions shipping_address_collection subscription_data "
            "transfer_data"
        ),
        active=True,
        after_completion={
            "hosted_confirmation": {"custom_message": None},
            "type": "hosted_confirmation",
        },
        allow_promotion_codes=False,
        automatic_tax={"enabled": False, "liability": None},
        billing_address_collection="auto",
        currency="usd",
        custom_fields=[],
        custom_text=nothing("after_submit shipping_address submit terms_of_service_acceptance"),
        customer_creation="if_required",
        livemode=False,
        metadata={},
        payment_method_collection="always",
        phone_number_collection={"enabled": False},
        shipping_options=[],
        submit_type="auto",
        tax_id_collection={"enabled": False, "required": "never"},
        url="",
    ),
    template(
        "item",
        nothing("adjustable_quantity description metadata price"),
        amount_discount=0,
        amount_subtotal=0,
        amount_tax=0,
        amount_total=0,
        currency="usd",
        quantity=1,
    ),
    template(
        "checkout.session",
        nothing(
            "after_expiration allow_promotion_codes amount_subtotal amount_total "
            "billing_address_collection cancel_url client_reference_id client_secret consent "
            "consent_collection created currency currency_conversion customer customer_account "
            "customer_creation customer_details customer_email expires_at invoice "
            "invoice_creation locale origin_context payment_intent payment_link "
            "payment_method_collection payment_method_configuration_details recovered_from "
            "saved_payment_method_options setup_intent shipping_address_collection "
            "shipping_cost submit_type subscription success_url url wallet_options"
        ),
        automatic_tax=NO_TAX,
        custom_fields=[],
        custom_text=nothing("after_submit shipping_address submit terms_of_service_acceptance"),
        discounts=[],
        livemode=False,
        metadata={},
        mode="payment",
        payment_method_options={},
        payment_method_types=["card"],
        payment_status="unpaid",
        permissions=None,
        phone_number_collection={"enabled": False},
        shipping_options=[],
        status="open",
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        ui_mode="hosted_page",
    ),
)
