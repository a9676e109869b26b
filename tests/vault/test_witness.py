"""What an installation remembers of a vault goes forward only."""

from datetime import UTC, datetime, timedelta

import pytest

from listbackup.crypto.signing import make_signing_key, write_envelope
from listbackup.errors import IntegrityError
from listbackup.testing.vaults import Trial
from listbackup.vault.documents import write_document
from listbackup.vault.ledger import Mark
from listbackup.vault.opening import open_vault
from listbackup.vault.witness import WITNESS_TYPE

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("number", [4, 5])
def test_a_mark_is_never_set_back_nor_exchanged(trial: Trial, number: int) -> None:
    witness = trial.open().witness
    witness.advance({"default/shop": Mark(5, "sha256:seen")}, None)
    witness.advance({"default/shop": Mark(number, "sha256:other")}, None)
    seen = trial.open().witness.read()
    assert seen is not None
    assert seen.marks["default/shop"] == Mark(5, "sha256:seen")


def test_a_mark_goes_forward_and_others_stay(trial: Trial) -> None:
    witness = trial.open().witness
    witness.advance({"default/shop": Mark(5, "sha256:a"), "default/crm": Mark(2, "sha256:b")}, None)
    witness.advance({"default/shop": Mark(6, "sha256:c")}, None)
    seen = trial.open().witness.read()
    assert seen is not None
    assert seen.marks["default/shop"] == Mark(6, "sha256:c")
    assert seen.marks["default/crm"] == Mark(2, "sha256:b")


def test_the_newest_time_is_never_set_back(trial: Trial) -> None:
    witness = trial.open().witness
    later = NOON + timedelta(days=900)
    witness.advance({}, later)
    witness.advance({"default/shop": Mark(1, "sha256:a")}, NOON)
    seen = witness.read()
    assert seen is not None
    assert seen.newest == later


def test_a_witness_that_somebody_else_wrote_is_not_believed(trial: Trial) -> None:
    vault = trial.open()
    document = write_document({"vault": vault.id, "newest": None, "ledgers": {}})
    path = next((trial.root / "home" / "state").glob("*/witness.json"))
    path.chmod(0o600)
    path.write_bytes(write_envelope(WITNESS_TYPE, document, vault.signer()))
    seen = vault.witness.read()
    assert seen is not None and not seen.marks
    path.write_bytes(write_envelope(WITNESS_TYPE, document, make_signing_key(trial.host.entropy)))
    with pytest.raises(IntegrityError, match="not signed by its key"):
        vault.witness.read()
    with pytest.raises(IntegrityError, match="not signed by its key"):
        trial.open()


def test_what_two_vaults_of_one_process_know_of_a_witness_is_what_its_file_says_now(
    trial: Trial,
) -> None:
    first = trial.open()
    second = open_vault(first.access)
    assert first.witness.read() is second.witness.read()
    second.witness.advance({"default/shop": Mark(5, "sha256:a")}, None)
    seen = first.witness.read()
    assert seen is not None and seen.marks["default/shop"] == Mark(5, "sha256:a")
    path = next((trial.root / "home" / "state").glob("*/witness.json"))
    path.chmod(0o600)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(raw[60:64], raw[64:68], 1))
    with pytest.raises(IntegrityError):
        first.witness.read()
