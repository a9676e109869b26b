"""Copies the eight lists of pages into files with dlt's rest_api: URL FORM DIRECTORY STATE RECORDS.

Runs in the environment under `bench/.peers`, as a user of dlt would write it. Fails unless all
records arrived.
"""

import sys


def main() -> None:
    """Run one pipeline."""
    import dlt  # type: ignore[import-not-found,unused-ignore]
    from dlt.sources.rest_api import (  # type: ignore[import-not-found,unused-ignore]
        rest_api_source,
    )

    url, form, directory, state, records = sys.argv[1:]
    names = [f"things_{number}" for number in range(1, 9)]
    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "paginator": {
                    "type": "cursor",
                    "cursor_path": "next",
                    "cursor_param": "page",
                },
            },
            "resource_defaults": {"primary_key": "id", "parallelized": True},
            "resources": [
                {"name": name, "endpoint": {"path": f"v1/{name}", "data_selector": "data"}}
                for name in names
            ],
        },
        max_table_nesting=0,
    )
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=state,
        destination=dlt.destinations.filesystem(bucket_url=f"file://{directory}"),
        dataset_name="copy",
    )
    pipeline.run(source, loader_file_format=form).raise_on_failed_jobs()
    counts = pipeline.last_trace.last_normalize_info.row_counts
    arrived = sum(counts[name] for name in names)
    if arrived != int(records):
        raise SystemExit(f"{arrived} records arrived instead of {records}")


if __name__ == "__main__":
    main()
