"""The example of a whole platform, described by its published API alone, is read to its end."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from listbackup.connectors.rest.transport import Request
from tests.connectors.rest.lands import Land, Record, query, write

EXAMPLE = Path(__file__).parents[3] / "docs/examples/gohighlevel.yaml"
NAMES = (
    "data tags customFields customValues pipelines products prices invoices schedules calendars "
    "groups events forms submissions surveys users businesses links workflows campaigns objects "
    "records"
).split()


def test_the_example_of_a_whole_platform_is_read() -> None:
    land = Land(
        EXAMPLE.read_text("utf-8"),
        lambda request: write(answer(request)),
        {"location": "loc12345678"},
    )
    land.sync()
    assert {name: said for name, said in land.said.items() if said} == {}
    assert len(land.said) == len(land.platform.streams)
    assert len(land.copy["contacts"]) == len(land.copy["contacts.notes"]) == 603
    assert len(land.copy["opportunities"]) == 257
    assert len(land.copy["conversations"]) == 157
    assert len(land.copy["conversations.messages"]) == 157 * 150
    assert all(one.headers["Version"].startswith("2021-") for one in land.asked)


def answer(request: Request) -> Any:
    """Answer as the published API says."""
    asked = query(request)
    match urlsplit(request.url).path.strip("/").split("/"):
        case ["locations", number]:
            return {"location": {"id": number, "name": "Ours"}}
        case ["contacts", "search"]:
            return find_contacts(asked)
        case ["contacts", number, what]:
            return {{"appointments": "events"}.get(what, what): [{"id": "n1", "of": number}]}
        case ["opportunities", "search"]:
            return find_opportunities(asked)
        case ["conversations", "search"]:
            talks = [(f"t{one}", one // 2) for one in range(157, 0, -1)]
            before = int(asked.get("startAfterDate", 10**9))
            found = [{"id": one, "lastMessageDate": time} for one, time in talks if time < before]
            return {"conversations": found[:100]}
        case ["conversations", number, "messages"]:
            return find_messages(number, asked)
    first = int(asked.get("offset") or asked.get("skip") or asked.get("page") or 0) <= 1
    one = {"id": "x1", "_id": "x1", "key": "custom_objects.pets", "searchAfter": ["x1"]}
    rows = [one] if first and not asked.get("searchAfter") else []
    return {**dict.fromkeys(NAMES, rows), "total": 1, "totalCount": 1, "meta": {"total": 1}}


def find_contacts(asked: Record) -> Any:
    """Search contacts."""
    places = [[one // 3, one] for one in range(603)]
    left = [one for one in places if one > asked.get("searchAfter", [])]
    page = [{"id": f"c{one[1]:05}", "searchAfter": one} for one in left[: asked["pageLimit"]]]
    return {"contacts": page, "total": len(places)}


def find_opportunities(asked: Record) -> Any:
    """Search opportunities, after two values."""
    after = int(asked.get("startAfter", -1)), asked.get("startAfterId", "")
    left = [one for one in ((n // 4, f"o{n:03}") for n in range(257)) if one > after]
    last = left[99] if len(left) > 100 else (None, None)
    page = [{"id": name, "at": time} for time, name in left[:100]]
    return {
        "opportunities": page,
        "meta": {"total": 257, "startAfter": last[0], "startAfterId": last[1]},
    }


def find_messages(number: str, asked: Record) -> Any:
    """List messages of a conversation."""
    begin = int(asked["lastMessageId"].split("-")[1]) + 1 if "lastMessageId" in asked else 0
    sent = [{"id": f"{number}-{one}"} for one in range(begin, min(150, begin + 100))]
    last = sent[-1]["id"] if sent else ""
    return {"messages": {"lastMessageId": last, "nextPage": begin + 100 < 150, "messages": sent}}
