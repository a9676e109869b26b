"""Performs provider faults on an application's answers. What is below HTTP it only names: the
server and the transport do that.

Knows pages and refusals through the application alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from listbackup.connectors.rest.transport import Request, Response
from listbackup.sandbox.platforms.application import Application
from listbackup.sandbox.platforms.calls import Call
from listbackup.sandbox.platforms.faults import WIRE, Fault, Rule

METADATA = "http://169.254.169.254/latest/meta-data/"
PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head>\n"
    b"<body><h1>We are checking your connection</h1></body></html>\n"
)
RETRY_AFTER = "7"
LIES_FOR = 5.0
"""Seconds for which a limit that is said to be free refuses all the same."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and what happens to it on the wire, if anything."""

    response: Response
    wire: Fault | None = None


class Breaker:
    """One way to an application, on which the dial's faults are performed."""

    def __init__(self, application: Application[Any]) -> None:
        self.application = application
        self._pages: dict[str, Response] = {}
        self._refusing_until = 0.0
        self._performing: dict[Fault, Callable[[Call[Any], Rule], Response | None]] = {
            Fault.THROTTLED: self._throttle,
            Fault.THROTTLED_WITH_HINT: self._throttle,
            Fault.ERROR_500: self._fail,
            Fault.ERROR_502: self._fail,
            Fault.ERROR_503: self._fail,
            Fault.ERROR_504: self._fail,
            Fault.TRUNCATED: self._truncate,
            Fault.HTML: self._show_a_page,
            Fault.CHARSET: self._recode,
            Fault.REDIRECT: self._redirect,
            Fault.EXPIRED: self._spoil,
            Fault.REVOKED: self._spoil,
            Fault.SCOPE_CUT: self._spoil,
            Fault.DUPLICATE_PAGE: self._repeat,
            Fault.SKIPPED_PAGE: self._skip,
            Fault.CURSOR_LOOP: self._loop,
            Fault.REORDERED: self._reorder,
            Fault.FIELD_ADDED: self._reshape,
            Fault.FIELD_REMOVED: self._reshape,
            Fault.FIELD_RETYPED: self._reshape,
            Fault.DELETED_MEANWHILE: self._delete,
            Fault.HEADER_LIES: self._lie,
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request, broken as the dial says."""
        application = self.application
        with application.changing():
            call = application.begin(request)
            if application.now < self._refusing_until:
                refused = application.sign(self._refuse_lying(call))
                return Answer(application.end(call, refused, Fault.HEADER_LIES))
            rule = application.dial.choose(call.operation)
            if rule is None:
                return self._answer_honestly(call)
            if rule.fault in WIRE:
                application.dial.note(rule.fault)
                response = application.end(call, application.serve(call), rule.fault)
                return Answer(response, rule.fault)
            broken = self._performing[rule.fault](call, rule)
            if broken is None:
                return self._answer_honestly(call)
            application.dial.note(rule.fault)
            return Answer(application.end(call, application.sign(broken), rule.fault))

    def _answer_honestly(self, call: Call[Any]) -> Answer:
        response = self.application.serve(call)
        self._remember(call, response)
        return Answer(self.application.end(call, response, None))

    # Each performer gives None where the fault means nothing to this request.

    def _throttle(self, call: Call[Any], rule: Rule) -> Response:
        hint = rule.option("seconds", RETRY_AFTER)
        hinted = rule.fault is Fault.THROTTLED_WITH_HINT
        return self.application.throttle(call, str(hint) if hinted else None)

    def _fail(self, call: Call[Any], rule: Rule) -> Response:
        return self.application.fail(call, int(rule.fault.value.rpartition("_")[2]))

    def _truncate(self, call: Call[Any], rule: Rule) -> Response:
        whole = self.application.serve(call)
        return Response(whole.status, whole.headers, whole.body[: len(whole.body) * 2 // 3])

    def _show_a_page(self, call: Call[Any], rule: Rule) -> Response:
        return Response(200, {"content-type": "text/html; charset=utf-8"}, PAGE)

    def _recode(self, call: Call[Any], rule: Rule) -> Response:
        whole = self.application.serve(call)
        text = whole.body.decode("utf-8", "replace")
        wanted = str(rule.option("encoding", "utf-16"))
        return Response(whole.status, whole.headers, text.encode(wanted, "replace"))

    def _redirect(self, call: Call[Any], rule: Rule) -> Response:
        status = int(rule.option("status", 302))
        return Response(status, {"location": str(rule.option("location", METADATA))})

    def _spoil(self, call: Call[Any], rule: Rule) -> Response | None:
        if not self.application.spoil(call, rule.fault):
            return None
        return self.application.serve(call)

    def _repeat(self, call: Call[Any], rule: Rule) -> Response | None:
        return None if self._is_first(call) else self._pages.get(self._list_of(call))

    def _skip(self, call: Call[Any], rule: Rule) -> Response | None:
        response = self.application.serve(call)
        following = self.application.following(call, response)
        if response.status != 200 or following is None:
            return None
        skipped = self.application.serve(self.application.router.open(following))
        self._remember(call, skipped)
        return skipped

    def _loop(self, call: Call[Any], rule: Rule) -> Response | None:
        if self._is_first(call):
            return None
        first = self.application.first_page(call)
        response = self.application.serve(self.application.router.open(first))
        return response if self.application.items(call, response) is not None else None

    def _is_first(self, call: Call[Any]) -> bool:
        first = self.application.router.open(self.application.first_page(call))
        return first.query == call.query and first.request.body == call.request.body

    def _reorder(self, call: Call[Any], rule: Rule) -> Response | None:
        dice = self.application.dial.dice
        return self._with_items(call, dice.shuffled)

    def _reshape(self, call: Call[Any], rule: Rule) -> Response | None:
        def reshape(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [self._reshape_one(item, rule) for item in items]

        return self._with_items(call, reshape)

    def _reshape_one(self, item: dict[str, Any], rule: Rule) -> dict[str, Any]:
        if rule.fault is Fault.FIELD_ADDED:
            name = str(rule.option("field", "loyalty"))
            return {**item, name: {"tier": "gold", "points": [1, 2, 3]}}
        chosen = rule.option("field") or self.application.field_for(rule.fault, item)
        if chosen not in item:
            return item
        if rule.fault is Fault.FIELD_REMOVED:
            return {name: value for name, value in item.items() if name != chosen}
        return {**item, chosen: _retype(item[chosen])}

    def _with_items(
        self, call: Call[Any], alter: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
    ) -> Response | None:
        response = self.application.serve(call)
        items = self.application.items(call, response)
        if not items:
            return None
        altered = self.application.replace(call, response, alter(items))
        self._remember(call, altered)
        return altered

    def _delete(self, call: Call[Any], rule: Rule) -> Response | None:
        response = self.application.serve(call)
        self._remember(call, response)
        return response if self.application.lose(call, response) else None

    def _lie(self, call: Call[Any], rule: Rule) -> Response:
        self._refusing_until = self.application.now + float(rule.option("seconds", LIES_FOR))
        return self._refuse_lying(call)

    def _refuse_lying(self, call: Call[Any]) -> Response:
        return self.application.boast(call, self.application.throttle(call, "0"))

    def _list_of(self, call: Call[Any]) -> str:
        return f"{call.path} {self.application.reader(call)}"

    def _remember(self, call: Call[Any], response: Response) -> None:
        wanted = call.method == "GET" and response.status == 200 and self.application.dial.rules
        if wanted and self.application.items(call, response) is not None:
            self._pages[self._list_of(call)] = response


def _retype(value: Any) -> Any:
    match value:
        case bool() | None:
            return str(value)
        case int() | float():
            return {"value": str(value)}
        case str():
            return [value]
        case _:
            return "changed"
