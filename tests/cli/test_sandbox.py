"""`sandbox serve` serves platforms until it is interrupted, and leaves nothing behind."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.keaps import browser_that
from tests.cli.machines import Machine, validator


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Stripe and Keap, served by a process of their own that has an empty home."""
    command = [sys.executable, "-m", "listbackup", "sandbox", "serve", "--size", "5", "--json"]
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    started = [*command, "--faults", "error_503:on=GET /v1/products"]
    process = subprocess.Popen(started, stdout=subprocess.PIPE, text=True, env=environment)
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def hear(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    message = dict(json.loads(process.stdout.readline()))
    validator(message["message_type"]).validate(message)
    return message


def get(url: str, **headers: str) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=named)) as response:
            assert response.headers["x-listbackup-sandbox"] in ("stripe", "keap")
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


def test_it_serves_with_keys_and_stanzas_until_ctrl_c(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    stripe, keap = hear(running), hear(running)
    assert (stripe["platform"], keap["platform"]) == ("stripe", "keap")
    keys = {one["name"]: one["value"] for one in stripe["keys"] + keap["keys"][1:]}
    status, page = get(f"{stripe['url']}/v1/customers", Authorization=f"Bearer {keys['key']}")
    assert (status, len(page["data"])) == (200, 5)
    assert get(f"{stripe['url']}/v1/customers") == (401, None)
    broken = get(f"{stripe['url']}/v1/products", Authorization=f"Bearer {keys['key']}")
    assert broken == (503, None)
    assert get(f"{keap['url']}/rest/v2/contacts", X_Keap_API_Key=keap["keys"][0]["value"])[0] == 200
    for told in (stripe, keap):
        (source,) = yaml.safe_load(told["stanza"])["sources"].values()
        assert source["connector"] == told["platform"]
        assert (source["base_url"], source["allow_private_hosts"]) == (told["url"], True)
    running.send_signal(signal.SIGINT)
    ended = hear(running)
    assert (ended["platform"], ended["requests"], ended["broken"]) == ("stripe", 3, 1)
    assert hear(running)["platform"] == "keap"
    assert running.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_commands_that_are_shown_connect_what_is_served(
    running: "subprocess.Popen[str]", machine: Machine
) -> None:
    machine.init()
    machine.set(BROWSER=browser_that("approve"))
    told = {one["platform"]: one["commands"] for one in (hear(running), hear(running))}
    assert [len(told[name]) for name in ("stripe", "keap")] == [1, 2]
    ours = f"{shlex.quote(sys.executable)} -m listbackup source add"
    for command in (*told["stripe"], *told["keap"]):
        assert command.count(" listbackup source add ") == 1
        words = command.replace(" listbackup source add ", f" {ours} ")
        subprocess.run(["/bin/sh", "-c", words], check=True, env=machine.environment, timeout=60)
    lines = machine.ask("source", "list")
    assert [one["source"] for one in lines] == [
        "sandbox-keap-key",
        "sandbox-keap-oauth",
        "sandbox-stripe-key",
    ]
    assert {one["standing"] for one in lines} == {"connected"}


def test_a_first_port_can_be_named_and_one_that_is_taken_is_an_error(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ("sandbox", "serve", "--size", "0", "--platform", "stripe", "--seconds", "0")
        answer = machine.run(*words, "--port", port, "--json")
        assert (answer.code, answer.error["category"]) == (1, "failed")
    (serving, _) = machine.do(*words, "--port", port, "--json").messages
    assert serving["url"] == f"http://127.0.0.1:{port}"


def test_text_shows_what_to_write_into_the_configuration_file(machine: Machine) -> None:
    said = machine.do("sandbox", "serve", "--size", "0", "--seconds", "0").out
    assert "sk_live_" in said
    assert yaml.safe_load(said[said.index("sources:") : said.index("Ctrl-C")]).keys() == {"sources"}
    assert "stripe: 0 requests" in said


@pytest.mark.parametrize(
    "words",
    [("--faults", "earthquake"), ("--size", "-1"), ("--port", "70000"), ("--platform", "hubspot")],
)
def test_what_is_not_understood_is_refused(machine: Machine, words: tuple[str, ...]) -> None:
    assert machine.run("sandbox", "serve", "--seconds", "0", *words, "--json").code == 2
