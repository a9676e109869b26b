"""What a part's columns hold, counted by DuckDB from the part's bytes: count, nulls, least,
greatest, sum. Knows no vault and no encoding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from listbackup.errors import FailedError
from listbackup.parquet.columns import quote
from listbackup.parquet.session import Session
from listbackup.parquet.unions import ask_fields, match_fields, plan_union

WHOLE = frozenset("TINYINT SMALLINT INTEGER BIGINT UTINYINT USMALLINT UINTEGER UBIGINT".split())
FLOATING = frozenset(("FLOAT", "DOUBLE"))


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """Of one column: DuckDB's type, values that are not null, nulls, and as text the least and
    greatest value and the sum; None where there is none, or a sum of more than 38 digits. Bytes
    are in hex, floats order NaN last, texts by their bytes. Sums of floats depend on the order of
    adding."""

    type: str
    count: int
    nulls: int
    least: str | None
    greatest: str | None
    sum: str | None


def measure_parts(bodies: Sequence[bytes], memory_mib: int = 96) -> Mapping[str, ColumnStatistics]:
    """Measure the columns of parts together, by name. A column that some parts lack is null
    there; those of records are widened. Raises FailedError where the bytes are no Parquet."""
    session = Session(memory_mib, threads=1)
    try:
        addresses = session.lend("part", [[body] for body in bodies])
        source = f"read_parquet({addresses!r}, union_by_name = true)"
        if told := session.ask(ask_fields(addresses)):
            source = f"({plan_union(match_fields(addresses, told)).query})"
        types = {
            str(row[0]): str(row[1]) for row in session.ask(f"DESCRIBE SELECT * FROM {source}")
        }
        return {
            name: ColumnStatistics(kind, *_measure(session, source, quote(name), kind))
            for name, kind in types.items()
        }
    except session.failure as error:
        raise FailedError(
            f"The statistics of a typed view could not be made: {error}",
            risk="The exact copy is not affected.",
        ) from error
    finally:
        session.close()


def _measure(session: Session, source: str, column: str, kind: str) -> tuple[Any, ...]:
    count, least, greatest, total = _measures(column, kind)
    asked = f"SELECT {count}, count(*) - {count}, {least}, {greatest}"
    try:
        [row] = session.ask(f"{asked}, {total} FROM {source}")
    except session.overflow:
        [row] = session.ask(f"{asked}, NULL FROM {source}")
    return row


def _measures(column: str, kind: str) -> tuple[str, str, str, str]:
    """Write count, least, greatest and sum of a column. Sums are exact: of whole numbers as of
    numbers with 128 bits, of decimals as decimals."""
    shown = f"lower(hex({column}))" if kind == "BLOB" else column
    total = "NULL"
    if kind in WHOLE:
        total = f"sum(CAST({column} AS HUGEINT))"
    elif kind in FLOATING:
        # a sum may be a NaN with a sign, which is written `-nan`
        total = f"if(isnan(sum({column})), 'nan', sum({column})::VARCHAR)"
    elif kind.startswith("DECIMAL") and not kind.endswith("[]"):
        total = f"sum({column})"
    return (
        f"count({column})",
        f"CAST(min({shown}) AS VARCHAR)",
        f"CAST(max({shown}) AS VARCHAR)",
        f"CAST({total} AS VARCHAR)",
    )
