"""What a page says of the list besides its records, whether its description names it or not: that
there is more, how many there are, which page it is.

A description may be mistaken. A list whose pages go on where the description sees their end must
not end quietly; so the usual names are looked for. Knows no paging.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from listbackup.connectors.rest.fields import (
    Json,
    is_of_pages,
    plain,
    read_count,
    read_fields,
    read_flag,
    walk,
)
from listbackup.connectors.rest.stretches import may_be_cut

_MORE = frozenset(
    {"hasmore", "more", "hasnext", "hasnextpage", "morerecords", "moreresults", "moreitems"}
    | {"moreavailable", "hasmoreitems", "hasmorerecords", "hasmoreresults", "nextpageexists"}
    | {"istruncated", "truncated", "hasmorepages", "hasmoredata", "hasmoreresult"}
    | {"moreresultsavailable", "morepages"}
)
_LAST = frozenset({"islast", "islastpage", "done"})
_ENDS = frozenset({"last", "lastpage", "eof", "isend", "end", "isfinal", "isfinalpage"})
"""What says by `false` alone that it is not the end; as a number or text it says something else."""
_NEXT = frozenset(
    {"next", "nextpage", "nexturl", "nextpageurl", "nextlink", "nextcursor", "nextpagetoken"}
    | {"nexttoken", "nextpagecursor", "nextpagelink", "odatanextlink", "continuation"}
    | {"continuationtoken", "nextoffset", "nextpagekey", "nextkey", "nextrecordsurl", "nextstart"}
    | {"nextmarker", "nexthref", "nexturi", "nextpageuri", "nextpageid", "nextpagenumber"}
    | {"nextcursorid", "nextpageparams", "lastevaluatedkey", "continue", "resumptiontoken"}
    | {"nextid", "nextrecord", "nextcontinuationtoken"}
)
_PARTS = frozenset({"partial", "incomplete", "limitreached"})
_MAYBE = frozenset({"bookmark", "marker", "endcursor", "remaining", "cursor"})
"""What many platforms say on the last page too."""
_TOTALS = frozenset(
    {"total", "totalcount", "totalresults", "totalrecords", "totalitems", "totalhits"}
    | {"totalelements", "totalentries", "totalsize", "recordcount", "numresults", "odatacount"}
    | {"numfound", "recordstotal", "totalfound", "totalrows", "nbhits", "totalobjects"}
    | {"totalnumberofrecords", "fullcount", "totalnumber"}
)
_COUNTS = frozenset({"count", "resultcount", "itemcount", "hitcount"})
"""What some call how many there are, some how many of them came, and some how many were asked
for."""
_LIMITS = frozenset({"limit", "perpage", "pagesize", "pagelimit", "itemsperpage", "maxresults"})
_PAGE = frozenset({"page", "currentpage", "pagenumber", "pageno", "pageindex", "pagenum", "xpage"})
_PAGES = frozenset(
    {"totalpages", "lastpage", "pagecount", "pagescount", "numpages", "numberofpages", "pages"}
    | {"maxpage", "xtotalpages", "xwptotalpages", "xpaginationtotalpages", "xpagecount"}
)
_OTHERS = frozenset(
    {"quota", "quotas", "credit", "credits", "rate", "ratelimit", "ratelimits", "usage", "summary"}
    | {"totals", "stats", "statistics", "aggregations", "aggs", "facets", "shards", "balance"}
)
"""Objects whose numbers count something else."""
_PAGE_HEADERS = (
    *("x-page", "x-total-pages", "x-wp-totalpages"),
    *("x-pagination-total-pages", "x-page-count"),
)
_HEADERS = (
    *("x-total-count", "x-total", "x-wp-total", "total-count", "x-pagination-total-count"),
    *("x-total-items", "x-list-total", "x-total-results", "x-total-records"),
)
_NEXT_HEADERS = (
    *("x-next-page", "x-next-cursor", "x-next", "x-next-page-token", "x-next-token"),
    *("x-next-page-url", "x-ms-continuation"),
)
_MORE_HEADERS = ("x-has-more", "x-has-next", "x-has-next-page")
_FEW = 5
_SIZES = frozenset({10, 20, 25, 50, 100, 200, 250, 500, 1000})
_COUNT = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"(?:[a-z]+[ =])?[0-9]+-[0-9]+/([0-9]{1,18})", re.IGNORECASE)
_REL = re.compile(r";\s*rel\s*=\s*\"?[^\",;]*\bnext\b", re.IGNORECASE)
_REL_BEFORE = re.compile(r";\s*rel\s*=\s*\"?[^\",;]*\bprev", re.IGNORECASE)
_REL_LAST = re.compile(
    r"[?&]page=([0-9]{1,9})[^>,]*>[^,]*;\s*rel\s*=\s*\"?[^\",;]*\blast\b", re.IGNORECASE
)


def find_more(
    rest: bytes,
    headers: Mapping[str, str],
    known: Collection[str] = (),
    came: int | None = None,
) -> str:
    """Name what says that there is more after a page; empty where nothing does, or where the page
    says plainly that there is no more. `known` are names that were looked at already; `came` is
    how many records the page has, where it is the only one of its list: then what is often said
    of a last page too counts where it is as full as it says that it can be."""
    if "link" not in known and _REL.search(headers.get("link", "")):
        return "Link"
    skipped = {plain(one) for one in known}
    found, refuted = _look_at_headers(headers, skipped)
    if refuted:
        return ""
    full = came is not None and came >= _FEW and came in _find_limits(rest, headers)
    for name, value, above in _walk_all(rest, headers):
        key = plain(name)
        if key in skipped:
            continue
        said = read_flag(value)
        if key in _MORE and said is not None:
            if not said:
                return ""
            found = found or name
        if is_of_pages(above) and ((key in _LAST and said is False) or _denies_end(key, value)):
            found = found or name
        if key in _NEXT and _leads_on(value):
            found = found or name
        if is_of_pages(above) and key in _PARTS and value is True:
            found = found or name
        if key == "remaining" and is_of_pages(above) and came in _SIZES and read_count(value):
            found = found or name
        if full and (key in _MAYBE or (key, *above[-1:]) == ("after", "cursors")):
            found = found or (name if _leads_on(value) else "")
    return found


def find_full(rest: bytes, headers: Mapping[str, str], came: int) -> str:
    """Say what shows that the only page of a list may be cut: it has as many records as it says
    that a page has, or there is a last page behind it; empty where nothing does, or where it says
    that there is no more."""
    last = _REL_LAST.search(headers.get("link", ""))
    if last and int(last[1]) > 1 and not _REL_BEFORE.search(headers.get("link", "")):
        return f"the platform names page {last[1]} as the last one"
    if came < _FEW or came not in _find_limits(rest, headers):
        return ""
    total, (_, pages) = find_total(rest, headers), find_page(rest, headers)
    if (total is not None and total[1] <= came) or (pages is not None and pages <= 1):
        return ""
    for name, value, above in _walk_all(rest, headers):
        key, said = plain(name), read_flag(value)
        more = key in _MORE and said is False
        end = is_of_pages(above) and (key in _LAST and said is True)
        if more or end or (key in _NEXT and not _leads_on(value)):
            return ""
    return f"the page has {came} records, as many as it says that a page has"


def find_total(
    rest: bytes, headers: Mapping[str, str], came: int | None = None
) -> tuple[str, int] | None:
    """Give what a page says of how many records there are, and where; None where it does not.
    `came` is how many records the page has: without it, what may count these is not looked at."""
    for name in _HEADERS:
        if _COUNT.fullmatch(headers.get(name, "").strip()):
            return name, int(headers[name])
    whole = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if whole:
        return "Content-Range", int(whole[1])
    maybe: tuple[str, int] | None = None
    for name, value, above in _walk_all(rest, headers):
        key = plain(name)
        if key in _TOTALS:
            if isinstance(value, Mapping):
                value = value.get("value")
            count = read_count(value)
            if count is not None:
                return name, count
        count = read_count(value) if key in _COUNTS and is_of_pages(above) else None
        if count is not None and came is not None and maybe is None and count > came:
            # a round number is what was asked for, unless the page seems to be cut itself
            asked = may_be_cut(count) and came not in _SIZES
            if not asked and count not in _find_limits(rest, headers):
                maybe = name, count
    return maybe


def find_page(
    rest: bytes, headers: Mapping[str, str], came: int | None = None
) -> tuple[int | None, int | None]:
    """Give which page a page says that it is, and of how many; None for what it does not say.
    `came` is how many records it has: some call that `page_count`."""
    told = [(name, headers.get(name, "")) for name in _PAGE_HEADERS]
    page = pages = None
    for name, value in (*told, *((name, value) for name, value, _ in _walk_all(rest, headers))):
        key, number = plain(name), read_count(value)
        if key in _PAGE and page is None:
            page = number
        if key in _PAGES and pages is None and not (key == "pagecount" and number == came):
            pages = number
    return page, pages


def _walk_all(
    rest: bytes, headers: Mapping[str, str]
) -> Iterator[tuple[str, Json, tuple[str, ...]]]:
    yield from walk(read_fields(headers.get("x-pagination", "").encode()), _OTHERS)
    yield from walk(read_fields(rest), _OTHERS)


def _look_at_headers(headers: Mapping[str, str], skipped: Collection[str]) -> tuple[str, bool]:
    """Name the header that says that there is more; and whether one says that there is not."""
    for name in _MORE_HEADERS:
        said = read_flag(headers.get(name, ""))
        if said is not None and plain(name) not in skipped:
            return (name.title(), False) if said else ("", True)
    for name in _NEXT_HEADERS:
        if plain(name) not in skipped and _leads_on(headers.get(name, "")):
            return name.title(), False
    return "", False


def _find_limits(rest: bytes, headers: Mapping[str, str]) -> set[int]:
    """Give the numbers that a page says a page has at most."""
    found = {
        read_count(value)
        for name, value, above in _walk_all(rest, headers)
        if plain(name) in _LIMITS and is_of_pages(above)
    }
    return {one for one in found if one is not None}


def _denies_end(key: str, value: Json) -> bool:
    return key in _ENDS and value is False


def _leads_on(value: Json) -> bool:
    if isinstance(value, Mapping):
        return any(_leads_on(one) for one in value.values())
    if isinstance(value, str):
        return value.strip().lower() not in ("", "null", "none", "false", "0", "-1")
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
