"""Asking the person at the terminal: questions on standard error, answers from standard input."""

import getpass
import os
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from listbackup.cli.words import printable
from listbackup.errors import UsageError
from listbackup.log import SECRET_NAMES, SECRET_PREFIX

_LONGEST = 64 * 1024
_TRIES = 3


class Terminal:
    """A `Person` of `operations.secrets`, if anybody sits there."""

    def __init__(self, aside: Callable[[], AbstractContextManager[None]]) -> None:
        """Take what makes room on the terminal."""
        self._aside = aside

    @property
    def there(self) -> bool:
        """Whether standard input and standard error are a terminal."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, title: str, hint: str, *, secret: bool) -> str:
        """Ask for one thing; a secret is not shown while it is typed."""
        with self._aside():
            if hint:
                self._say(f"  {hint}")
            if secret:
                return getpass.getpass(f"{printable(title)}: ", stream=sys.stderr)
            self._say(f"{title}: ", end="")
            return sys.stdin.readline(_LONGEST).strip()

    def choose(self, title: str, ways: Sequence[str]) -> int:
        """Have one of several chosen by its number; Enter takes the first."""
        with self._aside():
            for number, way in enumerate(ways, 1):
                self._say(f"  {number}  {way}")
            for _ in range(_TRIES):
                self._say(f"{title} (1 to {len(ways)}, Enter for 1): ", end="")
                line = sys.stdin.readline(_LONGEST)
                said = line.strip() or ("1" if line else "")
                if said.isdecimal() and said.isascii() and 1 <= int(said[:4]) <= len(ways):
                    return int(said) - 1
        raise UsageError(f"None of the {len(ways)} was chosen.", hint="Type the number of one.")

    def show(self, url: str) -> None:
        """Open the browser on a URL."""
        with self._aside():
            self._say("Opening the browser. If nothing opens, open this there, on this machine:")
            self._say(f"  {url}")
        # A browser stays open for long, and what it is given can be read as long.
        for name in [*os.environ]:
            if name in SECRET_NAMES or name.startswith(SECRET_PREFIX):
                del os.environ[name]
        # Some browsers end only when they are closed, and we have to hear them before.
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    def paste(self, url: str) -> str:
        """Have a URL opened on any machine, and read where it led."""
        with self._aside():
            self._say("Open this in a browser, on any machine, and consent:")
            self._say(f"  {url}")
            self._say("It is then sent to an address that may not open. Paste that address:")
            pasted = sys.stdin.readline(_LONGEST).strip()
        if not pasted:
            raise UsageError("Nothing was pasted.", hint="Paste the whole address, and Enter.")
        return pasted

    def confirm(self, question: str, answer: str) -> bool:
        """Ask for a certain answer."""
        with self._aside():
            self._say(f"{question} ", end="")
            return sys.stdin.readline(_LONGEST).strip() == answer

    def _say(self, text: str, end: str = "\n") -> None:
        sys.stderr.write(printable(text) + end)
        sys.stderr.flush()
