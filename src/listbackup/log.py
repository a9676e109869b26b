"""Words that may be shown: secrets taken out of text, in one place.

Everything that a face prints or writes to a report passes `Redactor.clean`. Knows no face, and no
secret beyond the forms below and those it was told.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

MASK = "***"
SECRET_NAMES = ("PGPASSWORD", "LISTBACKUP_PASSPHRASE", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Names of the environment whose values are never shown."""

_IN_URL = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@?#'\"]*:)[^\s'\"]*@")
_IN_PAIR = re.compile(r"(?i)\b(password|passphrase|passwd|sslpassword|secret)=('[^']*'|[^\s&'\"]+)")
_SHORTEST = 4


class Redactor:
    """Takes secrets out of text: passwords in URLs, `password=...`, and values it was told."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Never show this value, nor its percent-encoded form. Very short ones are left alone:
        taking them out would garble every word and hide nothing."""
        if len(secret) >= _SHORTEST:
            self._secrets |= {secret, quote(secret, safe="", errors="surrogatepass")}

    def clean(self, text: str) -> str:
        """Give the text without secrets."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        text = _IN_URL.sub(rf"\g<before>{MASK}@", text)
        return _IN_PAIR.sub(rf"\1={MASK}", text)


def redactor_for(environment: Mapping[str, str]) -> Redactor:
    """Give a redactor that knows the secrets of an environment."""
    return Redactor(environment[name] for name in SECRET_NAMES if environment.get(name))
