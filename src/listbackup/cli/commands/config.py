"""`config`: show, check."""

from collections.abc import Iterator
from typing import Annotated

from listbackup.cli.options import VaultOptions, flag
from listbackup.cli.output import open_output
from listbackup.cli.words import plural, table
from listbackup.errors import FailedError, UsageError
from listbackup.operations.config import (
    ConfigChecked,
    SettingsShown,
    SourceMeant,
    check_config,
    show_settings,
)


def show(
    *,
    origin: Annotated[bool, flag("Also say where each comes from.")] = False,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Show the settings that count: option, else LISTBACKUP_*, else the file, else the default.

    Secrets are masked; what a placeholder brings into an address or a hook is not filled in.
    """
    with open_output(options.json) as output:
        found = show_settings(output.app, options.reach())
        output.show("settings", found, _describe_settings(found, origin))
    return 0


def check(*, options: VaultOptions = VaultOptions()) -> int:  # noqa: B008
    """Try the configuration file and say what it would do. Opens neither vault nor source.

    Exit code 2 when it is not understood, 1 when something it names is not there or not safe.
    """
    with open_output(options.json) as output:
        checked = check_config(output.app, options.reach())
        output.show("config_checked", checked, _describe_check(checked))
    if checked.mistakes:
        raise UsageError(
            f"The configuration file has {plural(len(checked.mistakes), 'mistake')}.",
            subject=checked.path,
            hint="docs/config.md says what may stand there.",
        )
    if checked.problems:
        raise FailedError(
            f"The configuration file is understood, but {plural(len(checked.problems), 'thing')} "
            "it needs would fail or is not safe.",
            subject=checked.path,
            risk="Nothing was read or written.",
            hint="Put right what is told above, then run it again.",
        )
    return 0


def _describe_settings(found: SettingsShown, origin: bool) -> Iterator[str]:
    yield f"Read {found.path}" if found.path else "No configuration file; looked at:"
    if not found.path:
        yield from (f"  {one}" for one in found.places)
    rows = []
    for one in found.settings:
        if one.origin == "default" and one.value in (None, ()) and one.name.count("."):
            continue
        value = _write(one.value)
        where = one.where or "default"
        rows.append([one.name, value, where] if origin else [one.name, value])
    headings = ["setting", "value", "from"] if origin else ["setting", "value"]
    yield from table(headings, rows)


def _write(value: object) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _describe_check(checked: ConfigChecked) -> Iterator[str]:
    if checked.mistakes:
        yield f"{checked.path}:"
        yield from (f"  MISTAKE  {one}" for one in checked.mistakes)
        return
    yield f"{checked.path} is understood."
    yield f"  vault    {checked.vault or 'none is named'}, account {checked.account}"
    for one in checked.sources:
        yield from _describe_source(one)
    if not checked.sources:
        yield "  It names no source."
    yield from (f"PROBLEM  {one}" for one in checked.problems)


def _describe_source(one: SourceMeant) -> Iterator[str]:
    yield f"  {one.name}"
    yield f"    backs up  {one.address}"
    kept = ", ".join(one.keeps) or "everything"
    when = "pruned after each complete backup" if one.prunes else "pruned when `prune` is run"
    yield f"    keeps     {kept}" + (f"; {when}" if one.keeps else "")
    if one.tags:
        yield f"    tags      {', '.join(one.tags)}"
    yield from (f"    hook      {hook}" for hook in one.hooks)
