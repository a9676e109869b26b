"""What a page says besides its records, whether its description names it or not: that something
failed, that there is more, how many there are.

A description may be mistaken. A list whose pages go on where the description sees their end must
not end quietly; so the usual names are looked for. Knows no paging.
"""

import codecs
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

Json = Any

DEEPEST = 3
_FIELDS = re.compile(
    rb'"(?:errors?|exception|fault|faults|success|succeeded|ok|status|error_?message|is_?success'
    rb'|status_?code|result|incomplete_?results|timed_?out)"\s*:',
    re.IGNORECASE,
)
_TROUBLE = frozenset({"error", "errors", "exception", "fault", "faults", "errormessage"})
_FLAGS = frozenset({"success", "succeeded", "ok", "issuccess"})
_PARTIAL = frozenset({"incompleteresults", "timedout"})
_STATES = frozenset({"status", "statuscode", "result"})
_FAILED = frozenset({"error", "errors", "fail", "failed", "failure", "false"})
_FINE = frozenset({"", "0", "none", "null", "false", "no", "ok", "success", "no error"})
_MORE = frozenset(
    {"hasmore", "more", "hasnext", "hasnextpage", "morerecords", "moreresults", "moreitems"}
    | {"moreavailable", "hasmoreitems", "hasmorerecords", "hasmoreresults", "nextpageexists"}
    | {"istruncated"}
)
_LAST = frozenset({"islast", "islastpage", "done"})
_LINKS = frozenset({"links", "link"})
_YES = frozenset({"true", "1", "yes"})
_NO = frozenset({"false", "0", "no"})
_NEXT = frozenset(
    {"next", "nextpage", "nexturl", "nextpageurl", "nextlink", "nextcursor", "nextpagetoken"}
    | {"nexttoken", "nextpagecursor", "nextpagelink", "odatanextlink", "continuation"}
    | {"continuationtoken", "nextoffset", "nextpagekey", "nextkey", "nextrecordsurl", "nextstart"}
)
_TOTALS = frozenset(
    {"total", "totalcount", "totalresults", "totalrecords", "totalitems", "totalhits"}
    | {"totalelements", "totalentries", "totalsize", "recordcount", "numresults", "odatacount"}
)
_PAGE = frozenset({"page", "currentpage", "pagenumber", "pageno", "pageindex", "pagenum", "xpage"})
_PAGES = frozenset(
    {"totalpages", "lastpage", "pagecount", "pagescount", "numpages", "numberofpages", "pages"}
    | {"maxpage", "xtotalpages", "xwptotalpages"}
)
_PAGE_HEADERS = ("x-page", "x-total-pages", "x-wp-totalpages")
_HEADERS = ("x-total-count", "x-total", "x-wp-total", "total-count", "x-pagination-total-count")
_COUNT = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"(?:[a-z]+[ =])?[0-9]+-[0-9]+/([0-9]{1,18})", re.IGNORECASE)
_REL = re.compile(r";\s*rel\s*=\s*\"?[^\",;]*\bnext\b", re.IGNORECASE)


def find_failure(rest: bytes) -> str:
    """Name what says that an answer is none although its status is: `error`, `success: false` and
    the like, at its top; empty where nothing does."""
    if _FIELDS.search(rest) is None:
        return ""
    for name, value in _read(rest).items():
        plain = _plain(name)
        if plain in _TROUBLE and _is_something(value):
            return name
        if plain in _FLAGS and (value is False or str(value).lower() in ("false", "0")):
            return name
        if plain in _PARTIAL and value is True:
            return name
        if plain in _STATES and (_is_failed(value, codes=plain != "result")):
            return name
    return ""


def find_more(rest: bytes, headers: Mapping[str, str], known: Collection[str] = ()) -> str:
    """Name what says that there is more after a page; empty where nothing does, or where the page
    says plainly that there is no more. `known` are names that were looked at already."""
    if _REL.search(headers.get("link", "")) and "link" not in known:
        return "Link"
    skipped = {_plain(one) for one in known}
    after = headers.get("x-next-page", "").strip()
    found = "X-Next-Page" if _leads_on(after) and "xnextpage" not in skipped else ""
    for name, value in _walk(_read(rest), DEEPEST):
        plain = _plain(name)
        if plain in skipped:
            continue
        said = _read_flag(value)
        if plain in _MORE and said is not None:
            if not said:
                return ""
            found = found or name
        if (plain in _LAST and said is False) or (plain == "last" and value is False):
            found = found or name
        if plain in _NEXT and _leads_on(value):
            found = found or name
    return found


def find_total(rest: bytes, headers: Mapping[str, str]) -> tuple[str, int] | None:
    """Give what a page says of how many records there are, and where; None where it does not."""
    for name in _HEADERS:
        if _COUNT.fullmatch(headers.get(name, "").strip()):
            return name, int(headers[name])
    whole = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if whole:
        return "Content-Range", int(whole[1])
    for name, value in _walk(_read(rest), DEEPEST):
        if _plain(name) not in _TOTALS:
            continue
        if isinstance(value, Mapping):
            value = value.get("value")
        count = _read_count(value)
        if count is not None:
            return name, count
    return None


def find_page(rest: bytes, headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Give which page a page says that it is, and of how many; None for what it does not say."""
    told = [(name, headers.get(name, "")) for name in _PAGE_HEADERS]
    page = pages = None
    for name, value in (*told, *_walk(_read(rest), DEEPEST)):
        plain, number = _plain(name), _read_count(value)
        if plain in _PAGE and page is None:
            page = number
        if plain in _PAGES and pages is None:
            pages = number
    return page, pages


def _read_count(value: Json) -> int | None:
    if isinstance(value, str) and _COUNT.fullmatch(value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read(rest: bytes) -> Mapping[str, Json]:
    """Read the fields of a page; arrays are not looked into."""
    body = rest.removeprefix(codecs.BOM_UTF8).strip()
    if not body.startswith(b"{"):
        return {}
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    return {
        name: _read_links(bytes(raw)) if _plain(name) in _LINKS else _read_value(bytes(raw))
        for name, raw in fields.items()
    }


def _read_links(raw: bytes) -> Json:
    """Read links as a list of objects as if they were told by their names."""
    try:
        links = msgspec.json.decode(raw, type=list[dict[str, Json]])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _read_value(raw)
    return {str(one.get("rel")): one.get("href") or one.get("url") for one in links}


def _read_value(raw: bytes) -> Json:
    if raw.startswith(b"["):
        return [] if not raw[1:-1].strip() else [True]
    if raw.startswith(b"{"):
        return _read(raw)
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _walk(fields: Mapping[str, Json], deepest: int) -> Iterator[tuple[str, Json]]:
    for name, value in fields.items():
        yield name, value
        if isinstance(value, Mapping) and deepest > 1:
            yield from _walk(value, deepest - 1)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _is_failed(value: Json, *, codes: bool) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return codes and 400 <= value < 600
    return str(value).lower() in _FAILED


def _read_flag(value: Json) -> bool | None:
    plain = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    return True if plain in _YES else False if plain in _NO else None


def _is_something(value: Json) -> bool:
    if isinstance(value, str):
        return value.strip().lower() not in _FINE
    return bool(value)


def _leads_on(value: Json) -> bool:
    if isinstance(value, Mapping):
        return any(_leads_on(one) for one in value.values())
    if isinstance(value, str):
        return value.strip().lower() not in ("", "null", "none", "false", "0", "-1")
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
