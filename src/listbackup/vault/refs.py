"""Refs: how one object names another: key, digests stored and plain, codec, form, encoding.

A member of a pack is named by its pack's key, `#`, its ordinal; that is also its address. Knows
nothing of stores.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, cast

from listbackup.errors import IntegrityError, RefusedError
from listbackup.vault.documents import Fields
from listbackup.vault.layout import check_key

Codec = Literal["gzip", "none"]
Form = Literal["plain", "sealed"]
BLOCK = 2**20
MOST_STORED = 2**32
MOST_PLAIN = 2**36


def digest(data: bytes | memoryview) -> str:
    """Give `sha256:hex`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_blocks(body: bytes) -> tuple[str, ...]:
    """Give the SHA-256, in hex, of each `BLOCK` of stored bytes."""
    view = memoryview(body)
    starts = range(0, len(body), BLOCK)
    return tuple(hashlib.sha256(view[at : at + BLOCK]).hexdigest() for at in starts)


@dataclass(frozen=True, slots=True)
class Ref:
    """One stored object, or one member of a pack. Sizes in bytes; digests are `sha256:hex`.

    `blocks` are the SHA-256, in hex, of each `BLOCK` of the stored bytes: ranges of an object that
    has them can be verified by themselves.
    """

    key: str
    bytes: int
    sha256: str
    plain_bytes: int
    plain_sha256: str
    rows: int = 0
    codec: Codec = "none"
    form: Form = "plain"
    check: str | None = None
    encoding: str | None = None
    offset: int | None = None
    blocks: tuple[str, ...] | None = None

    @property
    def object(self) -> str:
        """The logical key of the object that holds it."""
        return self.key.partition("#")[0]

    def to_json(self) -> dict[str, Any]:
        """Write it; fields that say nothing are left out."""
        value: dict[str, Any] = {
            "key": self.key,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "plain_bytes": self.plain_bytes,
            "plain_sha256": self.plain_sha256,
            "rows": self.rows,
            "codec": self.codec,
            "form": self.form,
        }
        if self.check is not None:
            value["check"] = self.check
        if self.encoding is not None:
            value["encoding"] = self.encoding
        if self.offset is not None:
            value |= {"offset": self.offset, "length": self.bytes}
        if self.blocks is not None:
            value["blocks"] = list(self.blocks)
        return value


def read_ref(fields: Fields, within: str) -> Ref:
    """Read a ref whose object must lie below the prefix `within`. Raises IntegrityError, and
    RefusedError for codecs and requirements of a later format."""
    if fields.texts("requires", ()):
        raise RefusedError(
            f"{fields.what} needs a newer version of listbackup.", risk="No data is at risk."
        )
    codec, form = fields.text("codec"), fields.text("form")
    if codec not in ("gzip", "none") or form not in ("plain", "sealed"):
        raise RefusedError(
            f"{fields.what} uses {codec}/{form}, which this version does not know.",
            risk="No data is at risk.",
            hint="Use a newer version of listbackup for this vault.",
        )
    key = check_key(fields.text("key"), within)
    packed = "#" in key
    ref = Ref(
        key=key,
        bytes=fields.number("bytes"),
        sha256=fields.text("sha256"),
        plain_bytes=fields.number("plain_bytes"),
        plain_sha256=fields.text("plain_sha256"),
        rows=fields.number("rows"),
        codec=cast(Codec, codec),
        form=cast(Form, form),
        check=fields.optional_text("check"),
        encoding=fields.optional_text("encoding"),
        offset=fields.number("offset") if packed else None,
        blocks=fields.texts("blocks") if "blocks" in fields.value else None,
    )
    if ref.blocks is not None and len(ref.blocks) != -(-ref.bytes // BLOCK):
        raise IntegrityError(f"{fields.what} is damaged: the blocks of {key} do not cover it.")
    if packed and fields.number("length") != ref.bytes:
        raise IntegrityError(f"{fields.what} is damaged: length and bytes of {key} differ.")
    if ref.bytes > MOST_STORED or ref.plain_bytes > MOST_PLAIN:
        raise IntegrityError(f"{fields.what} is damaged: {key} claims an impossible size.")
    if form == "sealed" and ref.check is None:
        raise IntegrityError(f"{fields.what} is damaged: {key} is sealed but has no key check.")
    return ref


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One whole object that a sync put, as its manifest lists it: sizes in stored bytes."""

    key: str
    form: Form
    bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Write it."""
        return {"key": self.key, "form": self.form, "bytes": self.bytes, "sha256": self.sha256}


def read_stored_object(fields: Fields, within: str) -> StoredObject:
    """Read an entry of a manifest's list of objects. Raises IntegrityError."""
    key, form = check_key(fields.text("key"), within), fields.text("form")
    if form not in ("plain", "sealed") or "#" in key:
        raise IntegrityError(f"{fields.what} lists {key} in the unknown form {form!r}.")
    return StoredObject(key, cast(Form, form), fields.number("bytes"), fields.text("sha256"))
