"""Reading a platform's YAML: what is understood, and how every mistake is named."""

import pytest

from listbackup.connectors.rest.loading import (
    Mistaken,
    list_platforms,
    load_platform,
    parse_platform,
)
from listbackup.connectors.rest.models.pagination import PageNumber
from listbackup.connectors.rest.models.placeholders import Placeholder, read_text
from listbackup.errors import UsageError

WHOLE = """
platform: demo
title: Demo
version: "1"
base_url: https://{setting.region}.example.com
settings:
  - {name: region, title: Region, default: eu}
authentication:
  - {kind: bearer, name: token, title: Token, budgets: [calls]}
budgets:
  - {name: calls, title: calls, windows: [{requests: 10, within: 1s}]}
paging:
  pages: {kind: page_number, param: page, size: {param: per_page, value: 100}}
streams:
  - name: things
    request: {path: /things, query: {active: true}}
    records: data
    paging: pages
    since: {param: since, field: updated_at, lookback: 10m}
    restore: {kind: create, create: {method: POST, path: /things}}
  - name: parts
    request:
      method: POST
      path: "/things/{parent.id}/parts"
      body: {count: 5, deep: [true, null_, "{setting.region}"], text: plain}
    parent: {stream: things}
    restore: {kind: archive_only, why: the platform takes none}
"""


def mistakes(old: str = "", new: str = "") -> tuple[str, ...]:
    assert old in WHOLE
    with pytest.raises(Mistaken) as caught:
        parse_platform(WHOLE.replace(old, new, 1).encode(), "demo.yaml")
    return caught.value.mistakes


def test_a_platform_is_what_its_file_says() -> None:
    platform = parse_platform(WHOLE.encode(), "demo.yaml")
    things, parts = platform.streams
    assert platform.base_url.fill({Placeholder("setting", "region"): "us"}) == (
        "https://us.example.com"
    )
    assert isinstance(platform.paging["pages"], PageNumber)
    assert things.records == ("data",)
    assert things.since is not None
    assert things.since.lookback == 600
    assert things.key == (("id",),)
    assert parts.request.body is not None
    assert parts.request.body["count"] == 5
    assert parts.request.body["deep"][0] is True
    assert parts.request.body["text"] == read_text("plain")


@pytest.mark.parametrize("name", list_platforms())
def test_every_platform_that_comes_with_the_product_is_understood(name: str) -> None:
    assert load_platform(name).platform == name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lookback: 10m", "lokback: 10m", "streams[things].since.lokback: there is no such key"),
        ("lookback: 10m", "lokback: 10m", "did you mean lookback?"),
        ("lookback: 10m", "lookback: 10 minutes", "streams[things].since.lookback: this is to be"),
        ("kind: bearer", "kind: barer", "'barer' is none of"),
        ("kind: bearer, ", "", "its `kind` is missing"),
        ("kind: create", "kind: archive_only", "streams[things].restore.why: this is missing"),
        ("method: POST, path", "metod: POST, path", "streams[things].restore.create.metod"),
        ("value: 100", "value: 0", "paging.pages.size.value"),
        ("title: Demo", "title:", "title: this has no value  (demo.yaml:3)"),
        ("{setting.region}.ex", "{setting.zone}.ex", "base_url: no setting is named 'zone'"),
        ("{setting.region}.ex", "{region}.ex", "{region} is no placeholder"),
        ("{setting.region}.ex", "{x.ex", "{ is no placeholder"),
        ("{parent.id}", "{parent.name}", "its parent lends no field 'name'"),
        ("since: {param", "since: {sees: created, param", "it has no effect"),
        ("paging: pages", "paging: page", "no way of paging is named 'page'"),
        ("paging: pages", "concurrent: 2", "streams[things].concurrent"),
        ("stream: things", "stream: thing", "no stream is named 'thing'"),
        ("stream: things", "stream: parts", "it is its own parent"),
        ("name: parts", "name: things", "'things' stands twice"),
        ("budgets: [calls]", "budgets: [call]", "no budget is named 'call'"),
        ("path: /things, q", "path: '/things/{record.id}', q", "there is no record here yet"),
        ("records: data", "slices: {}", "slices need a `since` with an `until`"),
        ("name: things", "name: Things", "streams[Things].name"),
        ("platform: demo", "platform: demo\nplatform: demo", "the key 'platform' stands twice"),
        ("platform: demo", "platform: !python/name:os.system x", "tags are not understood"),
    ],
)
def test_a_mistake_is_named_by_its_key(old: str, new: str, said: str) -> None:
    assert any(said in one for one in mistakes(old, new)), mistakes(old, new)


def test_every_mistake_is_named_with_its_line() -> None:
    told = mistakes("records: data", "recods: data")
    assert told == (
        "streams[things].recods: there is no such key here; did you mean records?  (demo.yaml:17)",
    )


@pytest.mark.parametrize("path", ["platforms/none.yaml", "/etc"])
def test_a_file_that_cannot_be_read_is_named(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_platform(path)
    assert path in str(caught.value.subject)


def test_a_misspelt_platform_is_met_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        load_platform("kep")
    assert "Did you mean keap?" in caught.value.hint
