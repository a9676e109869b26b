"""A hook is told what happened and nothing that is secret."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from listbackup.app import App, Reach
from listbackup.config.loading import load_configuration
from listbackup.errors import SourceError
from listbackup.events import Event, Warned
from listbackup.log import Redactor, redactor_for
from listbackup.operations.hooks import Outcome, describe_hook, run_hooks
from listbackup.operations.rounds import RoundWishes, SourceEnded, back_up_named, judge

SECRETS = {
    "PGPASSWORD": "canary-pg",
    "LISTBACKUP_PASSPHRASE": "canary-phrase",
    "LISTBACKUP_KEY_FILE": "/canary-key-file",
    "AWS_SECRET_ACCESS_KEY": "canary-aws",
    "DB_PASSWORD": "canary-db",
    "SLACK_TOKEN": "wanted",
}


class Place:
    """A configuration file, an App that reads it, and what it said."""

    def __init__(self, directory: Path, text: str, **environment: str) -> None:
        self.heard: list[Event] = []
        self.directory = directory
        path = directory / "listbackup.yaml"
        path.write_text(text)
        known = {"PATH": "/usr/bin:/bin", "LISTBACKUP_CONFIG": str(path), **environment}
        for name in ("CONFIG_DIR", "STATE_DIR"):
            known[f"LISTBACKUP_{name}"] = str(directory / name)
        self.app = App(known, self.heard.append)
        self.configuration = load_configuration(path, known)
        self.redactor = redactor_for(known)

    def run(self, outcome: Outcome, redactor: Redactor | None = None) -> list[str]:
        """Run the hook of an outcome; give the warnings."""
        run_hooks(self.app, self.configuration, outcome, redactor or self.redactor)
        return [one.message for one in self.heard if isinstance(one, Warned)]


def failed(message: str) -> Outcome:
    return Outcome("failure", "shop", "/vault", error=SourceError(message))


def test_a_command_gets_no_secret_but_what_is_passed_by_name(tmp_path: Path) -> None:
    place = Place(
        tmp_path,
        f"hooks:\n  on_failure: 'env > {tmp_path}/env; cat > {tmp_path}/json'\n"
        "  pass_environment: SLACK_TOKEN\n"
        "sources:\n  shop:\n    url: postgresql://me:${DB_PASSWORD}@db/shop\n",
        **SECRETS,
    )
    redactor = redactor_for(place.app.environment)
    redactor.learn("canary-db")
    message = "no: postgresql://me:canary-db@db/shop with canary-db, canary-pg"
    assert place.run(failed(message), redactor) == []
    told = (tmp_path / "env").read_text() + (tmp_path / "json").read_text()
    assert "canary" not in told
    assert "SLACK_TOKEN=wanted" in told
    assert "LISTBACKUP_EVENT=failure" in told
    assert "LISTBACKUP_MESSAGE=no: postgresql://me:***@db/shop with ***, ***" in told
    assert json.loads((tmp_path / "json").read_text())["exit_code"] == 1


def test_what_a_failing_command_prints_is_told_without_secrets(tmp_path: Path) -> None:
    text = "hooks: {on_start: 'echo pw is canary-pg; exit 1'}\nsources: {shop: {url: 'p://h'}}\n"
    place = Place(tmp_path, text, **SECRETS)
    (said,) = place.run(Outcome("start", "shop", "/vault"))
    assert said == "The hook on_start of shop failed: it ended with exit code 1: pw is ***"


def test_no_hook_and_an_empty_hook_do_nothing(tmp_path: Path) -> None:
    text = "hooks: {on_start: 'exit 1'}\nsources: {shop: {url: 'p://h', hooks: {on_start: []}}}\n"
    place = Place(tmp_path, text)
    assert place.run(Outcome("start", "shop", "")) == []
    assert place.run(failed("x")) == []
    assert place.heard == []


class Listening(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted."""

    posted: list[tuple[str, str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.posted.append((self.path, body, str(self.headers)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Listening.posted = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listening) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_url_is_told_in_one_line_without_secrets(tmp_path: Path, url: str) -> None:
    text = (
        f"hooks: {{on_start: {url}/ping/start, on_failure: '{url}/ping/fail'}}\n"
        "sources: {shop: {url: 'postgresql://me:${DB_PASSWORD}@127.0.0.1:1/shop'}}\n"
    )
    place = Place(tmp_path, text, LISTBACKUP_VAULT=str(tmp_path / "none"), **SECRETS)
    reach = Reach(volatile=True)
    with pytest.raises(Exception, match="There is no vault there"):
        back_up_named(place.app, reach, "shop", RoundWishes())
    (start, body, _), (fail, failure, headers) = Listening.posted
    assert (start, fail) == ("/ping/start", "/ping/fail")
    assert body == "shop: backup starts"
    assert failure == "shop: backup FAILED (vault_missing): There is no vault there."
    assert "canary" not in body + failure + headers


def test_an_interruption_is_told_as_a_failure(tmp_path: Path) -> None:
    text = f"hooks: {{on_failure: 'cat > {tmp_path}/json'}}\nsources: {{shop: {{url: 'p://h'}}}}\n"
    place = Place(tmp_path, text)
    place.run(Outcome("failure", "shop", "", unforeseen="it was interrupted"))
    told = json.loads((tmp_path / "json").read_text())
    assert (told["category"], told["message"]) == ("unforeseen", "it was interrupted")


def test_a_hook_is_described_without_what_could_be_secret() -> None:
    assert (
        describe_hook("https://me.example:8443/canary?x=canary") == "calls https://me.example/***"
    )
    assert describe_hook("TOKEN=canary curl x") == "runs a command line in a shell"
    assert describe_hook(("/bin/tell", "--token", "canary")) == "runs /bin/tell"
    assert describe_hook(()) == "does nothing"


def ended(*codes: int) -> tuple[SourceEnded, ...]:
    def one(code: int) -> SourceEnded:
        status = {0: "complete", 3: "partial"}.get(code, "failed")
        return SourceEnded("s", status, code, None, None, 0, 0.0, "", "")  # type: ignore[arg-type]

    return tuple(map(one, codes))


def test_the_exit_code_of_a_round_is_the_worst_by_the_order() -> None:
    assert judge(ended(0, 0)) == 0
    assert judge(ended(0, 3, 0)) == 3
    assert judge(ended(0, 3, 11, 11)) == 11
    assert judge(ended(3, 11, 4)) == 1
