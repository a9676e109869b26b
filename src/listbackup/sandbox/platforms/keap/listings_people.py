"""Keap's list operations about people: contacts, companies, users, and what hangs on them."""

from listbackup.sandbox.platforms.keap.operations import NOTES, Listing

_ADDRESSES = " ".join(
    f"{kind}_address_{name}:addresses.{kind.upper()}.{field}"
    for kind in ("billing", "shipping", "other")
    for name, field in (
        ("line1", "line1"),
        ("locality", "locality"),
        ("region", "region"),
        ("postal_code", "postal_code"),
        ("country_code", "country_code"),
    )
)
_APPLIED = (
    "name:tag.name description:tag.description category_id^:tag.category.id"
    " since_applied_time>:applied_time until_applied_time<:applied_time"
    " since_create_time>:tag.create_time until_create_time<:tag.create_time"
    " since_update_time>:tag.update_time until_update_time<:tag.update_time"
)
_APPLIED_ORDER = (
    "name:tag.name create_time:tag.create_time update_time:tag.update_time applied_time"
    " category_id:tag.category.id"
)
PEOPLE = (
    Listing(
        "/contacts",
        "contacts",
        "contacts",
        "email*:email_addresses.email given_name* family_name* middle_name* company_id:company.id"
        " contact_ids[]:id ids[]:id start_update_time>:update_time end_update_time<:update_time"
        f" phone_number:phone_numbers.number phone_fields@ {_ADDRESSES} city*:addresses.locality"
        " state*:addresses.region website* lead_source_name*:leadsource_id contact_id#:id",
        "id create_time email:email_addresses.email update_time",
        custom="CONTACT",
    ),
    Listing(
        "/contacts/links/types",
        "contact_link_types",
        "link_types",
        "name",
        "name max_links create_time",
    ),
    Listing(
        "/contacts/{contact_id}/links",
        "links",
        "links",
        largest=0,
        owners=(("contact_id", "contact1_id|contact2_id"),),
    ),
    Listing(
        "/contacts/{contact_id}/notes",
        "notes",
        "notes",
        NOTES,
        "id create_time update_time",
        owners=(("contact_id", "contact_id"),),
        custom="TASK_NOTE_APPOINTMENT",
    ),
    Listing(
        "/contacts/{contact_id}/paymentMethods",
        "records",
        "payment_methods",
        "merchant_account_id",
        "created_time",
        owners=(("contact_id", "contact_id"),),
    ),
    Listing(
        "/contacts/{contact_id}/tags",
        "tags",
        "applied_tags",
        _APPLIED,
        _APPLIED_ORDER,
        owners=(("contact_id", "contact_id"),),
        view="tag",
    ),
    Listing(
        "/companies",
        "companies",
        "companies",
        "company_name name*:company_name email:email_address.email city*:address.locality"
        " state*:address.region since_time>:update_time until_time<:update_time company_id#:id",
        "id create_time name:company_name email:email_address.email",
        custom="COMPANY",
    ),
    Listing(
        "/companies/{company_id}/tags",
        "tags",
        "applied_company_tags",
        _APPLIED,
        _APPLIED_ORDER,
        owners=(("company_id", "company_id"),),
        view="tag",
    ),
    Listing(
        "/emailAddresses",
        "email_addresses",
        "email_addresses",
        "emails[]:email statuses[]:status opted_in%",
        "email status create_time last_click_time last_open_time last_sent_time",
    ),
    Listing(
        "/users",
        "users",
        "users",
        "email:email_addresses.email given_name include_inactive@ include_partners@ user_ids[]:id",
        "create_time email:email_addresses.email name:family_name",
        100,
    ),
    Listing("/userGroups", "user_groups", "user_groups", largest=0),
    Listing(
        "/referrals",
        "referrals",
        "referrals",
        "referral_partner_id#! contact_id#! source* description* type:referral_type",
        "id referral_time",
    ),
)
