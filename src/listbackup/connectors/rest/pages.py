"""Pages: records cut out of them byte for byte, their keys, and what else a page says.

A record that is no object, lacks its key or is too large is set aside; a page that is no JSON is
a page that did not come. Sends nothing.
"""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from listbackup.connectors.rest.failures import find_failure
from listbackup.connectors.rest.notes import Notes
from listbackup.connectors.rest.shapes import LIST, Shape
from listbackup.connectors.rest.signs import find_more, find_total
from listbackup.connectors.rest.transport import Response
from listbackup.errors import IntegrityError, SourceError
from listbackup.records.cutting import cut_lines, find_fields, is_utf8
from listbackup.records.recordlines import Lines, join_lines, key_joined, read_keys

LARGEST_RECORD = 16 * 2**20
FEW = 4
_ACCEPTED = 202
_PART = 206
Path = tuple[str, ...]
_Cut = tuple[bytes, Sequence[bytes], Sequence[bytes], bytes]
"""What a page says without its records, these, their keys, and they as lines."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one response had: its body and headers, the records with their keys, and as lines; the
    keys of records that cannot be kept with the reason, and the reasons of those without a key.
    `rest` is the body without the records, where they could be taken out of it, else all of it;
    empty where the platform said that there is nothing. `doubt`: what speaks against the
    description."""

    rest: bytes
    headers: Mapping[str, str]
    records: Sequence[bytes] = ()
    keys: Sequence[bytes] = ()
    chunk: bytes = b""
    aside: Mapping[bytes, str] = field(default_factory=dict)
    lacking: Sequence[str] = ()
    doubt: str = ""

    @property
    def whole(self) -> bool:
        """Whether every record can be kept."""
        return not (self.aside or self.lacking)

    @property
    def came(self) -> int:
        """How many records it had, those too that cannot be kept."""
        return len(self.keys) + len(self.aside) + len(self.lacking)

    def note(self, notes: Notes) -> None:
        """Note what cannot be kept."""
        if self.doubt:
            notes.doubt(self.doubt)
        for key, reason in self.aside.items():
            notes.set_aside(key, reason)
        for reason in self.lacking:
            notes.lack(1, reason)


@dataclass(frozen=True, slots=True)
class Cutter:
    """How records stand in the pages of one list: where they are, which fields make the key, and
    what is written in front of each (`adds`, without braces: `"contact_id":17`). `heeds`: a page
    that says that something failed is no page, and one that says that it is a part is in doubt."""

    records: Path
    key: tuple[str, ...]
    adds: bytes = b""
    shape: Shape = LIST
    heeds: bool = True

    def cut(self, response: Response) -> Page:
        """Cut a page. Raises SourceError where it is no page."""
        body = response.body
        if response.nothing:
            return Page(b"", response.headers)
        try:
            rest, records, keys, chunk = self._cut_even(body) or self._cut_any(body)
            if not keys and self.heeds and response.status == _ACCEPTED:
                raise _Failed("The platform answered that the list is not ready yet (202)")
        except (SourceError, IntegrityError) as error:
            return self._sort_out(response, error)
        doubt = _find_twins(keys, records) if len(set(keys)) < len(keys) else ""
        if response.status == _PART and self.heeds and not _goes_on(rest, response.headers):
            doubt = doubt or "the platform answered that this is a part (206)"
        return Page(rest, response.headers, records, keys, chunk, doubt=doubt)

    def _cut_even(self, body: bytes) -> _Cut | None:
        """Cut a page as most are, records in an array and none broken over lines, without making
        each record: the bytes of a page are what reading costs. None for any other page."""
        if self.shape.kind != "list" or self.adds or len(body) > LARGEST_RECORD:
            return None
        found = cut_lines(body, self.records)
        if found is None:
            return None
        count, chunk = found
        try:
            keys = key_joined(chunk, count, self.key)
        except IntegrityError:
            return None
        lines, rest = Lines(chunk, count), None
        if count >= FEW:
            rest = leave_out(body, lines.name_ends(), len(chunk) - count, count)
        rest = rest or blank(body, self.records)
        self._heed(rest, count)
        return rest, lines, keys, chunk

    def _cut_any(self, body: bytes) -> _Cut:
        records = self.shape.cut(body, self.records)
        if len(body) > LARGEST_RECORD and any(len(one) > LARGEST_RECORD for one in records):
            raise SourceError("A record is too large.")
        rest = None
        if len(records) >= FEW and self.shape.kind == "list":
            ends = (records[0], records[1], records[-1])
            rest = leave_out(body, ends, sum(map(len, records)), len(records))
        if rest is None:
            rest = blank(body, self.records) if records else body
        self._heed(rest, len(records))
        records = self._add(records)
        chunk = join_lines(records)
        return rest, records, key_joined(chunk, len(records), self.key), chunk

    def _heed(self, rest: bytes, count: int) -> None:
        if not (self.heeds and self.records):
            return
        sign = find_failure(rest)
        if sign:
            raise _Failed(f"The answer says that something failed ({sign})")
        sign = find_failure(rest, bare=True) if not count else ""
        if sign:
            raise _Failed(f"The answer has no records, and does not say that all is well ({sign})")

    def _add(self, records: list[bytes]) -> list[bytes]:
        if not self.adds:
            return records
        front = b"{" + self.adds
        return [
            front + b"}" if one[1:].lstrip().startswith(b"}") else front + b"," + one[1:]
            for one in records
        ]

    def _sort_out(self, response: Response, error: SourceError | IntegrityError) -> Page:
        """Take the records that can be kept one by one, and set the others aside."""
        values = None if isinstance(error, _Failed) else cut_values(response.body, self.records)
        if values is None:
            raise SourceError(_say_what_came(response, error)) from error
        records: list[bytes] = []
        keys: list[bytes] = []
        aside: dict[bytes, str] = {}
        lacking: list[str] = []
        for value in values:
            if not value.startswith(b"{"):
                lacking.append("it is no JSON object")
                continue
            (record,) = self._add([value])
            try:
                (key,) = read_keys([record], self.key)
            except IntegrityError:
                known = is_utf8(record)
                lacking.append(self._why() if known else "it is no text in UTF-8")
                continue
            if len(record) > LARGEST_RECORD:
                aside[key] = f"it is larger than {LARGEST_RECORD >> 20} MiB"
                continue
            records.append(record)
            keys.append(key)
        chunk = join_lines(records)
        return Page(response.body, response.headers, records, keys, chunk, aside, lacking)

    def _why(self) -> str:
        return f"it has no key ({', '.join(self.key)}), or is not valid JSON"


class _Failed(SourceError):
    """A page that says that it is none."""


def _find_twins(keys: Sequence[bytes], records: Sequence[bytes]) -> str:
    """Say where two different records of one answer have the same key."""
    known: dict[bytes, bytes] = {}
    for key, record in zip(keys, records, strict=True):
        if known.setdefault(key, record) != record:
            return "different records of one page have the same key: `key` needs more fields"
    return ""


def cut_values(body: bytes, path: Path) -> list[bytes] | None:
    """Cut an array's values out of a page, whatever they are; None where there is no array."""
    value: Any = msgspec.Raw(body.removeprefix(codecs.BOM_UTF8))
    try:
        for step in path:
            value = msgspec.json.decode(value, type=dict[str, msgspec.Raw])[step]
        return [bytes(one) for one in msgspec.json.decode(value, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, KeyError, RecursionError, UnicodeDecodeError):
        return None


def leave_out(body: bytes, ends: tuple[bytes, bytes, bytes], size: int, count: int) -> bytes | None:
    """Give a page without its records, so that what else it says is quickly found; None where
    they do not stand in it evenly. `ends` are the first two and the last of so many records
    of so many bytes together."""
    first, second, last = ends
    start = _find(body, first, 0)
    gap = _find(body, second, start + len(first)) - start - len(first)
    end = start + size + gap * (count - 1)
    if gap < 1 or body[end - len(last) : end] != last:
        return None
    rest = body[:start] + body[end:]
    return rest if _is_object(rest) else None


def blank(body: bytes, path: Path) -> bytes:
    """Give a page with null in the place of its records; an empty object where they are all of
    it, and the page as it is where nothing is found at the path."""
    try:
        return _blank(body.removeprefix(codecs.BOM_UTF8), path) if path else b"{}"
    except (msgspec.DecodeError, KeyError, RecursionError, UnicodeDecodeError):
        return body


def _blank(value: bytes, path: Path) -> bytes:
    if not path:
        return b"null"
    fields = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    fields[path[0]] = msgspec.Raw(_blank(bytes(fields[path[0]]), path[1:]))
    return msgspec.json.encode(fields)


def _goes_on(rest: bytes, headers: Mapping[str, str]) -> bool:
    """Whether a part of a list says how it goes on, or how many there are."""
    ranged = "content-range" in headers or "next-range" in headers
    return ranged or bool(find_more(rest, headers)) or find_total(rest, headers) is not None


def _find(body: bytes, record: bytes, start: int) -> int:
    """Find a record, at first by its beginning: a long one takes long to be looked for."""
    place = body.find(record[:16], start)
    return place if body.startswith(record, place) else body.find(record, start)


def _is_object(text: bytes) -> bool:
    try:
        msgspec.json.decode(text.removeprefix(codecs.BOM_UTF8), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def look(page: Page, path: Path) -> Any:
    """Give what a page says at a path; None where it says nothing there. Raises SourceError."""
    body = page.rest.removeprefix(codecs.BOM_UTF8)
    if not path or not body.lstrip().startswith(b"{"):
        return None
    return find_fields([body], [".".join(path)])[0][0]


def field_of(record: bytes, path: Path) -> Any:
    """Give a field of a record, decoded; None where it is not there."""
    return find_fields([record], [".".join(path)])[0][0]


def fields_of(records: Sequence[bytes], path: Path) -> list[Any]:
    """Give a field of each record, decoded."""
    return [value for (value,) in find_fields(records, [".".join(path)])]


def _say_what_came(response: Response, error: SourceError | IntegrityError) -> str:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    start = response.body[:200].lstrip().lower()
    if kind in ("text/html", "application/xhtml+xml") or start.startswith((b"<!doctype", b"<html")):
        return "The platform answered with a web page instead of data."
    return error.message
