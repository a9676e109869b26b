"""Hooks of the configuration file, end to end: what they hear, and what they cannot change."""

import json
import signal
from pathlib import Path

import psycopg
import pytest

from listbackup.sandbox.postgres import PostgresServer
from tests.cli.configs import BROKEN, write
from tests.cli.machines import Machine


def test_hooks_hear_of_start_success_partial_and_failure(
    machine: Machine, small: str, server: PostgresServer, tmp_path: Path
) -> None:
    machine.init()
    told = tmp_path / "told"
    say = f'echo "$LISTBACKUP_EVENT $LISTBACKUP_SOURCE $LISTBACKUP_EXIT_CODE" >> {told}'
    write(
        machine,
        f"hooks:\n  on_start: '{say}'\n  on_success: '{say}'\n"
        f"  on_partial: '{say}; cat > {tmp_path}/partial.json'\n"
        f"  on_failure: [sh, -c, '{say}; cat > {tmp_path}/failure.json']\n"
        f"sources:\n  shop: {{url: '{small}', lock_timeout: 0.2}}\n  bad: {{url: '{BROKEN}'}}\n",
    )
    machine.do("backup", "shop")
    with psycopg.connect(server.url(small.rpartition("/")[2])) as other:
        other.execute("LOCK TABLE members IN ACCESS EXCLUSIVE MODE")
        assert machine.run("backup", "shop").code == 3
    assert machine.run("backup", "bad").code == 1
    assert told.read_text().splitlines() == [
        "start shop ",
        "success shop 0",
        "start shop ",
        "partial shop 3",
        "start bad ",
        "failure bad 1",
    ]
    partial = json.loads((tmp_path / "partial.json").read_text())
    assert [one["name"] for one in partial["not_read"]] == ["public.members"]
    assert partial["status"] == "partial"
    failure = json.loads((tmp_path / "failure.json").read_text())
    assert (failure["category"], failure["exit_code"]) == ("failed", 1)
    assert "Connection refused" in failure["message"]


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_an_interruption_ends_a_round_and_is_told(
    machine: Machine, small: str, tmp_path: Path, parallel: str
) -> None:
    machine.init()
    slow = f"{{url: '{small}', limit_rate: 3K}}"
    write(
        machine,
        f"hooks: {{on_failure: 'cat > {tmp_path}/$LISTBACKUP_SOURCE.json'}}\n"
        f"sources: {{shop: {slow}, other: {slow}}}\n",
    )
    with machine.spawn("backup", "--all", "--parallel", parallel, "--json") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("step") == "reading":
                break
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        said = process.stderr.read() if process.stderr else ""
        assert process.wait() == 130
    told = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert len(told) == int(parallel), rest + said
    assert {(one["category"], one["exit_code"]) for one in told} == {("interrupted", 130)}
    assert machine.do("snapshots").out == "There is no snapshot yet.\n"


def test_a_url_typed_by_hand_has_no_hooks(machine: Machine, small: str, tmp_path: Path) -> None:
    machine.init()
    write(machine, f"hooks: {{on_start: 'touch {tmp_path}/ran'}}\n")
    machine.do("backup", small)
    assert not (tmp_path / "ran").exists()


def test_a_hook_that_fails_changes_nothing(machine: Machine, small: str) -> None:
    machine.init()
    write(
        machine,
        "hooks: {on_start: [/no/such/program], on_success: 'sleep 9', on_failure: 'exit 9',"
        f" timeout: 0.2}}\nsources: {{shop: {{url: '{small}'}}, bad: {{url: '{BROKEN}'}}}}\n",
    )
    done = machine.do("backup", "shop")
    assert "The hook on_start of shop failed: it cannot be started" in done.err
    assert "The hook on_success of shop failed: it took longer than 0.2 s" in done.err
    assert machine.run("backup", "bad").code == 1
