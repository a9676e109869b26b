"""What a backup publishes for other tools, as a person meets it."""

import json
from pathlib import Path

import duckdb

from listbackup.sandbox.postgres import PostgresServer
from tests.cli.machines import Machine

SOURCE = "data/accounts/default/sources/shop"


def place(machine: Machine) -> Path:
    return Path(machine.vault.removeprefix("file://")) / SOURCE


def test_a_plain_vault_is_read_by_a_plain_duckdb(
    machine: Machine, agency: str, server: PostgresServer
) -> None:
    machine.init("--encryption", "none")
    machine.ask("backup", agency, "--name", "shop", "--current")
    config = json.loads((place(machine) / "metadata/source-config.json").read_bytes())
    paths = {one["name"]: one["path"] for one in config["streams"]}
    wanted = {paths[one["name"]]: one["rows"] for one in machine.ask("ls", "latest")}
    files = {
        path.name.removesuffix("-latest.parquet"): path
        for path in place(machine).glob("processed/*/*/*/*/current/*.parquet")
    }
    with duckdb.connect(":memory:") as plain:
        counts = {
            name: plain.execute(f"SELECT count(*) FROM '{path}'").fetchall()[0][0]
            for name, path in files.items()
        }
    assert counts == wanted
    for path in place(machine).rglob("*.json"):
        assert server.password.encode() not in path.read_bytes()


def test_check_notes_what_is_not_up_to_date_and_repairs_it(machine: Machine, small: str) -> None:
    machine.init("--encryption", "none")
    machine.ask("backup", small, "--name", "shop")
    (checked,) = machine.ask("check")[-1:]
    assert not [one for one in checked["notes"] if "erived" in one]
    (place(machine) / "metadata/sync-history.json").write_text("{}")
    (checked,) = machine.ask("check")[-1:]
    (note,) = [one for one in checked["notes"] if "erived" in one]
    assert "sync-history.json (damaged)" in note
    assert checked["sound"]
    assert checked["repaired"] == []
    answer = machine.do("check", "--repair-derived")
    assert "Made 1 derived object again:" in answer.out
    (checked,) = machine.ask("check", "--repair-derived")[-1:]
    assert checked["repaired"] == []
    assert not [one for one in checked["notes"] if "erived" in one]


def test_current_files_are_as_the_option_or_else_the_file_says(
    machine: Machine, small: str
) -> None:
    machine.init("--encryption", "none")
    machine.config.mkdir(exist_ok=True)
    (machine.config / "listbackup.yaml").write_text(
        f"sources:\n  shop:\n    url: {small}\n    current: false\n"
    )
    machine.ask("backup", "shop")
    assert not list(place(machine).glob("processed/*/*/*/*/current"))
    machine.ask("backup", "shop", "--current")
    assert len(list(place(machine).glob("processed/*/*/*/*/current/*"))) == 3


def test_a_sealed_vault_says_that_it_makes_no_current_files(machine: Machine, small: str) -> None:
    machine.init()
    assert "sealed vault" in machine.do("backup", small, "--name", "shop", "--current").err
    assert not (place(machine) / "metadata").exists()
    assert "sealed vault" not in machine.do("backup", small, "--name", "shop").err
