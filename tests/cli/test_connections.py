"""Platforms are connected, tried, connected anew and forgotten; what opens them is told nobody."""

import base64
import json
import socket
import stat
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from listbackup.log import spell
from listbackup.sandbox.platforms.oauth import Terms
from tests.cli.keaps import CLIENT_SECRET, Served, browser_that, serve_keap
from tests.cli.machines import Machine


@pytest.fixture
def machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Machine:
    """A machine with a vault."""
    made = Machine(tmp_path / "home", monkeypatch, capsys)
    made.home.mkdir()
    made.init()
    return made


@pytest.fixture
def served() -> Iterator[Served]:
    with serve_keap() as served:
        yield served


def add_by_key(machine: Machine, served: Served, account: str = "acme", *words: str) -> str:
    """Connect an account by a key; gives the key."""
    key = served.keap.issue_key(account)
    machine.set(LISTBACKUP_SECRET_KEY=key)
    machine.do("source", "add", "keap", "--auth", "key", *served.place, *words)
    machine.set(LISTBACKUP_SECRET_KEY=None)
    return key


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start_consent(machine: Machine, served: Served, *words: str) -> "subprocess.Popen[str]":
    redirect = served.admit(free_port())
    machine.set(
        LISTBACKUP_SECRET_CLIENT_ID="keap-app", LISTBACKUP_SECRET_CLIENT_SECRET=CLIENT_SECRET
    )
    return machine.spawn(
        *(
            "source",
            "add",
            "keap",
            "--auth",
            "oauth",
            *served.oauth,
            "--redirect-url",
            redirect,
            "--json",
            *words,
        ),
        stdin=subprocess.PIPE,
    )


def test_a_platform_is_connected_by_key_tried_and_forgotten(
    machine: Machine, served: Served
) -> None:
    add_by_key(machine, served, "acme", "--name", "crm")
    stanza = machine.config / "sources/crm.yaml"
    assert stat.S_IMODE(stanza.stat().st_mode) == 0o644
    (sealed,) = machine.state.glob("*/credentials/default.crm.json")
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    (line,) = machine.ask("source", "list")
    assert (line["source"], line["standing"], line["account"]) == ("crm", "connected", "acme")
    tried = machine.ask("source", "test", "crm", "--include", "contacts", "--include", "notes")[-1]
    assert (tried["user"], tried["complete"], tried["container"]) == ("acme", True, "acme")
    assert [one["name"] for one in tried["streams"]] == ["contacts", "notes"]
    assert any("minute" in one and one.endswith("% left") for one in tried["budgets"])
    plan = machine.ask("backup", "crm", "--dry-run", "--include", "contacts")[-1]
    assert (plan["source"], [one["name"] for one in plan["streams"]]) == ("crm", ["contacts"])
    assert machine.run("source", "remove", "crm").code == 2
    removed = machine.ask("source", "remove", "crm", "--yes")[-1]
    assert (removed["forgotten"], removed["revoked"], removed["stanza"]) == (
        True,
        None,
        str(stanza),
    )
    assert not stanza.exists()
    assert not sealed.exists()
    assert machine.ask("source", "list") == []


def test_a_stream_that_may_not_be_read_is_named(machine: Machine, served: Served) -> None:
    key = add_by_key(machine, served)
    served.keap._denied.add((f"key:{key}", "GET /crm/rest/v2/notes"))
    answer = machine.run("source", "test", "keap", "--include", "notes", "--json")
    assert answer.code == 3
    (missing,) = answer.the("source_tested")["not_read"]
    assert missing["name"] == "notes"
    assert "does not allow" in missing["reason"]


def test_a_person_consents_in_the_browser(machine: Machine, served: Served) -> None:
    machine.set(BROWSER=browser_that("approve"))
    with start_consent(machine, served) as process:
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(told.splitlines()[-1])["account"] == "acme"
    machine.set(LISTBACKUP_SECRET_CLIENT_SECRET=None)
    (line,) = machine.ask("source", "list")
    assert (line["standing"], line["until"] is not None) == ("connected", True)
    assert machine.ask("source", "test", "keap", "--include", "tags")[-1]["complete"]
    assert machine.ask("source", "remove", "keap", "--yes")[-1]["revoked"] is True
    assert served.keap.authority.counts.revocations == 1


def test_a_person_who_says_no_is_told_so_and_nothing_is_kept(
    machine: Machine, served: Served
) -> None:
    machine.set(BROWSER=browser_that("deny"))
    with start_consent(machine, served) as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "the person said no" in told
    assert not list(machine.config.glob("sources/*"))
    assert not list(machine.state.glob("*/credentials/*.json"))


def test_a_browser_is_given_no_secrets(machine: Machine, served: Served, tmp_path: Path) -> None:
    seen = tmp_path / "environment"
    approve = browser_that("approve").replace("%s", "$0")
    machine.set(
        BROWSER=f"/bin/sh -c 'env > {seen}; exec {approve}' %s",
        PGPASSWORD="canary of another one",
    )
    with start_consent(machine, served) as process:
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert "LISTBACKUP_STATE_DIR" in seen.read_text()
    assert CLIENT_SECRET not in seen.read_text()
    assert "canary" not in seen.read_text()


class Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere by itself."""

    def redirect_request(self, *words: Any) -> None:
        return None


def test_without_a_browser_the_address_is_pasted(machine: Machine, served: Served) -> None:
    with start_consent(machine, served, "--headless") as process:
        assert process.stderr is not None
        assert process.stdin is not None
        url = next(line.strip() for line in process.stderr if line.startswith("  http"))
        with urllib.request.urlopen(url) as shown:
            page = shown.read().decode()
        ticket = page.split('name="ticket" value="')[1].split('"')[0]
        form = {"ticket": ticket, "decision": "approve", "account": "zenith"}
        data = urllib.parse.urlencode(form).encode()
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.build_opener(Stay).open(f"{served.url}/app/oauth/authorize", data)
        with caught.value as sent:
            process.stdin.write(sent.headers["location"] + "\n")
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(told.splitlines()[-1])["account"] == "zenith"


def test_what_is_missing_is_named_and_no_secret_is_an_argument(
    machine: Machine, served: Served, tmp_path: Path
) -> None:
    answer = machine.run("source", "add", "keap", "--auth", "oauth", *served.oauth, "--json")
    assert answer.code == 2
    assert "client_id" in answer.error["message"]
    assert "client_secret" in answer.error["message"]
    assert "LISTBACKUP_SECRET_CLIENT_ID" in answer.error["hint"]
    empty = tmp_path / "empty"
    empty.write_text("\n")
    long = tmp_path / "long"
    long.write_text("x" * 70_000)
    for words, said in (
        (["--auth", "nothing"], "not connected by"),
        (["--auth", "key", "--setting", "colour=red"], "no setting 'colour'"),
        (["--auth", "key", "--secret-file", f"token={empty}"], "No secret is called 'token'"),
        (["--auth", "key", "--secret-file", str(empty)], "is empty"),
        (["--auth", "key", "--secret-file", str(tmp_path / "absent")], "cannot be read"),
        (["--auth", "key", "--secret-file", str(long)], "too long to be one"),
        (["--auth", "oauth", "--secret-file", str(empty)], "does not say which secret"),
        (["--auth", "key", "--base-url", "ftp://x"], "this is to be a URL"),
    ):
        answer = machine.run("source", "add", "keap", *words, "--json")
        assert answer.code == 2, words
        assert said in answer.error["message"]
    assert not list(machine.config.glob("sources/*"))


def test_where_nobody_can_choose_the_ways_to_connect_are_named(machine: Machine) -> None:
    answer = machine.run("source", "add", "keap", "--json")
    assert answer.code == 2
    assert "several ways" in answer.error["message"]
    assert "--auth oauth (" in answer.error["hint"]
    assert "--auth key (" in answer.error["hint"]


def test_a_secret_comes_from_a_file_too(machine: Machine, served: Served, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(served.keap.issue_key("zenith") + "\n")
    words = ("source", "add", "keap", "--auth", "key", *served.place)
    machine.do(*words, "--name", "one", "--secret-file", file)
    machine.do(*words, "--name", "two", "--secret-file", f"key={file}")
    machine.set(LISTBACKUP_SECRET_KEY_FILE=str(file))
    machine.do(*words, "--name", "three")
    assert {one["account"] for one in machine.ask("source", "list")} == {"zenith"}


def test_a_name_is_taken_once(machine: Machine, served: Served) -> None:
    add_by_key(machine, served)
    machine.set(LISTBACKUP_SECRET_KEY=served.keap.issue_key("acme"))
    answer = machine.run("source", "add", "keap", "--auth", "key", *served.place, "--json")
    assert (answer.code, answer.error["subject"]) == (5, "keap")
    (machine.config / "listbackup.yaml").write_text("sources: {keap: {url: 'sqlite:///x'}}\n")
    answer = machine.run("source", "list", "--json")
    assert answer.code == 2
    assert "listbackup.yaml:1" in answer.error["message"]
    assert str(machine.config / "sources/keap.yaml") in answer.error["message"]


def test_a_stanza_of_the_configuration_file_is_connected_too(
    machine: Machine, served: Served
) -> None:
    (machine.config / "listbackup.yaml").write_text(
        f"sources:\n  ours:\n    connector: keap\n    auth: key\n    base_url: {served.url}/crm\n"
        "    allow_private_hosts: true\n    include: contacts\n"
    )
    (line,) = machine.ask("source", "list")
    assert line["standing"] == "not connected"
    answer = machine.run("source", "test", "ours", "--json")
    assert (answer.code, answer.error["hint"]) == (4, "Run `listbackup source reconnect ours`.")
    machine.set(LISTBACKUP_SECRET_KEY=served.keap.issue_key("acme"))
    machine.do("source", "reconnect", "ours")
    assert machine.ask("source", "test", "ours", "--include", "tags")[-1]["complete"]
    shown = {one["name"]: one for one in machine.ask("config", "show", "--origin")[-1]["settings"]}
    assert shown["sources.ours.connector"]["where"] == "listbackup.yaml:3"
    assert machine.ask("source", "remove", "ours", "--yes")[-1]["stanza"] == ""


def test_another_account_of_the_platform_is_refused_until_it_is_accepted(
    machine: Machine, served: Served
) -> None:
    add_by_key(machine, served, "acme")
    machine.set(LISTBACKUP_SECRET_KEY=served.keap.issue_key("acme"))
    machine.do("source", "reconnect", "keap")
    machine.set(LISTBACKUP_SECRET_KEY=served.keap.issue_key("zenith"))
    answer = machine.run("source", "reconnect", "keap", "--json")
    assert answer.code == 5
    assert "zenith, not acme" in answer.error["message"]
    assert machine.ask("source", "list")[0]["account"] == "acme"
    machine.do("source", "reconnect", "keap", "--accept-new-account")
    assert machine.ask("source", "list")[0]["account"] == "zenith"


def test_private_hosts_are_reached_only_where_the_stanza_allows_it(
    machine: Machine, served: Served
) -> None:
    machine.set(LISTBACKUP_SECRET_KEY="0123456789")
    words = ("source", "add", "keap", "--auth", "key", "--json")
    answer = machine.run(*words, "--base-url", f"{served.url}/crm")
    assert answer.code == 5
    answer = machine.run(
        *words, "--base-url", "http://169.254.169.254/crm", "--allow-private-hosts"
    )
    assert answer.code == 5
    assert "metadata" in answer.error["message"]
    machine.set(LISTBACKUP_SECRET_CLIENT_ID="x", LISTBACKUP_SECRET_CLIENT_SECRET="y" * 9)
    words = ("source", "add", "keap", "--auth", "oauth", "--json")
    answer = machine.run(*words, "--headless", "--token-url", f"{served.url}/token")
    assert answer.code == 5
    assert served.keap.log == []


def test_a_consent_that_ended_is_told_with_the_next_step(machine: Machine, served: Served) -> None:
    machine.set(BROWSER=browser_that("approve"))
    with start_consent(machine, served) as process:
        process.communicate(timeout=60)
    served.keap.authority.revoke_grant(served.keap.authority.grants[0])
    answer = machine.run("source", "test", "keap", "--include", "tags", "--json")
    assert answer.code == 4
    assert answer.error["hint"] == "Run `listbackup source reconnect keap`."
    (line,) = machine.ask("source", "list")
    assert line["standing"] == "ended"
    assert "revoked" in line["reason"]


def test_a_key_that_was_refused_shows_in_the_list_until_it_is_accepted(
    machine: Machine, served: Served
) -> None:
    key = add_by_key(machine, served)
    served.keap.revoke_key(key)
    answer = machine.run("source", "test", "keap", "--include", "tags", "--json")
    assert answer.code == 4
    (line,) = machine.ask("source", "list")
    assert line["standing"] == "ended"
    assert "did not accept it when it was last tried (status 401)" in line["reason"]
    machine.set(LISTBACKUP_SECRET_KEY=served.keap.issue_key("acme"))
    machine.do("source", "reconnect", "keap")
    (line,) = machine.ask("source", "list")
    assert (line["standing"], line["reason"]) == ("connected", "")


def test_no_canary_is_told_or_stored(machine: Machine, served: Served, tmp_path: Path) -> None:
    machine.set(LISTBACKUP_VAULT=None)
    where = tmp_path / "plain"
    machine.set(LISTBACKUP_VAULT=str(where))
    machine.do("init", where, "--volatile", "--encryption", "none")
    served.keap.authority.terms = Terms(access=2.0, scope_form="{scopes}")
    machine.set(BROWSER=browser_that("approve"))
    told = ""
    with start_consent(machine, served) as process:
        told += "".join(process.communicate(timeout=60))
    machine.set(LISTBACKUP_SECRET_CLIENT_SECRET=None)
    key = add_by_key(machine, served, "acme", "--name", "bykey")
    runs = (
        ("source", "list"),
        ("source", "test", "keap", "--include", "tags"),
        ("source", "test", "bykey", "--include", "tags"),
        ("config", "show", "--origin"),
        ("source", "add", "keap", "--name", "bykey"),
    )
    answers = [machine.run(*words) for words in runs]
    answers += [machine.run("backup", name, "--include", "tags") for name in ("keap", "bykey")]
    answers.append(machine.run("show", "bykey:latest", "--json"))
    assert [one.code for one in answers[-3:]] == [0] * 3
    answers.append(machine.run("backup", "keap", "--dry-run", "--include", "tags"))
    answers += [machine.run("config", "check"), machine.run("doctor")]
    served.keap.revoke_key(key)
    served.keap.authority.revoke_grant(served.keap.authority.grants[0])
    answers += [machine.run(*words, "--json") for words in runs]
    told += "".join(one.out + one.err for one in answers)
    assert {one.code for one in answers} >= {0, 4, 5}
    canaries = {key, CLIENT_SECRET}
    canaries |= set(served.keap.authority._accesses) | set(served.keap.authority._refreshes)
    canaries.add(base64.b64encode(f"keap-app:{CLIENT_SECRET}".encode()).decode())
    forms = {form for canary in canaries for form in spell(canary)}
    assert not [form for form in forms if form in told]
    for place in (machine.home, where):
        for path in place.rglob("*"):
            if path.is_file():
                body = path.read_bytes()
                assert not [form for form in forms if form.encode() in body], path


def test_credentials_open_with_the_accounts_key_and_for_their_source_alone(
    machine: Machine, served: Served
) -> None:
    add_by_key(machine, served, "acme", "--name", "one")
    add_by_key(machine, served, "zenith", "--name", "two")
    (one,) = machine.state.glob("*/credentials/default.one.json")
    two = one.with_name("default.two.json")
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    answer = machine.run("source", "test", "one", "--include", "tags", "--json")
    assert answer.code == 13
    assert "reconnect one" in answer.error["hint"]
    one.write_bytes(kept)
    first = machine.state / next(machine.state.glob("*/credentials")).parent.name
    machine.set(LISTBACKUP_VAULT=str(machine.home.parent / "other"))
    machine.do("init", machine.vault, "--volatile")
    add_by_key(machine, served, "acme", "--name", "three")
    (three,) = machine.state.glob("*/credentials/default.three.json")
    three.with_name("default.one.json").write_bytes(
        (first / "credentials/default.one.json").read_bytes()
    )
    answer = machine.run("source", "test", "one", "--include", "tags", "--json")
    assert answer.code == 12
    assert "sealed by another key" in answer.error["message"]
