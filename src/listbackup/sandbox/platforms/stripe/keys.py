"""API keys: which account and mode they open, and what a restricted one may do.

Keys look as Stripe's do: `sk_live_`, `sk_test_`, `rk_live_`, `rk_test_`.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from listbackup.sandbox.platforms.stripe.refusals import Refusal


@dataclass(slots=True)
class Key:
    """One key. `rights` is None for a secret key, which may do all; a right is `customer_read`
    or `customer_write`, which includes reading. `state`: good, expired or revoked."""

    text: str
    account: str
    live: bool
    rights: set[str] | None = None
    state: str = "good"

    def may(self, right: str, writing: bool) -> bool:
        """Whether it may read, or write, what that right is about."""
        if self.rights is None:
            return True
        return f"{right}_write" in self.rights or (not writing and f"{right}_read" in self.rights)

    def hide(self) -> str:
        """Show its beginning and its end."""
        return hide(self.text)


@dataclass(slots=True)
class Keyring:
    """All keys of a sandbox."""

    keys: dict[str, Key] = field(default_factory=dict)

    def find(self, headers: Mapping[str, str]) -> Key:
        """Give the key of a request. Raises Refusal (401)."""
        text = read_authorization(headers.get("authorization", ""))
        if text is None:
            raise Refusal(
                401,
                "You did not provide an API key. It goes into the Authorization header, as "
                "'Bearer YOUR_SECRET_KEY' or as the user of basic authorization.",
            )
        key = self.keys.get(text)
        if key is None or key.state == "revoked":
            raise Refusal(401, f"Invalid API Key provided: {hide(text)}")
        if key.state == "expired":
            raise Refusal(401, f"Expired API Key provided: {hide(text)}", code="api_key_expired")
        return key


def read_authorization(header: str) -> str | None:
    """Give the key out of a header, or None."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if scheme.lower() == "basic":
        try:
            user = base64.b64decode(rest.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return user.partition(":")[0] or None
    return None


def hide(text: str) -> str:
    """Show the beginning and the end of a key."""
    if len(text) < 16:
        return "*" * len(text)
    return text[:8] + "*" * (len(text) - 12) + text[-4:]
