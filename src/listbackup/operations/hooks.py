"""Hooks: who is told when a named source's backup starts, and how it ended.

A hook that fails is a warning; it never changes the outcome. It is told what happened in
`LISTBACKUP_*` variables, in a JSON object on standard input (a command) or in one line of text (a
URL), and never a secret: of this process's environment it gets what `PASSED` names, and what
`pass_environment` in the file does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from listbackup.app import App
from listbackup.clock import format_time
from listbackup.errors import FailedError, ListbackupError, exit_code
from listbackup.events import StepDone, StepStarted, Warned
from listbackup.log import Redactor
from listbackup.operations.backups import BackedUp
from listbackup.operations.errands import Command, call_url, run_command

if TYPE_CHECKING:
    from listbackup.config.loading import Configuration

Event = Literal["start", "success", "partial", "failure"]
PASSED = frozenset(
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE LC_ALL LC_CTYPE LC_MESSAGES TZ TMPDIR "
    "XDG_CONFIG_HOME XDG_STATE_HOME XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS "
    "SSL_CERT_FILE SSL_CERT_DIR LISTBACKUP_CONFIG_DIR LISTBACKUP_STATE_DIR".split()
)
"""What a command gets of the environment without being asked for."""
USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TIMEOUT = 30.0
RETRIES = 2
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a hook is told. `done` is there where a snapshot was committed, `error` where not;
    neither at the start, or where the run ended by what nobody foresaw (`unforeseen`)."""

    event: Event
    source: str
    vault: str
    done: BackedUp | None = None
    error: ListbackupError | None = None
    unforeseen: str = ""


def run_hooks(app: App, found: "Configuration", outcome: Outcome, redactor: Redactor) -> None:
    """Run the hook of an event, if there is one. Only warns."""
    name = f"on_{outcome.event}"
    chosen = found.hook(outcome.source, name)
    if chosen is None or not chosen[0]:
        return
    hook, trail = chosen
    shown = f"{name} of {outcome.source}"
    app.emit(StepStarted("hook", shown))
    try:
        _run(app, found, hook, outcome, redactor)
    except FailedError as error:
        app.emit(
            Warned(
                f"The hook {shown} failed: {redactor.clean(error.message)}",
                f"It stands in {found.place(*trail)}; the backup's outcome is not changed by it.",
            )
        )
    app.emit(StepDone("hook", shown))


def describe_hook(hook: str | tuple[str, ...]) -> str:
    """Say in a few words what a hook does, without what could be a secret."""
    if isinstance(hook, str):
        parts = urlsplit(hook)
        if parts.scheme in ("http", "https"):
            return f"calls {parts.scheme}://{parts.hostname}/***"
        return "runs a command line in a shell"
    return f"runs {hook[0]}" if hook else "does nothing"


def describe_outcome(outcome: Outcome) -> str:
    """Say in one line what happened."""
    if outcome.event == "start":
        return f"{outcome.source}: backup starts"
    done, error = outcome.done, outcome.error
    if done is not None:
        held = f"{done.streams} streams, {done.rows} rows, {done.seconds} s"
        missing = ", ".join(one.name for one in done.not_read)
        lacks = f"; NOT READ: {missing}" if missing else ""
        return f"{outcome.source}: {done.status} snapshot {done.name}, {held}{lacks}"
    if error is not None:
        return f"{outcome.source}: backup FAILED ({error.category.value}): {error.message}"
    return f"{outcome.source}: backup ended: {outcome.unforeseen}"


def _run(
    app: App,
    found: "Configuration",
    hook: str | tuple[str, ...],
    outcome: Outcome,
    redactor: Redactor,
) -> None:
    timeout = _option(found, outcome.source, "timeout", TIMEOUT)
    text = redactor.clean(describe_outcome(outcome))[:_LONGEST]
    if isinstance(hook, str) and hook.lower().startswith(("http://", "https://")):
        retries = _option(found, outcome.source, "retries", RETRIES)
        call_url(app.host, hook, text, timeout=timeout or TIMEOUT, retries=retries)
        return
    words = ("/bin/sh", "-c", hook) if isinstance(hook, str) else hook
    facts = {name: redactor.clean(value) for name, value in _facts(outcome, text).items()}
    more = _option(found, outcome.source, "pass_environment", ())
    environment = _environment(app.environment, more, facts, found)
    body = json.dumps(_report(outcome, facts, redactor), ensure_ascii=False)
    run_command(Command(words, environment, body.encode("utf-8", "replace")), timeout or TIMEOUT)


def _option(found: "Configuration", source: str, name: str, default: Any) -> Any:
    chosen = found.hook(source, name)
    return default if chosen is None else chosen[0]


def _facts(outcome: Outcome, text: str) -> dict[str, str]:
    done, error = outcome.done, outcome.error
    facts = {
        "event": outcome.event,
        "source": outcome.source,
        "vault": outcome.vault,
        "summary": text,
    }
    if done is not None:
        facts |= {
            "exit_code": "0" if done.status == "complete" else "3",
            "status": done.status,
            "snapshot": done.snapshot,
            "snapshot_name": done.name,
            "as_of": format_time(done.as_of),
            "streams": str(done.streams),
            "rows": str(done.rows),
            "bytes": str(done.bytes),
            "seconds": str(done.seconds),
            "not_read": " ".join(one.name for one in done.not_read)[:_LONGEST],
        }
    elif outcome.event != "start":
        code = exit_code(error.category) if error is not None else 1
        facts |= {
            "exit_code": str(code),
            "status": "failed",
            "category": error.category.value if error is not None else "unforeseen",
            "message": (error.message if error is not None else outcome.unforeseen)[:_LONGEST],
            "hint": error.hint[:_LONGEST] if error is not None else "",
        }
    return facts


def _report(outcome: Outcome, facts: Mapping[str, str], redactor: Redactor) -> dict[str, Any]:
    numbers: Mapping[str, type] = {
        "exit_code": int,
        "streams": int,
        "rows": int,
        "bytes": int,
        "seconds": float,
    }
    told: dict[str, Any] = {
        name: numbers[name](value) if name in numbers else value for name, value in facts.items()
    }
    if outcome.done is not None:
        told["not_read"] = [
            {"name": redactor.clean(one.name), "reason": redactor.clean(one.reason)}
            for one in outcome.done.not_read
        ]
    return told


def _environment(
    whole: Mapping[str, str],
    more: tuple[str, ...],
    facts: Mapping[str, str],
    found: "Configuration",
) -> dict[str, str]:
    passed = {name: value for name, value in whole.items() if name in PASSED or name in more}
    told = {f"LISTBACKUP_{name.upper()}": value for name, value in facts.items()}
    named = {"PATH": USUAL_PATH, "LISTBACKUP_CONFIG": str(found.path.absolute())}
    merged = named | passed | told
    return {name: value.replace("\0", "") for name, value in merged.items()}
