"""Which events a change brings: by what came, went or changed its status.

Some changes bring none: Stripe has no event for an edited payment intent, for a webhook endpoint,
or for a balance transaction.
"""

from listbackup.sandbox.platforms.state import Value
from listbackup.sandbox.platforms.stripe.resources import RESOURCES

_BY_STATUS: dict[str, dict[str, str]] = {
    "payment_intents": {
        "succeeded": "succeeded",
        "canceled": "canceled",
        "processing": "processing",
        "requires_action": "requires_action",
        "requires_payment_method": "payment_failed",
    },
    "setup_intents": {
        "succeeded": "succeeded",
        "canceled": "canceled",
        "requires_action": "requires_action",
        "requires_payment_method": "setup_failed",
    },
    "invoices": {
        "open": "finalized",
        "paid": "paid",
        "void": "voided",
        "uncollectible": "marked_uncollectible",
    },
    "disputes": {"won": "closed", "lost": "closed", "warning_closed": "closed"},
    "payouts": {"paid": "paid", "failed": "failed", "canceled": "canceled"},
    "checkout/sessions": {"complete": "completed", "expired": "expired"},
    "quotes": {"open": "finalized", "accepted": "accepted", "canceled": "canceled"},
    "topups": {
        "succeeded": "succeeded",
        "failed": "failed",
        "canceled": "canceled",
        "reversed": "reversed",
    },
    "credit_notes": {"void": "voided"},
    "subscription_schedules": {
        "canceled": "canceled",
        "completed": "completed",
        "released": "released",
    },
}
_STATUS_ALONE = frozenset(
    {"payment_intents", "setup_intents", "checkout/sessions", "quotes", "topups"}
)
"""Of these only a new status is told."""


def name_events(collection: str, before: Value | None, after: Value | None) -> tuple[str, ...]:
    """Give the types of the events, in their order."""
    resource = RESOURCES.get(collection)
    if resource is None or not resource.event:
        return ()
    ends = _special(collection, before, after)
    if ends is None:
        what = "created" if before is None else "deleted" if after is None else "updated"
        ends = (what,) if what in resource.happens else ()
    return tuple(f"{resource.event}.{end}" for end in ends)


def _special(collection: str, before: Value | None, after: Value | None) -> tuple[str, ...] | None:
    if after is None:
        return None
    match collection:
        case "charges" if before is None:
            return (str(after["status"]),)
        case "charges" if before and before["amount_refunded"] != after["amount_refunded"]:
            return ("refunded", "updated")
        case "payment_methods":
            return _attached(before["customer"] if before else None, after["customer"])
        case "application_fees" if before is not None:
            return ("refunded",)
        case "transfers" if before and before["amount_reversed"] != after["amount_reversed"]:
            return ("reversed", "updated")
        case "reviews":
            return ("opened",) if before is None else ("closed",)
        case "subscriptions" if before and _turned(before, after) == "canceled":
            return ("deleted",)
        case "checkout/sessions" if before is None:
            return ()
    if before is None:
        return None
    end = _BY_STATUS.get(collection, {}).get(_turned(before, after) or "")
    if collection in _STATUS_ALONE:
        return (end,) if end else ()
    return ("updated", end) if end else None


def _turned(before: Value, after: Value) -> str | None:
    status = after.get("status")
    return status if status != before.get("status") else None


def _attached(before: str | None, after: str | None) -> tuple[str, ...]:
    if before == after:
        return ("updated",) if after else ()
    return ("attached",) if after else ("detached",)
