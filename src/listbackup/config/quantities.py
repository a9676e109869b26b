"""Numbers as people write them, in options, in the environment and in the file alike."""

from listbackup.errors import UsageError

MOST_JOBS = 64


def read_jobs(text: str | int) -> int:
    """Read a number of jobs. Raises UsageError."""
    try:
        jobs = int(text)
    except ValueError:
        jobs = 0
    if not 1 <= jobs <= MOST_JOBS:
        raise UsageError(f"Jobs are a number from 1 to {MOST_JOBS}.")
    return jobs


def read_rate(text: str | None) -> int:
    """Read bytes a second: a number, or one with K, M or G (powers of 1024). Raises UsageError."""
    if text is None:
        return 0
    factor = {"K": 1024, "M": 1024**2, "G": 1024**3}.get(text[-1:].upper(), 1)
    try:
        rate = int(float(text[:-1] if factor > 1 else text) * factor)
    except (ValueError, OverflowError):
        rate = 0
    if rate <= 0:
        raise UsageError(f"{text!r} is no rate.", hint="Write bytes a second: 500K, 20M, 1G.")
    return rate


def read_seconds(text: str | float) -> float:
    """Read a number of seconds, not below zero. Raises UsageError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise UsageError(f"{text} is no number of seconds.", hint="A timeout is not below zero.")
    return seconds
