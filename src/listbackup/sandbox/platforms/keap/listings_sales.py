"""Keap's list operations about sales: orders, money, products, subscriptions, discounts."""

from listbackup.sandbox.platforms.keap.operations import Listing

SALES = (
    Listing(
        "/orders",
        "orders",
        "orders",
        "id#! ids[]:id product_id:order_items.product.id contact_id:contact.id invoice_id"
        " invoice_xid:invoice_number paid%:status=PAID created_since_time>:creation_time"
        " created_until_time<:creation_time modified_since_time>:modification_time"
        " modified_until_time<:modification_time title* order_type"
        " shipping_locality:shipping_information.address.locality"
        " shipping_region_code:shipping_information.address.region_code"
        " shipping_postal_code:shipping_information.address.postal_code"
        " shipping_country_code:shipping_information.address.country_code",
        "id order_time modification_time",
        custom="ORDER",
    ),
    Listing(
        "/orders/{order_id}/payments",
        "invoice_order_payments",
        "order_payments",
        "invoice_id payment_id amount# pay_status skip_commission%",
        "invoice_id payment_id amount pay_time pay_status skip_commission last_updated_time",
        owners=(("order_id", "order_id"),),
        view="order's",
    ),
    Listing(
        "/sales/payments",
        "payments",
        "payments",
        "id# ids[] amount#! order_id:order_ids order_ids[] contact_id"
        " since_time>:payment_time until_time<:payment_time merchant_account_id"
        " merchant_account_type",
        "id amount payment_time contact_id",
    ),
    Listing(
        "/sales/transactions",
        "transactions",
        "transactions",
        "amount#! order_id:order_ids contact_id since_time>:transaction_time"
        " until_time<:transaction_time merchant_account_id merchant_account_type status"
        " transaction_method is_successful%",
        "amount transaction_time contact_id",
    ),
    Listing(
        "/paymentMethods",
        "payment_methods",
        "payment_methods",
        "payment_method_id credit_card_id contact_id merchant_account_id"
        " since_time>:created_time until_time<:created_time",
        "payment_method_id created_time contact_id merchant_account_id",
    ),
    Listing("/merchants", "merchant_accounts", "merchants", "id name type", "id name"),
    Listing(
        "/products",
        "products",
        "products",
        "name* sku* description* short_description* product_id#:id product_ids[]:id",
        "name sku last_updated_time:update_time",
        view="listed product",
    ),
    Listing(
        "/products/{product_id}/options",
        "product_options",
        "options",
        largest=0,
        owners=(("product_id", "product_id"),),
    ),
    Listing(
        "/products/{product_id}/subscriptions",
        "subscriptions",
        "plans",
        "active% cycle_type",
        "id product_id",
        owners=(("product_id", "product_id"),),
        view="product's",
    ),
    Listing(
        "/productCategories",
        "product_categories",
        "product_categories",
        "product_id:product_ids name* product_category_id#!:id",
        "id",
        view="category",
    ),
    Listing(
        "/productCategories/assignedProducts",
        "assigned_product_categories",
        "product_categories",
        "product_ids[] product_category_ids[]:id",
        "product_category_id:id",
        view="assigned",
    ),
    Listing("/productInterestBundles", "product_interest_bundles", "bundles", "name", "name"),
    Listing("/shipping", "shipping_methods", "shipping_methods", largest=0),
    Listing(
        "/subscriptions",
        "subscriptions",
        "subscriptions",
        "contact_id subscription_plan_id status:active=Active|Inactive id#! billing_amount#!"
        " ids[]:id subscription_plan_ids[]:subscription_plan_id",
        "id contact_id subscription_plan_id modification_time",
        custom="SUBSCRIPTION",
    ),
    Listing(
        "/discounts/freeTrials",
        "discounts",
        "free_trial_discounts",
        "free_trial_days# hide_price% subscription_plan_id",
        "free_trial_days hide_price id name subscription_plan_id",
    ),
    Listing(
        "/discounts/orderTotals",
        "discounts",
        "order_total_discounts",
        "apply_to_commissions% discount_strategy discount_type discount_value#",
        "apply_to_commissions discount_strategy discount_type discount_value id name",
    ),
    Listing(
        "/discounts/productCategories",
        "discounts",
        "category_discounts",
        "id#! ids[]:id name* description* product_category_id:product_categories",
        "id name",
    ),
    Listing(
        "/discounts/products",
        "discounts",
        "product_discounts",
        "apply_to_commissions% discount_type discount_value# product_id",
        "apply_to_commissions discount_type discount_value id name product_id",
    ),
    Listing(
        "/discounts/shipping",
        "discounts",
        "shipping_discounts",
        "discount_type discount_value#",
        "discount_type discount_value id name",
    ),
)
