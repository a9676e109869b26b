"""A Singer tap over the eight lists of pages, as the SDK's template has it: URL. Writes messages to
standard output; runs in the environment under `bench/.peers`."""

import sys
from typing import Any


def main() -> None:
    """Read all lists once."""
    from singer_sdk import RESTStream, Tap  # type: ignore[import-not-found,unused-ignore]
    from singer_sdk.pagination import (  # type: ignore[import-not-found,unused-ignore]
        JSONPathPaginator,
    )

    url = sys.argv[1]
    anything: dict[str, Any] = {
        "type": "object",
        "additionalProperties": True,
        "properties": {"id": {"type": "string"}},
    }

    class Things(RESTStream):  # type: ignore[misc,unused-ignore]
        url_base = url
        records_jsonpath = "$.data[*]"
        primary_keys = ("id",)
        schema = anything

        def get_new_paginator(self) -> Any:
            return JSONPathPaginator("$.next")

        def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
            return {"page": next_page_token} if next_page_token else {}

    class Bench(Tap):  # type: ignore[misc,unused-ignore]
        name = "tap-bench"
        config_jsonschema: dict[str, Any] = {"type": "object", "properties": {}}

        def discover_streams(self) -> list[Any]:
            names = [f"things_{number}" for number in range(1, 9)]
            return [
                type(name, (Things,), {"name": name, "path": f"/v1/{name}"})(tap=self)
                for name in names
            ]

    Bench(config={}).sync_all()


if __name__ == "__main__":
    main()
