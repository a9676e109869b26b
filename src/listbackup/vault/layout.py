"""Keys and names: the only place that joins a slash.

A *logical key* is what refs, signatures and addresses use; `place` maps it to where a store keeps
it. Stream names become path components through `stream_path` and nothing else, so that no name,
however hostile, leaves its directory. Knows nothing of what the objects hold.
"""

import hashlib
import re
from datetime import UTC, datetime
from functools import lru_cache

from listbackup.errors import IntegrityError, UsageError
from listbackup.ids import encode_base32

DESCRIPTOR = "vault.json"
SEALED_SUFFIX = ".lbo"

_SYNC = re.compile(r"[0-9a-f]{32}")
_PLAIN_STREAM = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_COMPONENT = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
_RESERVED = {"hold", "manifest.json", "manifest.json.lbo"}
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}
MOST_COMPONENT = 100
MOST_KEY = 512


def stream_path(name: str) -> str:
    """Give the path component of a stream: the name itself where it is harmless, else a slug and
    12 base32 characters of its SHA-256. The two kinds never meet: only a slug has a hyphen."""
    plain = (
        _PLAIN_STREAM.fullmatch(name) is not None
        and len(name) <= 60
        and name not in _RESERVED
        and not any(part in _DEVICES for part in name.split("."))
    )
    if plain:
        return name
    slug = re.sub(r"[^a-z0-9_]", "_", name.lower())[:40]
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return f"{slug}-{encode_base32(digest)[:12]}"


def check_id(value: str, what: str) -> str:
    """Let an account, source or sync id through. Raises UsageError."""
    if _ID.fullmatch(value) is None or len(value) > MOST_COMPONENT:
        raise UsageError(
            f"{value!r} is not usable as {what}.",
            hint="Use at most 100 lower-case letters, digits, `_`, `-`; the first no mark.",
        )
    return value


def check_key(key: str, within: str = "accounts/") -> str:
    """Let a logical key from a stored document through. Raises IntegrityError."""
    path, _, ordinal = key.partition("#")
    folder, slash, name = path.rpartition("/")
    harmless = (
        len(key) <= MOST_KEY
        and key.startswith(within)
        and (not ordinal or ordinal.isdecimal())
        and key.count("#") == (1 if ordinal else 0)
        and (not slash or _is_path(folder))
        and _is_component(name)
    )
    if not harmless:
        raise IntegrityError(f"A stored document names the object {key[:200]!r}, which is refused.")
    return key


@lru_cache(maxsize=256)  # thousands of objects lie in a few folders
def _is_path(path: str) -> bool:
    return all(map(_is_component, path.split("/")))


def _is_component(part: str) -> bool:
    return _COMPONENT.fullmatch(part) is not None and len(part) <= MOST_COMPONENT


def place(key: str, sealed: bool = False) -> str:
    """Give the store's key of a logical key (of a pack member: of its pack)."""
    path = key.partition("#")[0]
    return "data/" + path + (SEALED_SUFFIX if sealed else "")


def read_place(place: str) -> tuple[str, bool]:
    """Give the logical key of a store's key, and whether its object is sealed."""
    path = place.removeprefix("data/")
    return path.removesuffix(SEALED_SUFFIX), path.endswith(SEALED_SUFFIX)


def address(vault: str, account: str, key: str) -> str:
    """Give the address an object is sealed for: copies and re-layouts keep it."""
    return f"{vault}/{account}/{key}"


def account_prefix(account: str) -> str:
    """Give the prefix of everything of an account."""
    return f"accounts/{account}/"


def source_prefix(account: str, source: str) -> str:
    """Give the prefix of everything of a source."""
    return f"accounts/{account}/sources/{source}/"


def ledger_key(prefix: str, number: int) -> str:
    """Give the key of a ledger entry below an account's or a source's prefix."""
    return f"{prefix}ledger/{number:012}.json"


def sync_prefix(account: str, source: str, sync: str, started: datetime) -> str:
    """Give the directory of one sync, filed by the UTC day on which it started."""
    return f"{day_prefix(account, source, started)}{sync}/"


def day_prefix(account: str, source: str, day: datetime) -> str:
    """Give the directory of all syncs that started on a UTC day."""
    return f"{source_prefix(account, source)}raw/{day.astimezone(UTC):%Y/%m/%d}/"


def sync_directory(key: str) -> str:
    """Give the directory of the sync that put an object below `raw/`. Raises IntegrityError."""
    return key.partition(sync_of(key))[0] + sync_of(key) + "/"


def part_key(account: str, source: str, sync: str, started: datetime, path: str, name: str) -> str:
    """Give the key of one part of a stream's typed view; `path` is the stream's, `name` says which
    part of the sync's."""
    moment = started.astimezone(UTC)
    history = f"processed/{moment:%Y/%m/%d}/{path}/history/"
    return f"{source_prefix(account, source)}{history}{moment:%Y%m%d-%H%M%S}-{sync}{name}.parquet"


def sync_of(key: str) -> str:
    """Give the id of the sync that put an object below `raw/` or `processed/`. Raises
    IntegrityError for other keys."""
    parts = key.split("/")
    found = ""
    if len(parts) >= 10 and parts[4] == "raw":
        found = parts[8]
    elif len(parts) >= 11 and parts[4] == "processed":
        found = parts[10][16:48]
    if _SYNC.fullmatch(found) is None:
        raise IntegrityError(f"The object {key[:200]!r} belongs to no sync.")
    return found


def key_month(key: str) -> str:
    """Give `YYYYMM` of a key below `raw/` or `processed/`: the month of its data key."""
    parts = key.split("/")
    if (
        len(parts) < 8
        or parts[4] not in ("raw", "processed")
        or not (parts[5] + parts[6]).isdecimal()
    ):
        raise IntegrityError(f"The object {key[:200]!r} lies where no data key is.")
    return parts[5] + parts[6]


def wrap_prefix(account: str, generation: int) -> str:
    """Give the prefix of the wraps of an account key."""
    return f"{account_prefix(account)}keys/{generation:03}/"


def wrap_key(account: str, generation: int, way: str, number: int) -> str:
    """Give the key of one wrap of an account key."""
    return f"{wrap_prefix(account, generation)}wrap-{way}-{number}.json"


def data_key_key(account: str, generation: int, source: str, month: str) -> str:
    """Give the key of the data key of a source and month."""
    return f"{wrap_prefix(account, generation)}data/{source}/{month}.key"


def schemas_prefix(account: str, source: str) -> str:
    """Give the prefix of the published JSON Schemas of a source, all versions."""
    return f"{source_prefix(account, source)}schemas/"


def schema_key(account: str, source: str, path: str, version: int) -> str:
    """Give the key of a version of a stream's published JSON Schema; `path` is the stream's."""
    return f"{schemas_prefix(account, source)}v{version}/{path}-schema.json"


def metadata_key(account: str, source: str, name: str) -> str:
    """Give the key of what is published about a source as a whole."""
    return f"{source_prefix(account, source)}metadata/{name}.json"


def statistics_key(account: str, source: str, moment: datetime, path: str | None) -> str:
    """Give the key of a month's statistics (UTC) of one stream, or of all (None)."""
    name = f"stats-{path}" if path is not None else "stats"
    month = f"{moment.astimezone(UTC):%Y/%m}"
    return f"{source_prefix(account, source)}statistics/{month}/{name}.json"


def current_key(account: str, source: str, day: datetime, path: str) -> str:
    """Give the key of a stream's whole state as published on a day (UTC)."""
    home = f"{source_prefix(account, source)}processed/{day.astimezone(UTC):%Y/%m/%d}/{path}/"
    return f"{home}current/{path}-latest.parquet"


def is_current(key: str) -> bool:
    """Tell whether a key is one of those that `current_key` gives."""
    parts = key.split("/")
    return len(parts) == 11 and parts[4] == "processed" and parts[9] == "current"
