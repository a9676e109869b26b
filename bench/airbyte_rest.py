"""Reads the eight lists of pages with the Airbyte CDK's declarative source: URL DIRECTORY RECORDS.

Runs in the environment under `bench/.peers`; messages go to a file, as a destination would read
them from a pipe. Fails unless all records arrived.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

NAMES = [f"things_{number}" for number in range(1, 9)]


def make_stream(url: str, name: str) -> dict[str, Any]:
    """Describe one list."""
    return {
        "type": "DeclarativeStream",
        "name": name,
        "primary_key": ["id"],
        "retriever": {
            "type": "SimpleRetriever",
            "requester": {
                "type": "HttpRequester",
                "url_base": url,
                "path": f"/v1/{name}",
                "http_method": "GET",
            },
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": ["data"]},
            },
            "paginator": {
                "type": "DefaultPaginator",
                "page_token_option": {
                    "type": "RequestOption",
                    "inject_into": "request_parameter",
                    "field_name": "page",
                },
                "pagination_strategy": {
                    "type": "CursorPagination",
                    "cursor_value": "{{ response.get('next') }}",
                    "stop_condition": "{{ not response.get('next') }}",
                },
            },
        },
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {"type": "object", "additionalProperties": True, "properties": {}},
        },
    }


def main() -> None:
    """Read all lists once."""
    from airbyte_cdk.cli.source_declarative_manifest import (  # type: ignore[import-not-found,unused-ignore]
        run,
    )

    url, directory, records = sys.argv[1:]
    place = Path(directory)
    place.mkdir(parents=True, exist_ok=True)
    manifest = {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": NAMES[:1]},
        "streams": [make_stream(url, name) for name in NAMES],
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "properties": {}},
        },
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": 8},
    }
    config = place / "config.json"
    config.write_text(json.dumps({"__injected_declarative_manifest": manifest}))
    catalog = place / "catalog.json"
    catalog.write_text(
        json.dumps(
            {
                "streams": [
                    {
                        "stream": {
                            "name": name,
                            "json_schema": {"type": "object"},
                            "supported_sync_modes": ["full_refresh"],
                        },
                        "sync_mode": "full_refresh",
                        "destination_sync_mode": "append",
                    }
                    for name in NAMES
                ]
            }
        )
    )
    out = place / "messages.jsonl"
    with open(out, "wb") as file:
        os.dup2(file.fileno(), 1)
    sys.argv[1:] = ["read", "--config", str(config), "--catalog", str(catalog)]
    run()
    arrived = count_records(out)
    if arrived != int(records):
        raise SystemExit(f"{arrived} records arrived instead of {records}")


def count_records(path: Path) -> int:
    """Count the messages that are records."""
    with open(path, "rb") as file:
        return sum(1 for line in file if line.startswith(b'{"type":"RECORD"'))


if __name__ == "__main__":
    main()
