"""Every fault of a provider, on every kind of platform: survived, or said; never silent."""

from pathlib import Path

import pytest

from listbackup.connectors.rest.transport import Transport
from listbackup.sandbox.platforms.faults import Fault
from tests.proof.counts import rounds
from tests.proof.platforms.expected import TABLE
from tests.proof.platforms.faults import Findings, try_fault
from tests.proof.platforms.shadows import Thief
from tests.proof.platforms.worlds import KINDS, World

INCLUDED = {"stripe": ("charges",), "keap": ("tags.contacts",), "post": ("rates",)}


@rounds(suite=2, full=20)
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_survived_or_said(kind: str, fault: Fault, scratch: Path, rounds: int) -> None:
    found = Findings()
    for seed in range(1, rounds + 1):
        try_fault(kind, fault, seed, scratch, found, whole=rounds > 2 or seed == 1)
    print(f"{kind} {fault}: {found.to_text()}")
    assert not found.wrong, "\n".join(found.wrong)


def test_the_table_has_every_fault() -> None:
    assert set(TABLE) == set(Fault)


@pytest.mark.parametrize("how", ["lost", "changed", "invented"])
@pytest.mark.parametrize(
    ("kind", "path", "within"),
    [
        ("stripe", "/v1/charges", "data"),
        ("keap", "/tags/", "contacts"),
        ("post", "/rates", "rates"),
    ],
)
def test_the_comparison_notices_one_record(
    kind: str, path: str, within: str, how: str, scratch: Path
) -> None:
    thieves: list[Thief] = []

    def spoil(transport: Transport) -> Transport:
        thieves.append(Thief(transport, path, within, how))
        return thieves[-1]

    world = World(kind, scratch, include=INCLUDED[kind], wrap=spoil)
    world.sync()
    assert thieves[0].victim
    (found,) = world.compare()
    assert (bool(found.missing), bool(found.extra)) == (how == "lost", how == "invented")
    assert found.other or how != "changed"


def test_a_reading_that_stops_after_its_first_page_is_found_out(scratch: Path) -> None:
    world = World("stripe", scratch, include=("charges",))
    whole = world.platform
    one_page = [one.model_copy(update={"paging": None}) for one in whole.streams]
    world.platform = whole.model_copy(update={"streams": tuple(one_page), "feeds": ()})
    result = world.sync()
    world.platform = whole
    (found,) = world.compare()
    assert found.missing
    # and the connector itself does not keep quiet about it
    assert result.reasons[0].startswith("charges: the last page says that there is more")
