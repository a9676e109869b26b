"""The doctor sees what could go wrong before it does."""

from datetime import timedelta
from pathlib import Path

import pytest

from listbackup.app import App, Reach
from listbackup.operations.doctor import Diagnosed, diagnose
from listbackup.operations.initialising import InitWishes, initialise
from listbackup.sync.engine import SyncOptions, run_sync
from listbackup.testing.readings import ListedSource

REACH = Reach(volatile=True)


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(
        {
            "LISTBACKUP_CONFIG_DIR": str(tmp_path / "config"),
            "LISTBACKUP_STATE_DIR": str(tmp_path / "state"),
            "LISTBACKUP_VAULT": str(tmp_path / "vault"),
        }
    )


def states(found: Diagnosed, topic: str) -> list[str]:
    return [one.state for one in found.advice if one.topic == topic]


def test_a_machine_without_a_vault_is_told_to_name_one(tmp_path: Path) -> None:
    found = diagnose(App({"HOME": str(tmp_path)}), Reach())
    assert states(found, "vault") == ["warning"]
    assert states(found, "programs") == ["good", "good"]


def test_a_new_vault_warns_of_its_kit_and_of_having_no_outside_witness(app: App) -> None:
    initialise(app, REACH, InitWishes())
    found = diagnose(app, REACH)
    assert found.bad == 0
    assert states(found, "kit") == ["warning"]
    assert states(found, "witness") == ["warning"]
    assert states(found, "sources") == ["warning"]
    assert states(found, "trust") == states(found, "signer") == ["good"]


def test_a_key_that_others_may_read_is_wrong(app: App) -> None:
    made = initialise(app, REACH, InitWishes())
    assert made.key_path is not None
    made.key_path.chmod(0o644)
    found = diagnose(app, REACH)
    assert found.bad == 1
    assert any(str(made.key_path) in one.message for one in found.advice)


def test_a_vault_that_is_gone_is_wrong(app: App, tmp_path: Path) -> None:
    assert diagnose(app, REACH).bad == 1


def test_a_vault_that_was_rolled_back_is_wrong(app: App, tmp_path: Path) -> None:
    initialise(app, REACH, InitWishes())
    newest = max((tmp_path / "vault").glob("data/accounts/default/ledger/*.json"))
    newest.unlink()
    assert "bad" in states(diagnose(app, REACH), "trust")


def test_an_old_or_partial_snapshot_is_worth_a_warning(app: App) -> None:
    initialise(app, REACH, InitWishes())
    now = app.host.clock.now()
    for name, age in (("fresh", timedelta()), ("stale", timedelta(days=30))):
        source = ListedSource({"lists": [["1", "a"]]}, moment=now - age)
        run_sync(source, app.vault(REACH), name, SyncOptions())
    found = diagnose(app, REACH)
    assert states(found, "fresh") == ["good"]
    assert states(found, "stale") == ["warning"]
