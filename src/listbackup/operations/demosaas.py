"""`demo saas`: the whole way with two platforms of our own, over real HTTP, by the same operations
that everybody calls.

A business keeps its customers in Keap and its money in Stripe. Both are connected, read, and held
against what they really have; then a day goes by (`demochanges`). Everything lies in one private
directory that goes with the servers.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from listbackup.app import App, Reach
from listbackup.connectors.rest.loading import load_platform
from listbackup.operations.connections import AddWishes, SourceConnected, add_source
from listbackup.operations.demochanges import Changes
from listbackup.operations.demoplatforms import (
    KEAP,
    LIMITS,
    NAMES,
    STRIPE,
    TITLES,
    Work,
    open_browser,
    tell_likeness,
    tell_unlike,
)
from listbackup.operations.initialising import InitWishes, initialise
from listbackup.operations.secrets import Given
from listbackup.operations.story import Act, Story, Told
from listbackup.sandbox.platforms.business import TENANT, Business
from listbackup.sandbox.platforms.keap.platform import AUTHORIZE, TOKEN
from listbackup.sandbox.platforms.oauth import Client
from listbackup.sandbox.platforms.server import serve
from listbackup.sandbox.postgres import find_free_port, make_private_directory

PROOFS = 9
"""How many steps have something to prove."""
CLIENT = "demo-application"


class SaasDemo(Story):
    """The story of a business on two platforms, with so many contacts."""

    def __init__(self, app: App, home: Path, stack: ExitStack, contacts: int) -> None:
        self._home = home
        self._stack = stack
        self._contacts = contacts
        self._urls: dict[str, str] = {}
        self._app = App(self.environment(app.environment), app.emit, app.host)
        self._reach = Reach(volatile=True)
        acts = (
            Act("platforms", "A business: customers in Keap, money in Stripe.", self._serve),
            Act("init", "It makes a vault: sealed, with a key and a recovery kit.", self._init),
            Act("stripe", "Stripe is connected by a key.", self._connect_stripe),
            Act("keap", "Keap is connected by OAuth: a person consents.", self._connect_keap),
            Act("sync", "The first sync lists everything.", self._sync),
            Act("compare", "Is the vault what the platforms have?", self._compare),
        )
        self._later = Changes()
        super().__init__(app.host.clock, (*acts, *self._later.acts), PROOFS)

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Give the environment of the demo: its own directories and settings."""
        kept = {name: value for name, value in given.items() if not name.startswith("LISTBACKUP_")}
        return kept | {
            "LISTBACKUP_CONFIG_DIR": str(self._home / "config"),
            "LISTBACKUP_STATE_DIR": str(self._home / "state"),
            "LISTBACKUP_CONFIG": str(self._home / "listbackup.yaml"),
            "LISTBACKUP_VAULT": str(self._home / "vault"),
        }

    @property
    def urls(self) -> Mapping[str, str]:
        """Where the platforms are."""
        return self._urls

    def _serve(self) -> Told:
        (self._home / "listbackup.yaml").write_text("# The demo's settings; sources have files.\n")
        business = Business(self._app.host.clock, self._contacts)
        self._urls[KEAP] = self._stack.enter_context(serve(business.keap)).url
        self._urls[STRIPE] = self._stack.enter_context(serve(business.stripe)).url
        self._later.work = Work(self._app, self._reach, business)
        kinds = ("contacts", "notes", "tasks", "orders", "applied_tags")
        amounts = ", ".join(f"{len(business.tenant[one]):,} {one}" for one in kinds[:-1])
        tags = len(business.tenant["applied_tags"])
        customers = len(business.books.account["customers"])
        return Told(
            (
                "Both are sandboxes of our own that answer over HTTP as the real ones do, with "
                "their rate limits.",
                f"Keap: {amounts}, {tags:,} tags on contacts; it allows {LIMITS[KEAP]}.",
                f"Stripe: {customers:,} customers and all that belongs to them; it allows "
                f"{LIMITS[STRIPE]}.",
            )
        )

    def _init(self) -> Told:
        made = initialise(self._app, self._reach, InitWishes())
        told = (f"Vault {made.vault}.", "Without its key or kit nobody reads it, not even we.")
        return Told(told)

    def _connect_stripe(self) -> Told:
        wishes = AddWishes(
            STRIPE,
            auth="key",
            base_url=self._urls[STRIPE],
            allow_private_hosts=True,
            given=Given({"": self._write_secret("stripe", self._later.business.stripe.key)}),
        )
        browser = open_browser()
        done = add_source(self._app, self._reach, wishes, browser)
        browser.close()
        right = done.account == self._later.business.stripe.account
        return Told((*_tell_connected(done), "The key is sealed beside the vault's."), proven=right)

    def _connect_keap(self) -> Told:
        business, place = self._later.business, self._urls[KEAP]
        redirect = f"http://127.0.0.1:{find_free_port()}/connected"
        secret = self._app.host.entropy(16).hex()
        business.keap.authority.admit(Client(CLIENT, secret, (redirect,)))
        files = {
            "client_id": self._write_secret("client_id", CLIENT),
            "client_secret": self._write_secret("client_secret", secret),
        }
        wishes = AddWishes(
            KEAP,
            auth="oauth",
            base_url=f"{place}/crm",
            authorize_url=place + AUTHORIZE,
            token_url=place + TOKEN,
            allow_private_hosts=True,
            given=Given(files, redirect=redirect),
        )
        browser = open_browser()
        done = add_source(self._app, self._reach, wishes, browser)
        browser.close()
        counts = business.keap.authority.counts
        once = (counts.consents, counts.exchanges, counts.refusals) == (1, 1, 0)
        right = once and done.account == TENANT and redirect in browser.pages
        return Told(
            (
                f"The browser was sent to {browser.pages[0]}, with a state and a PKCE challenge;",
                f"the person allowed it; it came back to {redirect} with a code,",
                "which was exchanged for tokens once, with the verifier that only we knew.",
                *_tell_connected(done),
            ),
            proven=right,
        )

    def _sync(self) -> Told:
        work = self._later.work
        first = self._later.first = work.sync_all()
        self.rows = sum(one.done.rows for one in first.values())
        size = sum(one.done.bytes for one in first.values())
        return Told(tuple(first[name].tell() for name in NAMES), self.rows, size)

    def _compare(self) -> Told:
        found = {name: self._later.work.compare(name) for name in NAMES}
        lines = [tell_likeness(name, one) for name, one in found.items()]
        lines += [line for one in found.values() for line in tell_unlike(one.first)]
        records = sum(one.records for one in found.values())
        equal = all(one.equal for one in found.values())
        ways = "Not by asking again: by what stands in the sandboxes' own memory."
        return Told((*lines, ways), records, 0, equal)

    def _write_secret(self, name: str, text: str) -> Path:
        path = self._home / f"{name}.secret"
        path.touch(mode=0o600)
        path.write_text(text)
        return path


def _tell_connected(done: SourceConnected) -> tuple[str, ...]:
    streams = len(load_platform(done.source).streams)
    account = done.account + (f" ({done.title})" if done.title not in ("", done.account) else "")
    return (f"{TITLES[done.source]} let us in: account {account}, {streams} streams.",)


@contextmanager
def open_saas_demo(app: App, contacts: int = 50_000) -> Iterator[SaasDemo]:
    """Make a place for a demo; everything is gone when the block ends."""
    home = make_private_directory()
    try:
        with ExitStack() as stack:
            yield SaasDemo(app, home, stack, contacts)
    finally:
        shutil.rmtree(home, ignore_errors=True)
