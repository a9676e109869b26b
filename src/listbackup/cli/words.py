"""Numbers, times and names in the form that people read. Hostile names lose their teeth."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

SHOWN = 1000
"""Rows that a person is shown where no limit is named."""
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_LONGEST = 60


def printable(text: str) -> str:
    """Write control characters as escapes, so that no name can command the terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escape(one) for one in text)


def _escape(one: str) -> str:
    return one.encode("unicode_escape", "surrogatepass").decode("ascii") if one != "\t" else "\\t"


def size(count: int | float) -> str:
    """Write a number of bytes."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{int(value)} bytes" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def number(count: int) -> str:
    """Write a count with commas."""
    return f"{count:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Write a span of time."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"


def moment(when: datetime) -> str:
    """Write a moment, in UTC."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def table(headings: list[str], rows: list[list[str]]) -> list[str]:
    """Lay out columns; those whose heading begins with `>` are set to the right."""
    cells = [[printable(cell) for cell in row] for row in rows]
    names = [heading.lstrip(">") for heading in headings]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]

    def write(row: list[str]) -> str:
        done = (
            cell.rjust(width) if heading.startswith(">") else cell.ljust(width)
            for cell, width, heading in zip(row, widths, headings, strict=True)
        )
        return "  ".join(done).rstrip()

    return [write(names), *(write(row) for row in cells)]


def show_value(row: Mapping[str, str | None], name: str) -> str:
    """Write a row's value for people."""
    return shorten(row[name]) if name in row else "(no such column)"


def shorten(value: str | None) -> str:
    """Write a value for people: long ones are cut, with their length."""
    if value is None:
        return "NULL"
    if not value:
        return "''"
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… ({number(len(value))})"


def tell_declared(declared: Sequence[str]) -> Iterator[str]:
    """Say what by nature is not exact; lists that an account does not have in one line."""
    mark = ": not permitted ("
    absent = [one.partition(mark)[0] for one in declared if mark in one]
    few = len(absent) < 3
    yield from (f"not exact by nature: {one}" for one in declared if few or mark not in one)
    if not few:
        yield f"not there for this account or key: {len(absent)} lists ({', '.join(absent)})"
