"""Every list operation of a platform is a stream, or is left out with a reason."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from listbackup.connectors.rest.loading import list_platforms, load_platform
from listbackup.connectors.rest.models.platform import Platform
from listbackup.testing.contracts import Contract
from tools.platformdocs import DOCS, write_page
from tools.platformfacts import (
    describe_parameters,
    describe_writes,
    list_operations,
    read_spec,
)

FACTS = Path(__file__).parent / "operations"
KEAP_SPEC = "keap-v2-swagger.yml"
PLATFORMS = ("keap", "stripe")


def read_operations(name: str) -> list[str]:
    lines = (FACTS / f"{name}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def find_gaps(platform: Platform, operations: Sequence[str]) -> list[str]:
    """Operations that are neither or both, and names of operations that there are not."""
    told = [operation for stream in platform.streams for operation in stream.covers]
    told += [one.operation for one in platform.excluded]
    return sorted(
        {one for one in (*operations, *told) if told.count(one) != 1 or one not in operations}
    )


def test_all_platforms_that_come_with_the_product_are_held_here() -> None:
    assert list_platforms() == list(PLATFORMS)


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_list_operation_is_a_stream_or_left_out_with_a_reason(name: str) -> None:
    platform = load_platform(name)
    assert find_gaps(platform, read_operations(name)) == []
    assert all(len(one.why.split()) > 3 for one in platform.excluded)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_list_operation_that_is_neither_is_found(name: str) -> None:
    platform = load_platform(name)
    operations = read_operations(name)
    assert find_gaps(platform, [*operations, "GET /new/things"]) == ["GET /new/things"]
    less = platform.model_copy(update={"excluded": platform.excluded[1:]})
    assert find_gaps(less, operations) == [platform.excluded[0].operation]
    fewer = platform.model_copy(update={"streams": platform.streams[1:]})
    assert find_gaps(fewer, operations) == list(platform.streams[0].covers)


@pytest.mark.parametrize("name", PLATFORMS)
def test_an_operation_that_the_platform_does_not_have_is_found(name: str) -> None:
    operations = read_operations(name)
    assert find_gaps(load_platform(name), operations[1:]) == operations[:1]


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_facts_have_the_parameters_of_every_list_operation(name: str) -> None:
    contract = Contract((FACTS / f"{name}.parameters.txt").read_text("utf-8"))
    assert set(read_operations(name)) <= contract.operations.keys()


@pytest.fixture
def keap_spec() -> Path:
    place = os.environ.get("LISTBACKUP_SPECS")
    if place is None:
        pytest.skip("LISTBACKUP_SPECS names no folder of official specifications")
    spec = Path(place) / KEAP_SPEC
    if not spec.is_file():
        pytest.skip(f"LISTBACKUP_SPECS has no {KEAP_SPEC}")
    return spec


def test_the_official_specification_of_keap_has_no_other_list_operations(keap_spec: Path) -> None:
    spec = read_spec(keap_spec)
    assert find_gaps(load_platform("keap"), list_operations(spec)) == []
    assert list_operations(spec) == read_operations("keap")
    for kind, described in (("parameters", describe_parameters), ("writes", describe_writes)):
        written = (FACTS / f"keap.{kind}.txt").read_text("utf-8")
        assert written == described(spec), "run `python tools/platformfacts.py`"


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_page_about_a_platform_says_what_its_description_says(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text("utf-8")
    assert write_page(load_platform(name), page) == page, "run `python tools/platformdocs.py`"
    for operation in read_operations(name):
        assert f"| `{operation}` |" in page


def test_a_page_that_says_something_else_is_found() -> None:
    page = (DOCS / "keap.md").read_text("utf-8")
    assert write_page(load_platform("keap"), page.replace("`contacts`", "`people`")) == page


def test_a_page_with_a_table_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError):
        write_page(load_platform("keap"), "<!-- table: wishes -->\n<!-- end -->")
