"""Parts of tables: the columns are those of the schema, named as `columns` names them.

A value that its column's type cannot hold exactly stands, as text, in the column's
twin, and the column is null there; twins are only in parts that need them. Knows no vault.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from listbackup.errors import FailedError
from listbackup.parquet.columns import RESERVED, list_columns, plan_names, quote
from listbackup.parquet.forms import Scan, Steps, open_form
from listbackup.parquet.made import CHANGED, DELETE, DICTIONARY, INSERT, MadePart, group_rows
from listbackup.parquet.session import Session

NUMBER = "CAST(row_number() OVER () - 1 + {first} AS UINTEGER)"


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be written: the columns beside the stream's, the places of the stream's, and the
    arrays that go with the lines."""

    op: str
    batch: str
    line: str
    places: Sequence[int]
    added: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Lent:
    """What is to be scanned, and where DuckDB finds it."""

    scan: Scan
    addresses: Sequence[str]


class TableParts:
    """The maker for lines of which the schema names the columns."""

    def __init__(
        self,
        encoding: str,
        schema: Mapping[str, Any],
        key_positions: Sequence[int],
        memory_mib: int,
        threads: int,
    ) -> None:
        self._form = open_form(encoding, schema)
        self._names = plan_names(schema)
        self._keys = tuple(key_positions)
        self._memory_mib, self._threads = memory_mib, threads
        self._session: Session | None = None
        self._twinned: set[int] = set()

    def make(
        self,
        chunks: Sequence[bytes],
        batch: int,
        operations: bytes | None,
        first_line: int,
        lines: Sequence[int] | None,
    ) -> MadePart:
        """Make a part, as `PartMaker.make`."""
        added: dict[str, Any] = {}
        if operations is not None:
            added["op"] = _array(operations, "uint8")
        if lines is not None:
            added["line"] = _array(lines, "uint32")
        return self._make(
            chunks,
            _Order(
                INSERT if operations is None else CHANGED,
                f"CAST({batch} AS UBIGINT)",
                NUMBER.format(first=first_line) if lines is None else "added.line",
                range(len(self._names)),
                added,
            ),
        )

    def make_deletes(
        self, chunks: Sequence[bytes], batches: Sequence[int], lines: Sequence[int]
    ) -> MadePart:
        """Make a part, as `PartMaker.make_deletes`."""
        added = {"batch": _array(batches, "uint64"), "line": _array(lines, "uint32")}
        return self._make(chunks, _Order(DELETE, "added.batch", "added.line", self._keys, added))

    def close(self) -> None:
        """Give back DuckDB's memory."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _make(self, chunks: Sequence[bytes], order: _Order) -> MadePart:
        session = self._session = self._session or Session(self._memory_mib, self._threads)
        scan = self._form.look(chunks)
        if any(len(array) != scan.lines for array in order.added.values()):
            raise ValueError("what is told of the lines is not as many as they are")
        try:
            if order.added:
                session.lend_arrays("added", order.added)
            return self._try(session, scan, chunks, order)
        finally:
            session.forget()

    def _try(
        self, session: Session, scan: Scan, chunks: Sequence[bytes], order: _Order
    ) -> MadePart:
        """Quickly; where that fails, again with the columns that need twins, which are remembered;
        and where even that fails, with every column carefully."""
        twins = self._twinned.intersection(order.places)
        session.allow_memory(_megabytes(scan.longest, len(order.places)))
        lent = _Lent(scan, session.lend("lines", scan.files))
        with suppress(session.failure):
            return self._write(session, lent, order, twins, twins)
        if not _are_text(scan.files):
            scan = self._form.look(chunks, mend=True)
            lent = _Lent(scan, session.lend("lines", scan.files))
        try:
            found = self._find_twins(session, lent, order)
            twins |= found
            self._twinned |= found
            with suppress(session.failure):
                return self._write(session, lent, order, twins, twins)
            return self._write(session, lent, order, set(order.places), twins)
        except session.failure as error:
            raise FailedError(
                f"The typed view of some lines could not be made: {_first_line(error)}",
                risk="The exact copy is not affected.",
            ) from error

    def _write(
        self, session: Session, lent: _Lent, order: _Order, careful: set[int], twins: set[int]
    ) -> MadePart:
        columns: list[tuple[str, str]] = [(name, name) for name in RESERVED]
        extra: list[tuple[str, str]] = []
        for place in order.places:
            names, value = self._names[place], f"v{place}"
            proof = self._form.steps(lent.scan, place, careful=place in careful).proof
            if proof and place in careful:
                value = f"CASE WHEN {proof} THEN v{place} END"
            elif proof:
                odd = f"t{place} IS NOT NULL AND ({proof}) IS NOT TRUE"
                value = f"CASE WHEN {odd} THEN error('not exact') ELSE v{place} END"
            columns.append((value, names.column))
            if place in twins:
                extra.append((f"CASE WHEN {proof} THEN NULL ELSE t{place} END", names.twin))
        to, taken = session.expect("part")
        told = session.ask(
            f"COPY (SELECT {list_columns(columns + extra)}"
            f" FROM {self._source(lent, order, careful)})"
            f" TO '{to}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1,"
            f" DICTIONARY_SIZE_LIMIT {DICTIONARY},"
            f" ROW_GROUP_SIZE {group_rows(lent.scan.lines, lent.scan.size)},"
            " USE_TMP_FILE false, RETURN_STATS true)"
        )
        rows, statistics = (told[0][1], told[0][4]) if told else (0, {})
        if rows != lent.scan.lines:
            raise FailedError(f"Of {lent.scan.lines} lines the typed view has {rows}.")
        notes = [name for _, name in extra if int(statistics[quote(name)]["null_count"]) < rows]
        return MadePart(taken.take(), rows, tuple(notes))

    def _find_twins(self, session: Session, lent: _Lent, order: _Order) -> set[int]:
        """Find the columns in which some value is not of the type."""
        places, tests = [], []
        for place in order.places:
            proof = self._form.steps(lent.scan, place, careful=True).proof
            if proof:
                places.append(place)
                tests.append(f"bool_or(t{place} IS NOT NULL AND ({proof}) IS NOT TRUE)")
        if not tests:
            return set()
        source = self._source(lent, order, set(order.places))
        answers = session.ask(f"SELECT {', '.join(tests)} FROM {source}")[0]
        return {place for place, needed in zip(places, answers, strict=True) if needed}

    def _source(self, lent: _Lent, order: _Order, careful: set[int]) -> str:
        """Write the query of fields, texts and values, one step on top of the other: what stands
        in a CASE is not shared by DuckDB, so each is named before it is used twice."""
        source = self._form.scan(lent.scan, lent.addresses, careful)
        if order.added:
            source += " POSITIONAL JOIN added"
        steps = {
            place: self._form.steps(lent.scan, place, careful=place in careful)
            for place in order.places
        }
        beside = f"{order.op} AS _op, {order.batch} AS _batch, {order.line} AS _line"
        fields = [f"c{place}, c{place} AS t{place}" for place in steps]
        source = f"(SELECT {', '.join([beside, *fields])} FROM {source})"
        for layer in range(max([len(step.texts) for step in steps.values()], default=0)):
            source = _lay(source, [_text(place, step, layer) for place, step in steps.items()])
        return _lay(
            source,
            [f"c{place}, t{place}, {step.value} AS v{place}" for place, step in steps.items()],
        )


def _lay(source: str, columns: Sequence[str]) -> str:
    return f"(SELECT {', '.join([*RESERVED, *columns])} FROM {source})"


def _text(place: int, steps: Steps, layer: int) -> str:
    if layer >= len(steps.texts):
        return f"c{place}, t{place}"
    return f"c{place}, {steps.texts[layer]} AS t{place}"


def _array(values: Sequence[int] | bytes, kind: str) -> Any:
    import numpy as np

    if isinstance(values, bytes):
        return np.frombuffer(values, kind)
    return np.asarray(values, kind)


def _megabytes(longest: int, columns: int) -> int:
    """What DuckDB needs: it holds a few lines at once, and some buffers per column."""
    return max(16 * longest >> 20, columns)


def _are_text(files: Sequence[Sequence[bytes | memoryview]]) -> bool:
    try:
        for file in files:
            for piece in file:
                str(piece, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
