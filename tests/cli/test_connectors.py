"""`connector ...` as a person types it."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from listbackup.connectors.rest.loading import list_platforms
from tests.cli.keaps import serve_keap
from tests.cli.machines import Machine
from tests.connectors.rest.test_loading import WHOLE

PLATFORMS = Path(__file__).parents[2] / "src/listbackup/connectors/rest/platforms"


def test_the_platforms_that_come_along_are_listed(machine: Machine) -> None:
    answer = machine.run("connector", "list", "--json")
    assert [one["name"] for one in answer.messages] == list_platforms()
    assert "stripe" in machine.run("connector", "list").out


def test_a_platform_shows_what_comes_back_and_what_never_does(machine: Machine) -> None:
    shown = machine.run("connector", "show", "stripe", "--json").the("connector_shown")
    returns = {one["name"]: one["restore"] for one in shown["streams"]}
    assert returns["charges"] == "archive only"
    assert returns["coupons"] == "restorable"
    assert returns["customers"] == "new id"
    told = machine.run("connector", "show", "stripe").out
    assert "archive only" in told


def test_a_sound_description_is_said_to_be_sound(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(WHOLE)
    answer = machine.run("connector", "check", str(file), "--json")
    assert answer.code == 0
    assert answer.the("connector_checked")["name"] == "demo"


def test_every_mistake_of_a_description_is_told(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(WHOLE.replace("param: since", "parm: since").replace("title: Demo", "titel: x"))
    answer = machine.run("connector", "check", str(file))
    assert answer.code == 1
    assert "titel: there is no such key here; did you mean title?" in answer.out
    assert "streams[things].since.parm" in answer.out


@pytest.mark.parametrize("name", list_platforms())
def test_an_editor_finds_the_platforms_that_come_along_sound(machine: Machine, name: str) -> None:
    schema = json.loads(machine.run("connector", "schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    tree = yaml.safe_load((PLATFORMS / f"{name}.yaml").read_text("utf-8"))
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(tree))
    assert [f"{one.json_path}: {one.message}"[:300] for one in errors] == []


def test_an_editor_finds_what_is_misspelt(machine: Machine) -> None:
    schema = json.loads(machine.run("connector", "schema").out)
    tree = yaml.safe_load(WHOLE.replace("lookback: 10m", "lokback: 10m"))
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(tree))


def test_a_description_is_tried_without_a_vault_and_nothing_is_kept(
    machine: Machine, tmp_path: Path
) -> None:
    sound = (PLATFORMS / "keap.yaml").read_text("utf-8")
    first = "    records: contacts\n    paging: tokens\n"
    assert sound.count(first) == 1
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(sound)
    wrong.write_text(sound.replace(first, first.replace("records: contacts", "records: people")))
    with serve_keap() as served:
        words = ("--try", "--auth", "key", "--include", "contacts", *served.place)
        answer = machine.run("connector", "check", right, *words, "--json")
        assert answer.code == 2
        assert "LISTBACKUP_SECRET_KEY" in answer.error["hint"]
        machine.set(LISTBACKUP_SECRET_KEY=served.keap.issue_key("acme"))
        tried = machine.ask("connector", "check", right, *words)[-1]
        assert (tried["sound"], tried["account"], tried["name"]) == (True, "acme", "keap")
        (contacts,) = tried["lists"]
        assert (contacts["standing"], contacts["records"]) == ("read", 1)
        told = machine.do("connector", "check", right, *words).out
        assert "Nothing speaks against the description." in told
        answer = machine.run("connector", "check", wrong, *words)
        assert answer.code == 3
        assert "contacts: records are looked for at people" in answer.out
        machine.set(LISTBACKUP_SECRET_KEY="no such key")
        answer = machine.run("connector", "check", right, *words, "--json")
        assert answer.code == 4
        assert answer.error["risk"] == "Nothing was kept."
    assert not machine.state.exists()
    assert not machine.config.exists()
