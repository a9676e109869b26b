"""Templates of what was paid: charges, intents, refunds, disputes, balance, payouts, transfers."""

from listbackup.sandbox.platforms.stripe.people import CARD
from listbackup.sandbox.platforms.stripe.shaping import PERSON, flags, nothing, template

EVIDENCE = {
    **nothing(
        "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
        "cancellation_rebuttal customer_communication customer_email_address customer_name "
        "customer_purchase_ip customer_signature duplicate_charge_documentation "
        "duplicate_charge_explanation duplicate_charge_id product_description receipt "
        "refund_policy refund_policy_disclosure refund_refusal_explanation service_date "
        "service_documentation shipping_address shipping_carrier shipping_date "
        "shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text"
    ),
    "enhanced_evidence": {},
}
PAID_BY_CARD = {
    "card": {
        "amount_authorized": None,
        **{name: CARD[name] for name in ("brand", "checks", "country", "exp_month", "exp_year")},
        "fingerprint": CARD["fingerprint"],
        "funding": "credit",
        "installments": None,
        "last4": "4242",
        "mandate": None,
        "network": "visa",
        "network_token": {"used": False},
        "three_d_secure": None,
        "wallet": None,
    },
    "type": "card",
}
APPROVED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 12,
    "seller_message": "Payment complete.",
    "type": "authorized",
}
TEMPLATES = (
    template(
        "charge",
        nothing(
            "application application_fee application_fee_amount balance_transaction created "
            "customer description failure_balance_transaction failure_code failure_message "
            "invoice on_behalf_of payment_intent payment_method receipt_email receipt_number "
            "review shipping source source_transfer statement_descriptor "
            "statement_descriptor_suffix transfer_data transfer_group"
        ),
        flags("disputed livemode refunded"),
        flags("captured paid", True),
        amount=0,
        amount_captured=0,
        amount_refunded=0,
        billing_details=PERSON,
        calculated_statement_descriptor="SHOP",
        currency="usd",
        fraud_details={},
        metadata={},
        outcome=APPROVED,
        payment_method_details=PAID_BY_CARD,
        receipt_url="",
        status="succeeded",
    ),
    template(
        "payment_intent",
        nothing(
            "application application_fee_amount automatic_payment_methods canceled_at "
            "cancellation_reason client_secret created customer customer_account description "
            "excluded_payment_method_types last_payment_error latest_charge next_action "
            "on_behalf_of payment_method payment_method_configuration_details processing "
            "receipt_email review setup_future_usage shipping source statement_descriptor "
            "statement_descriptor_suffix transfer_data transfer_group"
        ),
        amount=0,
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        capture_method="automatic_async",
        confirmation_method="automatic",
        currency="usd",
        livemode=False,
        metadata={},
        payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        payment_method_types=["card"],
        status="requires_payment_method",
    ),
    template(
        "refund",
        nothing(
            "balance_transaction charge created payment_intent reason receipt_number "
            "source_transfer_reversal transfer_reversal"
        ),
        amount=0,
        currency="usd",
        destination_details={"card": {"type": "refund"}, "type": "card"},
        metadata={},
        status="succeeded",
    ),
    template(
        "dispute",
        nothing("charge created payment_intent"),
        amount=0,
        balance_transactions=[],
        currency="usd",
        enhanced_eligibility_types=[],
        evidence=EVIDENCE,
        evidence_details={
            "due_by": None,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        is_charge_refundable=False,
        livemode=False,
        metadata={},
        payment_method_details={
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"},
            "type": "card",
        },
        reason="fraudulent",
        status="needs_response",
    ),
    template(
        "balance_transaction",
        nothing("available_on created description exchange_rate source"),
        amount=0,
        balance_type="payments",
        currency="usd",
        fee=0,
        fee_details=[],
        net=0,
        reporting_category="charge",
        status="available",
        type="charge",
    ),
    template(
        "payout",
        nothing(
            "application_fee application_fee_amount arrival_date balance_transaction created "
            "description destination failure_balance_transaction failure_code failure_message "
            "original_payout payout_method reversed_by statement_descriptor"
        ),
        amount=0,
        automatic=True,
        currency="usd",
        livemode=False,
        metadata={},
        method="standard",
        reconciliation_status="completed",
        source_type="card",
        status="paid",
        trace_id={"status": "supported", "value": "0123456789"},
        type="bank_account",
    ),
    template(
        "transfer",
        nothing(
            "balance_transaction created description destination destination_payment "
            "source_transaction transfer_group"
        ),
        amount=0,
        amount_reversed=0,
        currency="usd",
        livemode=False,
        metadata={},
        reversed=False,
        source_type="card",
    ),
    template(
        "transfer_reversal",
        nothing("balance_transaction created destination_payment_refund source_refund transfer"),
        amount=0,
        currency="usd",
        metadata={},
    ),
    template(
        "topup",
        nothing(
            "balance_transaction created description expected_availability_date failure_code "
            "failure_message source statement_descriptor transfer_group"
        ),
        amount=0,
        currency="usd",
        livemode=False,
        metadata={},
        status="succeeded",
    ),
    template(
        "application_fee",
        nothing(
            "account application balance_transaction charge created fee_source "
            "originating_transaction"
        ),
        amount=0,
        amount_refunded=0,
        currency="usd",
        livemode=False,
        refunded=False,
    ),
    template(
        "fee_refund",
        nothing("balance_transaction created fee"),
        amount=0,
        currency="usd",
        metadata={},
    ),
    template(
        "radar.early_fraud_warning",
        nothing("charge created payment_intent"),
        actionable=True,
        fraud_type="misc",
        livemode=False,
    ),
)
