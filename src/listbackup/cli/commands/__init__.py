"""The table of commands: name to dotted path, each imported when it is called.

A command is added by one line here and one function in a module of this package.
"""

import gc
from collections.abc import Sequence
from typing import NamedTuple

from cyclopts import App, CycloptsError, Group

from listbackup.errors import UsageError


class Command(NamedTuple):
    """One command: where its function is, what it does in a few words, what it belongs to."""

    path: str
    help: str
    group: str


_HERE = "listbackup.cli.commands"
_DAILY, _TRUST, _LOOK = "Backing up and restoring", "Trust", "Looking around"
_KEEP = "Keeping and dropping"
_PAST = "Looking into the past"

COMMANDS: dict[str, Command] = {
    "init": Command(f"{_HERE}.vaults:init", "Make a new vault.", _DAILY),
    "backup": Command(f"{_HERE}.backups:backup", "Back up a database, or all.", _DAILY),
    "snapshots": Command(f"{_HERE}.snapshots:snapshots", "List snapshots.", _DAILY),
    "show": Command(f"{_HERE}.snapshots:show", "Show one snapshot.", _DAILY),
    "ls": Command(f"{_HERE}.snapshots:ls", "List the streams of a snapshot.", _DAILY),
    "restore": Command(
        f"{_HERE}.restores:restore", "Restore a snapshot into a database, and prove it.", _DAILY
    ),
    "diff": Command(f"{_HERE}.diffs:diff", "Compare two snapshots.", _PAST),
    "find": Command(f"{_HERE}.finds:find", "Find a record, and follow its life.", _PAST),
    "query": Command(f"{_HERE}.queries:query", "Ask the past in SQL.", _PAST),
    "export": Command(f"{_HERE}.exports:export", "Write a snapshot as files.", _PAST),
    "tag": Command(f"{_HERE}.labels:tag", "Put tags and a note on a snapshot.", _KEEP),
    "hold": Command(f"{_HERE}.labels:hold", "Keep a snapshot, whatever the rules say.", _KEEP),
    "prune": Command(f"{_HERE}.retention:prune", "Drop snapshots that no rule keeps.", _KEEP),
    "sweep": Command(f"{_HERE}.retention:sweep", "Delete what nothing needs any more.", _KEEP),
    "stats": Command(f"{_HERE}.stats:stats", "Show what snapshots take, and growth.", _KEEP),
    "check": Command(f"{_HERE}.vaults:check", "Look for damage, loss and forgery.", _TRUST),
    "key kit": Command(f"{_HERE}.keys:kit", "Show the recovery kit, or forget it here.", _TRUST),
    "key verify-kit": Command(f"{_HERE}.keys:verify_kit", "Try a copy of the kit.", _TRUST),
    "key add": Command(f"{_HERE}.keys:add", "Add a key file or passphrase.", _TRUST),
    "key list": Command(f"{_HERE}.keys:list_all", "List keys and signers.", _TRUST),
    "key enrol": Command(f"{_HERE}.keys:enrol", "Let this machine write, with the kit.", _TRUST),
    "vault probe": Command(f"{_HERE}.vaults:probe", "Try what a store can do.", _LOOK),
    "source add": Command(f"{_HERE}.connections:add", "Connect a platform as a source.", _LOOK),
    "source list": Command(f"{_HERE}.sources:list_all", "List the sources.", _LOOK),
    "source test": Command(f"{_HERE}.sources:test", "Try whether a source can be read.", _LOOK),
    "connector list": Command(
        f"{_HERE}.connectors:list_all", "Name the platforms that can be backed up.", _LOOK
    ),
    "connector show": Command(
        f"{_HERE}.connectors:show", "Show streams, and what comes back of them.", _LOOK
    ),
    "connector check": Command(
        f"{_HERE}.connectors:check", "Look for mistakes in a platform's YAML.", _LOOK
    ),
    "connector schema": Command(
        f"{_HERE}.connectors:schema", "Print the schema of such YAML, for editors.", _LOOK
    ),
    "source reconnect": Command(
        f"{_HERE}.connections:reconnect", "Give a platform's source a new key or consent.", _LOOK
    ),
    "source remove": Command(f"{_HERE}.connections:remove", "Forget a platform's source.", _LOOK),
    "config show": Command(f"{_HERE}.config:show", "Show the settings that count.", _LOOK),
    "config check": Command(f"{_HERE}.config:check", "Try the configuration file.", _LOOK),
    "doctor": Command(f"{_HERE}.doctor:doctor", "Look for what could go wrong.", _LOOK),
    "sandbox serve": Command(
        f"{_HERE}.sandbox:serve", "Serve platforms of our own, to try backups on.", _LOOK
    ),
    "demo": Command(f"{_HERE}.demo:demo", "Watch all of it with a sample database.", _LOOK),
}
"""What is typed -> the function that does it."""

FAMILIES = {
    "key": ("Keys, the recovery kit, and who may write.", _TRUST),
    "vault": ("The store below a vault.", _LOOK),
    "source": ("What is backed up.", _LOOK),
    "connector": ("The platforms, and descriptions of one's own.", _LOOK),
    "sandbox": ("Platforms of our own.", _LOOK),
    "config": ("The configuration file, listbackup.yaml.", _LOOK),
}
LEADING = frozenset(
    "--vault --account --key-file --passphrase-file --kit-file --config --json --volatile".split()
)
"""Options that may also stand before the command."""
SWITCHES = frozenset({"--json", "--volatile"})
EPILOGUE = """`--version` prints the version. Every command has --json.

Exit codes: 0 done, 1 failed, 2 not understood, 3 partial, 4 credentials, 5 refused, 10 no vault,
11 busy, 12 wrong key, 13 damaged or forged, 14 rate limited, 130 interrupted.
"""


def call(arguments: Sequence[str]) -> int:
    """Parse the command line, run its command and give the exit code. Raises UsageError for what
    is not understood, and whatever the command raises."""
    moved = move_leading(arguments)
    app = build(next((typed for typed in COMMANDS if begins_with(moved, typed.split())), ""))
    try:
        command, bound, *_ = app.parse_args(moved, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise UsageError(_say(error), hint=_hint(arguments)) from None
    # what was imported stays to the end: to look through it again and again costs a command that
    # makes many objects a tenth of its time
    gc.freeze()
    gc.enable()
    try:
        code = command(*bound.args, **bound.kwargs)
    finally:
        gc.unfreeze()
    return code if isinstance(code, int) else 0


def build(typed: str = "") -> App:
    """Build the parser: no command is imported yet. The one that was typed explains itself by its
    docstring, all others by their few words in the table."""
    app = App(
        name="listbackup",
        help="Keeps safe copies of databases, and proves that they come back.",
        version_flags=(),
        help_epilogue=EPILOGUE,
    )
    shelves = (_DAILY, _PAST, _KEEP, _TRUST, _LOOK)
    groups = {name: Group(name, sort_key=at) for at, name in enumerate(shelves)}
    families = {}
    for name, (says, group) in FAMILIES.items():
        families[name] = App(name=name, help=says, group=groups[group], version_flags=())
        app.command(families[name])
    for words, command in COMMANDS.items():
        family, _, name = words.rpartition(" ")
        parent = families[family] if family else app
        shelf: str | Group = "Commands" if family else groups[command.group]
        parent.command(
            command.path, name=name, help=None if words == typed else command.help, group=shelf
        )
    return app


def begins_with(arguments: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the command line begins with these words."""
    return list(arguments[: len(words)]) == list(words)


def move_leading(arguments: Sequence[str]) -> list[str]:
    """Put options that stand before the command behind it."""
    moved: list[str] = []
    rest = list(arguments)
    while rest and rest[0].partition("=")[0] in LEADING:
        name, has_value, _ = rest[0].partition("=")
        count = 1 if name in SWITCHES or has_value else 2
        moved += rest[:count]
        rest = rest[count:]
    at = rest.index("--") if "--" in rest else len(rest)
    return [*rest[:at], *moved, *rest[at:]] if rest else list(arguments)


def _say(error: CycloptsError) -> str:
    return " ".join(str(error).split())


def _hint(arguments: Sequence[str]) -> str:
    known = {word for typed in COMMANDS for word in typed.split()}
    words = [word for word in arguments[:2] if word in known]
    return f"See `{' '.join(['listbackup', *words, '--help'])}`."
