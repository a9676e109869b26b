r"""The way back from `copy-text-array/1`: whole chunks of JSON arrays to COPY text, without looking
at rows.

Bytes between a closing and the next opening quote are `,`, `]\n[` or hold nulls; bytes inside
strings stay as they are, but for `\"` and `\u00xx`. All positions are found and all bytes moved by
numpy, which lets other threads run meanwhile. Values that are no text are not known here.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

QUOTE, BACKSLASH, TAB, LETTER_U, LETTER_V, VERTICAL = 0x22, 0x5C, 0x09, 0x75, 0x76, 0x0B

OUTSIDE = np.arange(256, dtype=np.uint8)
"""What a byte outside of strings becomes: `null` is `\\N`, a comma is a tab."""
OUTSIDE[[ord(","), ord("n"), ord("u")]] = TAB, BACKSLASH, ord("N")
STAYS = np.ones(256, bool)
STAYS[[ord("["), ord("]"), ord("l")]] = False
HEX = np.zeros(256, np.uint8)
HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def restore_copy_text(lines: bytes) -> bytes:
    """Give the COPY lines of a chunk of arrays of strings and nulls, each array with at least one
    element. Raises IndexError, ValueError for some chunks that are nothing of the kind."""
    given = np.frombuffer(lines, np.uint8)
    out = given.copy()
    quotes = given == QUOTE
    escaping = _mark_escapes(given)
    escaped = escaping[:-1] & quotes[1:]
    codes = np.flatnonzero(escaping[:-1] & (given[1:] == LETTER_U))
    quotes[1:] ^= escaped
    structural = np.flatnonzero(quotes)
    keep = np.logical_not(quotes, out=quotes)
    keep[:-1] ^= escaped
    if len(codes):
        _decode(given, out, keep, codes)
    _write_gaps(given, out, keep, structural)
    kept: bytes = out[keep].tobytes()
    return kept


def _mark_escapes(given: Array) -> Array:
    """Mark the backslashes that escape something else than a backslash: of each run of them the
    last, where their number is odd."""
    marked: Array = given == BACKSLASH
    doubled = np.flatnonzero(marked[:-1] & marked[1:])
    if len(doubled):
        marked[doubled] = False
        ends = np.flatnonzero(np.diff(doubled, append=-1) != 1)
        lengths = np.diff(ends, prepend=-1)
        marked[doubled[ends[lengths & 1 == 1]] + 1] = False
    return marked


def _decode(given: Array, out: Array, keep: Array, codes: Array) -> None:
    r"""Turn `\u00xx` into its byte, and that of a vertical tab into COPY's `\v`."""
    values = HEX[given[codes + 4]] << 4 | HEX[given[codes + 5]]
    for place in range(1, 6):
        keep[codes + place] = False
    out[codes] = values
    vertical = codes[values == VERTICAL]
    out[vertical] = BACKSLASH
    out[vertical + 1] = LETTER_V
    keep[vertical + 1] = True


def _write_gaps(given: Array, out: Array, keep: Array, quotes: Array) -> None:
    """Rewrite what stands between strings, before the first and after the last."""
    if not len(quotes):
        _write_outside(given, out, keep, np.zeros(1, np.int64), len(given))
        return
    if len(quotes) % 2:
        raise ValueError("a string is not closed")
    begins = quotes[1:-1:2] + 1
    lengths = quotes[2::2] - begins
    out[begins[lengths == 1]] = TAB
    rows = begins[lengths == 3]
    keep[rows] = False
    keep[rows + 2] = False
    others = (lengths != 1) & (lengths != 3)
    begins, lengths = begins[others], lengths[others]
    for length in np.flatnonzero(np.bincount(lengths)):
        _write_outside(given, out, keep, begins[lengths == length], int(length))
    _write_outside(given, out, keep, np.zeros(1, np.int64), int(quotes[0]))
    _write_outside(given, out, keep, quotes[-1:] + 1, len(given) - int(quotes[-1]) - 1)


def _write_outside(given: Array, out: Array, keep: Array, begins: Array, length: int) -> None:
    places = begins[:, None] + np.arange(length)
    found = given[places]
    out[places] = OUTSIDE[found]
    keep[places] = STAYS[found]
