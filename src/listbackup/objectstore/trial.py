"""The checks of a probe: each makes objects below one prefix and says what it found."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from listbackup.clock import format_time
from listbackup.errors import (
    AuthError,
    ListbackupError,
    ObjectExists,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)
from listbackup.host import Host
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.findings import Effort, Finding, Outcome
from listbackup.objectstore.passing import find_claimed, read_tag

MOST_SKEW = timedelta(hours=1)
_LOCK_LASTS = timedelta(minutes=1)


class _Failed(Exception):
    """A check found the store wanting."""


class _NotOffered(Exception):
    """The store does not say that it can do this."""


class Trial:
    """One probe under way: every check gives its detail, or raises that it failed."""

    def __init__(self, clients: list[ObjectStore], host: Host, effort: Effort, prefix: str) -> None:
        self.clients = clients
        self.store = clients[0]
        self.other = clients[-1]
        self.host = host
        self.effort = effort
        self.prefix = prefix

    def run(self) -> Iterator[Finding]:
        """Run every check, in order."""
        checks: tuple[Callable[[], str], ...] = (
            self.create_race,
            self.create_over_existing,
            self.create_after_delete,
            self.list_after_put,
            self.list_after_delete,
            self.ranges,
            self.checksums,
            self.versions,
            self.object_lock,
            self.tags,
            self.clock,
            self.durable_names,
            self.case_of_names,
        )
        for check in checks:
            try:
                outcome: Outcome = "passed"
                detail = check()
            except _NotOffered as error:
                outcome, detail = "not offered", str(error)
            except _Failed as error:
                outcome, detail = "failed", str(error)
            except AuthError:
                raise
            except ListbackupError as error:
                outcome, detail = "failed", error.message
            yield Finding(check.__name__, outcome, detail)

    def put(self, name: str, body: bytes, *, replace: bool = False) -> None:
        """Put one object and make it visible."""
        self.store.put(self.prefix + name, body, tag="temp", replace=replace)
        self.store.barrier()

    def remove(self, store: ObjectStore, key: str) -> None:
        """Take an object away; in a store with versions its newest version, leaving no marker."""
        version = None
        if store.features.versions:
            with suppress(ObjectMissing):
                version = store.head(key).version
        store.delete(key, version=version)

    def create_race(self) -> str:
        """Race creates of one key from all connections of all clients, round by round."""
        effort = self.effort
        with ThreadPoolExecutor(effort.clients * effort.connections, "listbackup-probe") as pool:
            for number in range(effort.rounds):
                self._race(pool, f"{self.prefix}race-{number:03}")
        racers = effort.clients * effort.connections
        return f"{effort.rounds} races of {racers} creates had one winner each"

    def _race(self, pool: ThreadPoolExecutor, key: str) -> None:
        racers = self.effort.clients * self.effort.connections
        start = threading.Barrier(racers)

        def create(number: int) -> bool | None:
            store = self.clients[number % len(self.clients)]
            start.wait()
            try:
                store.put(key, _racer_body(number), tag="temp")
                store.barrier()
            except ObjectExists:
                return False
            except StoreUnavailable:
                return None
            return True

        answers = list(pool.map(create, range(racers)))
        stored = {client.get(key) for client in self.clients}
        if len(stored) != 1:
            raise _Failed("clients read different bytes of one object")
        body = stored.pop()
        winners = [number for number, answer in enumerate(answers) if answer]
        unclear = [number for number, answer in enumerate(answers) if answer is None]
        if not winners:
            winners = [number for number in unclear if _racer_body(number) == body]
        if len(winners) != 1:
            raise _Failed(f"{len(winners)} of {racers} racing creates were told that they won")
        if _racer_body(winners[0]) != body:
            raise _Failed("the stored bytes are not the winner's")

    def create_over_existing(self) -> str:
        """Create over an object that is there."""
        self.put("over", b"first")
        for store in (self.store, self.other):
            try:
                store.put(f"{self.prefix}over", b"second", tag="temp")
                store.barrier()
            except ObjectExists:
                pass
            else:
                raise _Failed("a create over an existing object was not refused")
            if self.store.get(f"{self.prefix}over") != b"first":
                raise _Failed("a refused create changed the object")
        return "refused, and the bytes are unchanged"

    def create_after_delete(self) -> str:
        """Create an object that was there and is deleted."""
        self.put("again", b"first")
        self.remove(self.store, f"{self.prefix}again")
        with suppress(ObjectMissing):
            self.other.get(f"{self.prefix}again")
            raise _Failed("a deleted object is still read")
        self.put("again", b"second")
        if self.other.get(f"{self.prefix}again") != b"second":
            raise _Failed("the new object has other bytes")
        return "a deleted name can be created again"

    def list_after_put(self) -> str:
        """List right after puts, from every client."""
        keys = [f"{self.prefix}list/{number}" for number in range(5)]
        for key in keys:
            self.store.put(key, b"1", tag="temp")
        self.store.barrier()
        for client in self.clients:
            found = [info.key for info in client.list(f"{self.prefix}list/")]
            if found != keys:
                raise _Failed(f"{len(found)} of {len(keys)} new objects were listed, in order")
        return "new objects are listed at once"

    def list_after_delete(self) -> str:
        """List right after a delete, from another client."""
        key = f"{self.prefix}gone/1"
        self.put("gone/1", b"1")
        self.remove(self.store, key)
        if any(info.key == key for info in self.other.list(f"{self.prefix}gone/")):
            raise _Failed("a deleted object is still listed")
        return "deleted objects are not listed"

    def ranges(self) -> str:
        """Read parts of an object."""
        body = bytes(range(256)) * 16
        self.put("range", body)
        for start, length in ((0, 1), (100, 1000), (4000, None), (4090, 100), (4096, 5)):
            stop = None if length is None else start + length
            if (
                self.store.get(f"{self.prefix}range", start=start, length=length)
                != body[start:stop]
            ):
                raise _Failed(f"the range of {length} bytes from {start} is wrong")
        return "ranges are exact"

    def checksums(self) -> str:
        """Put bytes with a checksum that is not theirs."""
        store = find_claimed(self.store)
        if store is None or not self.store.features.checksums:
            raise _NotOffered("the store takes no checksums with an object")
        wrong = hashlib.sha256(b"other bytes").digest()
        try:
            store.put_claiming(f"{self.prefix}wrong", b"bytes", tag="temp", sha256=wrong)
        except StoreError as error:
            if error.retryable:
                raise
        else:
            raise _Failed("an object with a wrong checksum was accepted")
        right = hashlib.sha256(b"bytes").digest()
        store.put_claiming(f"{self.prefix}right", b"bytes", tag="temp", sha256=right)
        return "an object with a wrong checksum is refused"

    def versions(self) -> str:
        """Read what was overwritten."""
        if not self.store.features.versions:
            raise _NotOffered("the store keeps no versions")
        key = f"{self.prefix}version"
        self.put("version", b"first")
        old = self.store.head(key).version
        self.put("version", b"second", replace=True)
        if old is None or self.store.get(key, version=old) != b"first":
            raise _Failed("an overwritten version cannot be read")
        return "overwritten versions are kept"

    def object_lock(self) -> str:
        """Delete a version that is locked."""
        if not self.store.features.object_lock:
            raise _NotOffered("the store has no object lock")
        key = f"{self.prefix}locked"
        until = self.store.now().replace(microsecond=0) + _LOCK_LASTS
        self.store.put(key, b"locked", tag="temp", retain_until=until)
        found = self.store.head(key)
        if found.retain_until != until:
            raise _Failed("the store does not tell until when it keeps a locked object")
        try:
            self.store.delete(key, version=found.version)
        except StoreUnavailable:
            raise
        except ListbackupError:
            pass
        if self.store.get(key, version=found.version) != b"locked":
            raise _Failed("a locked object has other bytes")
        return f"a locked version is not deleted; {key} stays until {format_time(until)}"

    def tags(self) -> str:
        """Read a tag back."""
        if not self.store.features.tags:
            raise _NotOffered("the store keeps no tags; lifecycle rules cannot tell kinds apart")
        self.put("tag", b"1")
        if read_tag(self.store, f"{self.prefix}tag") != "temp":
            raise _Failed("the tag of an object was lost")
        return "tags are kept"

    def clock(self) -> str:
        """Compare the store's clock with its stamps and with this machine's."""
        before = self.store.now()
        self.put("clock", b"1")
        modified = self.store.head(f"{self.prefix}clock").modified
        after = self.store.now()
        skew = after - self.host.clock.now()
        slack = timedelta(seconds=5)
        if not before - slack <= modified <= after + slack:
            raise _Failed("Last-Modified of a fresh object is not the store's own time")
        if abs(skew) > MOST_SKEW:
            raise _Failed(f"the store's clock is {skew.total_seconds():+.0f} s from this machine's")
        return f"the store's clock is {skew.total_seconds():+.1f} s from this machine's"

    def durable_names(self) -> str:
        """Tell whether directories can be synced."""
        if not self.store.features.durable_names:
            raise _NotOffered(
                "durability of names is not proven here: directories cannot be synced"
            )
        return "names are made durable"

    def case_of_names(self) -> str:
        """Tell whether names that differ in case are two."""
        self.put("Case", b"1")
        with suppress(ObjectMissing):
            self.store.head(f"{self.prefix}case")
            raise _NotOffered("names that differ only in case are the same here")
        return "names that differ only in case are kept apart"


def _racer_body(number: int) -> bytes:
    return b"%04d" % number * 256
