"""Envelopes and signatures."""

import json

import pytest

from listbackup.crypto.signing import make_signing_key, read_envelope, write_envelope
from listbackup.errors import IntegrityError
from listbackup.testing.hosts import SeededEntropy

KEY = make_signing_key(SeededEntropy(1))
OTHER = make_signing_key(SeededEntropy(2))


def test_an_envelope_is_its_signers_and_nobody_elses() -> None:
    envelope = read_envelope(write_envelope("t/1", b"{}", KEY), "t/1")
    assert envelope.signed_by(KEY.public)
    assert not envelope.signed_by(OTHER.public)


def test_a_changed_payload_is_not_signed() -> None:
    document = json.loads(write_envelope("t/1", b'{"a":1}', KEY))
    document["payload"] = "eyJhIjoyfQ=="
    assert not read_envelope(json.dumps(document).encode(), "t/1").signed_by(KEY.public)


def test_a_signature_under_another_name_does_not_count() -> None:
    document = json.loads(write_envelope("t/1", b"{}", OTHER))
    document["signatures"][0]["key"] = KEY.public.id
    assert not read_envelope(json.dumps(document).encode(), "t/1").signed_by(KEY.public)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'{"payload":"e30=","type":"t/1"}', b'{"payload":"*","type":"t/1"}']
)
def test_what_is_no_envelope_is_damage(raw: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_envelope(raw, "t/1")


def test_another_type_is_refused() -> None:
    with pytest.raises(IntegrityError, match="type"):
        read_envelope(write_envelope("t/1", b"{}", KEY), "t/2")
