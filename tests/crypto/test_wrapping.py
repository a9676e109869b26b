"""Wraps of small secrets."""

import pytest

from listbackup.crypto.wrapping import (
    unwrap_with_passphrase,
    unwrap_with_secret,
    wrap_with_passphrase,
    wrap_with_secret,
)
from listbackup.errors import IntegrityError, WrongKeyError
from listbackup.testing.hosts import SeededEntropy

ENTROPY = SeededEntropy(3)


def test_a_wrap_opens_with_its_secret_only() -> None:
    wrap = wrap_with_secret(b"s" * 32, "here", b"key", ENTROPY)
    assert unwrap_with_secret(b"s" * 32, "here", wrap) == b"key"
    with pytest.raises(WrongKeyError):
        unwrap_with_secret(b"t" * 32, "here", wrap)
    with pytest.raises(WrongKeyError):
        unwrap_with_secret(b"s" * 32, "there", wrap)


def test_a_wrap_opens_with_its_passphrase_only() -> None:
    wrap = wrap_with_passphrase("correct horse", "here", b"key", ENTROPY)
    assert unwrap_with_passphrase("correct horse", "here", wrap) == b"key"
    with pytest.raises(WrongKeyError):
        unwrap_with_passphrase("correct house", "here", wrap)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_kib", 2**21),
        ("memory_kib", 1),
        ("passes", 11),
        ("passes", 0),
        ("lanes", 0),
        ("lanes", 1000),
        ("salt", "AA=="),
        ("name", "scrypt"),
        ("passes", "many"),
    ],
)
def test_parameters_out_of_bounds_are_refused_before_any_work(name: str, value: object) -> None:
    wrap = wrap_with_passphrase("p", "here", b"key", ENTROPY)
    wrap["kdf"][name] = value
    with pytest.raises(IntegrityError):
        unwrap_with_passphrase("p", "here", wrap)
