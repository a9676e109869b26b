"""Ledgers: hash-chained, numbered, signed entries, each one object that is never replaced.

An entry is an envelope whose payload is `{kind, number, prev, time, nonce, vault, account, source,
...}`; `prev` is the digest of the whole previous file. The head is found by asking, never by
trusting a listing. `load` reads what is there and says what is wrong with it; `append` writes the
next entry so that of any number of racing writers exactly one wins.

Knows how entries hang together, not what the kinds mean (`accounts`, `sources`) nor what is
remembered outside (`witness`).
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from listbackup.clock import format_time, parse_time
from listbackup.crypto.signing import Envelope, SigningKey, read_envelope, write_envelope
from listbackup.errors import (
    IntegrityError,
    ObjectExists,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)
from listbackup.host import Host
from listbackup.objectstore import ObjectStore
from listbackup.vault import layout
from listbackup.vault.documents import Fields, parse_document, write_document
from listbackup.vault.refs import digest

ENTRY_TYPE = "listbackup/ledger/1"
_ATTEMPTS = 12
_AT_ONCE = 16
_MOST_GAP = 4096
_NEAR = 0.003
_MOST_ENTRY = 64 * 1024 * 1024
"""What is longer is cut when it is read, and so damaged."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as read: parsed, bound to its ledger and number; its signature is judged later."""

    number: int
    digest: str
    kind: str
    prev: str | None
    time: datetime
    fields: Fields
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one entry of a ledger."""

    key: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a ledger that somebody remembers."""

    number: int
    digest: str


@dataclass(slots=True)
class Loaded:
    """What was read of a ledger, newest first by number; `head` counts damaged entries too."""

    head: int
    entries: dict[int, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def newest(self) -> Entry | None:
        """Give the head entry if it is sound."""
        return self.entries.get(self.head)


class Ledger:
    """One ledger in a store: an account's (source None) or a source's.

    `exclusive` is the same store without retries: whether an entry's put happened is decided
    here, by asking for the entry, and by nothing in between.
    """

    def __init__(
        self,
        store: ObjectStore,
        exclusive: ObjectStore,
        host: Host,
        vault: str,
        account: str,
        source: str | None = None,
    ) -> None:
        self.store = store
        self.exclusive = exclusive
        self.host = host
        self.vault = vault
        self.account = account
        self.source = source
        self.prefix = (
            layout.account_prefix(account)
            if source is None
            else layout.source_prefix(account, source)
        )

    @property
    def name(self) -> str:
        """The name by which witnesses and kits call it."""
        return self.account if self.source is None else f"{self.account}/{self.source}"

    def key(self, number: int) -> str:
        """Give the logical key of an entry."""
        return layout.ledger_key(self.prefix, number)

    def fetch(self, number: int) -> Entry | None:
        """Read one entry; None where there is none. Raises IntegrityError when it is damaged."""
        try:
            raw = self.store.get(layout.place(self.key(number)), length=_MOST_ENTRY)
        except ObjectMissing:
            return None
        return self._parse(number, raw)

    def find_head(self, known: int) -> int:
        """Find the last number: known + 1, 2, 4, ... then halving. `known` is 0 or exists."""
        low, step = known, 1
        while self._exists(known + step):
            low, step = known + step, step * 2
        high = known + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._exists(middle) else (low, middle)
        return low

    def list_numbers(self) -> list[int]:
        """Give the numbers that a listing shows: a hint, never a proof."""
        numbers = []
        for info in self.store.list(layout.place(self.prefix + "ledger/")):
            name = info.key.rpartition("/")[2].removesuffix(".json")
            if name.isdecimal():
                numbers.append(int(name))
        return numbers

    def load(self, mark: Mark | None, enough: Callable[[Entry], bool], *, listed: bool) -> Loaded:
        """Read from the head back to the first entry that is `enough`, and at least to the mark.

        With `listed` (first contact, check) a listing may show entries beyond a gap.
        """
        known = mark.number if mark is not None and self._exists(mark.number) else 0
        head = self.find_head(known)
        top = max([head, *self.list_numbers()]) if listed else head
        loaded = Loaded(top)
        if top - head > _MOST_GAP:
            message = f"The ledger entries {head + 1} to {top - 1} of {self.name} are lost."
            loaded.problems.append(Problem(self.key(top), top, message))
        else:
            head = top
        floor = min(mark.number, head) if mark is not None else head
        number, satisfied = head, head == 0
        while number >= 1 and not (satisfied and number < floor):
            for one in self._fetch_many(range(number, max(0, number - _AT_ONCE), -1), loaded):
                self._take(one, loaded)
                satisfied = satisfied or enough(one)
            number -= _AT_ONCE
        return loaded

    def append(
        self,
        kind: str,
        body: Callable[[int], dict[str, Any]],
        signer: SigningKey,
        base: Mark | None,
        judge: Callable[[Entry], None],
        now: datetime,
    ) -> Entry:
        """Write the next entry after `base`, or after what came since then and `judge` lets pass
        (it raises to give up). Whatever a put answers, the entry itself is asked; an entry is put
        again with the same bytes, so that one that arrives late is known as our own.

        `body` gives the fields of an entry that will have that number. Raises what `judge`
        raises, IntegrityError, StoreError.
        """
        head = base or Mark(0, "")
        tried: dict[int, bytes] = {}
        for attempt in range(_ATTEMPTS):
            head = self._follow(head, judge, tried)
            number = head.number + 1
            if number not in tried:
                payload = self._payload(kind, number, head, now) | body(number)
                tried[number] = write_envelope(ENTRY_TYPE, write_document(payload), signer)
            raw = tried[number]
            outcome = self._settle(number, raw)
            if outcome == raw:
                return self._parse(number, raw)
            if outcome is None:
                self.host.clock.sleep(min(5.0, 0.05 * 2**attempt))
        raise StoreUnavailable(
            f"The store gave no clear answer for {self.key(head.number + 1)}.",
            subject=self.name,
            hint="Run the command again when the store is well; what was committed will be found.",
        )

    def _follow(
        self, head: Mark, judge: Callable[[Entry], None], tried: Mapping[int, bytes]
    ) -> Mark:
        while (entry := self.fetch(head.number + 1)) is not None:
            ours = tried.get(entry.number)
            if ours is not None and entry.digest == digest(ours):
                return head
            if entry.prev != (head.digest or None):
                raise IntegrityError(
                    f"The ledger of {self.name} is forked at number {entry.number}.",
                    subject=self.key(entry.number),
                )
            judge(entry)
            head = Mark(entry.number, entry.digest)
        return head

    def _settle(self, number: int, raw: bytes) -> bytes | None:
        place = layout.place(self.key(number))
        try:
            self.exclusive.put(place, raw, tag="meta")
            self.exclusive.barrier()
        except (ObjectExists, StoreUnavailable):
            return self._stored(place)
        except StoreError:
            if self._stored(place) != raw:
                raise
            # It is there; only a barrier that returns says that it will still be there tomorrow.
            self.exclusive.barrier()
        return raw

    def _stored(self, place: str) -> bytes | None:
        try:
            return self.store.get(place)
        except ObjectMissing:
            return None

    def _payload(self, kind: str, number: int, head: Mark, now: datetime) -> dict[str, Any]:
        return {
            "kind": kind,
            "number": number,
            "prev": head.digest or None,
            "time": format_time(now),
            "nonce": self.host.entropy(16).hex(),
            "vault": self.vault,
            "account": self.account,
            "source": self.source,
        }

    def _parse(self, number: int, raw: bytes) -> Entry:
        key = self.key(number)
        envelope = read_envelope(raw, ENTRY_TYPE)
        fields = parse_document(envelope.payload, f"The ledger entry {key}")
        bound = (
            fields.number("number") == number
            and fields.text("vault") == self.vault
            and fields.text("account") == self.account
            and fields.optional_text("source") == self.source
        )
        if not bound:
            raise IntegrityError(f"The ledger entry {key} belongs elsewhere.", subject=key)
        try:
            time = parse_time(fields.text("time"))
        except ValueError as error:
            raise IntegrityError(f"The ledger entry {key} has no time.", subject=key) from error
        prev = fields.optional_text("prev")
        return Entry(number, digest(raw), fields.text("kind"), prev, time, fields, envelope)

    def _exists(self, number: int) -> bool:
        try:
            self.store.head(layout.place(self.key(number)))
        except ObjectMissing:
            return False
        return True

    def _fetch_many(self, numbers: Sequence[int], loaded: Loaded) -> list[Entry]:
        clock = self.host.clock
        began = clock.monotonic()
        outcomes = [self._fetch_or_problem(numbers[0])]
        if clock.monotonic() - began < _NEAR:  # starting threads would take longer than asking
            outcomes += map(self._fetch_or_problem, numbers[1:])
        else:
            with ThreadPoolExecutor(min(8, len(numbers))) as pool:
                outcomes += pool.map(self._fetch_or_problem, numbers[1:])
        loaded.problems.extend(one for one in outcomes if isinstance(one, Problem))
        return [one for one in outcomes if isinstance(one, Entry)]

    def _fetch_or_problem(self, number: int) -> Entry | Problem:
        try:
            entry = self.fetch(number)
        except IntegrityError as error:
            return Problem(self.key(number), number, error.message)
        if entry is None:
            return Problem(
                self.key(number), number, f"The ledger entry {self.key(number)} is lost."
            )
        return entry

    def _take(self, entry: Entry, loaded: Loaded) -> None:
        successor = loaded.entries.get(entry.number + 1)
        if successor is not None and successor.prev != entry.digest:
            message = (
                f"The ledger entry {self.key(entry.number)} is not the one that its successor "
                "names: it was replaced."
            )
            loaded.problems.append(Problem(self.key(entry.number), entry.number, message))
            return
        if entry.number == 1 and entry.prev is not None:
            message = f"The ledger entry {self.key(1)} names a predecessor."
            loaded.problems.append(Problem(self.key(1), 1, message))
            return
        loaded.entries[entry.number] = entry
