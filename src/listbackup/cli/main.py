"""Where the command begins and ends: signals, errors and exit codes, in one place.

`--version` is answered before anything else is imported. No traceback ever reaches a person: what
nobody foresaw is one message, and with LISTBACKUP_DEBUG=1 a report in a file.
"""

import gc
import io
import os
import sys
from collections.abc import Sequence

from listbackup import __version__


def main() -> None:
    """Run the command line of this process."""
    # until the command begins there are only imports: nothing of them is garbage, and looking for
    # some takes a tenth of their time
    gc.disable()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command in this process's environment and give its exit code."""
    if "--version" in arguments[:2] and set(arguments) <= {"--version", "--json"}:
        return _say_version("--json" in arguments)
    from listbackup.cli.hiding import forbid_dumps, hide_arguments
    from listbackup.cli.interrupts import listening_for_signals

    forbid_dumps()
    hide_arguments()
    # numpy would start threads for algebra that nobody does, a twentieth of a second each time
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks must not end a command.
            stream.reconfigure(errors="backslashreplace")
    try:
        with listening_for_signals():
            return _run(arguments)
    except BrokenPipeError:
        # Whoever read our output has gone; what Python would still flush has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 130


def _say_version(as_json: bool) -> int:
    text = f'{{"message_type": "version", "version": "{__version__}"}}'
    sys.stdout.write((text if as_json else f"listbackup {__version__}") + "\n")
    return 0


def _run(arguments: Sequence[str]) -> int:
    from listbackup.cli.failures import Failures
    from listbackup.errors import InterruptedByUser, ListbackupError

    failures = Failures(os.environ, as_json="--json" in arguments)
    try:
        from listbackup.cli.commands import call

        code = call(arguments)
        sys.stdout.flush()
        return code
    except ListbackupError as error:
        return failures.report(error)
    except KeyboardInterrupt:
        return failures.report(InterruptedByUser("Interrupted."))
    except BrokenPipeError:
        raise
    except Exception as error:
        return failures.report_unforeseen(error)
