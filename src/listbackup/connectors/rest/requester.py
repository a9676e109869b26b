"""One request with patience: through the circuit and the budgets, with authorisation, again where
that helps, and with an end.

Everything asked here only reads, so a request may be sent again whatever became of it. Knows no
stream, no paging and no HTTP library.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from listbackup.connectors.rest.answers import Refused
from listbackup.connectors.rest.bodies import Unreadable, check_json
from listbackup.connectors.rest.budgets import Line, Passage
from listbackup.connectors.rest.circuit import Circuit, StillDown
from listbackup.connectors.rest.models.budgets import Failures
from listbackup.connectors.rest.pace import Pace
from listbackup.connectors.rest.told import read_retry_after
from listbackup.connectors.rest.transport import (
    Kind,
    Request,
    Response,
    Transport,
    TransportError,
)
from listbackup.connectors.rest.verdicts import Clean, Verdict, judge
from listbackup.errors import AuthError, ListbackupError, RateLimited
from listbackup.events import Emit, Waited, ignore
from listbackup.ids import Entropy
from listbackup.retry import Patience

Check = Callable[[Response], None]
"""Looks whether a response is the answer that was asked for. Raises Unreadable."""

PATIENCE = Patience(attempts=8, first=1.0, longest=60.0, total=900.0)
_LIMITED = 2 * 3600.0
_RENEWALS = 2
_ONCE_MORE = {Kind.TOO_LARGE: 2, Kind.CERTIFICATE: 3}
_FINAL = (Kind.FORBIDDEN_HOST, Kind.REDIRECT)
_KEPT = "What was read so far is kept; what is missing is named."


class Authorizer(Protocol):
    """Proves who we are."""

    async def authorize(self, request: Request) -> Request:
        """Give the request with what proves it. Raises AuthError."""
        ...

    async def refused(self, response: Response, asked: Request) -> bool:
        """Be told of a 401, and of the request as it was authorised; say whether to try again with
        fresh credentials. Raises AuthError."""
        ...


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one try: a response with its verdict, or why there is none."""

    verdict: Verdict
    response: Response | None = None
    kind: Kind | None = None
    asked: Request | None = None


@dataclass(slots=True)
class _Story:
    """One request's tries so far."""

    began: float
    tries: int = 0
    renewals: int = 0
    refusals: int = 0
    last: str = ""


class Requester:
    """Asks a platform on behalf of one source, within one event loop."""

    def __init__(
        self,
        transport: Transport,
        authorizer: Authorizer,
        line: Line,
        failures: Failures,
        *,
        pace: Pace,
        entropy: Entropy,
        source: str,
        patience: Patience = PATIENCE,
        emit: Emit = ignore,
        clean: Clean = str,
    ) -> None:
        self._transport = transport
        self._authorizer = authorizer
        self._line = line
        self._failures = failures
        self._pace = pace
        self._entropy = entropy
        self._source = source
        self._patience = patience
        self._emit = emit
        self._clean = clean
        self._circuit = Circuit(pace, entropy, patience.total)
        self._told = 0.0
        self._last = ""

    async def ask(self, request: Request, check: Check = check_json) -> Response:
        """Give a response that the platform meant as an answer (2xx) and that passes the check.

        Raises Refused, AuthError, RateLimited.
        """
        story = _Story(self._pace.monotonic())
        while True:
            outcome = await self._try(request, check, story)
            match outcome.verdict.meaning:
                case "fine" if outcome.response is not None:
                    return outcome.response
                case "empty" if outcome.response is not None:
                    return Response(200, outcome.response.headers, b"", nothing=True)
                case "rate_limited":
                    self._judge_limit(request, story)
                case "auth":
                    await self._renew(request, outcome, story)
                case "transient" if not request.once:
                    await self._wait(request, outcome, story)
                case _:
                    raise self._refuse(request, outcome, story)

    def describe_budgets(self) -> list[str]:
        """Say what is left of the source's budgets."""
        return self._line.describe()

    async def close(self) -> None:
        """Give up all connections."""
        await self._transport.close()

    async def _try(self, request: Request, check: Check, story: _Story) -> _Outcome:
        """Send once, when circuit and budgets let it through. Raises Refused."""
        left = self._circuit.seconds_left
        if left:
            self._tell(f"{self._line.title} to answer again", left)
        try:
            async with (
                self._circuit.passing(request.operation),
                self._line.passage(request.operation) as passage,
            ):
                return await self._send(request, check, story, passage)
        except StillDown:
            words = story.last or f"it has not answered for long ({self._last})"
            outcome = _Outcome(Verdict("transient", words))
            raise self._refuse(request, outcome, story) from None

    async def _send(
        self, request: Request, check: Check, story: _Story, passage: Passage
    ) -> _Outcome:
        authorised = await self._authorizer.authorize(request)
        story.tries += 1
        try:
            response = await self._transport.send(authorised)
        except TransportError as error:
            story.last = self._last = self._clean(str(error))
            if error.kind in _FINAL:
                return _Outcome(Verdict("invalid", story.last), None, error.kind)
            if error.kind is Kind.TOO_LARGE:
                self._circuit.succeed()
            elif not request.once:
                self._circuit.fail(request.operation)
            return _Outcome(Verdict("transient", story.last), None, error.kind)
        verdict = judge(response, self._failures, request.operation, self._clean)
        story.last = verdict.says
        passage.answer(response.headers, refused=verdict.meaning == "rate_limited")
        if verdict.meaning == "transient":
            self._last = verdict.says
            if not request.once:
                self._circuit.fail(request.operation)
            return _Outcome(verdict, response)
        self._circuit.succeed()
        if verdict.meaning == "fine":
            try:
                check(response)
            except Unreadable as error:
                return _Outcome(Verdict("transient", f"no answer: {error}"), response)
        return _Outcome(verdict, response, asked=authorised)

    async def _wait(self, request: Request, outcome: _Outcome, story: _Story) -> None:
        """Wait before the next try. Raises Refused where patience is at its end."""
        patience, tries = self._patience, story.tries - story.renewals - story.refusals
        most = patience.attempts
        if outcome.kind is not None:
            most = min(most, _ONCE_MORE.get(outcome.kind, most))
        seconds = min(patience.longest, patience.first * 2.0**tries)
        seconds *= int.from_bytes(self._entropy(4), "big") / 2**32
        if outcome.response is not None:
            asked = read_retry_after(outcome.response.headers, self._pace.now())
            seconds += asked or 0.0
        passed = self._pace.monotonic() - story.began
        if tries >= most or passed + seconds >= patience.total:
            raise self._refuse(request, outcome, story)
        self._tell(f"{self._line.title} to answer again ({outcome.verdict.says})", seconds)
        await self._pace.sleep(seconds)

    async def _renew(self, request: Request, outcome: _Outcome, story: _Story) -> None:
        """Look for fresh credentials. Raises AuthError where there are none."""
        story.renewals += 1
        response = outcome.response or Response(401)
        asked = outcome.asked or request
        if story.renewals <= _RENEWALS and await self._authorizer.refused(response, asked):
            return
        raise AuthError(
            f"{self._line.title} does not accept the credentials of {self._source}"
            f"{_explain(outcome.verdict)}.",
            subject=self._source,
            risk=_KEPT,
            hint=f"Run `listbackup source reconnect {self._source}`.",
        )

    def _judge_limit(self, request: Request, story: _Story) -> None:
        """The wait itself is the line's; see that it ends. Raises RateLimited."""
        story.refusals += 1
        passed = self._pace.monotonic() - story.began
        if passed >= _LIMITED:
            raise RateLimited(
                f"{self._line.title} has refused {_name(request)} for {_say(passed)}: too many "
                "requests.",
                subject=self._source,
                risk=_KEPT,
                hint="Run the backup again later; look which other programs use this account.",
            )

    def _refuse(self, request: Request, outcome: _Outcome, story: _Story) -> Refused:
        """Make the error for a request that is given up."""
        status = outcome.response.status if outcome.response else 0
        if outcome.kind is Kind.TOO_LARGE:
            return self._describe(request, outcome, story, Refused("too_large", ""))
        match outcome.verdict.meaning:
            case "forbidden" | "missing" | "expired_page" | "transient" as means:
                return self._describe(request, outcome, story, Refused(means, "", status))
            case _:
                return self._describe(request, outcome, story, Refused("invalid", "", status))

    def _describe(
        self, request: Request, outcome: _Outcome, story: _Story, error: Refused
    ) -> Refused:
        words = {
            "forbidden": "does not allow",
            "missing": "does not have",
            "transient": "gave no answer to",
            "too_large": "answered too much to",
        }
        said = f"{self._line.title} {words.get(error.means, 'refused')} {_name(request)}"
        if story.tries > 1:
            passed = self._pace.monotonic() - story.began
            said += f" ({story.tries} tries in {_say(passed)})"
        hints = {
            "forbidden": f"Give the key or user of {self._source} the right to read it, or leave "
            "the stream out.",
            "transient": "Run the backup again later; it goes on from where it stopped.",
        }
        error.message = f"{said}{_explain(outcome.verdict)}."
        error.args = (error.message,)
        error.subject, error.risk = self._source, _KEPT
        error.hint = hints.get(error.means, ListbackupError.default_hint)
        return error

    def _tell(self, reason: str, seconds: float) -> None:
        """Say what is waited for, once for all requests that wait at a time."""
        until = self._pace.monotonic() + seconds
        if seconds >= 1 and until > self._told + 1:
            self._told = until
            self._emit(Waited(reason, seconds))


def _name(request: Request) -> str:
    return request.operation or request.method


def _explain(verdict: Verdict) -> str:
    said = "; ".join(part for part in (verdict.says, verdict.told) if part)
    return f": {said}" if said else ""


def _say(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
