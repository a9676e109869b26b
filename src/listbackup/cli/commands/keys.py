"""`key`: kit, verify-kit, add, list, enrol."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from listbackup.cli.options import VaultOptions, flag
from listbackup.cli.output import open_output
from listbackup.cli.words import table
from listbackup.operations import keys
from listbackup.vault.holding import Holding


def kit(
    *,
    forget_local: Annotated[
        bool, flag("Delete this machine's copy, after another one has been verified.")
    ] = False,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Show the recovery kit. Whoever has it and the store can read everything."""
    with open_output(options.json) as output:
        if forget_local:
            gone = keys.forget_kit(output.app, options.reach())
            output.show("kit_forgotten", gone, [f"Deleted {gone.path}."])
            return 0
        shown = keys.show_kit(output.app, options.reach())
        output.reveal("kit", shown, shown.text)
    return 0


def verify_kit(
    file: Annotated[
        Path | None, Parameter(name="FILE", help="The copy to try; else --kit-file names it.")
    ] = None,
    /,
    *,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Try whether a copy of the kit opens the vault."""
    with open_output(options.json) as output:
        verified = keys.verify_kit(output.app, options.reach(), file)
        output.show("kit_verified", verified, _describe_verified(verified))
    return 0


def _describe_verified(verified: keys.KitVerified) -> Iterator[str]:
    yield f"The kit {verified.path} of {verified.written} opens the vault {verified.vault}:"
    yield from (f"  + {one}" for one in verified.opens)
    if verified.local:
        yield "This is the copy of this machine. Store another elsewhere and verify that one;"
        yield "then `listbackup key kit --forget-local` may delete this one."


def add(
    *,
    new_key_file: Annotated[
        Path | None, Parameter(help="A key file to add; it is made where it is absent.")
    ] = None,
    new_passphrase_file: Annotated[
        Path | None, Parameter(help="A file that holds the passphrase to add.")
    ] = None,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Add one more way to open the vault: a key file or a passphrase."""
    with open_output(options.json) as output:
        new = Holding(key_file=new_key_file, passphrase_file=new_passphrase_file)
        added = keys.add_key(output.app, options.reach(), new)
        output.show("key_added", added, [f"Added {added.path} ({added.way}) as {added.key}."])
    return 0


def list_all(*, options: VaultOptions = VaultOptions()) -> int:  # noqa: B008
    """List the ways to open the vault and the machines that may write to it."""
    with open_output(options.json) as output:
        found = keys.list_keys(output.app, options.reach())
        for one in found:
            output.show("key", one)
        rows = [[one.kind, one.way, one.id, one.label, one.state] for one in found]
        output.say(table(["kind", "way", "id", "label", "state"], rows))
    return 0


def enrol(
    *,
    label: Annotated[
        str | None, Parameter(help="A word for this machine; its name by default.")
    ] = None,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Let this machine write to the vault: the kit's root key signs this machine's own key."""
    with open_output(options.json) as output:
        done = keys.enrol(output.app, options.reach(), label)
        verb = "was enrolled already" if done.already else "may write now"
        line = f"This machine {verb}: signer {done.signer}, account entry {done.number}."
        output.show("enrolled", done, [line])
    return 0
