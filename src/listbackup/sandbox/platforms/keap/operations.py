"""What a list operation of Keap's REST v2 is: where it is, what it filters and orders by.

A filter is written `name`, one sign, and after a colon the path in the record where it differs:
nothing: equal; `*` equal, or beginning with what stands before a trailing `*`; `?` containing, or
beginning; `#` compared as a number (`#!`: also by `!=`); `[]` one of a comma-separated list; `>`
not before a time; `<` not after a time; `%` true or false; `^` equal, where NONE is absent; `@`
given, yet without effect of its own. In a path a part in capitals picks an element of a list by
its `field`. Source: Keap REST v2 specification.
"""

from dataclasses import dataclass

LARGEST_PAGE = 1000
USUAL_PAGE = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """One list operation: records of `table`, in the answer's property `within`.

    `path` stands below `/rest/v2`. `owners` says for a parameter of the path by which field
    records belong to it, `fixed` which values they have. `largest` is the largest page (0: not
    paged). `custom` names the record type whose custom fields filter, too; `view` how records are
    shown where not as they are kept.
    """

    path: str
    within: str
    table: str
    filters: str = ""
    order: str = ""
    largest: int = LARGEST_PAGE
    owners: tuple[tuple[str, str], ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()
    custom: str = ""
    view: str = ""


NAMED_CONTACT = (
    "addresses anniversary_date birth_date company contact_type create_time custom_fields"
    " email_addresses family_name fax_numbers given_name id job_title leadsource_id links"
    " middle_name notes origin owner_id phone_numbers preferred_locale preferred_name prefix"
    " referral_code score_value social_accounts source_type spouse_name suffix tag_ids time_zone"
    " update_time utm_parameters website account_id assistant_name assistant_phone"
    " billing_information created_by groups last_updated_by"
)
# Which properties come unasked is not in the specification; these few are the cautious reading.
UNASKED_CONTACT = tuple(
    "id given_name family_name email_addresses phone_numbers addresses company".split()
)
NAMED_COMPANY = (
    "notes fax_number address email_address phone_number update_time create_time custom_fields"
    " website"
)
NAMED_OPPORTUNITY = (
    "custom_fields created_by last_updated_by status_id monthly_revenue order_revenue objection"
    " status stage_entrance_time"
)
# By table: what `fields` may name. Contacts show exactly what is named, the others that as well.
FIELDS = {
    "contacts": tuple(NAMED_CONTACT.split()),
    "companies": tuple(NAMED_COMPANY.split()),
    "notes": ("custom_fields",),
    "tasks": ("custom_fields",),
    "opportunities": tuple(NAMED_OPPORTUNITY.split()),
}
MODELS = {
    "contacts": "CONTACT",
    "companies": "COMPANY",
    "affiliates": "REFERRAL_PARTNER",
    "opportunities": "OPPORTUNITY",
    "orders": "ORDER",
    "subscriptions": "SUBSCRIPTION",
    "notes": "TASK_NOTE_APPOINTMENT",
    "tasks": "TASK_NOTE_APPOINTMENT",
}

NOTES = (
    "id#! ids[]:id title? contact_id assigned_to_user_id:assigned_to_user.id"
    " since_time>:update_time until_time<:update_time"
)
TIMES = (
    "since_create_time>:create_time until_create_time<:create_time"
    " since_update_time>:update_time until_update_time<:update_time"
)
