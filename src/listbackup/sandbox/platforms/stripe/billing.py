"""Templates of what is billed: invoices and their lines, subscriptions, credit notes, quotes."""

from listbackup.sandbox.platforms.stripe.shaping import NO_TAX, SELF, nothing, template

PAYMENT_SETTINGS = nothing("default_mandate payment_method_options payment_method_types")
TEMPLATES = (
    template(
        "invoice",
        nothing(
            "account_tax_ids application automatically_finalizes_at created custom_fields "
            "customer customer_account customer_address customer_email customer_name "
            "customer_phone customer_shipping default_payment_method default_source description "
            "due_date effective_at ending_balance footer from_invoice hosted_invoice_url "
            "invoice_pdf last_finalization_error latest_revision next_payment_attempt number "
            "on_behalf_of parent period_end period_start receipt_number rendering "
            "shipping_cost shipping_details statement_descriptor test_clock webhooks_delivered_at"
        ),
        account_country="US",
        account_name="Shop",
        amount_due=0,
        amount_overpaid=0,
        amount_paid=0,
        amount_remaining=0,
        amount_shipping=0,
        attempt_count=0,
        attempted=False,
        auto_advance=False,
        automatic_tax=NO_TAX,
        billing_reason="manual",
        collection_method="charge_automatically",
        currency="usd",
        customer_tax_exempt="none",
        customer_tax_ids=[],
        default_tax_rates=[],
        discounts=[],
        issuer=SELF,
        livemode=False,
        metadata={},
        payment_settings=PAYMENT_SETTINGS,
        post_payment_credit_notes_amount=0,
        pre_payment_credit_notes_amount=0,
        starting_balance=0,
        status="draft",
        status_transitions=nothing("finalized_at marked_uncollectible_at paid_at voided_at"),
        subtotal=0,
        subtotal_excluding_tax=0,
        total=0,
        total_discount_amounts=[],
        total_excluding_tax=0,
        total_pretax_credit_amounts=[],
        total_taxes=[],
    ),
    template(
        "line_item",
        nothing("description invoice parent period pricing subscription"),
        amount=0,
        currency="usd",
        discount_amounts=[],
        discountable=True,
        discounts=[],
        livemode=False,
        metadata={},
        pretax_credit_amounts=[],
        quantity=1,
        subtotal=0,
        taxes=[],
    ),
    template(
        "invoiceitem",
        nothing("customer customer_account date description invoice parent period pricing"),
        amount=0,
        currency="usd",
        discountable=True,
        discounts=[],
        livemode=False,
        metadata={},
        net_amount=0,
        proration=False,
        quantity=1,
        tax_rates=[],
        test_clock=None,
    ),
    template(
        "invoice_payment",
        nothing("amount_paid created invoice payment status_transitions"),
        amount_requested=0,
        currency="usd",
        is_default=True,
        livemode=False,
        status="paid",
    ),
    template(
        "subscription",
        nothing(
            "application application_fee_percent billing_cycle_anchor "
            "billing_cycle_anchor_config billing_thresholds cancel_at canceled_at created "
            "customer customer_account days_until_due default_payment_method default_source "
            "description ended_at latest_invoice next_pending_invoice_item_invoice on_behalf_of "
            "pause_collection pending_invoice_item_interval pending_setup_intent pending_update "
            "schedule start_date test_clock transfer_data trial_end trial_start"
        ),
        automatic_tax={"disabled_reason": None, "enabled": False, "liability": None},
        billing_mode={"type": "flexible"},
        cancel_at_period_end=False,
        cancellation_details=nothing("comment feedback reason"),
        collection_method="charge_automatically",
        currency="usd",
        default_tax_rates=[],
        discounts=[],
        invoice_settings={"account_tax_ids": None, "issuer": SELF},
        livemode=False,
        metadata={},
        payment_settings={
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        status="active",
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
    ),
    template(
        "subscription_item",
        nothing(
            "billing_thresholds created current_period_end current_period_start plan price "
            "subscription"
        ),
        discounts=[],
        metadata={},
        quantity=1,
        tax_rates=[],
    ),
    template(
        "subscription_schedule",
        nothing(
            "application canceled_at completed_at created current_phase customer "
            "customer_account released_at released_subscription subscription test_clock"
        ),
        default_settings={"billing_cycle_anchor": "automatic"},
        end_behavior="release",
        livemode=False,
        metadata={},
        phases=[],
        status="not_started",
    ),
    template(
        "credit_note",
        nothing(
            "created customer customer_account customer_balance_transaction effective_at invoice "
            "memo number out_of_band_amount pdf reason shipping_cost voided_at"
        ),
        amount=0,
        amount_shipping=0,
        currency="usd",
        discount_amount=0,
        discount_amounts=[],
        livemode=False,
        metadata={},
        post_payment_amount=0,
        pre_payment_amount=0,
        pretax_credit_amounts=[],
        refunds=[],
        status="issued",
        subtotal=0,
        subtotal_excluding_tax=0,
        total=0,
        total_excluding_tax=0,
        total_taxes=[],
        type="pre_payment",
    ),
    template(
        "credit_note_line_item",
        nothing("description invoice_line_item unit_amount unit_amount_decimal"),
        amount=0,
        discount_amount=0,
        discount_amounts=[],
        livemode=False,
        pretax_credit_amounts=[],
        quantity=1,
        tax_rates=[],
        taxes=[],
        type="invoice_line_item",
    ),
    template(
        "quote",
        nothing(
            "application application_fee_amount application_fee_percent created customer "
            "customer_account description expires_at footer from_quote header invoice number "
            "on_behalf_of subscription subscription_schedule test_clock transfer_data"
        ),
        amount_subtotal=0,
        amount_total=0,
        automatic_tax=NO_TAX,
        collection_method="charge_automatically",
        computed={"recurring": None, "upfront": {"amount_subtotal": 0, "amount_total": 0}},
        currency="usd",
        default_tax_rates=[],
        discounts=[],
        invoice_settings={"days_until_due": None, "issuer": SELF},
        livemode=False,
        metadata={},
        status="draft",
        status_transitions=nothing("accepted_at canceled_at finalized_at"),
        subscription_data=nothing("description effective_date metadata trial_period_days"),
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    ),
    template(
        "file",
        nothing("created expires_at filename title url"),
        purpose="dispute_evidence",
        size=0,
        type="png",
    ),
    template(
        "file_link",
        nothing("created expires_at file url"),
        expired=False,
        livemode=False,
        metadata={},
    ),
    template(
        "webhook_endpoint",
        nothing("api_version application created description"),
        enabled_events=["*"],
        livemode=False,
        metadata={},
        status="enabled",
        url="",
    ),
)
