"""What `--json` prints is what the published schemas say, no more and no less."""

import copy
import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import listbackup.connectors.rest as rest
from listbackup.cli.commands import COMMANDS
from listbackup.cli.messages import MESSAGES
from tests.cli.keaps import serve_keap
from tests.cli.machines import SCHEMAS, Machine, read_messages, validator
from tools.schemas import write_schema

Fresh = Callable[[], str]


def test_every_kind_of_message_has_its_schema_and_no_other_is_published() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(MESSAGES)
    for message_type in MESSAGES:
        published = (SCHEMAS / f"{message_type}.json").read_text("utf-8")
        assert published == write_schema(message_type), "run `python tools/schemas.py`"


def objects_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for part in schema.values():
            yield from objects_of(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects_of(part)


@pytest.mark.parametrize("message_type", MESSAGES)
def test_a_schema_forbids_what_it_does_not_know_and_requires_what_it_does(
    message_type: str,
) -> None:
    schema = json.loads((SCHEMAS / f"{message_type}.json").read_text("utf-8"))
    for part in objects_of(schema):
        assert part["additionalProperties"] is False
        assert set(part["required"]) == set(part["properties"])


def conversation(machine: Machine, small: str, fresh: Fresh, copies: Path) -> dict[str, list[Any]]:
    """Type every command once, with --json, and give what each printed."""
    copies.mkdir()
    said: dict[str, list[Any]] = {"init": [dict(machine.init())]}
    kit = Path(said["init"][0]["kit_path"])
    (copies / "kit").write_text(kit.read_text())
    (copies / "phrase").write_text("correct horse\n")

    def type_in(command: str, *words: str | Path) -> None:
        messages = machine.do(*command.split(), *words, "--json").messages
        said.setdefault(command, []).extend(messages)

    type_in("backup", small, "--dry-run")
    type_in("backup", small)
    type_in("snapshots")
    type_in("show", "latest")
    type_in("ls", "latest")
    target = fresh()
    type_in("restore", "latest", "--to", target, "--dry-run")
    type_in("restore", "latest", "--to", target)
    type_in("restore", "latest", "--to", target, "--compare-only")
    type_in("tag", "latest", "--add", "first", "--note", "kept")
    type_in("hold", "latest", "--reason", "tried")
    type_in("hold", "latest", "--release")
    type_in("prune", "--keep-last", "1", "--dry-run")
    type_in("prune", "--keep-last", "1")
    type_in("sweep")
    type_in("stats")
    type_in("check", "--records")
    type_in("key kit")
    type_in("key add", "--new-passphrase-file", copies / "phrase")
    type_in("key list")
    type_in("key enrol", "--kit-file", copies / "kit")
    type_in("key verify-kit", copies / "kit")
    type_in("key kit", "--forget-local")
    type_in("vault probe", copies / "store", "--volatile")
    type_in("source test", small)
    type_in("doctor")
    (machine.config / "listbackup.yaml").write_text(f"sources: {{shop: {{url: '{small}'}}}}\n")
    type_in("config show")
    type_in("config check")
    type_in("backup", "--all")
    type_in("backup", small, "--name", "few", "--include", "public.lists")
    type_in("diff", "few:latest", "shop:latest", "--rows", "--limit", "3")
    type_in("find", "7", "--source", "few")
    type_in("query", "SELECT * FROM lists LIMIT 2", "--source", "shop")
    type_in("export", "shop:latest", "--format", "csv", "--output", copies / "exported")
    type_in("sandbox serve", "--size", "3", "--seconds", "0")
    type_in("demo", "--scale", "0.002")
    type_in("connector list")
    type_in("connector show", "keap")
    (copies / "own.yaml").write_bytes((files(rest) / "platforms/keap.yaml").read_bytes())
    type_in("connector check", copies / "own.yaml")
    said["connector schema"] = []  # it is a schema itself
    with serve_keap() as served:
        machine.set(LISTBACKUP_SECRET_KEY=served.keap.issue_key("acme"))
        trial = ("--try", "--auth", "key", "--include", "tags", *served.place)
        type_in("connector check", copies / "own.yaml", *trial)
        type_in("source add", "keap", "--auth", "key", *served.place)
        type_in("source reconnect", "keap")
        type_in("source list")
        type_in("source remove", "keap", "--yes")
        machine.set(LISTBACKUP_SECRET_KEY=None)
    return said


def test_every_command_speaks_by_the_schemas(
    machine: Machine, small: str, fresh: Fresh, tmp_path: Path
) -> None:
    said = conversation(machine, small, fresh, tmp_path / "copies")
    assert set(said) == set(COMMANDS)
    kinds = {message["message_type"] for messages in said.values() for message in messages}
    silent = {"version", "error", "progress", "warned", "waited", "found", "consent_ended"}
    assert set(MESSAGES) - silent <= kinds
    assert said["demo"][-1]["message_type"] == "demo_done"
    assert said["demo"][-1]["proven"] is True
    for messages in said.values():
        refuse_changes(messages)


def refuse_changes(messages: list[dict[str, Any]]) -> None:
    """Add a field to each message, then take each field away: neither may pass."""
    for message in {one["message_type"]: one for one in messages}.values():
        check = validator(message["message_type"])
        check.validate(message)
        with pytest.raises(jsonschema.ValidationError):
            check.validate({**message, "surprise": 1})
        for name in message:
            less = copy.deepcopy(message)
            del less[name]
            with pytest.raises(jsonschema.ValidationError):
                check.validate(less)


def test_an_error_is_one_object_on_standard_error(machine: Machine) -> None:
    answer = machine.run("backup", "mysql://host/db", "--json")
    assert answer.code == answer.error["exit_code"] == 2
    assert answer.error["category"] == "usage"
    refuse_changes([answer.error])
    assert machine.run("backups", "--json").error["category"] == "usage"
    assert machine.run("snapshots", "--what", "--json").error["hint"].startswith("See `listbackup")


def test_the_version_can_be_had_as_json(machine: Machine) -> None:
    (message,) = read_messages(machine.do("--version", "--json").out)
    refuse_changes([message])
