"""A vault with a short history: what was added, changed and removed is known; and a shop."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from listbackup.testing.changes import Change, commit_changes
from listbackup.testing.readings import MOMENT, ListedSource
from listbackup.testing.vaults import Trial
from tests.history.shops import Shop

Rows = list[list[str | None]]


@pytest.fixture(params=["sealed", "none"])
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Trial:
    """Give a fresh vault, once sealed and once plain."""
    trial = Trial(tmp_path, encryption=request.param)
    trial.create()
    return trial


@pytest.fixture
def make_trial(tmp_path: Path) -> Callable[..., Trial]:
    """Give a maker of vaults in directories of their own."""

    def make(name: str = "one", encryption: str = "sealed") -> Trial:
        trial = Trial(tmp_path / name, encryption=encryption)  # type: ignore[arg-type]
        trial.create()
        return trial

    return make


@pytest.fixture
def shop(make_trial: Callable[..., Trial]) -> Shop:
    """Give a shop of a plain vault, whose snapshots are published."""
    return Shop(make_trial(encryption="none"))


def make_users(count: int) -> Rows:
    """Rows with a key, an awkward text and a null now and then."""
    return [[str(n), f'name "{n}"\\\n\té', None if n % 3 else f"{n}.50"] for n in range(count)]


def live_a_while(trial: Trial, count: int = 300) -> list[dict[str, Rows]]:
    """Make three snapshots of one lineage, a day apart, and give what each shows.

    Second: user 7 changes, 11 and 12 go, `new` comes. Third: 7 changes again, 11 comes back as it
    was.
    """
    users = make_users(count)
    trial.sync(ListedSource({"public.users": users, "quiet": [["1", "x"]]}))
    first: dict[str, Rows] = {"public.users": users, "quiet": [["1", "x"]]}
    changed: Rows = [["7", "another", None], ["new", "born", "1.00"]]
    second_users = [row for row in users if row[0] not in ("7", "11", "12")] + changed
    vault = trial.open()
    commit_changes(
        vault,
        "shop",
        {
            "public.users": Change(second_users, changed, {0: [(7, 1), (11, 2)]}),
            "quiet": Change([["1", "x"]]),
        },
        moment=MOMENT + timedelta(days=1),
    )
    again: Rows = [["7", "a third", "3.00"], users[11]]
    third_users = [row for row in second_users if row[0] != "7"] + again
    commit_changes(
        trial.open(),
        "shop",
        {
            "public.users": Change(third_users, again, {1: [(0, 1)]}),
            "quiet": Change([["1", "x"]]),
        },
        moment=MOMENT + timedelta(days=2),
    )
    return [
        first,
        {"public.users": second_users, "quiet": [["1", "x"]]},
        {"public.users": third_users, "quiet": [["1", "x"]]},
    ]
