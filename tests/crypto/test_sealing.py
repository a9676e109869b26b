"""The sealed object."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listbackup.crypto.sealing import (
    HEADER_SIZE,
    Frames,
    make_key,
    read_header,
    seal,
    unseal,
)
from listbackup.errors import IntegrityError, WrongKeyError
from listbackup.testing.hosts import SeededEntropy

ENTROPY = SeededEntropy(1)
KEY = make_key(ENTROPY)
SIZES = [0, 1, 65535, 65536, 65537, 131072, 200000]


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_opens_again(size: int) -> None:
    plain = bytes(n % 251 for n in range(size))
    assert unseal(KEY, "v/a/k", seal(KEY, "v/a/k", plain, ENTROPY)) == plain


@pytest.mark.parametrize("size", SIZES)
def test_its_length_is_header_frames_and_tags(size: int) -> None:
    frames = max(1, -(-size // 65536))
    assert len(seal(KEY, "v/a/k", bytes(size), ENTROPY)) == HEADER_SIZE + size + 16 * frames


@given(st.integers(0, 10**9), st.integers(0, 7))
def test_any_flipped_bit_is_noticed(at: int, bit: int) -> None:
    sealed = bytearray(seal(KEY, "v/a/k", b"records" * 20, ENTROPY))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises((IntegrityError, WrongKeyError)):
        unseal(KEY, "v/a/k", bytes(sealed))


@pytest.mark.parametrize("address", ["v/a/other", "v/b/k", "w/a/k", "v/a/k#1"])
def test_it_does_not_open_at_another_address(address: str) -> None:
    with pytest.raises(WrongKeyError):
        unseal(KEY, address, seal(KEY, "v/a/k", b"x", ENTROPY))


def test_cut_exchanged_and_doubled_frames_do_not_open() -> None:
    sealed = seal(KEY, "v/a/k", bytes(65536 * 3), ENTROPY)
    step = 65536 + 16
    head, frames = (
        sealed[:HEADER_SIZE],
        [sealed[HEADER_SIZE + n * step : HEADER_SIZE + (n + 1) * step] for n in range(3)],
    )
    for order in ((0, 1), (1, 0, 2), (0, 1, 2, 2), (0, 2), ()):
        with pytest.raises(IntegrityError):
            unseal(KEY, "v/a/k", head + b"".join(frames[n] for n in order))


def test_foreign_bytes_and_unknown_suites_are_refused() -> None:
    sealed = bytearray(seal(KEY, "v/a/k", b"x", ENTROPY))
    for damage in (b"", b"LBO1", b"PK\3\4" + bytes(200)):
        with pytest.raises(IntegrityError):
            read_header(damage)
    sealed[4] = 2
    with pytest.raises(IntegrityError, match="suite"):
        read_header(bytes(sealed))


def test_a_key_does_not_show_its_secret() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)


@pytest.mark.parametrize("size", SIZES)
def test_frames_open_one_by_one_in_any_order(size: int) -> None:
    plain = bytes(n % 251 for n in range(size))
    sealed = seal(KEY, "v/a/k", plain, ENTROPY)
    frames = Frames(KEY, "v/a/k", sealed[:HEADER_SIZE])
    body = sealed[HEADER_SIZE:]
    count = max(1, -(-len(body) // frames.step))
    for number in reversed(range(count)):
        frame = body[number * frames.step : (number + 1) * frames.step]
        last = number == count - 1
        opened = frames.open(number, last, frame)
        assert opened == plain[number * frames.size : (number + 1) * frames.size]
        for wrong in ((number + 1, last), (number, not last)):
            with pytest.raises(IntegrityError):
                frames.open(*wrong, frame)


def test_frames_of_another_place_or_key_are_refused() -> None:
    sealed = seal(KEY, "v/a/k", b"x", ENTROPY)
    for key, address in ((KEY, "v/a/other"), (make_key(ENTROPY), "v/a/k")):
        with pytest.raises(WrongKeyError):
            Frames(key, address, sealed)
