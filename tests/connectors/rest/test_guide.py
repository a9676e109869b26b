"""The guide to descriptions of one's own says what is true."""

import re
from pathlib import Path

import pytest

from listbackup.connectors.rest.loading import parse_platform
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.streams import Stream
from listbackup.operations.connectors import make_schema

GUIDE = (Path(__file__).parents[3] / "docs/connectors.md").read_text("utf-8")


def test_the_description_that_the_guide_writes_is_sound() -> None:
    (written,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    platform = parse_platform(written.encode(), "bookings.yaml")
    assert [one.name for one in platform.streams] == ["guests", "stays"]


@pytest.mark.parametrize("key", [*Platform.model_fields, *Stream.model_fields])
def test_the_guide_tells_every_key(key: str) -> None:
    assert re.search(rf"`{key}`", GUIDE), f"docs/connectors.md does not tell `{key}`"


def test_the_guide_tells_every_kind() -> None:
    kinds = {
        shape["properties"]["kind"]["const"]
        for shape in make_schema()["$defs"].values()
        if "kind" in shape.get("properties", {})
    }
    assert kinds
    assert {kind for kind in kinds if f"`{kind}`" not in GUIDE} - {"create"} == set()
