"""What is expected of a sync when a provider does each of its faults: the table.

`often` is what comes of a sync in which every so-many-th request meets the fault, `always` of one
in which one list meets it at every request. What does not end complete has to be named.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from listbackup.sandbox.platforms.faults import Fault


@dataclass(frozen=True, slots=True)
class Ending:
    """How a sync ends: complete and equal; or partial, each reason matching `says`; or, where
    `error` is given, with an error of that category that says `says`. `either`: complete and equal
    is as good."""

    says: str = ""
    error: str = ""
    either: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing is to be said."""
        return not self.says and not self.error

    def fits(self, words: str) -> bool:
        """Tell whether that is what was to be said."""
        return re.search(self.says, words) is not None


@dataclass(frozen=True, slots=True)
class Expected:
    """One row of the table. `every`: of so many requests at least one meets the fault, `times` at
    most; in the list that always meets it, every `each`-th request does. `full`: what the fault
    left behind goes with the next full listing."""

    often: Ending
    always: Ending
    every: int = 6
    times: int | None = None
    each: int = 1
    full: bool = False


SAME = Ending()


def said(*words: str) -> Ending:
    """Partial, for one of these reasons."""
    return Ending("|".join(words))


def either(*words: str) -> Ending:
    """Complete, or partial for one of these reasons."""
    return Ending("|".join(words), either=True)


def ends(category: str, *words: str) -> Ending:
    """An error of a category."""
    return Ending("|".join(words), error=category)


PARENT = "by which it is asked for, was not read whole"
FAILS = "gave no answer to"
LOST = "the platform has no such list for"
AUTH = ends("auth", "does not accept the credentials")

LIMIT = ends("rate_limited", "has refused .* too many requests")
CIRCLES = (
    "came twice",
    "same records came again",
    "does not end",
    "changed each time",
    "changes faster",
)

TABLE: Mapping[Fault, Expected] = {
    Fault.THROTTLED: Expected(SAME, LIMIT),
    Fault.THROTTLED_WITH_HINT: Expected(SAME, LIMIT),
    Fault.ERROR_500: Expected(SAME, said(FAILS, PARENT)),
    Fault.ERROR_502: Expected(SAME, said(FAILS, PARENT)),
    Fault.ERROR_503: Expected(SAME, said(FAILS, PARENT)),
    Fault.ERROR_504: Expected(SAME, said(FAILS, PARENT)),
    Fault.RESET: Expected(SAME, said("reset", PARENT)),
    Fault.TIMEOUT: Expected(SAME, said("nothing came", PARENT)),
    Fault.DRIP: Expected(SAME, said("slow", PARENT)),
    Fault.WRONG_LENGTH: Expected(SAME, said("less came", PARENT)),
    Fault.TRUNCATED: Expected(SAME, said("JSON", PARENT)),
    Fault.HTML: Expected(SAME, said("HTML", "web page", PARENT)),
    Fault.BOMB: Expected(SAME, said("too much", PARENT), every=37),
    Fault.HUGE: Expected(SAME, said("too much", PARENT), every=37),
    Fault.CHARSET: Expected(SAME, said("UTF-8", "JSON", PARENT)),
    Fault.DUPLICATE_PAGE: Expected(SAME, either(*CIRCLES, PARENT), every=23),
    Fault.SKIPPED_PAGE: Expected(
        # what is left out at the end of a list is named by its last page, not found again
        either("says that there are"),
        either(*CIRCLES, "says that there are", PARENT),
        every=23,
        each=5,
    ),
    Fault.CURSOR_LOOP: Expected(SAME, said(*CIRCLES, PARENT), every=23),
    Fault.REORDERED: Expected(SAME, either(*CIRCLES, PARENT), every=23),
    Fault.EXPIRED: Expected(AUTH, AUTH, times=1, every=19),
    Fault.REVOKED: Expected(AUTH, AUTH, times=1, every=19),
    # the right to read events may be the one that is lost: then nothing is missing
    Fault.SCOPE_CUT: Expected(
        either("permission", "no right", PARENT),
        said("permission", "no right", PARENT),
        times=1,
        every=19,
    ),
    Fault.FIELD_ADDED: Expected(SAME, SAME, every=1, full=True),
    Fault.FIELD_REMOVED: Expected(either("it has no key", PARENT), SAME, every=1, full=True),
    Fault.FIELD_RETYPED: Expected(SAME, SAME, every=1, full=True),
    Fault.DELETED_MEANWHILE: Expected(
        either(*CIRCLES, LOST, PARENT), either(*CIRCLES, LOST, PARENT), every=11, full=True
    ),
    Fault.HEADER_LIES: Expected(SAME, LIMIT),
    Fault.REDIRECT: Expected(said("host not allowed", PARENT), said("host not allowed", PARENT)),
    Fault.CERTIFICATE: Expected(SAME, said("certificate", PARENT), every=37),
}
