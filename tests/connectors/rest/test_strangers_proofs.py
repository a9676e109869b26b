"""Ways to prove who we are that a stranger may describe: they are taken, and nothing keeps them."""

import json

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import Land, describe, make_things, query, write
from tests.connectors.rest.strangers import assert_all


def test_keys_go_into_the_query_and_in_pairs_and_no_place_keeps_them() -> None:
    also = "[{name: app, title: App, header: X-App}]"
    way = f"{{kind: api_key, name: key, title: Key, param: api_key, also: {also}}}"
    records = make_things(257)

    def answer(request: Request) -> Response:
        asked = query(request)
        assert (asked["api_key"], request.headers["X-App"]) == (
            "canary-key-8d1f",
            "canary-app-8d1f",
        )
        assert request.url.count("api_key") == 1
        at = int(asked.get("at", 0))
        url = f"http://land.example/things?api_key=canary-key-8d1f&at={at + 1}"
        return write({"data": records[at : at + 1], "next": url if at + 1 < len(records) else None})

    land = Land(f"authentication: [{way}]\n" + describe("{kind: next_url, url: next}"), answer)
    assert_all(land, records)
    assert land.marks
    assert "canary" not in json.dumps(land.marks)
    # a URL of the same host is never followed less safely
    assert all(one.url.startswith("https:") for one in land.asked)


def test_tokens_may_be_asked_for_by_json() -> None:
    way = (
        "{kind: oauth2_client, name: app, title: App, token_url: 'https://land.example/token', "
        "client: body, sends: json, parameters: {audience: all}}"
    )

    def answer(request: Request) -> Response:
        if request.url.endswith("/token"):
            asked = json.loads(request.body)
            assert (asked["grant_type"], asked["audience"]) == ("client_credentials", "all")
            return write({"access_token": "token-1234", "expires_in": 3600})
        fine = request.headers.get("Authorization") == "Bearer token-1234"
        return write({"data": make_things(3)}, 200 if fine else 401)

    assert_all(Land(f"authentication: [{way}]\n" + describe(""), answer), make_things(3))
