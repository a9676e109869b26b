"""What a YAML says of a request becomes exactly that request."""

import json
from datetime import UTC, datetime

import pytest

from listbackup.connectors.rest.filling import Draft, draft
from listbackup.connectors.rest.filters import narrow, read_moment
from listbackup.connectors.rest.models.placeholders import Placeholder, read_text
from listbackup.connectors.rest.models.streams import Request, Since
from listbackup.errors import SourceError

MOMENT = datetime(2026, 11, 1, 12, 0, 5, 250_000, tzinfo=UTC)
ACCOUNT = Placeholder("setting", "account")


def make(values: dict[Placeholder, str], **request: object) -> Draft:
    wanted = Request.model_validate(request)
    headers = {"X-Account": read_text("{setting.account}"), "X-Version": read_text("7")}
    return draft("https://api.example/v1/", headers, wanted, values, "shop")


def test_values_are_quoted_and_what_has_none_is_left_out() -> None:
    parent = Placeholder("parent", "id")
    query = {"account": "{setting.account}", "expand[]": ("a", "b"), "q": "x={parent.id}"}
    made = make({parent: "a/b ü", ACCOUNT: ""}, path="/things/{parent.id}", query=query)
    request = made.finish()
    assert request.url == (
        "https://api.example/v1/things/a%2Fb%20%C3%BC?expand%5B%5D=a&expand%5B%5D=b"
        "&q=x%3Da%2Fb+%C3%BC"
    )
    assert dict(request.headers) == {"X-Version": "7", "Accept": "application/json"}
    assert request.operation == "GET /things/{parent.id}"
    with pytest.raises(SourceError, match=r"no value for \{parent.id\}"):
        make({}, path="/things/{parent.id}")


def test_parameters_go_into_a_body_where_there_is_one() -> None:
    body = {"account": "{setting.account}", "limit": "5", "filters": [{"field": "at"}]}
    made = make({ACCOUNT: "a1"}, method="POST", path="/search", body=body)
    told = made.tell({"after": [3, "x"], "filters.0.value": 17, "limit": 100})
    assert json.loads(told.finish().body) == {
        "account": "a1",
        "limit": 100,
        "filters": [{"field": "at", "value": 17}],
        "after": [3, "x"],
    }
    form = make({}, method="POST", path="/search", body={"a": {"b": "1"}, "c": ["x"]}, form=True)
    assert form.finish().body == b"a%5Bb%5D=1&c%5B%5D=x"


def test_a_filter_may_share_its_parameter_with_others() -> None:
    since = Since.model_validate(
        {
            "param": "filter",
            "until": "filter",
            "field": "changed",
            "written": "iso_ms",
            "wrapped": "since=={record.changed}",
            "until_wrapped": "until=={record.changed}",
        }
    )
    made = make({}, path="/things", query={"filter": "active==true"})
    narrowed = narrow(made, since, MOMENT, MOMENT)
    assert narrowed.query == (
        (
            "filter",
            "active==true;since==2026-11-01T12:00:05.250Z;until==2026-11-01T12:00:05.250Z",
        ),
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("unix", "1793534405"),
        ("unix_ms", "1793534405250"),
        ("iso", "2026-11-01T12:00:05Z"),
        ("iso_ms", "2026-11-01T12:00:05.250Z"),
        ("date", "2026-11-01"),
    ],
)
def test_moments_are_written_as_the_platform_wants_them(written: str, said: str) -> None:
    since = Since.model_validate({"param": "since", "field": "at", "written": written})
    assert narrow(make({}, path="/things"), since, MOMENT).query == (("since", said),)


def test_times_of_records_are_read_in_any_common_form() -> None:
    forms = [
        1793534405.25,
        1793534405250,
        "2026-11-01T12:00:05.250Z",
        "2026-11-01T13:00:05.25+01:00",
    ]
    assert {read_moment(one) for one in forms} == {MOMENT}
    assert not any(map(read_moment, (None, True, "yesterday", {})))


def test_the_next_page_may_be_told_by_any_kind_of_url() -> None:
    made = make({}, path="/things", query={"limit": "5"})
    assert made.go_to("?page=2").finish().url == "https://api.example/v1/things?page=2"
    assert made.go_to("/v2/x?y=1").finish().url == "https://api.example/v2/x?y=1"
    assert made.go_to("https://other.example/").finish().url == "https://other.example/"
