"""Words that may be shown: secrets taken out of text, in one place.

Everything that a face prints or writes to a report passes `Redactor.clean`. Knows no face, and no
secret beyond the forms below and those it was told. A `Secret` shows itself to nobody who does not
ask for it by name.
"""

import base64
import hmac
import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import NoReturn
from urllib.parse import quote, quote_plus

MASK = "***"
SECRET_NAMES = ("PGPASSWORD", "LISTBACKUP_PASSPHRASE", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Names of the environment whose values are never shown."""
SECRET_PREFIX = "LISTBACKUP_SECRET_"
"""So begin the names of a source's secrets; with `_FILE` at the end they are paths."""

# Each repetition is bounded or cannot begin within another: a long text takes no longer than it is.
_IN_URL = re.compile(
    r"(?P<before>(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]+://[^\s:/@?#'\"]*:)[^\s'\"]{0,4000}@"
)
_IN_PAIR = re.compile(r"(?i)\b(password|passphrase|passwd|sslpassword|secret)=('[^']*'|[^\s&'\"]+)")
_SHORTEST = 4


class Secret:
    """A text that is shown by nothing but `reveal`: not by repr, str, format or a pickle."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


def spell(secret: str) -> frozenset[str]:
    """Give the forms in which a secret may stand in a text: as it is, in a URL, in a form, in
    JSON, in HTML, in hex, in base64."""
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {
        secret,
        quote(secret, safe="", errors="surrogatepass"),
        quote_plus(secret, errors="surrogatepass"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
    }
    if len(raw) >= 8:
        forms |= {raw.hex(), raw.hex().upper()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode) if len(raw) >= 8 else ():
        # What stands before it shifts the groups of three: the middle of each shift is looked for.
        for shift in range(3):
            text = encode(bytes(shift) + raw).decode("ascii").rstrip("=")
            forms.add(text[-(-shift * 4 // 3) : None if (shift + len(raw)) % 3 == 0 else -1])
    return frozenset(one for one in forms if len(one) >= _SHORTEST)


class Redactor:
    """Takes secrets out of text: passwords in URLs, `password=...`, and values it was told."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Never show this value, in none of the forms of `spell`. Very short ones are left alone:
        taking them out would garble every word and hide nothing."""
        if len(secret) >= _SHORTEST:
            self._secrets |= spell(secret)

    def clean(self, text: str) -> str:
        """Give the text without secrets."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        text = _IN_URL.sub(rf"\g<before>{MASK}@", text)
        return _IN_PAIR.sub(rf"\1={MASK}", text)


def redactor_for(environment: Mapping[str, str]) -> Redactor:
    """Give a redactor that knows the secrets of an environment."""
    names = [name for name in environment if name.startswith(SECRET_PREFIX)]
    told = (*SECRET_NAMES, *(name for name in names if not name.endswith("_FILE")))
    return Redactor(environment[name] for name in told if environment.get(name))
