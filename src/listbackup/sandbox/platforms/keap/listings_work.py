"""Keap's list operations about work: notes, tasks, tags, opportunities, mail, automations."""

from listbackup.sandbox.platforms.keap.operations import NOTES, TIMES, Listing

_AUTOMATIONS = "name?:title id#! status categories[]"
_AUTOMATIONS_ORDER = (
    "name:title category:categories activeContacts:active_contacts publishedDate:published_date"
)
WORK = (
    Listing(
        "/notes",
        "notes",
        "notes",
        NOTES,
        "id create_time update_time",
        custom="TASK_NOTE_APPOINTMENT",
    ),
    Listing("/notes/templates", "note_templates", "note_templates", "title*", "id"),
    Listing(
        "/tasks",
        "tasks",
        "tasks",
        "contact_id has_due_date%:due_time? is_completed%:completed user_id:assigned_to_user_id"
        " opportunity_id task_ids[]:id priority since_time>:modification_time"
        " until_time<:modification_time id# title*",
        "id create_time due_time update_time:modification_time",
        custom="TASK_NOTE_APPOINTMENT",
    ),
    Listing(
        "/tags",
        "tags",
        "tags",
        f"name description^ category_id^:category.id tag_ids[]:id {TIMES}",
        "name create_time update_time",
    ),
    Listing(
        "/tags/categories",
        "tag_categories",
        "tag_categories",
        f"name^ description^ {TIMES}",
        "name create_time update_time",
    ),
    Listing(
        "/tags/{tag_id}/contacts",
        "contacts",
        "applied_tags",
        "given_name^ family_name^ email^ since_applied_time>:applied_time"
        " until_applied_time<:applied_time",
        "given_name family_name email applied_time",
        owners=(("tag_id", "tag_id"),),
        view="tagged contact",
    ),
    Listing(
        "/tags/{tag_id}/companies",
        "tagged_companies",
        "applied_company_tags",
        "company_name:company.company_name email^:company.email_address.email"
        " since_applied_time>:applied_time until_applied_time<:applied_time",
        "company_name:company.company_name email:company.email_address.email applied_time",
        owners=(("tag_id", "tag_id"),),
        view="tagged company",
    ),
    Listing(
        "/opportunities",
        "opportunities",
        "opportunities",
        "stage_id:stage.id user_id:user.id contact_id:contact.id opportunity_title*"
        " lead_source_name*:lead_source affiliate_id opportunity_id#:id ids[]:id"
        " contact_phone*:contact.phone_number contact_city*:contact.city"
        " contact_state*:contact.state projected_revenue_high# projected_revenue_low#",
        "next_action_time contact_name:contact.last_name opportunity_title created_time"
        " update_time:last_updated_time",
        custom="OPPORTUNITY",
    ),
    Listing(
        "/opportunities/stages",
        "stages",
        "stages",
        "opportunity_stage_name*:name opportunity_stage_id#:id",
        "stage_order:order",
    ),
    Listing(
        "/opportunities/stageMoves",
        "stage_moves",
        "stage_moves",
        "opportunity_id user_id",
        "move_date:move_time id",
    ),
    Listing(
        "/emails",
        "emails",
        "emails",
        "contact_id email:sent_to_address start_created_time>:sent_time"
        " end_created_time<:sent_time",
        "created_time:sent_time",
        view="email",
    ),
    Listing("/emails/templates", "email_templates", "email_templates", "", "id", view="template"),
    Listing(
        "/files",
        "files",
        "files",
        "is_public% contact_id user_id:created_by_id category file_box_type file_name"
        " created_time> updated_time>",
        "file_name updated_time",
    ),
    Listing(
        "/campaigns",
        "campaigns",
        "campaigns",
        "name?",
        "name publisheddate:published_date id completedContactCount:completed_contact_count"
        " activeContacts:active_contact_count datecreated:date_created"
        " lastupdated:published_date",
    ),
    Listing(
        "/campaigns/{campaign_id}/goals",
        "goals",
        "goals",
        largest=0,
        owners=(("campaign_id", "campaign_id"),),
        view="campaign's",
    ),
    Listing(
        "/campaigns/{campaign_id}/sequences",
        "sequences",
        "sequences",
        largest=0,
        owners=(("campaign_id", "campaign_id"),),
        view="campaign's",
    ),
    Listing("/automations", "automations", "automations", _AUTOMATIONS, _AUTOMATIONS_ORDER, 25),
    Listing(
        "/automations/ids",
        "automation_ids",
        "automations",
        _AUTOMATIONS,
        _AUTOMATIONS_ORDER,
        25,
        view="id",
    ),
    Listing("/automationCategory", "automation_categories", "automation_categories", largest=0),
    Listing(
        "/webforms",
        "webforms",
        "webforms",
        f"name webform_type {TIMES}",
        "name webform_type create_time update_time",
    ),
    Listing(
        "/reporting/reports",
        "reports",
        "reports",
        "name since_created_time>:created_time until_created_time<:created_time",
        "name created_time",
    ),
    Listing(
        "/integrations/wordpress/options", "wordpress_opt_in_options", "opt_in_options", largest=0
    ),
)
