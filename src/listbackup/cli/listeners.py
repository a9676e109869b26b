"""Who listens to an operation: JSON lines, a bar on a terminal, or a plain line now and then.

Each tells warnings at once. Results are not theirs: `output` prints those.
"""

import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from listbackup.cli.messages import to_line, to_message
from listbackup.cli.tally import Progress, Tally, Ticker
from listbackup.cli.words import duration, number, printable, size
from listbackup.clock import Clock
from listbackup.events import BatchStored, Event, Found, Progressed, StepDone, Waited, Warned

if TYPE_CHECKING:
    from rich.text import Text

PLAIN_EVERY = 10.0
JSON_EVERY = 1.0
Clean = Callable[[str], str]


class Listener(Protocol):
    """Hears every event, from any thread, until it is closed."""

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Make room on the terminal for somebody else's lines."""
        ...

    def close(self) -> None:
        """Stop; what was drawn is taken away."""
        ...


class JsonListener:
    """Every event as a line on standard output; progress as one line a second."""

    def __init__(self, clock: Clock, clean: Clean) -> None:
        self._tally = Tally(clock)
        self._clean = clean
        self._lock = threading.Lock()
        self._moved = False
        self._ticker = Ticker(JSON_EVERY, self._tick)

    def __call__(self, event: Event) -> None:
        """Write the event, or count it."""
        with self._lock:
            self._tally.take(event)
            if isinstance(event, Progressed):
                self._moved = True
            elif not isinstance(event, BatchStored):
                self._write(to_message(name_event(event), event))

    def aside(self) -> AbstractContextManager[None]:
        """Nothing is in the way."""
        return nullcontext()

    def close(self) -> None:
        """Stop."""
        self._ticker.stop()

    def _tick(self) -> None:
        with self._lock:
            progress = self._tally.look()
            if self._moved and progress.step:
                self._write(to_message("progress", progress))
            self._moved = False

    def _write(self, message: Mapping[str, Any]) -> None:
        sys.stdout.write(to_line(message, self._clean) + "\n")
        sys.stdout.flush()


class PlainListener:
    """Warnings and findings as they come, progress every ten seconds, on standard error."""

    def __init__(self, clock: Clock, clean: Clean) -> None:
        self._tally = Tally(clock)
        self._clean = clean
        self._ticker = Ticker(PLAIN_EVERY, self._tick)

    def __call__(self, event: Event) -> None:
        """Count the event; tell what cannot wait."""
        self._tally.take(event)
        for line in describe_event(event):
            self._write(line)

    def aside(self) -> AbstractContextManager[None]:
        """Nothing is in the way."""
        return nullcontext()

    def close(self) -> None:
        """Stop."""
        self._ticker.stop()

    def _tick(self) -> None:
        progress = self._tally.look()
        if progress.step:
            self._write(describe_progress(progress))

    def _write(self, line: str) -> None:
        sys.stderr.write(printable(self._clean(line)) + "\n")
        sys.stderr.flush()


class QuietListener:
    """Warnings and findings as they come, and nothing else: on standard error, or with `as_json`
    as lines among the results."""

    def __init__(self, clean: Clean, *, as_json: bool) -> None:
        self._clean = clean
        self._as_json = as_json
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Tell what cannot wait."""
        if not isinstance(event, Warned | Found):
            return
        lines = [printable(self._clean(line)) for line in describe_event(event)]
        if self._as_json:
            lines = [to_line(to_message(name_event(event), event), self._clean)]
        stream = sys.stdout if self._as_json else sys.stderr
        with self._lock:
            stream.write("".join(line + "\n" for line in lines))
            stream.flush()

    def aside(self) -> AbstractContextManager[None]:
        """Nothing is in the way."""
        return nullcontext()

    def close(self) -> None:
        """There is nothing to stop."""


class TerminalListener:
    """One line that moves at the bottom of a terminal."""

    def __init__(self, clock: Clock, clean: Clean) -> None:
        from rich.console import Console
        from rich.live import Live

        self._tally = Tally(clock)
        self._clean = clean
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=5,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def __call__(self, event: Event) -> None:
        """Count the event; tell what cannot wait above the line."""
        self._tally.take(event)
        for line in describe_event(event):
            self._console.print(printable(self._clean(line)), markup=False, soft_wrap=True)
        if isinstance(event, StepDone):
            self._live.refresh()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away for as long as the block lasts."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def close(self) -> None:
        """Take the line away."""
        self._live.stop()

    def _draw(self) -> "Text":
        from rich.text import Text

        progress = self._tally.look()
        text = printable(describe_progress(progress)) if progress.step else ""
        return Text(text, no_wrap=True, overflow="ellipsis")


def choose_listener(clock: Clock, clean: Clean, *, as_json: bool, quiet: bool = False) -> Listener:
    """Choose by what is wished, and by what standard error is."""
    if quiet:
        return QuietListener(clean, as_json=as_json)
    if as_json:
        return JsonListener(clock, clean)
    if sys.stderr.isatty():
        return TerminalListener(clock, clean)
    return PlainListener(clock, clean)


def name_event(event: Event) -> str:
    """Give the message_type of an event: its class in lower case, words apart."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()


def describe_event(event: Event) -> list[str]:
    """Give the lines that cannot wait: warnings, findings, waits."""
    if isinstance(event, Warned):
        return [f"warning: {event.message}", *([f"         {event.hint}"] if event.hint else [])]
    if isinstance(event, Waited) and event.seconds >= 1:
        return [f"waiting {duration(event.seconds)}: {event.reason}"]
    if isinstance(event, Found):
        streams = [f"streams {', '.join(event.streams)}"] if event.streams else []
        affected = ", ".join([*event.snapshots, *streams])
        where = f"       {event.object}" + (f" ({affected})" if affected else "")
        return [f"found: {event.problem}", where]
    return []


def describe_progress(progress: Progress) -> str:
    """Say how far it is, in one line."""
    parts = [progress.step]
    if progress.bytes:
        total = f" of ~{size(progress.total_bytes)}" if progress.total_bytes else ""
        parts += [f"{size(progress.bytes)}{total}", f"{size(progress.bytes_per_second)}/s"]
    if progress.rows:
        parts.append(f"{number(progress.rows)} rows")
    parts.append(duration(progress.seconds))
    if progress.eta_seconds is not None:
        parts.append(f"~{duration(progress.eta_seconds)} left")
    return " · ".join(parts)
