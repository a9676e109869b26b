"""`count`: how many objects a store holds. Reads no object."""

from dataclasses import dataclass

from listbackup.app import App


@dataclass(frozen=True, slots=True)
class Counted:
    """A store's objects and their size in bytes; `url` bears no secret."""

    url: str
    objects: int
    bytes: int


def count_objects(app: App, url: str) -> Counted:
    """List a store. Raises UsageError, StoreError."""
    store = app.store(url, volatile=True)
    try:
        sizes = [info.size for info in store.list()]
        return Counted(store.url, len(sizes), sum(sizes))
    finally:
        store.close()
