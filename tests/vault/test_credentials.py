"""What opens a source rests sealed, for one vault, account and source, and is renewed by one."""

import base64
import json
import stat
from collections.abc import Callable

import pytest

from listbackup.errors import BusyError, FailedError, IntegrityError, WrongKeyError
from listbackup.testing.vaults import Trial
from listbackup.vault.credentials import SealedCredential

BODY = b'{"token": "canary-of-the-body"}'


def test_what_was_written_is_read_again_and_rests_sealed(trial: Trial) -> None:
    made = SealedCredential(trial.open, "shop")
    assert made.read() is None
    made.write(BODY)
    assert SealedCredential(trial.open, "shop").read() == BODY
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    for path in trial.root.rglob("*"):
        if path.is_file():
            assert b"canary" not in path.read_bytes(), path
    said = json.loads(made.path.read_bytes())
    assert said["sealed_by"] == ("account" if trial.encryption == "sealed" else "installation")
    assert b"canary" not in base64.b64decode(said["sealed"])
    made.write(BODY * 2)
    assert made.read() == BODY * 2
    assert made.forget()
    assert made.read() is None
    assert not made.forget()


def test_a_plain_account_has_a_key_of_the_installation(trial: Trial) -> None:
    SealedCredential(trial.open, "shop").write(BODY)
    keys = list(trial.root.glob("*/state/*/credentials.key"))
    assert [stat.S_IMODE(one.stat().st_mode) for one in keys] == (
        [0o600] if trial.encryption == "none" else []
    )
    for one in keys:
        one.write_bytes(b"damaged\n")
        with pytest.raises(IntegrityError, match="credentials is damaged"):
            SealedCredential(trial.open, "shop").read()
        one.unlink()
        with pytest.raises(WrongKeyError, match="sealed by another key"):
            SealedCredential(trial.open, "shop").read()


def test_the_file_of_another_source_or_account_does_not_open(trial: Trial) -> None:
    one, two = (SealedCredential(trial.open, name) for name in ("a-b", "b"))
    assert one.path != two.path
    one.write(BODY)
    two.path.write_bytes(one.path.read_bytes())
    with pytest.raises(IntegrityError, match="moved or another source's") as caught:
        two.read()
    assert "source reconnect b" in caught.value.hint


def test_a_damaged_file_is_told_as_damaged(trial: Trial) -> None:
    made = SealedCredential(trial.open, "shop")
    made.write(BODY)
    said = json.loads(made.path.read_bytes())
    sealed = bytearray(base64.b64decode(said["sealed"]))
    sealed[-1] ^= 1
    changed = {**said, "sealed": base64.b64encode(sealed).decode()}
    for data in (json.dumps(changed).encode(), b"{", b'{"sealed": "%", "sealed_by": "account"}'):
        made.path.write_bytes(data)
        with pytest.raises(IntegrityError):
            made.read()


def test_the_key_of_another_vault_is_told_as_such(make_trial: Callable[..., Trial]) -> None:
    one, two = (SealedCredential(make_trial().open, "shop") for _ in range(2))
    one.write(BODY)
    two.write(BODY)
    two.path.write_bytes(one.path.read_bytes())
    with pytest.raises(WrongKeyError, match="sealed by another key"):
        two.read()


def test_the_lease_is_held_by_one(trial: Trial) -> None:
    one, two = (SealedCredential(trial.open, "shop") for _ in range(2))
    with one.lease():
        with pytest.raises(BusyError), two.lease():
            raise AssertionError("two hold it")
        with SealedCredential(trial.open, "other").lease():
            pass
    with two.lease():
        pass


def test_whoever_has_the_lease_for_too_long_is_named(trial: Trial) -> None:
    holder, waiter = (SealedCredential(trial.open, "shop") for _ in range(2))
    with holder.lease():
        began = trial.host.clock.monotonic()
        holding = pytest.raises(BusyError, match="using what opens the source")
        with holding as caught, waiter.lease(20.0):
            pass
        assert trial.host.clock.monotonic() - began >= 20
    assert caught.value.subject == "shop"
    with waiter.lease():
        pass


def test_a_lease_that_cannot_be_written_down_is_told(trial: Trial) -> None:
    made = SealedCredential(trial.open, "shop")
    made.write(BODY)
    made.path.with_suffix(".lock").mkdir()
    with pytest.raises(FailedError, match="could not be opened"), made.lease():
        pass
