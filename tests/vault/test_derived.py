"""A derived document is believed no further than its digest and the ledger bear it out."""

import json
from collections.abc import Callable

import pytest

from listbackup.errors import IntegrityError
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial, make_rows
from listbackup.vault.derived import Shelf, read_derived, write_derived
from listbackup.vault.layout import current_key, is_current, metadata_key, part_key
from listbackup.vault.opening import Vault

KEY = metadata_key("default", "shop", "trial")


@pytest.fixture
def vault(make_trial: Callable[..., Trial]) -> Vault:
    trial = make_trial(encryption="none")
    trial.sync(ListedSource({"users": make_rows(3)}))
    return trial.open()


def test_what_was_written_is_found_and_can_be_replaced(vault: Vault) -> None:
    view = vault.source("shop")
    shelf, commit = Shelf(vault.store, "default", view), view.commits[2]
    for value in ({"a": 1, "name": "\ud800é"}, {"a": [1.5, None]}):
        shelf.put(KEY, write_derived(value, commit))
        vault.store.barrier()
        found = shelf.find(KEY)
        assert found is not None
        assert found.value == value
        assert (found.stamp.number, found.stamp.entry) == (2, commit.digest)
    shelf.remove(KEY)
    assert shelf.find(KEY) is None


@pytest.mark.parametrize("number, entry", [(2, "sha256:00"), (1, ""), (9, "")])
def test_a_stamp_that_the_ledger_contradicts_is_not_believed(
    vault: Vault, number: int, entry: str
) -> None:
    view = vault.source("shop", whole=True)
    shelf, commit = Shelf(vault.store, "default", view), view.commits[2]
    value = json.loads(write_derived({"a": 1}, commit))
    value["derived"] |= {"number": number, "entry": entry or commit.digest}
    shelf.put(KEY, json.dumps(value, separators=(",", ":")).encode() + b"\n")
    vault.store.barrier()
    assert shelf.find(KEY) is None
    assert shelf.holds(KEY)


def test_a_changed_word_is_noticed(vault: Vault) -> None:
    body = write_derived({"rows": 17}, vault.source("shop").commits[2])
    assert read_derived(body, "it").value == {"rows": 17}
    for spoilt in (body.replace(b"17", b"18"), body[:-3], b"[]", body.replace(b"derived", b"d")):
        with pytest.raises(IntegrityError):
            read_derived(spoilt, "it")


def test_only_the_place_of_a_current_file_is_one(vault: Vault) -> None:
    moment = vault.host.clock.now()
    assert is_current(current_key("default", "shop", moment, "users"))
    assert not is_current(part_key("default", "shop", "0" * 32, moment, "current", "-001"))
    assert not is_current(KEY)
