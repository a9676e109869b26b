"""Copies the table `simple` into files with dlt: URL BACKEND DIRECTORY STATE ROWS.

Runs in the environment under `bench/.peers`, as a user of dlt would write it: jsonl where rows
are Python objects, Parquet where they are Arrow tables. The password comes by PGPASSWORD, which
not every backend reads by itself, and stands in no process list. Fails unless all rows arrived.
"""

import os
import sys
from urllib.parse import quote, urlsplit


def main() -> None:
    """Run one pipeline."""
    import dlt  # type: ignore[import-not-found,unused-ignore]
    from dlt.sources.sql_database import (  # type: ignore[import-not-found,unused-ignore]
        sql_database,
    )

    url, backend, directory, state, rows = sys.argv[1:]
    source = sql_database(add_password(url), table_names=["simple"], backend=backend)
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


def add_password(url: str) -> str:
    """Write the URL as SQLAlchemy wants it, with the password of the environment."""
    parts = urlsplit(url)
    password = quote(os.environ["PGPASSWORD"], safe="")
    place = f"{parts.username}:{password}@{parts.hostname}:{parts.port}"
    return parts._replace(scheme="postgresql+psycopg2", netloc=place).geturl()


if __name__ == "__main__":
    main()
