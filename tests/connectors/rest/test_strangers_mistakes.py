"""Where a stranger's description is mistaken: what may be missing is in doubt, and it says why."""

from urllib.parse import urlsplit

import pytest

from listbackup.connectors import ReadOptions
from listbackup.connectors.rest.inspection import inspect
from listbackup.connectors.rest.loading import Mistaken, parse_platform
from listbackup.connectors.rest.transport import Request, Response
from listbackup.events import ignore
from listbackup.host import Host
from tests.connectors.rest.lands import (
    HEAD,
    KEPT,
    TOKEN,
    Land,
    Record,
    describe,
    make_things,
    write,
)
from tests.connectors.rest.strangers import (
    CURSOR,
    PAGES,
    assert_all,
    assert_doubt,
    give,
    give_chain,
    give_pages,
)

READ = ReadOptions()


@pytest.mark.parametrize(
    ("paging", "name"),
    [
        (CURSOR.replace("token: next", "token: meta.nxt"), "next"),
        (CURSOR.replace("token: next", "token: nxt"), "paging.nextPageToken"),
        ("{kind: next_url, url: links.nxt}", "links.next"),
        ("{kind: link_header}", "next_url"),
        ("", "meta.next_cursor"),
    ],
)
def test_a_list_that_goes_on_elsewhere_than_the_description_says_is_doubt(
    paging: str, name: str
) -> None:
    land = Land(describe(paging), give_chain(make_things(257), name))
    assert_doubt(land, "the last page says that there is more")


def test_flags_links_and_totals_of_a_last_page_are_heeded() -> None:
    things = make_things(3)
    assert_doubt(Land(describe(""), give({"data": things, "has_more": True})), "has_more")
    linked = Land(describe(""), lambda _: write({"data": things}, link='</things?p=2>; rel="next"'))
    assert_doubt(linked, "Link")
    counted = give({"data": things, "meta": {"pagination": {"total": 9}}})
    assert_doubt(Land(describe(""), counted), "the last page says that there are 9 (total)")
    assert_all(
        Land(describe("", "total: {path: meta.pagination.total, exact: false}"), counted), things
    )
    # a page that says plainly that there is no more is the last one
    assert_all(Land(describe(""), give({"data": things, "has_more": False, "next": "x"})), things)


@pytest.mark.parametrize(
    "sign",
    [
        {"success": False},
        {"ok": "false"},
        {"error": "timeout"},
        {"errors": [1]},
        {"status": "ERROR"},
    ],
)
def test_an_answer_that_says_that_it_failed_is_none_whatever_its_status(sign: Record) -> None:
    land = Land(describe(""), give({"data": make_things(5), **sign}))
    assert_doubt(land, "says that something failed")
    heedless = "failures: {signs: ignored}\n" + describe("")
    assert_all(Land(heedless, give({"data": make_things(5), **sign})), make_things(5))


@pytest.mark.parametrize(
    "sign", [{"success": True, "error": None}, {"errors": [], "error": ""}, {"status": "ok"}]
)
def test_signs_that_say_that_all_is_well_are_nothing(sign: Record) -> None:
    assert_all(Land(describe(""), give({"data": make_things(5), **sign})), make_things(5))


def test_a_key_that_two_records_have_is_doubt() -> None:
    twins = [{"id": 1, "role": "a"}, {"id": 1, "role": "b"}]
    assert_doubt(Land(describe(""), give({"data": twins})), "`key` needs more fields")
    assert_all(Land(describe("", "key: [id, role]"), give({"data": twins})), twins)


TREE = f"""
streams:
  - {{name: accounts, request: {{path: /accounts}}, records: data, {KEPT}}}
  - name: projects
    request: {{path: "/accounts/{{parent.id}}/projects"}}
    records: data
    key: [account, id]
    adds: {{account: "{{parent.id}}"}}
    parent: {{stream: accounts}}
    {KEPT}
  - name: tasks
    request: {{path: "/accounts/{{parent.account}}/projects/{{parent.id}}/tasks"}}
    records: data
    key: [KEY]
    adds: {{account: "{{parent.account}}", project: "{{parent.id}}"}}
    parent: {{stream: projects, fields: [account, id]}}
    {KEPT}
"""


def give_tree(request: Request) -> Response:
    match urlsplit(request.url).path.strip("/").split("/"):
        case ["accounts"]:
            return write({"data": [{"id": number} for number in range(3)]})
        case [_, account, _]:
            return write({"data": [{"id": one, "of": account} for one in range(4)]})
        case [_, account, _, project, _]:
            return write({"data": [{"id": one, "of": account + project} for one in range(2)]})
    return write({}, 404)


def test_children_of_children_are_read_and_keys_that_are_good_within_one_parent_are_doubt() -> None:
    land = Land(TREE.replace("KEY", "account, project, id"), give_tree)
    assert len(land.sync()) == 24
    assert set(land.said.values()) == {""}
    for key in ("id", "account, id"):
        assert_doubt(Land(TREE.replace("KEY", key), give_tree), "`key` needs a field of the parent")


def test_what_a_backup_would_find_is_asked_for_with_what_stands_in_front_and_in_sizes_that_go() -> (
    None
):
    seen = inspect(
        Land(TREE.replace("KEY", "account, project, id"), give_tree).connection,
        READ,
        Host(),
        ignore,
    )
    assert ([one.name for one in seen.streams], seen.unread) == (
        ["accounts", "projects", "tasks"],
        (),
    )
    sizes = give_pages(make_things(257), sizes=(100, 1000))
    assert inspect(Land(describe(PAGES), sizes).connection, READ, Host(), ignore).unread == ()
    land = Land(describe(PAGES), give_pages([], sizes=(7,)))
    assert inspect(land.connection, READ, Host(), ignore).unread


def test_a_parent_without_the_field_that_is_asked_by_is_named() -> None:
    def answer(request: Request) -> Response:
        if request.url.endswith("/parents"):
            return write({"data": [{"id": 1, "slug": "a"}, {"id": 2}]})
        return write({"data": [{"id": 11}]})

    parents = f"streams:\n  - {{name: parents, request: {{path: /parents}}, records: data, {KEPT}}}"
    things = describe("", "parent: {stream: parents, fields: [slug]}").replace("streams:", "")
    land = Land(parents + things.replace("path: /things", 'path: "/p/{parent.slug}"'), answer)
    assert land.sync() == [{"id": 11}]
    assert "There is no value for {parent.slug}" in land.said["things"]


@pytest.mark.parametrize(
    "wrong",
    [
        describe("{kind: cursor, param: cursor}"),
        describe("{kind: cursor, token: a, header: b, param: cursor}"),
        describe("", "total: {exact: true}"),
        describe("", "since: {param: s, field: at, zone: Mars/Olympus}"),
        "authentication: [{kind: api_key, name: key, title: Key}]\n" + describe(""),
    ],
)
def test_what_says_nothing_or_two_things_is_refused(wrong: str) -> None:
    with pytest.raises(Mistaken):
        parse_platform(
            (HEAD + TOKEN * ("authentication" not in wrong) + wrong).encode(), "land.yaml"
        )
