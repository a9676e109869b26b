"""What opens a vault: options before the environment before what `init` left."""

from pathlib import Path

import pytest

from listbackup.app import App, Reach
from listbackup.errors import AuthError, UsageError, WrongKeyError
from listbackup.operations.initialising import Initialised, InitWishes, initialise
from listbackup.vault.holding import Holding


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "LISTBACKUP_CONFIG_DIR": str(tmp_path / "config"),
        "LISTBACKUP_STATE_DIR": str(tmp_path / "state"),
        "LISTBACKUP_VAULT": str(tmp_path / "vault"),
    }


@pytest.fixture
def made(environment: dict[str, str]) -> Initialised:
    return initialise(App(environment), Reach(volatile=True), InitWishes())


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.key"
    path.write_text("A" * 43 + "=")
    return path


def opens(environment: dict[str, str], holding: Holding | None = None) -> bool:
    App(environment).vault(Reach(holding=holding or Holding())).keyring.account_key()
    return True


def test_what_init_left_opens_the_vault_the_key_file_first(
    environment: dict[str, str], made: Initialised
) -> None:
    assert made.key_path is not None
    assert opens(environment)
    made.key_path.unlink()
    assert opens(environment)
    made.kit_path.unlink()
    with pytest.raises(AuthError):
        opens(environment)


def test_the_environment_hides_what_init_left(
    environment: dict[str, str], made: Initialised, wrong: Path
) -> None:
    environment["LISTBACKUP_KEY_FILE"] = str(wrong)
    with pytest.raises(WrongKeyError):
        opens(environment)


def test_an_option_hides_the_environment(
    environment: dict[str, str], made: Initialised, wrong: Path
) -> None:
    environment["LISTBACKUP_KIT_FILE"] = str(made.kit_path)
    assert opens(environment)
    with pytest.raises(WrongKeyError):
        opens(environment, Holding(key_file=wrong))
    environment["LISTBACKUP_KEY_FILE"] = str(wrong)
    environment.pop("LISTBACKUP_KIT_FILE")
    assert opens(environment, Holding(kit_file=made.kit_path))


def test_a_file_that_cannot_be_read_is_named(
    environment: dict[str, str], made: Initialised, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    for holding in (Holding(missing), Holding(None, missing), Holding(None, None, missing)):
        with pytest.raises(UsageError) as told:
            opens(environment, holding)
        assert told.value.subject == str(missing)


def test_key_and_kit_go_where_they_are_asked_to(
    environment: dict[str, str], tmp_path: Path
) -> None:
    reach = Reach(
        holding=Holding(key_file=tmp_path / "my.key", kit_file=tmp_path / "my.kit"), volatile=True
    )
    made = initialise(App(environment), reach, InitWishes())
    assert (made.key_path, made.kit_path) == (tmp_path / "my.key", tmp_path / "my.kit")
    assert not (tmp_path / "config").exists()


def test_no_address_is_a_usage_error(environment: dict[str, str]) -> None:
    environment.pop("LISTBACKUP_VAULT")
    with pytest.raises(UsageError):
        App(environment).access(Reach())
