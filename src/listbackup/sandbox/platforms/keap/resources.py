"""Which kinds of Keap's records can be made, read, changed and deleted, and where."""

from dataclasses import dataclass

from listbackup.sandbox.platforms.keap.operations import MODELS


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of record: `part` names the part of the path with its id. `verbs`: C create, R
    read, U update, D delete. `create` and `update` are shapes; `view` how one record is shown;
    `fixed` what every one of them has."""

    path: str
    table: str
    part: str
    verbs: str = "CRUD"
    create: str = ""
    update: str = ""
    view: str = ""
    fixed: tuple[tuple[str, str], ...] = ()


def _plain(path: str, table: str, part: str, shape: str, verbs: str = "CRUD") -> Resource:
    return Resource(path, table, part, verbs, shape, f"{shape}Update")


_DISCOUNTS = (
    ("freeTrials", "free_trial_discounts", "FreeTrialDiscount"),
    ("orderTotals", "order_total_discounts", "OrderTotalDiscount"),
    ("productCategories", "category_discounts", "CategoryDiscount"),
    ("products", "product_discounts", "ProductDiscount"),
    ("shipping", "shipping_discounts", "ShippingDiscount"),
)
DISCOUNTS = tuple((f"/discounts/{path}", table, shape) for path, table, shape in _DISCOUNTS)
_SOURCE = "/leadSources/{lead_source_id}"
_PRODUCT = "/products/{product_id}"


def _model(model: str, record_type: str) -> tuple[Resource, ...]:
    path, fixed = f"/{model}/model/customFields", (("record_type", record_type),)
    # Contacts' custom fields cannot be changed, in this version of the specification.
    verbs = "CD" if model == "contacts" else "CUD"
    return (
        Resource(
            path, "fields", "custom_field_id", verbs, "CustomField", "CustomFieldUpdate", "", fixed
        ),
        Resource(
            f"{path}/groups",
            "field_groups",
            "group_id",
            "CRUD",
            "FieldGroup",
            "FieldGroupUpdate",
            "",
            fixed,
        ),
        Resource(
            f"{path}/tabs", "field_tabs", "tab_id", "CRUD", "FieldTab", "FieldTabUpdate", "", fixed
        ),
    )


RESOURCES: tuple[Resource, ...] = (
    Resource("/contacts", "contacts", "contact_id", "RUD", "Contact", "Contact"),
    _plain("/contacts/{contact_id}/notes", "notes", "note_id", "Note"),
    _plain("/contacts/links/types", "link_types", "link_type_id", "LinkType", "CUD"),
    Resource("/companies", "companies", "company_id", "CRUD", "Company", "Company"),
    _plain("/tasks", "tasks", "task_id", "Task"),
    _plain("/tags", "tags", "tag_id", "Tag"),
    _plain("/tags/categories", "tag_categories", "tag_category_id", "TagCategory"),
    _plain("/orders", "orders", "order_id", "Order"),
    Resource("/products", "products", "product_id", "CRUD", "Product", "ProductUpdate", "product"),
    _plain(f"{_PRODUCT}/options", "options", "product_option_id", "Option"),
    Resource(
        f"{_PRODUCT}/subscriptions",
        "plans",
        "subscription_plan_id",
        "CRUD",
        "Plan",
        "Plan",
        "product's",
    ),
    Resource(
        "/productCategories",
        "product_categories",
        "category_id",
        "CRUD",
        "ProductCategory",
        "ProductCategoryUpdate",
        "category",
    ),
    _plain("/productInterestBundles", "bundles", "id", "Bundle"),
    _plain("/subscriptions", "subscriptions", "subscription_id", "Subscription", "CRU"),
    _plain("/opportunities", "opportunities", "opportunity_id", "Opportunity"),
    _plain("/opportunities/stages", "stages", "stage_id", "Stage"),
    Resource("/opportunities/stageMoves", "stage_moves", "stage_move_id", "R"),
    _plain("/affiliates", "affiliates", "id", "Affiliate"),
    _plain("/affiliates/commissionPrograms", "programs", "commission_program_id", "Program"),
    Resource("/affiliates/redirects", "redirects", "redirect_id", "CRUD", "Redirect", "Redirect"),
    Resource("/referrals", "referrals", "id", "C", "Referral"),
    *(_plain(path, table, "discount_id", shape) for path, table, shape in DISCOUNTS),
    Resource("/leadSources", "lead_sources", "lead_source_id", "CRUD", "LeadSource", "LeadSource"),
    _plain(
        "/leadSourceCategories",
        "lead_source_categories",
        "lead_source_category_id",
        "LeadSourceCategory",
    ),
    _plain(f"{_SOURCE}/expenses", "expenses", "lead_source_expense_id", "Expense"),
    _plain(
        f"{_SOURCE}/recurringExpenses",
        "recurring_expenses",
        "lead_source_recurring_expense_id",
        "RecurringExpense",
    ),
    Resource("/emails", "emails", "id", "CRD", "EmailRecord", "", "whole email"),
    Resource("/emails/templates", "email_templates", "email_template_id", "R", view="template"),
    Resource("/files", "files", "file_id", "RD"),
    Resource("/campaigns", "campaigns", "campaign_id", "R"),
    Resource("/automations", "automations", "automation_id", "R"),
    Resource(
        "/automationCategory",
        "automation_categories",
        "id",
        "CU",
        "AutomationCategory",
        "AutomationCategory",
    ),
    Resource("/users", "users", "user_id", "RU", "", "UserUpdate"),
    Resource("/userGroups", "user_groups", "user_group_id", "R"),
    Resource("/reporting/reports", "reports", "report_id", "R"),
    Resource("/locales/countries", "countries", "country_code", "R"),
    Resource("/locales/countries/{country_code}/provinces", "provinces", "province_code", "R"),
    *(one for model, kind in MODELS.items() for one in _model(model, kind)),
)
