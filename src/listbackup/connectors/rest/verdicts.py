"""What a response means: by the platform's own rules, else by its status. Knows no retries.

What a platform says in words is shown only in part: nothing of it that could be a secret.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from listbackup.connectors.rest.models.budgets import ErrorRule, Failures
from listbackup.connectors.rest.transport import Response

Meaning = Literal[
    "fine",
    "rate_limited",
    "transient",
    "auth",
    "forbidden",
    "missing",
    "invalid",
    "expired_page",
    "empty",
]

_TRANSIENT = frozenset({408, 425})
_MISSING = frozenset({404, 410})
_SECRET = re.compile(r"[A-Za-z0-9_\-+/=.~*%]{16,}|\S+@\S+|\d{6,}")
_LONGEST = 160
_MOST = 2000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a response means, and in words why: the rule's, and the platform's own."""

    meaning: Meaning
    says: str = ""
    told: str = ""


Clean = Callable[[str], str]
"""Takes secrets out of a text."""


def judge(
    response: Response, failures: Failures, operation: str = "", clean: Clean = str
) -> Verdict:
    """Say what a response means, to a request of an operation (`METHOD /path`). The body is read
    only where a rule or a failure asks for it; what is told of it passes `clean` first."""
    body = _Body(response)
    for rule in failures.rules:
        if rule.operations and not operation.startswith(rule.operations):
            continue
        if rule.path and response.status in rule.status and body.is_garbled:
            # what it says would decide: perhaps it says it better the next time
            return Verdict("transient", f"status {response.status}, and it cannot be read")
        if _fits(rule, response, body):
            return Verdict(rule.means, rule.says, _read_message(failures, body, clean))
    meaning = _judge_status(response.status)
    told = "" if meaning == "fine" else _read_message(failures, body, clean)
    return Verdict(meaning, f"status {response.status}", told)


def soften(text: str) -> str:
    """Make a platform's words fit to be shown: short, on one line, without what looks like a key,
    a long number or an address of e-mail."""
    return shorten(_SECRET.sub("…", shorten(text, _MOST)), _LONGEST)


def shorten(text: str, most: int) -> str:
    """Write a text on one line of at most so many characters, without those that command a
    terminal. Of a word that is cut nothing is left: it could be the beginning of a secret."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 2 * _MOST]).split())
    if len(line) <= most and len(text) <= 2 * _MOST:
        return line
    return f"{line[:most].rpartition(' ')[0]} …".lstrip()


class _Body:
    """The JSON of a body, decoded once and only when it is looked at."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._value: Any = None
        self._decoded = False
        self._garbled = False

    @property
    def text(self) -> str:
        return self._response.body.decode("utf-8", "replace")

    @property
    def is_garbled(self) -> bool:
        """Whether there is a body, and it is no JSON."""
        self._decode()
        return self._garbled

    def find(self, path: tuple[str, ...]) -> str | None:
        """Give the text or number at a path; None where there is none."""
        self._decode()
        value = self._value
        for step in path:
            if isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            elif isinstance(value, dict):
                value = value.get(step)
            else:
                return None
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else None

    def _decode(self) -> None:
        if self._decoded:
            return
        self._decoded = True
        try:
            self._value = msgspec.json.decode(self._response.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._garbled = bool(self._response.body)


def _fits(rule: ErrorRule, response: Response, body: _Body) -> bool:
    if rule.status and response.status not in rule.status:
        return False
    if rule.header and rule.header.lower() not in response.headers:
        return False
    if not rule.path and not rule.contains:
        return bool(rule.status or rule.header)
    found = body.find(rule.path) if rule.path else body.text
    if found is None or (rule.equals and found not in rule.equals):
        return False
    return not rule.contains or rule.contains in found


def _judge_status(status: int) -> Meaning:
    if 200 <= status < 300:
        return "fine"
    if status == 429:
        return "rate_limited"
    if status == 401:
        return "auth"
    if status == 403:
        return "forbidden"
    if status in _MISSING:
        return "missing"
    if status in _TRANSIENT or status >= 500:
        return "transient"
    return "invalid"


def _read_message(failures: Failures, body: _Body, clean: Clean) -> str:
    said = (body.find(failures.message) or "") if failures.message else ""
    return soften(clean(shorten(said, _MOST)))
