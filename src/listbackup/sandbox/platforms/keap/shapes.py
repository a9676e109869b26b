"""What bodies sent to Keap may hold: one line of fields for each request of its specification.

A field is `name:type`, with `!` where it is required. Types: `text` (`text40`: at most so many
characters), `words` (text that is more than white space), `id` (text of digits; a number is taken,
too), `int` and `number` (`int0`: at least so much), `bool`, `time` (ISO 8601), `date`, `any`,
`A|B` one of these, `[type]` a list, `@Name` another shape. Source: Keap REST v2 specification.
"""

_CRITERIA = (
    "type:DATE_RANGE|PROMO_CODE|PRODUCT|SUBSCRIPTION_PLAN|ORDER_TOTAL code:text"
    " range_start_time:time range_end_time:time product_id:id product_quantity_min:int"
    " product_quantity_max:int plan_id:id subscription_quantity:int total_amount:number"
    " operator:LESS_THAN|GREATER_THAN"
)
_CRITERIA_NAMED = f"criteria_id:id {_CRITERIA}"
_COMMISSION = (
    "percentage:text unused:@CommissionItem dollar_amount:text level_1:@CommissionItem"
    " level_2:@CommissionItem payout_type:UPFRONT|PAYMENT_RECEIVED"
)
_CHARACTERS = "NONE|LETTER|DIGIT|BOTH"
_TEXT_RULES = (
    "minimum_characters:int0 maximum_characters:int0 allow_spaces:bool"
    f" only_starts_with:{_CHARACTERS} only_ends_with:{_CHARACTERS} only_contains:{_CHARACTERS}"
    " error_message:words"
)
_COMPANY = (
    "address:@Address notes:text website:text suffix:text title:text company_name:text"
    " custom_fields:[@CustomValue] email_address:@Email fax_number:@Fax phone_number:@Phone"
    " anniversary_date:text assistant_name:text assistant_phone:text billing_information:text"
    " birth_date:text contact_type:text first_name:text job_title:text last_name:text"
    " middle_name:text preferred_name:text owner_id:id referral_code:text spouse_name:text"
)
_NOTE = "title:text text:text type:text user_id:id! is_pinned:bool custom_fields:[@CustomValue]"
_TASK = (
    "title:text description:text type:text priority:CRITICAL|ESSENTIAL|NONESSENTIAL completed:bool"
    " completion_time:time due_time:time remind_time_mins:5|10|15|30|60|120|240|480|1440|2880"
    " contact_id:id opportunity_id:id accepted:bool custom_fields:[@CustomValue]"
)
_ORDER = (
    "notes:text terms:text title:text promo_codes:[text] lead_affiliate_id:id"
    " sales_affiliate_id:id shipping_address:@Shipping custom_fields:[@CustomValue] sent_time:time"
    " due_time:time invoice_number:text external_create_user:text external_create_time:time"
    " external_update_time:time"
)
_SUBSCRIPTION = (
    "quantity:int1 active:bool billing_amount:number0 auto_charge:bool max_charge_attempts:int1"
    " days_between_retries:int1 payment_method_id:id allow_tax:bool lead_affiliate_id:id"
    " sale_affiliate_id:id shipping_address:@Address promo_code:text shipping_option_id:id"
    " reason_stopped:text custom_fields:[@CustomValue]"
)
_PRODUCT = (
    "sku:text active:bool description:text shippable:bool weight:number0 taxable:bool"
    " subscription_only:bool storefront_hidden:bool country_taxable:bool state_taxable:bool"
    " city_taxable:bool top_html:text bottom_html:text is_package:bool"
    " needs_digital_delivery:bool delivery_description:text"
)
_PLAN = (
    "active:bool frequency:int1 allow_prorating:bool cycle_type:DAILY|WEEKLY|MONTHLY|YEARLY!"
    " display_order_index:int plan_price:number0! total_cycles:int"
)
_OPPORTUNITY = (
    "next_action_time:time next_action_notes:text opportunity_notes:text estimated_close_time:time"
    " include_in_forecast:bool projected_revenue_low:number projected_revenue_high:number"
    " user_id:id custom_fields:[@CustomValue] affiliate_id:id"
)
_AFFILIATE = (
    "status:ACTIVE|INACTIVE name:text parent_affiliate_id:id notify_on_sale:bool"
    " notify_on_lead:bool track_leads_days:int password:text custom_fields:[@CustomValue]"
)
_RESOURCE = "notes:text url:text order:int0 content_html:text page_width:int0 page_height:int0"
_LEAD_SOURCE = (
    "name:text description:text vendor:text medium:text message:text status:ACTIVE|INACTIVE"
    " lead_source_category_id:id start_time:time end_time:time"
)
_ITEM = (
    "name:words description:words notes:words product_id:id subscription_plan_id:id"
    " subscription_plan_description:words price_per_unit:number cost_per_unit:number"
)
_ITEM_TYPES = (
    "PRODUCT|SHIPPING|TAX|FINANCE_CHARGE|SUBSCRIPTION|DISCOUNT|DISCOUNT_FREE_TRIAL"
    "|DISCOUNT_ORDER_TOTAL|DISCOUNT_PRODUCT|DISCOUNT_PRODUCT_CATEGORY|DISCOUNT_SHIPPING|OTHER|FEE"
)
_FIELD_TYPES = (
    "CURRENCY|DATE|DATE_TIME|DAY_OF_WEEK|DECIMAL_NUMBER|DRILLDOWN|DROPDOWN|EMAIL|LIST_BOX|MONTH"
    "|NAME|PERCENT|PHONE_NUMBER|RADIO|SOCIAL_SECURITY_NUMBER|STATE|TEXT|TEXT_AREA|USER"
    "|USER_LIST_BOX|WEBSITE|WHOLE_NUMBER|YEAR|YES_NO"
)
_SOURCES = (
    "SOURCE_TYPE_UNSPECIFIED|API|APPOINTMENT|FORM_API_HOSTED|FORM_API_INTERNAL|IMPORT"
    "|INTERNAL_FORM|LANDING_PAGE|MANUAL|OTHER|UNKNOWN|WEBFORM"
)
_SOCIALS = (
    "SOCIAL_ACCOUNT_TYPE_UNSPECIFIED|FACEBOOK|LINKED_IN|TWITTER|INSTAGRAM|SNAPCHAT|YOUTUBE"
    "|PINTEREST"
)

SHAPES: dict[str, str] = {
    "Address": (
        "country:text line1:text line2:text locality:text region:text"
        " field:ADDRESS_FIELD_UNSPECIFIED|BILLING|SHIPPING|OTHER country_code:text"
        " postal_code:text region_code:text zip_code:text zip_four:text"
    ),
    "Email": "email:text! field:EMAIL_FIELD_UNSPECIFIED|EMAIL1|EMAIL2|EMAIL3 opt_in_reason:text",
    "Phone": (
        "extension:text number:text type:text number_e164:text"
        " field:PHONE_NUMBER_FIELD_UNSPECIFIED|PHONE1|PHONE2|PHONE3|PHONE4|PHONE5"
    ),
    "Fax": "number:text type:text field:FAX_NUMBER_FIELD_UNSPECIFIED|FAX1|FAX2",
    "Social": f"name:text type:{_SOCIALS}!",
    "CustomValue": "id:id! content:any",
    "CompanyReference": "id:id company_name:text",
    "Origin": "ip_address:text",
    "Utm": (
        "keap_source_id:text! utm_source:text utm_medium:text utm_term:text utm_campaign:text"
        " utm_content:text"
    ),
    "Contact": (
        "addresses:[@Address] company:@CompanyReference origin:@Origin prefix:text suffix:text"
        " website:text100 anniversary_date:text birth_date:text contact_type:text"
        " custom_fields:[@CustomValue] email_addresses:[@Email] family_name:text40"
        " fax_numbers:[@Fax] given_name:text40 job_title:text255 leadsource_id:id"
        " middle_name:text100 owner_id:id phone_numbers:[@Phone] preferred_locale:text"
        " preferred_name:text100 referral_code:text social_accounts:[@Social]"
        f" source_type:{_SOURCES} spouse_name:text100 time_zone:text utm_parameters:@Utm"
        " assistant_name:text20 assistant_phone:text15 billing_information:text100"
    ),
    "ContactLink": "contact1_id:id! link_type_id:id! contact2_id:id!",
    "ContactMerge": "contact_id:id! duplicate_contact_id:id!",
    "LinkType": "name:words! max_links:int1",
    "LinkTypeUpdate": "name:words max_links:int1",
    "Company": _COMPANY,
    "Note": _NOTE,
    "NoteUpdate": f"{_NOTE} contact_id:id",
    "Task": f"{_TASK} assigned_to_user_id:id!",
    "TaskUpdate": f"{_TASK} assigned_to_user_id:id",
    "Category": "id:id!",
    "Tag": "name:words! description:text category:@Category",
    "TagUpdate": "name:words description:text category:@Category",
    "TagCategory": "name:words! description:text",
    "TagCategoryUpdate": "name:words description:text",
    "Contacts": "contact_ids:[id]!",
    "Money": "amount:int currency_code:text formatted_amount:text",
    "Shipping": (
        "line1:text line2:text locality:text region:text company:text phone:text zip_code:text"
        " zip_four:text country_code:text first_name:text middle_name:text last_name:text"
        " is_invoice_to_company:bool"
    ),
    "OrderItem": f"{_ITEM} quantity:int1! item_type:{_ITEM_TYPES}",
    "OrderItemUpdate": f"{_ITEM} quantity:int1",
    "Order": (
        f"{_ORDER} contact_id:id! order_items:[@OrderItem] order_title:words! order_time:time!"
        " order_type:ONLINE|OFFLINE!"
    ),
    "OrderUpdate": (
        f"{_ORDER} contact_id:id order_title:words order_time:time order_type:ONLINE|OFFLINE"
        " payment_plan:@PaymentPlan"
    ),
    "PaymentPlan": (
        "auto_charge:bool max_charge_attempts:int days_between_retries:int payment_method_id:id"
        " initial_payment_amount:number initial_payment_date:date plan_start_date:date"
        " number_of_payments:int days_between_payments:int"
    ),
    "Payment": (
        "notes:text payment_method_id:id payment_method_type:text payment_time:time"
        " payment_amount:number! apply_to_commissions:bool! external_source:text"
        " external_source_value:text external_status_value:text external_create_time:time"
        " external_update_time:time external_create_user:text"
    ),
    "FileReference": "file_id:id!",
    "Product": (f"{_PRODUCT} name:words! price:int0! short_description:text! inventory:@Inventory"),
    "ProductUpdate": (
        f"{_PRODUCT} name:words price:int0 short_description:text inventory_limit:int0"
        " out_of_stock_enabled:bool email_for_inventory_notifications:text"
    ),
    "Inventory": (
        "inventory_limit:int0 inventory_count:int out_of_stock_enabled:bool"
        " email_for_inventory_notifications:text"
    ),
    "InventoryChange": "type:INCREASE|DECREASE! quantity:int0!",
    "Plan": _PLAN,
    "OptionItem": (
        "item_label:words item_code:text item_display_order:int0 price_adjustment:number"
    ),
    "OptionRules": _TEXT_RULES,
    "Option": (
        "required:bool option_type:LIST|TEXT! option_label:words display_order:int0"
        " list_items:[@OptionItem] text_rules:@OptionRules"
    ),
    "OptionUpdate": f"required:bool option_label:words display_order:int0 {_TEXT_RULES}",
    "Bundle": "name:words! description:text!",
    "BundleUpdate": "name:words description:text",
    "Interest": (
        "type:PRODUCT|SUBSCRIPTION_PLAN! entity_id:id! price:number! quantity:int1"
        " discount_percent:int0"
    ),
    "InterestUpdate": "price:number quantity:int1 discount_percent:int0",
    "ProductCategory": "name:words! display_order_index:int parent_category_id:id",
    "ProductCategoryUpdate": "name:words display_order_index:int parent_category_id:id",
    "Products": "product_ids:[id]!",
    "Subscription": (
        f"{_SUBSCRIPTION} contact_id:id! subscription_plan_id:id! start_date:date"
        " allow_duplicate:bool"
    ),
    "SubscriptionUpdate": (
        f"{_SUBSCRIPTION} contact_id:id subscription_plan_id:id billing_frequency:int1"
        " billing_cycle:YEAR|MONTH|WEEK|DAY next_bill_date:date end_date:date"
    ),
    "SubscriptionStop": "reason:text",
    "Opportunity": f"{_OPPORTUNITY} opportunity_title:words! contact_id:id! stage_id:id!",
    "OpportunityUpdate": f"{_OPPORTUNITY} opportunity_title:words contact_id:id stage_id:id",
    "CheckItem": "id:id description:text! required:bool! order:int!",
    "Stage": (
        "name:words! order:int! target_number_days:int0! probability:int0!"
        " checklist_items:[@CheckItem]"
    ),
    "StageUpdate": (
        "name:words order:int target_number_days:int0 probability:int0 checklist_items:[@CheckItem]"
    ),
    "Affiliate": f"{_AFFILIATE} code:words! contact_id:id!",
    "AffiliateUpdate": f"{_AFFILIATE} code:words contact_id:id",
    "ProgramReference": "affiliate_program_id:id!",
    "Redirect": ("name:words! code:words! affiliate_id:id website_address:words! program_ids:[id]"),
    "Program": "name:words! notes:text priority:int!",
    "ProgramUpdate": "name:words notes:text priority:int",
    "CommissionItem": "sale_percent:text sale_amount:text lead_percent:text lead_amount:text",
    "DefaultCommission": _COMMISSION,
    "ProductCommission": f"{_COMMISSION} product_id:id",
    "SubscriptionCommission": f"{_COMMISSION} subscription_id:id",
    "Resource": (f"{_RESOURCE} title:words! type:EMAIL|BANNER|PAGE! commission_program_ids:[id]!"),
    "ResourceUpdate": f"{_RESOURCE} title:words commission_program_ids:[id]",
    "Referral": (
        "description:text source:text contact_id:id! referral_partner_id:id referral_time:time"
        " expiration_time:time ip_address:text referral_type:COOKIE|MANUAL|PERMANENT"
    ),
    "LeadSource": _LEAD_SOURCE,
    "LeadSourceCategory": "name:words! description:text",
    "LeadSourceCategoryUpdate": "name:words description:text",
    "Expense": "title:text notes:text amount:int0! incurred_time:time",
    "ExpenseUpdate": "title:text notes:text amount:int0 incurred_time:time",
    "RecurringExpense": "title:text notes:text amount:int0! start_time:time end_time:time",
    "RecurringExpenseUpdate": "title:text notes:text amount:int0 start_time:time end_time:time",
    "Criteria": _CRITERIA,
    "CriteriaNamed": _CRITERIA_NAMED,
    "CategoryCriteria": (
        "type:DATE_RANGE|PROMO_CODE code:text range_start_time:time range_end_time:time"
    ),
    "EmailRecord": (
        "subject:text headers:text contact_id:id sent_to_address:text!"
        " sent_to_cc_address_list:[text] sent_to_bcc_address_list:[text] sent_from_address:text"
        " sent_from_reply_address:text sent_time:time received_time:time opened_time:time"
        " clicked_time:time plain_content:text html_content:text"
        " original_provider:UNKNOWN|INFUSIONSOFT|MICROSOFT|GOOGLE original_provider_id:text"
        " provider_source_id:text"
    ),
    "EmailRecords": "emails:[@EmailRecord]!",
    "EmailIds": "email_ids:[id]!",
    "EmailStatus": "reason:text! opted_in:bool!",
    "FieldOption": "id:id label:text",
    "CustomField": (
        f"label:words! options:[@FieldOption] field_type:{_FIELD_TYPES}! group_id:id"
        " user_group_id:id"
    ),
    "CustomFieldUpdate": "label:words options:[@FieldOption] group_id:id!",
    "FieldGroup": "name:words! tab_id:id",
    "FieldGroupUpdate": "name:words order:int tab_id:id",
    "FieldTab": "name:words!",
    "FieldTabUpdate": "name:words order:int",
    "AutomationCategory": "name:text100!",
    "UserUpdate": (
        "address:@Address title:text website:text company_name:text email_address:@Email"
        " family_name:text fax_numbers:[@Fax] given_name:text phone_numbers:[@Phone]"
        " time_zone:text"
    ),
    "OptIn": "key:words! name:text",
    "ProfileAddress": (
        "line1:text line2:text locality:text region:text country_code:text postal_code:text"
    ),
    "Profile": (
        "name:text email:text website:text phone:text address:@ProfileAddress currency_code:text"
        " business_goals:[text] business_primary_color:text business_secondary_color:text"
    ),
}
_DISCOUNTED = "discount_type:AMOUNT|PERCENT{need} discount_value:number{need}"
_KINDS = {
    "ShippingDiscount": _DISCOUNTED,
    "ProductDiscount": f"{_DISCOUNTED} apply_to_commissions:bool product_id:id{{need}}",
    "CategoryDiscount": (
        "apply_to_commissions:bool{need} discount_percent:number0{need}"
        " product_category_ids:[id]{need}"
    ),
    "OrderTotalDiscount": (f"{_DISCOUNTED} apply_to_commissions:bool discount_strategy:GROSS|NET"),
    "FreeTrialDiscount": "hide_price:bool subscription_plan_id:id{need} free_trial_days:int0",
}
for _name, _fields in _KINDS.items():
    _own = "CategoryCriteria" if _name == "CategoryDiscount" else "Criteria"
    _later = "CategoryCriteria" if _name == "CategoryDiscount" else "CriteriaNamed"
    SHAPES[_name] = f"name:words! description:text criteria:[@{_own}] {_fields.format(need='!')}"
    SHAPES[f"{_name}Update"] = (
        f"name:words description:text criteria:[@{_later}] {_fields.format(need='')}"
    )
