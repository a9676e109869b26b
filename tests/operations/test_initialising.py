"""`init` probes first, never touches what is there, and goes on where it was interrupted."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from listbackup.app import App, Reach
from listbackup.errors import IntegrityError, RefusedError
from listbackup.events import Event, LedgerWritten, Warned
from listbackup.objectstore import ObjectStore, Tag
from listbackup.objectstore.passing import PassingStore
from listbackup.operations.initialising import InitWishes, initialise

REACH = Reach(volatile=True)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "LISTBACKUP_CONFIG_DIR": str(tmp_path / "config"),
        "LISTBACKUP_STATE_DIR": str(tmp_path / "state"),
        "LISTBACKUP_VAULT": str(tmp_path / "vault"),
    }


class Overwriting(PassingStore):
    """A store that takes create-exclusive for any other put."""

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: object = None,
    ) -> None:
        super().put(key, body, tag=tag, replace=True)


def files(place: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_a_store_that_replaces_objects_is_refused_and_nothing_is_made(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match="create-exclusive"):
        initialise(App(environment, around=Overwriting), REACH, InitWishes())
    assert not files(tmp_path)


def test_a_vault_is_never_made_over_another(environment: dict[str, str], tmp_path: Path) -> None:
    initialise(App(environment), REACH, InitWishes())
    before = files(tmp_path)
    with pytest.raises(RefusedError, match="already"):
        initialise(App(environment), REACH, InitWishes())
    assert files(tmp_path) == before


def test_the_remains_of_a_vault_are_no_empty_place(
    environment: dict[str, str], tmp_path: Path
) -> None:
    initialise(App(environment), REACH, InitWishes())
    (tmp_path / "vault/data/vault.json").unlink()
    with pytest.raises(IntegrityError, match=r"vault\.json is lost"):
        initialise(App(environment), REACH, InitWishes())


def test_a_new_vault_in_the_place_of_a_given_up_one_says_so(
    environment: dict[str, str], tmp_path: Path
) -> None:
    first = initialise(App(environment), REACH, InitWishes())
    shutil.rmtree(tmp_path / "vault")
    heard: list[Event] = []
    second = initialise(App(environment, heard.append), REACH, InitWishes())
    assert second.vault != first.vault
    assert any(first.vault in one.message for one in heard if isinstance(one, Warned))


class _Stopped(Exception):
    """Stands for a kill."""


def stops(entries: int) -> Iterator[None]:
    yield from [None] * entries
    raise _Stopped


@pytest.mark.parametrize("entries", [0, 1, 2, 3])
def test_an_interrupted_init_is_ended_by_running_it_again(
    environment: dict[str, str], entries: int
) -> None:
    left = stops(entries)

    def emit(event: Event) -> None:
        if isinstance(event, LedgerWritten):
            next(left)

    with pytest.raises(_Stopped):
        initialise(App(environment, emit), REACH, InitWishes())
    made = initialise(App(environment), REACH, InitWishes())
    assert made.resumed
    vault = App(environment).vault(REACH)
    assert vault.id == made.vault
    vault.keyring.account_key()
    vault.signer()


def test_the_probe_stands_in_the_accounts_ledger(environment: dict[str, str]) -> None:
    initialise(App(environment), REACH, InitWishes())
    entry = App(environment).vault(REACH).account.probe_entry
    assert entry is not None
    assert entry.fields.mapping("result")["fit"] is True


def test_a_wrapper_is_put_around_every_store(environment: dict[str, str]) -> None:
    wrapped: list[ObjectStore] = []

    def around(store: ObjectStore) -> ObjectStore:
        wrapped.append(PassingStore(store))
        return wrapped[-1]

    initialise(App(environment, around=around), REACH, InitWishes())
    assert wrapped
