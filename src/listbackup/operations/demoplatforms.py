"""What the demo of platforms stands on: a business whose platforms are served, the browser of the
person who consents, syncs whose requests are counted, and proofs.

By the same operations that everybody calls; only proofs look into the platforms' own state.
"""

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from listbackup.app import App, Reach
from listbackup.connectors.rest.loading import load_platform
from listbackup.errors import AuthError, FailedError
from listbackup.operations.backups import BackedUp, Manner
from listbackup.operations.likeness import Likeness, Unlike, compare_with_state
from listbackup.operations.rounds import RoundWishes, back_up_all, back_up_named
from listbackup.sandbox.platforms.business import TENANT, Business

KEAP, STRIPE = "keap", "stripe"
NAMES = (KEAP, STRIPE)
LIMITS = {KEAP: "25 requests a second, 1,500 a minute", STRIPE: "100 requests a second"}
TITLES = {KEAP: "Keap", STRIPE: "Stripe"}
_SECONDS = 30.0
_TICKET = re.compile(r'name="ticket" value="([^"]+)"')
_ACTION = re.compile(r'action="([^"]+)"')


@dataclass(slots=True)
class Browser:
    """The browser of a person who consents to everything that is shown. `pages` are the addresses
    where it was, without their queries."""

    account: str
    pages: list[str] = field(default_factory=list)
    _work: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _visits: list[Future[None]] = field(default_factory=list)

    @property
    def there(self) -> bool:
        """Nobody answers questions; secrets lie in files."""
        return False

    def ask(self, title: str, hint: str, *, secret: bool) -> str:
        """Say nothing."""
        return ""

    def choose(self, title: str, ways: Sequence[str]) -> int:
        """Take the first."""
        return 0

    def paste(self, url: str) -> str:
        """Say nothing: it comes back by itself."""
        return ""

    def show(self, url: str) -> None:
        """Open a URL, while whoever asks for it waits for the answer."""
        self._visits.append(self._work.submit(self._consent, url))

    def close(self) -> None:
        """Wait for what was opened. Raises AuthError where a page was not as it should be."""
        self._work.shutdown()
        for visit in self._visits:
            visit.result()

    def _consent(self, url: str) -> None:
        page = self._open(url, None)
        ticket, action = _TICKET.search(page), _ACTION.search(page)
        if ticket is None or action is None:
            raise AuthError("The page of consent has no form.")
        form = {"ticket": ticket[1], "decision": "approve", "account": self.account}
        there = urllib.parse.urljoin(url, action[1])
        self._open(there, urllib.parse.urlencode(form).encode())

    def _open(self, url: str, form: bytes | None) -> str:
        self.pages.append(url.partition("?")[0])
        try:
            with urllib.request.urlopen(url, form, timeout=_SECONDS) as answer:
                self.pages.append(str(answer.url).partition("?")[0])
                return str(answer.read().decode())
        except (urllib.error.URLError, TimeoutError) as error:
            raise AuthError(f"The browser could not open {self.pages[-1]}: {error}.") from error


@dataclass(frozen=True, slots=True)
class Synced:
    """One sync of one platform, and with how many requests."""

    done: BackedUp
    requests: int

    def tell(self) -> str:
        """Say what came of it."""
        done = self.done
        gone = f", {done.gone_rows:,} gone" if done.gone_rows else ""
        return (
            f"{TITLES[done.source]}: {self.requests:,} requests; {done.rows:,} records in "
            f"{done.streams} streams, {done.new_rows:,} new or changed{gone}; {done.status}."
        )


@dataclass(slots=True)
class Work:
    """The business, and how it is backed up."""

    app: App
    reach: Reach
    business: Business

    def count_requests(self) -> Mapping[str, int]:
        """Say how many requests each platform has answered so far."""
        return {KEAP: self.business.keap.answered, STRIPE: self.business.stripe.answered}

    def sync_all(self) -> dict[str, Synced]:
        """Back up both at once. Raises FailedError where one is not complete."""
        before, heard = self.count_requests(), dict[str, BackedUp]()

        def hear(done: BackedUp) -> None:
            heard[done.source] = done

        ended = back_up_all(self.app, self.reach, RoundWishes(parallel=len(NAMES)), hear)
        for one in ended.sources:
            if one.exit_code:
                raise FailedError(f"{one.source} is {one.status}: {one.message}", hint=one.hint)
        after = self.count_requests()
        return {name: Synced(heard[name], after[name] - before[name]) for name in NAMES}

    def sweep(self, name: str) -> Synced:
        """Back up one and list everything. Raises whatever a backup raises."""
        before = self.count_requests()[name]
        wishes = RoundWishes(manner=Manner(full=True))
        done = back_up_named(self.app, self.reach, name, wishes)
        return Synced(done, self.count_requests()[name] - before)

    def compare(self, name: str, *streams: str) -> Likeness:
        """Hold the newest snapshot of a platform against its state; streams: these alone."""
        platform = load_platform(name)
        return compare_with_state(
            self.app,
            self.reach,
            f"{name}:latest",
            platform,
            lambda stream: self.business.tell(name, stream),
            streams,
        )


def tell_likeness(name: str, found: Likeness) -> str:
    """Say what a comparison found."""
    verdict = "EQUAL" if found.equal else f"{found.different:,} NOT EQUAL"
    left = f" ({len(found.untold)} short lists are not told by it)" if found.untold else ""
    streams = f"{found.streams} streams" if found.streams != 1 else "a stream"
    return f"{TITLES[name]}: {found.records:,} records in {streams}{left}: {verdict}."


def tell_unlike(first: Sequence[Unlike]) -> list[str]:
    """Say of each record why it is not equal."""
    return [
        f"Found: {one.stream} {one.key}: "
        + (f"{', '.join(one.fields)} differs." if one.fields else "on one side alone.")
        for one in first
    ]


def open_browser() -> Browser:
    """Give a browser whose person has an account at the platform."""
    return Browser(TENANT)
