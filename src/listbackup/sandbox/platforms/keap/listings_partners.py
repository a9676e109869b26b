"""Keap's list operations about partners, lead sources, places and the models of records."""

from listbackup.sandbox.platforms.keap.operations import MODELS, Listing

_EXPENSES = "title amount#:amount.amount incurred_time create_time update_time"
_EXPENSES_ORDER = "title amount:amount.amount incurred_time create_time update_time"
_EARNED = "since_time>:{0} until_time<:{0}"

_REFERRED = (
    Listing(
        "/affiliates",
        "affiliates",
        "affiliates",
        "id#! name* contact_id referral_contact_id:contact_id status code",
        "id date_created name status code",
        custom="REFERRAL_PARTNER",
    ),
    Listing(
        "/affiliates/commissionPrograms",
        "commission_programs",
        "programs",
        "name affiliate_id:affiliate_ids",
        "name date_created:create_time",
        view="program",
    ),
    Listing(
        "/affiliates/commissionPrograms/{commission_program_id}/resources",
        "resources",
        "program_resources",
        largest=0,
        owners=(("commission_program_id", "commission_programs.commission_program_id"),),
    ),
    Listing(
        "/affiliates/redirects",
        "affiliate_links",
        "redirects",
        "name affiliate_id",
        "name date_created",
    ),
    Listing(
        "/affiliates/summaries",
        "affiliate_summaries",
        "affiliates",
        "affiliate_ids[]:affiliateId since_time@ until_time@",
        "affiliate_id:affiliateId amount_earned:amountEarned balance clawbacks",
        view="summary",
    ),
    Listing(
        "/affiliates/{affiliate_id}/payments",
        "affiliate_payments",
        "affiliate_payments",
        _EARNED.format("create_time"),
        "create_time pay_date pay_amount",
        owners=(("affiliate_id", "affiliate_id"),),
        view="affiliate's",
    ),
    Listing(
        "/affiliates/{affiliate_id}/referrals",
        "referrals",
        "referrals",
        "source*",
        "id referral_time",
        owners=(("affiliate_id", "referral_partner_id"),),
    ),
    Listing(
        "/affiliates/{affiliate_id}:commissions",
        "affiliate_commissions",
        "commissions",
        _EARNED.format("time_earned"),
        "invoice_id time_earned",
        owners=(("affiliate_id", "sales_affiliate_id"),),
    ),
)
_LEADS = (
    Listing(
        "/leadSources",
        "lead_sources",
        "lead_sources",
        "id#! name* status lead_source_category_id vendor* medium* message* description*"
        " start_time end_time",
        "name status vendor medium start_time end_time create_time update_time",
    ),
    Listing(
        "/leadSourceCategories",
        "lead_source_categories",
        "lead_source_categories",
        "name* description*",
        "name",
    ),
    Listing(
        "/leadSources/{lead_source_id}/expenses",
        "lead_source_expenses",
        "expenses",
        _EXPENSES,
        _EXPENSES_ORDER,
        owners=(("lead_source_id", "lead_source_id"),),
    ),
    Listing(
        "/leadSources/{lead_source_id}/recurringExpenses",
        "lead_source_recurring_expenses",
        "recurring_expenses",
        "title amount#:amount.amount start_time end_time next_expense_time create_time update_time",
        "title amount:amount.amount start_time end_time next_expense_time create_time update_time",
        owners=(("lead_source_id", "lead_source_id"),),
    ),
    Listing(
        "/leadSources/{lead_source_id}/recurringExpenses/{lead_source_recurring_expense_id}"
        "/expenses",
        "lead_source_expenses",
        "expenses",
        _EXPENSES,
        _EXPENSES_ORDER,
        owners=(
            ("lead_source_id", "lead_source_id"),
            ("lead_source_recurring_expense_id", "lead_source_recurring_expense_id"),
        ),
    ),
)
_PLACES = (
    Listing("/locales/countries", "countries", "countries", largest=0),
    Listing(
        "/locales/countries/{country_code}/provinces",
        "provinces",
        "provinces",
        largest=0,
        owners=(("country_code", "country"),),
    ),
)
_MODELS = tuple(
    Listing(
        f"/{model}/model/customFields/{what}",
        what,
        f"field_{what}",
        largest=0,
        fixed=(("record_type", record),),
    )
    for model, record in MODELS.items()
    for what in ("groups", "tabs")
)
PARTNERS = _REFERRED + _LEADS + _PLACES + _MODELS
