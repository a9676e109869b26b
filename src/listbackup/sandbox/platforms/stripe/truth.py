"""What a Stripe account has, stream by stream, straight from its books: whatever a reader got can
be held against it. Without requests, pages or limits.
"""

import re
from collections.abc import Callable, Iterator, Mapping

import msgspec

from listbackup.connectors.rest.models.placeholders import Text
from listbackup.connectors.rest.models.streams import Stream
from listbackup.sandbox.platforms.state import Record
from listbackup.sandbox.platforms.stripe.books import Books
from listbackup.sandbox.platforms.stripe.expanding import expand
from listbackup.sandbox.platforms.stripe.kinds import Child
from listbackup.sandbox.platforms.stripe.resources import CHILDREN, RESOURCES

_BELOW = re.compile(r"/v1/(.+)/\{parent\.id\}/(\w+)")
_PARENT = "{parent.id}"
_CHILDREN = {(child.parent, child.name): child for child in CHILDREN}
_LISTED: Mapping[str, Callable[[Books, Record], bool]] = {
    "accounts": lambda books, record: record.id != books.id,
    "tax_ids": lambda books, record: record.value["customer"] is None,
}
"""Which records a list has, of collections that hold others, too."""


def tell_records(books: Books, stream: Stream) -> Iterator[bytes] | None:
    """Give the records of a stream as JSON, as they are now; None for a stream that does not stand
    in one collection, or of which a part only is asked for."""
    path = stream.request.path.written
    below = _BELOW.fullmatch(path)
    if below is None:
        name = path.removeprefix("/v1/")
        if stream.parent or name not in RESOURCES or not RESOURCES[name].listed:
            return None
        return _tell_all(books, name, stream)
    child = _CHILDREN.get((below[1], below[2]))
    if child is None or stream.parent is None or stream.parent.where:
        return None
    return _tell_below(books, child, stream)


def _tell_all(books: Books, name: str, stream: Stream) -> Iterator[bytes]:
    paths = _read_expansions(stream.request.query)
    is_listed = _LISTED.get(name)
    for record in tuple(books.account[name].all.oldest_first()):
        if is_listed is None or is_listed(books, record):
            yield _write(books, name, record, paths, {})


def _tell_below(books: Books, child: Child, stream: Stream) -> Iterator[bytes]:
    paths = _read_expansions(stream.request.query)
    for parent in tuple(books.account[child.parent].records):
        adds = {name: text.written.replace(_PARENT, parent) for name, text in stream.adds.items()}
        for record in books.below(child, parent):
            yield _write(books, child.collection, record, paths, adds)


def _write(
    books: Books, name: str, record: Record, paths: list[str], adds: Mapping[str, str]
) -> bytes:
    shown = expand(books, books.compose(name, record.value), paths)
    return msgspec.json.encode({**adds, **shown})


def _read_expansions(query: Mapping[str, Text | tuple[Text, ...]]) -> list[str]:
    said = query.get("expand[]", ())
    texts = said if isinstance(said, tuple) else (said,)
    return [text.written.removeprefix("data.") for text in texts]
