"""`doctor`."""

from collections.abc import Iterator

from listbackup.cli.options import VaultOptions
from listbackup.cli.output import open_output
from listbackup.cli.words import plural
from listbackup.operations.doctor import Diagnosed, diagnose


def doctor(*, options: VaultOptions = VaultOptions()) -> int:  # noqa: B008
    """Look for what could go wrong: files, keys, kit, clock, store, sources.

    Exit code 1 when something is wrong now; warnings alone are 0.
    """
    with open_output(options.json) as output:
        found = diagnose(output.app, options.reach())
        output.show("diagnosed", found, _describe(found))
    return 1 if found.bad else 0


def _describe(found: Diagnosed) -> Iterator[str]:
    words = {"good": "ok", "warning": "warning", "bad": "WRONG"}
    for one in found.advice:
        yield f"{words[one.state]:<8} {one.topic}: {one.message}"
        if one.hint:
            yield f"         {one.hint}"
    yield f"{plural(found.bad, 'thing')} wrong, {plural(found.warnings, 'warning')}."
