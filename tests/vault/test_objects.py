"""Single objects: what comes out is what went in, or an error that names the object."""

from dataclasses import replace

import pytest

from listbackup.errors import IntegrityError, ObjectExists
from listbackup.testing.vaults import Trial
from listbackup.vault.layout import place
from listbackup.vault.objects import Blob, Objects
from listbackup.vault.opening import Vault
from listbackup.vault.refs import digest

KEY = "accounts/default/sources/shop/raw/2026/11/01/" + "0" * 32 + "/t/state.json.gz"
PLAIN = b"some bytes, and some more " * 400


@pytest.fixture
def vault(trial: Trial) -> Vault:
    return trial.open()


def encode(vault: Vault, plain: bytes = PLAIN, *, gzip: bool = True) -> Blob:
    """Encode bytes for one key; sealed, no two times are the same."""
    sealed = vault.account.sealed
    key = vault.keyring.ensure("shop", vault.host.clock.now()).key if sealed else None
    return vault.objects.encode(KEY, plain, key, codec="gzip" if gzip else "none")


def store(vault: Vault, blob: Blob) -> Objects:
    vault.objects.put(blob, "data")
    vault.store.barrier()
    return vault.objects


def test_what_was_put_is_read(vault: Vault) -> None:
    blob = encode(vault)
    assert store(vault, blob).read(blob.ref) == PLAIN


@pytest.mark.parametrize("gzip", [True, False])
def test_stored_bytes_are_compared_with_their_digest(vault: Vault, gzip: bool) -> None:
    blob = encode(vault, gzip=gzip)
    for at in (0, len(blob.body) // 2, len(blob.body) - 1):
        body = blob.body[:at] + bytes([blob.body[at] ^ 1]) + blob.body[at + 1 :]
        vault.store.put(place(KEY, vault.account.sealed), body, tag="data", replace=True)
        vault.store.barrier()
        with pytest.raises(IntegrityError, match="its digest differs"):
            vault.objects.stored_bytes(blob.ref)


def test_plain_bytes_are_compared_with_what_was_written(vault: Vault) -> None:
    blob = encode(vault)
    lie = replace(blob.ref, plain_sha256=digest(PLAIN[::-1]))
    with pytest.raises(IntegrityError, match="plain digest differs"):
        store(vault, blob).read(lie)


def test_an_object_never_expands_beyond_its_size(vault: Vault) -> None:
    blob = encode(vault)
    lie = replace(blob.ref, plain_bytes=len(PLAIN) - 1)
    with pytest.raises(IntegrityError, match="expands beyond"):
        store(vault, blob).read(lie)


@pytest.mark.parametrize("trial", ["sealed"], indirect=True)
def test_an_object_that_was_sealed_anew_is_not_the_one_that_was_named(vault: Vault) -> None:
    older, newer = encode(vault), encode(vault)
    assert older.ref.check != newer.ref.check
    with pytest.raises(IntegrityError, match="sealed anew"):
        store(vault, older).read(replace(older.ref, check=newer.ref.check))


def test_a_taken_name_is_fine_when_it_holds_our_very_bytes(vault: Vault) -> None:
    blob = encode(vault)
    store(vault, blob)
    store(vault, blob)
    with pytest.raises(ObjectExists):
        store(vault, encode(vault, PLAIN[::-1]))
    assert vault.objects.read(blob.ref) == PLAIN
