"""Opening: trust, pins, witness, rollback, keys."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from listbackup.errors import IntegrityError, RefusedError, VaultMissing, WrongKeyError
from listbackup.events import Warned
from listbackup.objectstore.metered import Meter, MeteredStore
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial, expect, make_rows
from listbackup.vault import layout
from listbackup.vault.beginning import append_to_account
from listbackup.vault.creation import signer_body
from listbackup.vault.opening import Access, open_vault
from listbackup.vault.unlocking import Secret

ROWS = {"public.a": make_rows(250), "public.b": make_rows(3, "b")}
SHOP = ListedSource(ROWS)


def set_back(trial: Trial, to: Path) -> None:
    """Put the vault's directory back to an earlier copy."""
    shutil.rmtree(trial.place)
    shutil.copytree(to, trial.place)


def copy(trial: Trial, name: str) -> Path:
    """Keep a copy of the vault's directory."""
    return Path(shutil.copytree(trial.place, trial.root / name))


def test_an_empty_directory_is_no_vault(tmp_path: Path) -> None:
    with pytest.raises(VaultMissing):
        Trial(tmp_path).open()


def test_another_vault_at_a_known_place_is_noticed(make_trial: Callable[..., Trial]) -> None:
    one, other = make_trial(), make_trial()
    shutil.rmtree(one.place)
    shutil.copytree(other.place, one.place)
    with pytest.raises(IntegrityError, match="Another vault"):
        one.open()


def test_a_lost_descriptor_is_damage_where_there_are_objects(trial: Trial) -> None:
    (trial.place / "data" / "vault.json").unlink()
    with pytest.raises(IntegrityError, match="descriptor"):
        trial.open()


@pytest.mark.parametrize("back", [1, 3])
def test_a_vault_that_was_set_back_refuses_writes_and_still_reads(trial: Trial, back: int) -> None:
    for _ in range(5 - back):
        trial.sync(SHOP)
    earlier = copy(trial, "earlier")
    for _ in range(back):
        trial.sync(SHOP)
    set_back(trial, earlier)
    with pytest.raises(IntegrityError, match="rolled back"):
        trial.sync(SHOP)
    assert trial.restore("latest") == expect(ROWS)
    assert any(isinstance(one, Warned) and "rolled back" in one.message for one in trial.events)
    assert any("rolled back" in one.problem for one in trial.check().findings)


def test_a_vault_set_back_to_before_its_first_sync_is_noticed(trial: Trial) -> None:
    earlier = copy(trial, "earlier")
    trial.sync(SHOP)
    set_back(trial, earlier)
    with pytest.raises(IntegrityError, match="rolled back"):
        trial.sync(SHOP)
    assert not trial.check().sound


def test_history_that_was_written_anew_is_noticed(trial: Trial) -> None:
    trial.sync(SHOP)
    earlier = copy(trial, "earlier")
    trial.sync(SHOP)
    own_state = shutil.copytree(trial.root / "home", trial.root / "kept")
    set_back(trial, earlier)
    witness = next((trial.root / "home" / "state").glob("*/witness.json"))
    witness.unlink()
    trial.sync(ListedSource({"public.a": make_rows(9, "forged")}))
    shutil.rmtree(trial.root / "home")
    shutil.copytree(own_state, trial.root / "home")
    with pytest.raises(IntegrityError, match="another entry"):
        trial.sync(SHOP)
    assert any("another entry" in one.problem for one in trial.check().findings)


def test_a_witness_that_was_tampered_with_is_noticed(trial: Trial) -> None:
    trial.sync(SHOP)
    witness = next((trial.root / "home" / "state").glob("*/witness.json"))
    raw = witness.read_bytes()
    witness.write_bytes(raw.replace(raw[20:24], b"AAAA"))
    with pytest.raises(IntegrityError):
        trial.open()


def test_a_bare_machine_reads_with_the_kit_and_may_not_write(trial: Trial) -> None:
    trial.sync(SHOP)
    kit = Secret("kit", trial.kit().secret, "kit")
    bare = Trial(trial.root, play_host(99), trial.encryption, name="bare")
    vault = bare.open(secrets=[kit])
    assert vault.sources() == ["shop"]
    with pytest.raises(RefusedError) as refusal:
        vault.signer()
    assert "key enrol" in refusal.value.hint
    assert any(isinstance(one, Warned) and "First contact" in one.message for one in bare.events)


def test_an_enrolled_machine_writes(trial: Trial) -> None:
    trial.sync(SHOP)
    bare = Trial(trial.root, play_host(99), trial.encryption, name="bare")
    shutil.copytree(trial.config, bare.config)
    vault = bare.open()
    root = vault.descriptor.open_root(trial.kit().secret)
    signer = vault.access.installation.ensure_signer(vault.id)
    append_to_account(vault, "signer", signer_body(signer, "bare"), root)
    bare.sync(SHOP)
    assert len(trial.open().source("shop").commits) == 2


def test_a_wrong_key_is_told_apart_from_damage(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial()
    trial.sync(SHOP)
    vault = trial.open(secrets=[Secret("file", bytes(32), "wrong.key")])
    with pytest.raises(WrongKeyError):
        vault.keyring.account_key()


def test_each_way_opens_the_same_key(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.create(passphrase="a long walk")
    ways = [Secret("passphrase", b"a long walk", "p"), Secret("kit", trial.kit().secret, "k")]
    keys = {trial.open(secrets=[way]).keyring.account_key().secret for way in ways}
    assert len(keys) == 1


def test_a_commit_that_was_not_acknowledged_is_found_and_said(trial: Trial) -> None:
    trial.sync(SHOP)
    state = copy_state(trial)
    trial.sync(SHOP)
    shutil.rmtree(trial.root / "home" / "state")
    shutil.copytree(state, trial.root / "home" / "state")
    trial.events.clear()
    trial.sync(SHOP)
    said = [one.message for one in trial.events if isinstance(one, Warned)]
    assert any("committed by an earlier run" in one for one in said)


def copy_state(trial: Trial) -> Path:
    """Keep a copy of what the installation remembers."""
    return Path(shutil.copytree(trial.root / "home" / "state", trial.root / "state-copy"))


def count_gets(meter: Meter, access: Access) -> int:
    """Open a vault, and say how many objects that read."""
    before = meter.calls.get("get", 0)
    open_vault(access)
    return meter.calls["get"] - before


def test_opening_an_account_again_reads_what_is_new_and_not_its_length(trial: Trial) -> None:
    for number in range(40):
        trial.sync(SHOP, f"shop-{number}")
    meter = Meter()
    trial.wrap = lambda store: MeteredStore(store, meter)
    access = trial.access()
    first, again = count_gets(meter, access), count_gets(meter, access)
    trial.sync(SHOP, "one-more")
    assert first > 40
    assert again <= 4
    assert count_gets(meter, access) <= 5
    assert "one-more" in open_vault(access).account.sources


def test_who_knows_an_account_still_notices_that_its_ledger_was_set_back(trial: Trial) -> None:
    access = trial.access()
    open_vault(access)
    earlier = copy(trial, "earlier")
    trial.sync(SHOP)
    assert open_vault(access).sources() == ["shop"]
    set_back(trial, earlier)
    vault = open_vault(access)
    assert "rolled back" in vault.contradictions[0]
    with pytest.raises(IntegrityError, match="rolled back"):
        vault.signer()


def test_who_knows_an_account_still_notices_that_its_head_was_damaged(trial: Trial) -> None:
    trial.sync(SHOP)
    access = trial.access()
    head = (
        trial.place
        / "data"
        / layout.ledger_key(
            layout.account_prefix("default"), open_vault(access).account.mark.number
        )
    )
    head.write_bytes(head.read_bytes().replace(b"payload", b"Payload"))
    with pytest.raises(IntegrityError):
        open_vault(access).signer()


def test_the_root_key_signs_signers_and_nothing_else(trial: Trial) -> None:
    trial.sync(SHOP)
    vault = trial.open()
    view = vault.source("shop")
    mark = vault.account.mark
    body = {"account_head": {"number": mark.number, "digest": mark.digest}, "live": []}
    root = vault.descriptor.open_root(trial.kit().secret)
    now = trial.host.clock.now()
    vault.ledger("shop").append(
        "checkpoint", lambda number: body, root, view.mark, lambda entry: None, now
    )
    findings = [finding.problem for finding in trial.check().findings]
    assert any("not signed by a key that may" in problem for problem in findings)
    assert len(trial.open().source("shop").commits) == 1
