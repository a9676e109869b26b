"""Copies the table `simple` into files with dlt: URL BACKEND DIRECTORY STATE ROWS.

Runs in the environment under `bench/.peers`, as a user of dlt would write it: jsonl where rows
are Python objects, Parquet where they are Arrow tables. Fails unless all rows arrived.
"""

import sys


def main() -> None:
    """Run one pipeline."""
    import dlt  # type: ignore[import-not-found,unused-ignore]
    from dlt.sources.sql_database import (  # type: ignore[import-not-found,unused-ignore]
        sql_database,
    )

    url, backend, directory, state, rows = sys.argv[1:]
    url = url.replace("postgresql://", "postgresql+psycopg2://")
    source = sql_database(url, table_names=["simple"], backend=backend)
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=state,
        destination=dlt.destinations.filesystem(bucket_url=f"file://{directory}"),
        dataset_name="copy",
    )
    form = "jsonl" if backend == "sqlalchemy" else "parquet"
    pipeline.run(source, loader_file_format=form).raise_on_failed_jobs()
    counted = pipeline.last_trace.last_normalize_info.row_counts["simple"]
    if counted != int(rows):
        raise SystemExit(f"{counted} rows arrived instead of {rows}")


if __name__ == "__main__":
    main()
