"""Putting and getting of single objects: encode, seal, digest, store, and back, verified.

`Objects` belongs to one account of one vault. It knows how an object becomes bytes in a store, and
never what the object means.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from listbackup.crypto.sealing import HEADER_SIZE, Key, seal, sealed_check, unseal_frames
from listbackup.errors import (
    FailedError,
    IntegrityError,
    ObjectExists,
    ObjectMissing,
    WrongKeyError,
)
from listbackup.ids import Entropy
from listbackup.objectstore import ObjectStore, Tag
from listbackup.vault import layout
from listbackup.vault.cache import Cache
from listbackup.vault.codecs import Squeezer, compress, expand
from listbackup.vault.documents import MOST_BYTES, Fields, read_document
from listbackup.vault.keyring import Keyring
from listbackup.vault.refs import Codec, Ref, digest

MOST_READ = 256 * 1024 * 1024
"""Plain bytes of an object that is read at once; batches are read piece by piece."""


@dataclass(frozen=True, slots=True)
class Blob:
    """An object as it will be stored, and the ref that names it."""

    ref: Ref
    body: bytes


class Objects:
    """Objects of one account. Thread-safe."""

    def __init__(
        self,
        store: ObjectStore,
        vault: str,
        account: str,
        keyring: Keyring,
        entropy: Entropy,
        cache: Cache | None = None,
    ) -> None:
        self.store = store
        self._cache = cache
        self.vault = vault
        self.account = account
        self.keyring = keyring
        self._entropy = entropy
        self._fresh: Mapping[str, bytes] = {}

    def beside(self, fresh: Mapping[str, bytes]) -> "Objects":
        """Give the same objects and some more that no store has yet: stored bytes by key."""
        objects = Objects(self.store, self.vault, self.account, self.keyring, self._entropy)
        objects._cache = self._cache
        objects._fresh = fresh
        return objects

    def encode(
        self,
        key: str,
        plain: bytes,
        data_key: Key | None,
        *,
        codec: Codec = "none",
        rows: int = 0,
        encoding: str | None = None,
    ) -> Blob:
        """Make the stored bytes of an object, sealed when there is a data key. Raises FailedError
        for more than can be read back at once."""
        if len(plain) > MOST_READ:
            raise FailedError(f"{key} would be {len(plain)} bytes, more than one object may be.")
        body = compress(plain) if codec == "gzip" else plain
        return self.wrap_up(
            key,
            body,
            len(plain),
            digest(plain),
            data_key,
            codec=codec,
            rows=rows,
            encoding=encoding,
        )

    def encode_member(
        self, key: str, squeezer: Squeezer, data_key: Key | None, *, rows: int, encoding: str
    ) -> Blob:
        """Make the stored bytes of what a squeezer has compressed."""
        body = squeezer.finish()
        return self.wrap_up(
            key,
            body,
            squeezer.plain_bytes,
            squeezer.plain_sha256,
            data_key,
            codec="gzip",
            rows=rows,
            encoding=encoding,
        )

    def wrap_up(
        self,
        key: str,
        body: bytes,
        plain_bytes: int,
        plain_sha256: str,
        data_key: Key | None,
        *,
        codec: Codec,
        rows: int,
        encoding: str | None,
    ) -> Blob:
        """Seal encoded bytes where there is a data key, and name them."""
        check = None
        if data_key is not None:
            body = seal(
                data_key, layout.address(self.vault, self.account, key), body, self._entropy
            )
            check = sealed_check(body)
        ref = Ref(
            key=key,
            bytes=len(body),
            sha256=digest(body),
            plain_bytes=plain_bytes,
            plain_sha256=plain_sha256,
            rows=rows,
            codec=codec,
            form="plain" if data_key is None else "sealed",
            check=check,
            encoding=encoding,
        )
        return Blob(ref, body)

    def put(self, blob: Blob, tag: Tag) -> None:
        """Store a blob create-exclusive. A taken name is fine when it holds our very bytes."""
        place = layout.place(blob.ref.key, blob.ref.form == "sealed")
        try:
            self.store.put(place, blob.body, tag=tag)
        except ObjectExists:
            if self.store.get(place) != blob.body:
                raise

    def stored_bytes(self, ref: Ref) -> bytes:
        """Read an object's stored bytes, verified against the ref. Raises IntegrityError."""
        place = layout.place(ref.key, ref.form == "sealed")
        if ref.key in self._fresh:
            return self._fresh[ref.key]
        try:
            if ref.offset is None:
                body = self.store.get(place, length=ref.bytes + 1)
            else:
                body = self.store.get(place, start=ref.offset, length=ref.bytes)
        except ObjectMissing as error:
            raise IntegrityError(f"{ref.key} is lost.", subject=ref.key) from error
        check_stored(ref, body)
        return body

    def read_unnamed(self, key: str, sealed: bool) -> bytes:
        """Give the plain bytes of an object that no ref names: whoever uses them relies on nothing
        but, where it is sealed, its seal. Raises IntegrityError."""
        try:
            body = self.store.get(layout.place(key, sealed), length=MOST_BYTES)
        except ObjectMissing as error:
            raise IntegrityError(f"{key} is lost.", subject=key) from error
        if not sealed:
            return body
        check = sealed_check(body) if len(body) >= HEADER_SIZE else None
        ref = Ref(key, len(body), digest(body), 0, "", form="sealed", check=check)
        return b"".join(self._unsealed(ref, body))

    def verify_stored(self, ref: Ref, body: bytes | memoryview) -> None:
        """Verify stored bytes that are at hand: digest, and every frame's tag. Raises
        IntegrityError."""
        check_stored(ref, body)
        if ref.form == "sealed":
            for _ in self._unsealed(ref, body):
                pass

    def pieces(self, ref: Ref) -> Iterator[bytes]:
        """Give the plain bytes of an object piece by piece; the stored bytes have been verified
        before the first piece, length and digest of the plain bytes before the end."""
        return self._plain(ref, self.stored_bytes(ref))

    def _plain(self, ref: Ref, body: bytes) -> Iterator[bytes]:
        stored: Iterator[bytes] = (
            self._unsealed(ref, body) if ref.form == "sealed" else iter([body])
        )
        pieces = expand(stored, ref.plain_bytes, ref.key) if ref.codec == "gzip" else stored
        yield from verified(pieces, ref)

    def read(self, ref: Ref) -> bytes:
        """Give the plain bytes of an object that is not large, verified; it may come from the
        cache. Raises IntegrityError."""
        if ref.plain_bytes > MOST_READ:
            raise IntegrityError(f"{ref.key} claims an impossible size.", subject=ref.key)
        whole = io.BytesIO()
        for piece in self._plain(ref, self._cached_bytes(ref)):
            whole.write(piece)
        return whole.getvalue()

    def _cached_bytes(self, ref: Ref) -> bytes:
        if self._cache is None or ref.key in self._fresh:
            return self.stored_bytes(ref)
        body = self._cache.get(ref.sha256)
        if body is not None:
            try:
                check_stored(ref, body)
            except IntegrityError:
                self._cache.drop(ref.sha256)
            else:
                return body
        body = self.stored_bytes(ref)
        self._cache.put(ref.sha256, body)
        return body

    def read_document(self, ref: Ref, what: str) -> Fields:
        """Give a JSON object that a ref names, verified."""
        if ref.plain_bytes > MOST_BYTES:
            raise IntegrityError(f"{what} claims an impossible size.", subject=ref.key)
        return read_document(self.read(ref), what)

    def _unsealed(self, ref: Ref, body: bytes | memoryview) -> Iterator[bytes]:
        if sealed_check(body) != ref.check:
            raise IntegrityError(f"{ref.key} was sealed anew since it was named.", subject=ref.key)
        data_key = self.keyring.data_key_of(ref.key)
        try:
            yield from unseal_frames(
                data_key, layout.address(self.vault, self.account, ref.key), body
            )
        except WrongKeyError as error:
            raise IntegrityError(
                f"{ref.key} does not open: it is damaged, moved or foreign.", subject=ref.key
            ) from error


def check_stored(ref: Ref, body: bytes | memoryview) -> None:
    """Compare stored bytes with their ref. Raises IntegrityError."""
    if len(body) > ref.bytes:
        raise IntegrityError(
            f"{ref.key} has more than its {ref.bytes} stored bytes.", subject=ref.key
        )
    if len(body) != ref.bytes:
        raise IntegrityError(
            f"{ref.key} has {len(body)} stored bytes instead of {ref.bytes}.", subject=ref.key
        )
    if digest(body) != ref.sha256:
        raise IntegrityError(
            f"{ref.key} is damaged or exchanged: its digest differs.", subject=ref.key
        )


def verified(pieces: Iterator[bytes], ref: Ref) -> Iterator[bytes]:
    """Pass pieces on and compare length and digest with the ref at the end."""
    tally = _Tally()
    for piece in pieces:
        tally.add(piece)
        yield piece
    if tally.bytes != ref.plain_bytes or tally.sha256 != ref.plain_sha256:
        raise IntegrityError(
            f"{ref.key} does not hold what was written: its plain digest differs.", subject=ref.key
        )


class _Tally:
    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.bytes = 0

    def add(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.bytes += len(piece)

    @property
    def sha256(self) -> str:
        return "sha256:" + self._digest.hexdigest()
