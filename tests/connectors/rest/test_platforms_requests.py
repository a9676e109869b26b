"""What the descriptions ask is what the operations take, and all fits together."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from listbackup.connectors.rest.loading import load_platform
from listbackup.connectors.rest.models import streams as models
from listbackup.connectors.rest.models.pagination import AfterKey, Cursor, OnePage
from listbackup.connectors.rest.models.placeholders import Text
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.streams import Stream
from listbackup.connectors.rest.models.writing import Recreate
from listbackup.connectors.rest.transport import Request
from listbackup.testing.contracts import Contract

FACTS = Path(__file__).parent / "operations"
PLATFORMS = ("keap", "stripe")
_PLACE = re.compile(r"\{[^{}]+\}")
MOMENTS = {"unix": "1750000000", "iso_ms": "2026-01-01T00:00:00.000Z"}


@cache
def load(name: str) -> tuple[Platform, Contract]:
    return load_platform(name), Contract((FACTS / f"{name}.parameters.txt").read_text("utf-8"))


def fill(text: Text, value: str = "7") -> str:
    return text.fill(dict.fromkeys(text.placeholders, value), lambda word: quote(word, safe=""))


def write(base: str, request: models.Request, more: dict[str, str]) -> str:
    pairs = []
    for name, texts in request.query.items():
        several = texts if isinstance(texts, tuple) else (texts,)
        pairs += [(name, fill(text)) for text in several]
    return f"{base}{fill(request.path)}?{urlencode([*pairs, *more.items()])}"


def list_requests(platform: Platform) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every request as a description writes it (first pages, later ones, incremental ones), with
    the operations that it may be."""
    base = fill(platform.base_url)
    for stream in platform.streams:
        more = _page(platform, stream)
        if stream.properties:
            more[stream.properties.param] = ",".join(stream.properties.names)
        yield write(base, stream.request, more), stream.covers
        if since := stream.since:
            moment = MOMENTS[since.written]
            said = (
                since.wrapped.fill(dict.fromkeys(since.wrapped.placeholders, moment))
                if (since.wrapped)
                else moment
            )
            yield write(base, stream.request, {**more, since.param: said}), stream.covers
        if stream.one:
            yield write(base, stream.one, {}), ()
    for feed in platform.feeds:
        yield write(base, feed.request, {"limit": "100", feed.since.param: MOMENTS["unix"]}), ()
    if platform.who:
        yield write(base, platform.who.request, {}), ()


def _page(platform: Platform, stream: Stream) -> dict[str, str]:
    paging = platform.paging[stream.paging] if isinstance(stream.paging, str) else stream.paging
    if isinstance(paging, Cursor | AfterKey) and paging.size:
        return {paging.size.param: str(paging.size.value), paging.param: "abc"}
    assert isinstance(paging, Cursor | OnePage), f"{stream.name}: how does it go on?"
    return {}


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_request_is_one_that_its_operation_takes(name: str) -> None:
    platform, contract = load(name)
    base = fill(platform.base_url)
    wrong: list[str] = []
    for url, covers in list_requests(platform):
        operation, said = contract.judge(Request("GET", url), base)
        wrong += said
        if covers and operation not in covers:
            wrong.append(f"{url}: this is {operation}, not {covers}")
    assert wrong == []


@pytest.mark.parametrize("name", PLATFORMS)
def test_pages_are_the_largest_that_the_platform_gives(name: str) -> None:
    platform, contract = load(name)
    base = fill(platform.base_url)
    for stream in platform.streams:
        operation = contract.operations[stream.covers[0]]
        size = operation.parameters.get("page_size") or operation.parameters.get("limit")
        page = _page(platform, stream)
        if size:
            assert page[size.name] == size.allowed[0].rpartition("..")[2], stream.name
        elif isinstance(stream.paging, str):
            assert set(page) <= operation.parameters.keys(), f"{stream.name} of {base}"


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_recipe_asks_for_operations_that_there_are(name: str) -> None:
    """Fields that it names are known, and required ones are not left out."""
    lines = (FACTS / f"{name}.writes.txt").read_text("utf-8").splitlines()
    taken = {
        " ".join((method, _PLACE.sub("{}", path))): fields
        for method, path, *fields in (line.split() for line in lines if line[0] != "#")
    }
    wrong = []
    for stream in load(name)[0].streams:
        recipe = stream.restore
        if not isinstance(recipe, Recreate):
            continue
        for one in filter(None, (recipe.create, recipe.update, recipe.delete)):
            operation = f"{one.method} {_PLACE.sub('{}', one.path.written)}"
            known = {field.rstrip("!") for field in taken.get(operation, ())}
            wrong += [f"{stream.name}: {field}" for field in one.fields if field not in known]
            if operation not in taken:
                wrong.append(f"{stream.name}: {operation}")
        needed = {
            field.removesuffix("!")
            for field in taken.get(f"POST {_PLACE.sub('{}', recipe.create.path.written)}", ())
            if field.endswith("!")
        }
        left_out = {".".join(one) for one in recipe.left_out} - recipe.create.fields.keys()
        wrong += [f"{stream.name}: {field} is required" for field in needed & left_out]
    assert wrong == []


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_restore_brings_back_references_after_what_they_refer_to(name: str) -> None:
    """Every field that refers to a stream that comes back, and is sent, waits for that stream."""
    platform, _ = load(name)
    back = {one.name for one in platform.streams if isinstance(one.restore, Recreate)}
    early = []
    for stream in platform.streams:
        if not isinstance(stream.restore, Recreate):
            continue
        for field, fact in stream.fields.items():
            sent = not fact.read_only and not any(
                tuple(field.split("."))[: len(one)] == one for one in stream.restore.left_out
            )
            if sent and fact.refers_to in back - {stream.name, *stream.restore.after}:
                early.append(f"{stream.name}.{field} -> {fact.refers_to}")
    assert early == []


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_restore_can_be_put_in_an_order(name: str) -> None:
    platform, _ = load(name)
    waiting = {
        one.name: set(one.restore.after)
        for one in platform.streams
        if isinstance(one.restore, Recreate)
    }
    while ready := {one for one, after in waiting.items() if not after & waiting.keys()}:
        waiting = {one: after for one, after in waiting.items() if one not in ready}
    assert waiting == {}


@pytest.mark.parametrize("name", PLATFORMS)
def test_what_a_platform_never_takes_is_left_out_of_what_is_sent(name: str) -> None:
    platform, _ = load(name)
    for stream in platform.streams:
        if isinstance(stream.restore, Recreate):
            left_out = {".".join(one) for one in stream.restore.left_out}
            left_out.add(stream.restore.chosen_by)
            read_only = {field for field, fact in stream.fields.items() if fact.read_only}
            sent = {one for one in read_only if not {one, one.partition(".")[0]} & left_out}
            assert sent == set(), f"{stream.name} would send what can only be read"


def test_stripe_is_listed_whole_before_it_forgets_its_events() -> None:
    platform, _ = load("stripe")
    assert [feed.keeps for feed in platform.feeds] == [29 * 86400]
    assert max(stream.full_every for stream in platform.streams) <= 29 * 86400


def test_an_ended_subscription_of_stripe_is_not_a_deleted_one() -> None:
    platform, _ = load("stripe")
    (feed,) = platform.feeds
    ends = ("customer.subscription.deleted", "customer.discount.deleted", "customer.tax_id.deleted")
    assert not any(event.endswith(end) for event in ends for end in feed.deleted)
    (subscriptions,) = (one for one in platform.streams if one.name == "subscriptions")
    status = subscriptions.request.query["status"]
    assert isinstance(status, Text)
    assert status.written == "all"


def test_keap_is_asked_for_custom_fields_wherever_they_have_to_be_named() -> None:
    platform, contract = load("keap")
    for stream in platform.streams:
        named = "fields" in contract.operations[stream.covers[0]].parameters
        assert named == (stream.properties is not None), stream.name
        if stream.properties:
            assert "custom_fields" in stream.properties.names
