"""The recovery kit: a page of text that opens any vault of its own when all else is gone.

It holds a secret that unwraps keys, never a key. The secret is 32 random bytes written as base32
in groups, with 4 bytes of checksum, so that a slip of the pen is noticed. Knows no files.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from listbackup.errors import WrongKeyError
from listbackup.ids import decode_base32, encode_base32

_TITLE = "listbackup recovery kit"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a ledger stood: its name (account, or account/source), number and digest."""

    ledger: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Kit:
    """What is on the page."""

    vault: str
    urls: tuple[str, ...]
    secret: bytes
    accounts: tuple[str, ...]
    written: str
    heads: tuple[Head, ...] = ()

    def __repr__(self) -> str:
        return f"Kit(vault={self.vault})"


def write_kit(kit: Kit) -> str:
    """Write the page."""
    lines = [
        _TITLE,
        "",
        "Keep this page away from the vault: on paper, in a safe, in a password manager.",
        "With it and the vault's storage everything can be restored on a bare machine:",
        f"  listbackup --vault URL snapshots --kit-file kit-{kit.vault}.txt",
        "Whoever has both can read everything.",
        "",
        f"vault id: {kit.vault}",
        *(f"vault url: {url}" for url in kit.urls),
        *(f"account: {account}" for account in kit.accounts),
        f"date: {kit.written}",
        f"secret: {_write_secret(kit.secret)}",
        *(f"head: {head.ledger} {head.number} {head.digest}" for head in kit.heads),
        "",
    ]
    return "\n".join(lines)


def read_kit(text: str) -> Kit:
    """Read a page, also one that was typed by hand. Raises WrongKeyError."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, mark, value = line.partition(":")
        if mark:
            found.setdefault(name.strip().lower(), []).append(value.strip())
    if "vault id" not in found or "secret" not in found:
        raise WrongKeyError(
            "This is not a recovery kit: it has no `vault id:` and `secret:` lines.",
            hint="Give the kit file that `init` wrote, or type its lines from the paper.",
        )
    heads = [parts for line in found.get("head", ()) if len(parts := line.split()) == 3]
    return Kit(
        vault=found["vault id"][0],
        urls=tuple(found.get("vault url", ())),
        secret=_read_secret(found["secret"][0]),
        accounts=tuple(found.get("account", ())),
        written=(found.get("date") or [""])[0],
        heads=_read_heads(heads),
    )


def _read_heads(heads: Sequence[Sequence[str]]) -> tuple[Head, ...]:
    return tuple(Head(one[0], int(one[1]), one[2]) for one in heads if one[1].isdecimal())


def _checksum(secret: bytes) -> bytes:
    return hashlib.sha256(b"lb1 kit" + secret).digest()[:4]


def _write_secret(secret: bytes) -> str:
    text = encode_base32(secret + _checksum(secret))
    return "-".join(text[at : at + 6] for at in range(0, len(text), 6))


def _read_secret(text: str) -> bytes:
    letters = "".join(text.split()).replace("-", "").lower().replace("0", "o").replace("1", "l")
    try:
        data = decode_base32(letters)
    except ValueError:
        data = b""
    if len(data) != 36 or not hmac.compare_digest(_checksum(data[:32]), data[32:]):
        raise WrongKeyError(
            "The kit's secret is mistyped: its checksum does not fit.",
            hint="Compare the `secret:` line with the paper, group by group.",
        )
    return data[:32]
