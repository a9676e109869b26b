"""Batches on their way to the store, or found there: what of them has been put, and what journals
say of them. Knows no bytes."""

from concurrent.futures import Future
from dataclasses import dataclass

from listbackup.vault.journals import Noted, Placed
from listbackup.vault.refs import Ref


@dataclass(slots=True)
class Shipment:
    """One batch with its hashes and, where it was made, its part. `noted` where a journal names it,
    `placed` where one says up to which place the stream has been read. Of two batches that of the
    higher `order` was read later, then that of the higher number."""

    number: int
    home: str
    batch: "Future[Ref]"
    idx: "Future[Ref]"
    part: "Future[Ref] | None"
    order: int = 0
    noted: bool = False
    placed: bool = False

    def is_put(self) -> bool:
        """Tell whether all of it is in the store."""
        futures = [one for one in (self.batch, self.idx, self.part) if one is not None]
        return all(one.done() and one.exception() is None for one in futures)

    def to_note(self, stream: str) -> Noted:
        """Say it as journals do. Waits, and raises what the store raised."""
        part = self.part.result() if self.part else None
        return Noted(stream, self.batch.result(), self.idx.result(), part)

    def to_place(self) -> Placed:
        """Say it as places do. Waits, and raises what the store raised."""
        part = self.part.result() if self.part else None
        return Placed(self.batch.result(), self.idx.result(), part, self.home)


def by_order(shipment: Shipment) -> tuple[int, int]:
    """Give what shipments are sorted by."""
    return shipment.order, shipment.number


def as_put(ref: Ref) -> "Future[Ref]":
    """Give a ref as if it had just been put."""
    future: Future[Ref] = Future()
    future.set_result(ref)
    return future
