"""`source add`, `source reconnect`, `source remove`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from listbackup.cli.asking import Terminal
from listbackup.cli.options import VaultOptions, flag
from listbackup.cli.output import open_output
from listbackup.errors import UsageError
from listbackup.operations.connections import (
    AddWishes,
    SourceConnected,
    SourceRemoved,
    add_source,
    reconnect_source,
    remove_source,
)
from listbackup.operations.secrets import Given, read_secret_files

SECRETS = Group("Secrets and consent", sort_key=1)


@Parameter(name="*")
@dataclass(frozen=True)
class GivenOptions:
    """Where secrets come from, and how a consent comes about."""

    secret_file: Annotated[
        tuple[str, ...] | None,
        Parameter(
            group=SECRETS,
            negative="",
            show_default=False,
            help="A file that holds a secret and no more: FILE, or NAME=FILE where there are "
            "several; else LISTBACKUP_SECRET_NAME, LISTBACKUP_SECRET_NAME_FILE, or the terminal.",
        ),
    ] = None
    headless: Annotated[
        bool,
        flag("Open no browser: print the address, and read the one it led to.", SECRETS),
    ] = False
    redirect_url: Annotated[
        str | None,
        Parameter(
            group=SECRETS,
            help="The redirect address that is registered with the platform; by itself any free "
            "port of 127.0.0.1.",
        ),
    ] = None

    def to_given(self) -> Given:
        """Say it to an operation."""
        files = read_secret_files(self.secret_file or ())
        return Given(files, self.headless, self.redirect_url)


Setting = Annotated[
    tuple[str, ...] | None,
    Parameter(negative="", show_default=False, help="NAME=VALUE of a setting; may be repeated."),
]


@Parameter(name="*")
@dataclass(frozen=True)
class PlaceOptions:
    """URLs in place of the platform's own."""

    base_url: Annotated[
        str | None, Parameter(help="Where the platform's API is, if not where it usually is.")
    ] = None
    authorize_url: Annotated[str | None, Parameter(help="The same for consent.")] = None
    token_url: Annotated[str | None, Parameter(help="The same for tokens.")] = None
    revoke_url: Annotated[str | None, Parameter(help="The same for giving tokens back.")] = None
    allow_private_hosts: Annotated[
        bool, flag("These may be machines of your own network, and without TLS.")
    ] = False


def add(
    platform: Annotated[
        str, Parameter(name="PLATFORM", help="A name of `connector list`, or a .yaml file.")
    ],
    /,
    *,
    name: Annotated[str | None, Parameter(help="The source's name; else the platform's.")] = None,
    setting: Setting = None,
    auth: Annotated[
        str | None, Parameter(help="Which way to connect, where there are several.")
    ] = None,
    place: PlaceOptions = PlaceOptions(),
    given: GivenOptions = GivenOptions(),
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Connect a platform: ask for what opens it, try it, keep it sealed for this vault, and write
    the source down in the config directory. Secrets are never given as arguments."""
    wishes = AddWishes(
        connector=platform,
        name=name,
        settings=read_settings(setting or ()),
        auth=auth,
        base_url=place.base_url,
        authorize_url=place.authorize_url,
        token_url=place.token_url,
        revoke_url=place.revoke_url,
        allow_private_hosts=place.allow_private_hosts,
        given=given.to_given(),
    )
    with open_output(options.json) as output:
        done = add_source(output.app, options.reach(), wishes, Terminal(output.aside))
        output.show("source_connected", done, _describe(done))
    return 0


def reconnect(
    name: Annotated[str, Parameter(name="NAME", help="A source of a platform.")],
    /,
    *,
    accept_new_account: Annotated[
        bool, flag("It is another account of the platform now: go on.")
    ] = False,
    given: GivenOptions = GivenOptions(),
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Give a platform's source a new key or a new consent, also one that was never connected in
    this vault."""
    with open_output(options.json) as output:
        done = reconnect_source(
            output.app,
            options.reach(),
            name,
            given.to_given(),
            Terminal(output.aside),
            accept_new=accept_new_account,
        )
        output.show("source_connected", done, _describe(done))
    return 0


def remove(
    name: Annotated[str, Parameter(name="NAME", help="A source of a platform.")],
    /,
    *,
    yes: Annotated[bool, flag("Do not ask for the name again.")] = False,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Forget a platform's source and what opens it, and give its tokens back. Its snapshots stay
    in the vault."""
    with open_output(options.json) as output:
        person = Terminal(output.aside)
        if not yes:
            if not person.there:
                raise UsageError("Nobody is there to confirm it.", hint="Give --yes.")
            if not person.confirm(f"Type {name} to forget it; its snapshots stay:", name):
                raise UsageError("That was not its name; nothing was removed.")
        done = remove_source(output.app, options.reach(), name)
        output.show("source_removed", done, _describe_removed(done))
    return 0


def read_settings(words: tuple[str, ...]) -> dict[str, str]:
    """Read what `--setting` says. Raises UsageError."""
    settings = {}
    for one in words:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise UsageError(f"{one!r} is no setting.", hint="Write --setting NAME=VALUE.")
        settings[name] = value
    return settings


def _describe(done: SourceConnected) -> Iterator[str]:
    verb = "Added" if done.added else "Connected"
    yield f"{verb} {done.source}: {done.platform} at {done.host}, by {done.way}"
    if done.account:
        title = f" ({done.title})" if done.title and done.title != done.account else ""
        yield f"  account  {done.account}{title}"
    yield f"  stanza   {done.path}"
    yield "  secrets  sealed in the state directory of this machine, for this vault"
    if done.added:
        yield f"Next: `listbackup source test {done.source}`, `listbackup backup {done.source}`."


def _describe_removed(done: SourceRemoved) -> Iterator[str]:
    yield f"Forgot {done.source}; its snapshots stay in the vault."
    if done.forgotten:
        yield "  what opened it was deleted from this machine"
    if done.revoked is not None:
        yield f"  the platform {'took its tokens back' if done.revoked else 'kept its tokens'}"
    if done.stanza:
        yield f"  {done.stanza} was deleted"
    else:
        yield "  it still stands in the configuration file; take it out there"
