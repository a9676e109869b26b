"""A Keap of our own: REST v2 with tenants, OAuth applications, keys and their rate limits."""

from listbackup.sandbox.platforms.keap.platform import (
    AUTHORIZE,
    KEY_HEADER,
    REVOKE,
    TOKEN,
    Keap,
)
from listbackup.sandbox.platforms.keap.tenants import Tenant

__all__ = ["AUTHORIZE", "KEY_HEADER", "REVOKE", "TOKEN", "Keap", "Tenant"]
