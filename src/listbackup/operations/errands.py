"""Running a command and calling a URL for somebody who does not wait for long: what hooks do.

Bounded in time and in what is kept of their output. Knows no backup.
"""

import contextlib
import http.client
import os
import signal
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from listbackup.errors import FailedError, StoreUnavailable
from listbackup.host import Host
from listbackup.retry import Patience, retry

MOST_KEPT = 2000
"""So many bytes of a command's last output are kept."""
_LINGER = 1.0
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: words without a shell, its whole environment, its standard input."""

    words: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    stdin: bytes = b""


def run_command(command: Command, timeout: float) -> None:
    """Run a command to its end; after `timeout` seconds it and what it started are ended.

    Raises FailedError for another exit code than 0, for lateness, and where it cannot be started.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(command.stdin)
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                command.words,
                env=dict(command.environment),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise FailedError(f"it cannot be started: {said}") from error
    assert process.stdout is not None
    tail = _Tail(process.stdout)
    code: int | None = None
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _end(process)
        tail.finish()
    if code is None:
        raise FailedError(f"it took longer than {timeout:g} s and was ended{tail.say()}")
    if code != 0:
        raise FailedError(f"it ended with exit code {code}{tail.say()}")


def call_url(host: Host, url: str, body: str, *, timeout: float, retries: int) -> None:
    """POST a short text. No redirect is followed, so the text goes where it was meant to.

    An answer that says try again, or none, is tried again `retries` times. Raises FailedError.
    """
    retry(
        lambda: _post(url, body.encode("utf-8", "replace"), timeout),
        on=StoreUnavailable,
        clock=host.clock,
        entropy=host.entropy,
        patience=Patience(attempts=retries + 1, first=1.0, longest=5.0),
    )


class _Tail:
    """Reads a pipe to its end in a thread of its own and keeps the last bytes."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._kept = b""
        self._thread = threading.Thread(target=self._read, name="hook output", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait a moment for the rest; what a left-behind child still writes is not waited for."""
        self._thread.join(_LINGER)

    def say(self) -> str:
        """Give the last lines, to be put behind a message."""
        words = " ".join(self._kept.decode("utf-8", "replace").split())
        return f": {words[-300:]}" if words else ""

    def _read(self) -> None:
        with self._pipe, contextlib.suppress(OSError, ValueError):
            while data := os.read(self._pipe.fileno(), 65536):
                self._kept = (self._kept + data)[-MOST_KEPT:]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process that still runs, and all that it started."""
    if process.poll() is not None:
        return
    for number, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _post(url: str, body: bytes, timeout: float) -> None:
    """Post once; at most `timeout` seconds in all, however slowly the server drips."""
    failed: list[FailedError] = [StoreUnavailable(f"there was no answer within {timeout:g} s")]

    def work() -> None:
        try:
            headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "listbackup"}
            request = urllib.request.Request(url, data=body, headers=headers, method="POST")
            opener = urllib.request.build_opener(_NoRedirect)
            opener.open(request, timeout=timeout).close()
            failed.clear()
        except urllib.error.HTTPError as error:
            error.close()
            kind = StoreUnavailable if error.code in _RETRIED else FailedError
            failed[0] = kind(f"it answered {error.code}")
        except TimeoutError:
            pass
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if not isinstance(reason, TimeoutError):
                failed[0] = StoreUnavailable(f"it could not be reached: {reason}")
        except ValueError:
            failed[0] = FailedError("that is no URL")

    thread = threading.Thread(target=work, name="hook call", daemon=True)
    thread.start()
    thread.join(timeout)
    if failed:
        raise failed[0]
