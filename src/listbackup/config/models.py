"""What listbackup.yaml may say: every key, and what its value has to be.

A value comes as text (see `reading`) and is read by the type of its key. Relative paths start at
the directory of the file. The keys of `retention` are the flags of `prune`.
"""

import re
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, model_validator

from listbackup.config.finding import IDENTITY
from listbackup.config.quantities import read_jobs, read_rate, read_seconds
from listbackup.errors import UsageError

T = TypeVar("T")
Hook = str | tuple[str, ...]
_CONNECTOR = re.compile(r"[a-z][a-z0-9_]{0,59}")
_SPAN = re.compile(r"(?=.)(\d{1,5}y)?(\d{1,5}m)?(\d{1,5}w)?(\d{1,5}d)?(\d{1,5}h)?")
_MOST_COUNT = 1_000_000


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("this is to be a word" if value is not None else "this has no value")


def _file(value: Any, info: ValidationInfo) -> Path:
    context: Any = info.context
    return Path(context["directory"], Path(_text(value)).expanduser())


def _place(value: Any, info: ValidationInfo) -> str:
    text = _text(value)
    return text if "://" in text else str(_file(text, info))


def _identity(value: Any) -> str:
    if IDENTITY.fullmatch(_text(value)) is None:
        raise ValueError(
            "a name is at most 100 lower-case letters, digits, `_`, `-`; the first no mark"
        )
    return str(value)


def _zone(value: Any) -> str:
    try:
        return zoneinfo.ZoneInfo(_text(value)).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone; write one such as Europe/Berlin") from None


def _url(value: Any) -> str:
    if "://" not in _text(value):
        raise ValueError("a source is given as a URL: postgresql://user@host:5432/database")
    return str(value)


def _connector(value: Any, info: ValidationInfo) -> str:
    text = _text(value)
    if "/" in text or text.endswith((".yaml", ".yml")):
        return str(_file(text, info))
    if _CONNECTOR.fullmatch(text) is None:
        raise ValueError("a connector is a platform's name, or the path of a .yaml file")
    return text


def _web(value: Any) -> str:
    scheme, separator, rest = _text(value).partition("://")
    host = rest.partition("/")[0]
    if scheme not in ("https", "http") or not separator or not host or "@" in host:
        raise ValueError("this is to be a URL: https://host/path, without user and password")
    return str(value)


def _count(value: Any) -> int:
    if _text(value).isascii() and value.isdecimal() and 1 <= int(value[:9]) <= _MOST_COUNT:
        return int(value)
    raise ValueError(f"{value!r} is no whole number from 1 to {_MOST_COUNT:,}")


def _few(value: Any) -> int:
    if _text(value) in ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"):
        return int(value)
    raise ValueError(f"{value!r} is no whole number from 0 to 10")


def _span(value: Any) -> str:
    if _SPAN.fullmatch(_text(value)) is None:
        raise ValueError(f"{value!r} is no span of time; write one such as 2y5m7d3h")
    return str(value)


def _switch(value: Any) -> bool:
    if _text(value) in ("true", "false"):
        return bool(value == "true")
    raise ValueError(f"{value!r} is neither true nor false")


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(_text, value))
    return (_text(value),)


def _tags(value: Any) -> tuple[str, ...]:
    for tag in _words(value):
        if len(tag) > 100 or not tag.isprintable() or set(tag) & {" ", ","}:
            raise ValueError("a tag has at most 100 printable characters, no space and no comma")
    return _words(value)


def _hook(value: Any) -> Hook:
    if isinstance(value, list):
        return tuple(map(_text, value))
    scheme, separator, rest = _text(value).partition("://")
    is_url = separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme)
    if is_url and (scheme.lower() not in ("http", "https") or not rest.strip("/")):
        raise ValueError("a hook's URL begins with https:// or http:// and names a host")
    if is_url and "@" in rest.partition("/")[0]:
        raise ValueError("a hook's URL has no user and password; call a command instead")
    return str(value)


def _quantity(read: Callable[[str], T]) -> Callable[[Any], T]:
    def validate(value: Any) -> T:
        try:
            return read(_text(value))
        except UsageError as error:
            raise ValueError(error.message) from None

    return validate


Text = Annotated[str, PlainValidator(_text)]
File = Annotated[Path, PlainValidator(_file)]
Place = Annotated[str, PlainValidator(_place)]
Identity = Annotated[str, PlainValidator(_identity)]
Zone = Annotated[str, PlainValidator(_zone)]
Url = Annotated[str, PlainValidator(_url)]
Connector = Annotated[str, PlainValidator(_connector)]
Web = Annotated[str, PlainValidator(_web)]
Count = Annotated[int, PlainValidator(_count)]
Few = Annotated[int, PlainValidator(_few)]
Span = Annotated[str, PlainValidator(_span)]
Switch = Annotated[bool, PlainValidator(_switch)]
Words = Annotated[tuple[str, ...], PlainValidator(_words)]
Tags = Annotated[tuple[str, ...], PlainValidator(_tags)]
Errand = Annotated[Hook, PlainValidator(_hook)]
Jobs = Annotated[int, PlainValidator(_quantity(read_jobs))]
Rate = Annotated[int, PlainValidator(_quantity(read_rate))]
Seconds = Annotated[float, PlainValidator(_quantity(read_seconds))]


class Section(BaseModel):
    """Some keys that belong together; a key that is not among them is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Prune(Section):
    """When to prune without being asked."""

    after_backup: Switch = False


class Retention(Section):
    """Which snapshots are kept."""

    keep_last: Count | None = None
    keep_hourly: Count | None = None
    keep_daily: Count | None = None
    keep_weekly: Count | None = None
    keep_monthly: Count | None = None
    keep_yearly: Count | None = None
    keep_within: Span | None = None
    keep_tag: Tags | None = None
    prune: Prune = Prune()

    @model_validator(mode="after")
    def _demand_rule(self) -> "Retention":
        if not any(getattr(self, name) for name in type(self).model_fields if name != "prune"):
            raise ValueError("no rule says what to keep; give at least one, such as keep_daily: 7")
        return self


class Hooks(Section):
    """What to run or call around a backup: a URL, a command line for the shell, or a list of
    words that is run without one; an empty list is nothing."""

    on_start: Errand | None = None
    on_success: Errand | None = None
    on_partial: Errand | None = None
    on_failure: Errand | None = None
    timeout: Seconds | None = None
    retries: Few | None = None
    pass_environment: Words | None = None


class NamedSource(Section):
    """One source: a database by its `url`, or a platform by its `connector`; how it is read, what
    is particular to it."""

    url: Url | None = None
    password_file: File | None = None
    connector: Connector | None = None
    auth: Text | None = None
    settings: dict[str, Text] = Field(default_factory=dict)
    base_url: Web | None = None
    authorize_url: Web | None = None
    token_url: Web | None = None
    revoke_url: Web | None = None
    allow_private_hosts: Switch = False
    include: Words | None = None
    exclude: Words | None = None
    jobs: Jobs | None = None
    limit_rate: Rate | None = None
    lock_timeout: Seconds | None = None
    statement_timeout: Seconds | None = None
    tags: Tags | None = None
    current: Switch | None = None
    retention: Retention | None = None
    hooks: Hooks = Hooks()

    @model_validator(mode="after")
    def _demand_kind(self) -> "NamedSource":
        if (self.url is None) == (self.connector is None):
            raise ValueError("a source has a `url`, or a `connector`: one of them")
        wrong = OF_DATABASES if self.connector else OF_PLATFORMS
        found = next((name for name in wrong if name in self.model_fields_set), None)
        if found is not None:
            kind = "connector" if self.connector else "url"
            raise ValueError(f"`{found}` means nothing for a source with a `{kind}`")
        return self


OF_DATABASES = ("password_file", "lock_timeout", "statement_timeout")
OF_PLATFORMS = (
    *("auth", "settings", "base_url", "authorize_url", "token_url", "revoke_url"),
    "allow_private_hosts",
)


class Document(Section):
    """The whole file."""

    vault: Place | None = None
    vault_id: Text | None = None
    account: Identity | None = None
    key_file: File | None = None
    passphrase_file: File | None = None
    kit_file: File | None = None
    time_zone: Zone | None = None
    retention: Retention | None = None
    hooks: Hooks = Hooks()
    sources: dict[Identity, NamedSource] = Field(default_factory=dict)
