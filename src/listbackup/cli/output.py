"""What a command prints: results as text or as JSON lines, and who listens meanwhile."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from listbackup.app import App
from listbackup.cli.listeners import Listener, choose_listener
from listbackup.cli.messages import to_line, to_message
from listbackup.cli.words import printable
from listbackup.errors import ListbackupError
from listbackup.events import Event
from listbackup.host import Host
from listbackup.log import redactor_for


class Output:
    """The two streams of one command."""

    def __init__(
        self,
        app: App,
        listener: Listener,
        clean: Callable[[str], str],
        as_json: bool,
        quiet: bool = False,
    ):
        self.app = app
        self.as_json = as_json
        self._quiet = quiet
        self._listener = listener
        self._clean = clean

    def show(self, message_type: str, value: Any, lines: Iterable[str] = ()) -> None:
        """Print a result: a JSON line, or the lines of text."""
        if self.as_json:
            self._write([to_line(to_message(message_type, value), self._clean)])
        else:
            self.say(lines)

    def say(self, lines: Iterable[str]) -> None:
        """Print text that is no result; nothing with `--json`."""
        if not self.as_json and not self._quiet:
            self._write(printable(self._clean(line)) for line in lines)

    def reveal(self, message_type: str, value: Any, text: str) -> None:
        """Print a secret that was asked for."""
        message = to_message(message_type, value)
        self._write([to_line(message, str) if self.as_json else text.rstrip("\n")])

    def pour(self, lines: Iterable[str]) -> None:
        """Print data that was asked for, as it is: nothing is taken out of it."""
        self._write(lines)

    def aside(self) -> AbstractContextManager[None]:
        """Make room on the terminal for a question."""
        return self._listener.aside()

    def write_message(self, message_type: str, value: Any) -> str:
        """Write data that was asked for as a JSON line."""
        return to_line(to_message(message_type, value), str)

    def _write(self, lines: Iterable[str]) -> None:
        with self._listener.aside():
            for line in lines:
                sys.stdout.write(line + "\n")
            sys.stdout.flush()


def _clean_words(error: BaseException | None, clean: Callable[[str], str]) -> None:
    """Take secrets out of the words of an error that nobody foresaw, and of those behind it."""
    while error is not None:
        error.args = tuple(clean(one) if isinstance(one, str) else one for one in error.args)
        error = error.__cause__ or error.__context__


@contextmanager
def open_output(as_json: bool, *, quiet: bool = False) -> Iterator[Output]:
    """Build an App whose events are heard, and close the listener when the block ends. `quiet`:
    no progress and no text of results, only warnings; with `as_json` the results too."""
    host = Host()
    redactor = redactor_for(os.environ)
    clean = redactor.clean
    listener = choose_listener(host.clock, clean, as_json=as_json, quiet=quiet)

    def emit(event: Event) -> None:
        listener(event)

    try:
        app = App(os.environ, emit, host, redactor=redactor)
        yield Output(app, listener, clean, as_json, quiet)
    except ListbackupError as error:
        # Only here is known which secrets were opened on the way.
        error.message, error.hint = clean(error.message), clean(error.hint)
        error.subject = clean(error.subject) if error.subject else None
        raise
    except Exception as error:
        _clean_words(error, clean)
        raise
    finally:
        listener.close()
