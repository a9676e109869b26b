"""Commands and calls end in time, and say what went wrong."""

import http.server
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from listbackup.errors import FailedError
from listbackup.operations.errands import Command, call_url, run_command
from listbackup.testing.hosts import play_host

PATH = {"PATH": os.environ["PATH"]}


def run(*words: str, timeout: float = 10.0, stdin: bytes = b"", **environment: str) -> None:
    run_command(Command(words, PATH | environment, stdin), timeout)


def test_a_command_gets_its_words_its_input_and_its_environment_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("sh", "-c", 'cat > "$OUT"; env >> "$OUT"', stdin=b"said\n", OUT=str(out))
    lines = out.read_text().splitlines()
    assert lines[0] == "said"
    assert {line.partition("=")[0] for line in lines[1:]} <= {"PATH", "OUT", "PWD", "SHLVL", "_"}


def test_words_are_not_read_by_a_shell(tmp_path: Path) -> None:
    run("touch", f"{tmp_path}/$(touch evil); a")
    assert os.listdir(tmp_path) == ["$(touch evil); a"]


def test_a_command_that_fails_says_its_code_and_its_last_words() -> None:
    with pytest.raises(FailedError, match="exit code 7: no such luck"):
        run("sh", "-c", "echo no such luck >&2; exit 7")
    with pytest.raises(FailedError, match="cannot be started: No such file"):
        run("/nonexistent/program")


def test_a_slow_command_is_ended_with_what_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    script = f"trap '' TERM; (sleep 3; touch {tmp_path}/late) & echo waiting; wait; sleep 60"
    with pytest.raises(FailedError, match=r"longer than 0\.3 s and was ended: waiting"):
        run("sh", "-c", script, timeout=0.3)
    assert time.monotonic() - began < 3
    time.sleep(max(0.0, began + 3.3 - time.monotonic()))
    assert not (tmp_path / "late").exists()


def test_endless_output_and_a_child_left_behind_hold_nobody_up() -> None:
    began = time.monotonic()
    with pytest.raises(FailedError, match="was ended"):
        run("sh", "-c", "yes", timeout=0.3)
    run("sh", "-c", "sleep 30 & exit 0")
    assert time.monotonic() - began < 5


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers by the path: a status, `slow`, or `drip`; counts what came."""

    seen: list[tuple[str, str]]
    tries: dict[str, int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.seen.append((self.path, body))
        self.tries[self.path] = self.tries.get(self.path, 0) + 1
        word = self.path.strip("/")
        if word == "slow":
            time.sleep(1.0)
        if word == "drip":
            for _ in range(20):
                self.wfile.write(b"H")
                time.sleep(0.1)
            return
        if word == "later":
            word = "503" if self.tries[self.path] < 3 else "200"
        self.send_response(int(word) if word.isdecimal() else 200)
        if word == "302":
            self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, address: object) -> None:
        """A client that went away is part of the tests."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Answering.seen, Answering.tries = [], {}
    with Server(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def call(url: str, timeout: float = 5.0, retries: int = 2) -> None:
    call_url(play_host(), url, "what happened: ü", timeout=timeout, retries=retries)


def test_a_url_gets_the_text(url: str) -> None:
    call(f"{url}/200")
    assert Answering.seen == [("/200", "what happened: ü")]


def test_try_again_is_tried_again_and_no_is_not(url: str) -> None:
    call(f"{url}/later")
    assert Answering.tries["/later"] == 3
    with pytest.raises(FailedError, match="it answered 503"):
        call(f"{url}/503", retries=1)
    assert Answering.tries["/503"] == 2
    with pytest.raises(FailedError, match="it answered 404"):
        call(f"{url}/404")
    assert Answering.tries["/404"] == 1


def test_no_redirect_is_followed(url: str) -> None:
    with pytest.raises(FailedError, match="it answered 302"):
        call(f"{url}/302")
    assert [path for path, _ in Answering.seen] == ["/302"]


@pytest.mark.parametrize("path", ["slow", "drip"])
def test_a_server_that_takes_its_time_is_not_waited_for(url: str, path: str) -> None:
    began = time.monotonic()
    with pytest.raises(FailedError, match=r"no answer within 0\.3 s"):
        call(f"{url}/{path}", timeout=0.3, retries=0)
    assert time.monotonic() - began < 1


def test_nobody_there_and_no_url_are_told() -> None:
    with pytest.raises(FailedError, match="could not be reached"):
        call("http://127.0.0.1:9/x", retries=0)
    with pytest.raises(FailedError):
        call("http://[::1/x", retries=0)
