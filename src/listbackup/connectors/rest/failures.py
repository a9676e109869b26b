"""Answers that are none although their status says so: by what stands at their top, and, where
they have no records, by words and codes that do not say that all is well. Knows no requests.
"""

import re
from collections.abc import Iterator, Mapping

from listbackup.connectors.rest.fields import Json, plain, read_fields

_FRAMES = frozenset(
    {"meta", "metadata", "response", "responsestatus", "responseheader", "status", "header", "head"}
)
_TROUBLE = frozenset(
    {"error", "errors", "exception", "exceptions", "fault", "faults", "failures", "errormessage"}
    | {"errormessages", "errordescription"}
)
_FLAGS = frozenset({"success", "succeeded", "ok", "issuccess", "successful"})
_CRIES = frozenset(
    {"incompleteresults", "timedout", "haserror", "haserrors", "iserror", "failed", "isfailed"}
)
_STATES = frozenset({"status", "statuscode", "result", "stat"})
_FAILED = frozenset(
    {"error", "errors", "fail", "failed", "failure", "false", "throttled", "ratelimited", "timeout"}
    | {"timedout", "unavailable", "serviceunavailable", "partial", "partialsuccess", "degraded"}
    | {"partialfailure", "incomplete", "overquerylimit", "requestdenied", "internalerror"}
)
_UNREADY = frozenset(
    {"processing", "pending", "queued", "running", "inprogress", "accepted", "started", "loading"}
    | {"building", "notready", "retry", "denied", "forbidden", "unauthorized", "expired", "busy"}
    | {"aborted", "maintenance", "offline", "down", "blocked", "initializing"}
)
"""States in which a list may be empty that will not stay so."""
_PARTS = frozenset({"partial", "incomplete", "degraded", "stale"})
_ERROR_CODES = frozenset({"errorcode", "errcode", "errno", "errornumber"})
_CODES = frozenset(
    {"code", "statuscode", "httpstatus", "httpcode", "httpstatuscode", "ret", "retcode"}
    | {"returncode", "resultcode", "responsecode"}
)
_TEXTS = frozenset({"message", "msg", "errmsg", "errormsg", "errordetail"})
_TITLES = frozenset({"title", "detail", "details", "reason", "statustext"})
_FINE = frozenset(
    {"", "none", "null", "false", "no", "ok", "success", "succeeded", "no error", "noerror"}
    | {"successful", "completed", "complete", "done", "true", "200"}
)
_ZERO = re.compile(r"0*|20[0-9]")
_SHORT = re.compile(r"[a-z]{1,3}")
"""The code of a currency, a country, a language."""
_NONE = re.compile(
    r"\bno (?!more than|(?:\w+ ){0,2}(?:response|answer|connection|servers?|services?|hosts?"
    r"|backend|workers?|capacity|access|permissions?|rights?|token|api|key|credentials?"
    r"|subscription|licen[cs]e)\b)(?:[\w-]+ ?){1,4}"
)
_WRONG = re.compile(
    r"error|fail|exceed|too many|\blimit(?:s|ed|ing)?\b|throttl|quota|denied|invalid (?!page)"
    r"|unauthor|forbidden|unavailable|time[ds]?[ -]?out|try again|\bretry|maintenance|wrong|expired"
    r"|unable|unsuccessful|exception|permission|overload|\bbusy\b|blocked|suspended|aborted"
    r"|incomplete|partial|not (?:ready|available|support|respond|reach|authent|allow)|\bno "
)
_HARMLESS = re.compile(
    r"\b(?:ok|okay|success\w*|succeeded|done|completed?|fetched|retrieved|loaded|listed|returned"
    r"|processed|executed|listings?|lists?|results?|records?|here (?:is|are)|get|all|match\w*"
    r"|welcome|found|find|empty|none|nothing|any|0|zero|end of|pages?|range|gefunden|keine?"
    r"|aucune?|geen|ning[uú]n\w*|nessun\w*|nenhum\w*|[eé]xito\w*|sucesso|succ[eè]s|erfolg\w*)\b"
)
_BEYOND = re.compile(
    r"\b(?:page(?! size)|offset)\b.*(?:exceed|beyond|out of|larger|greater|too |invalid|exist|last)"
    r"|(?:exceed|beyond|behind|out of|invalid|wrong).*\b(?:page(?! size)|offset)\b"
)
"""What some say of a page behind the last one."""


def find_failure(rest: bytes, *, bare: bool = False) -> str:
    """Name what says that an answer is none although its status is: `error`, `success: false` and
    the like, at its top or in what frames it; empty where nothing does. `bare`: it has no records,
    so that a code or a message that does not say that all is well says that it failed."""
    fields = read_fields(rest)
    told = [(name, plain(name), value) for name, value in _frame(fields)]
    fine = any(_says_fine(key, value) for _, key, value in told)
    for name, key, value in told:
        if key in _TROUBLE and _is_something(value):
            return name
        if key in _FLAGS and str(value).lower() in ("false", "0"):
            return name
        if key in _CRIES and str(value).lower() == "true":
            return name
        if key in _STATES and _is_failed(value, codes=key != "result"):
            return name
        if key == "type" and value == "error":
            return name
        if key in _ERROR_CODES and not fine and _is_odd_code(value):
            return name
        if key == "shards" and isinstance(value, Mapping) and value.get("failed"):
            return name
    # what has an identity of its own is a thing whose list is empty
    thing = any(key in ("id", "uuid", "guid") for key in map(plain, fields))
    return "" if not bare or thing else _find_odd(told, fine=fine)


def _frame(fields: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    yield from fields.items()
    for name, value in fields.items():
        if plain(name) in _FRAMES and isinstance(value, Mapping):
            yield from value.items()


def _find_odd(told: list[tuple[str, str, Json]], *, fine: bool) -> str:
    """Name what does not say that all is well where a page has nothing."""
    texts = [value for _, key, value in told if key in _TEXTS and isinstance(value, str)]
    known = fine or any(text.strip() and _is_harmless(text) for text in texts)
    for name, key, value in told:
        state = plain(value) if isinstance(value, str) else ""
        if (key in _STATES and state in _UNREADY) or (key == "state" and state in _FAILED):
            return name
        if key in _PARTS and value is True:
            return name
        if key in _CODES and _is_odd_code(value) and not _SHORT.fullmatch(str(value).lower()):
            number = int(value) if str(value).isdecimal() else 0
            if not known or (400 <= number < 600 and number != 404):
                return name
        if fine or not isinstance(value, str) or not value.strip():
            continue
        if key in _TEXTS and not _is_harmless(value):
            return name
        if key in _TITLES and _WRONG.search(_NONE.sub(" ", value.lower())):
            return name
    return ""


def _says_fine(key: str, value: Json) -> bool:
    if key in _FLAGS:
        return str(value).lower() in ("true", "1")
    if key in _STATES and isinstance(value, str):
        return value.strip().lower() in _FINE - {"", "none", "null", "false", "no"}
    if key in _CODES | _STATES | _ERROR_CODES and isinstance(value, int | str):
        return value is not False and value != "" and not _is_odd_code(value)
    return False


def _is_odd_code(value: Json) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return False
    said = str(value).strip().lower()
    return said not in _FINE and _ZERO.fullmatch(said) is None


def _is_failed(value: Json, *, codes: bool) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return codes and 400 <= value < 600
    return isinstance(value, bool | str) and plain(str(value)) in _FAILED


def _is_something(value: Json) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_something, value.values()))
    if isinstance(value, int | str) and not isinstance(value, bool):
        return _is_odd_code(value)
    return bool(value)


def _is_harmless(text: str) -> bool:
    said = text.strip().lower()
    if _BEYOND.search(said):
        return True
    left = _NONE.sub(" ", said)
    return not _WRONG.search(left) and (left != said or _HARMLESS.search(said) is not None)
