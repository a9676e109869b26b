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
    starts = _find_escapes(given)
    following = given[starts + 1]
    escaped = starts[following == QUOTE]
    quotes[escaped + 1] = False
    structural = np.flatnonzero(quotes)
    keep = np.logical_not(quotes, out=quotes)
    keep[escaped] = False
    codes = starts[following == LETTER_U]
    if len(codes):
        _decode(given, out, keep, codes)
    _write_gaps(given, out, keep, structural)
    kept: bytes = out[keep].tobytes()
    return kept


def _find_escapes(given: Array) -> Array:
    """Find the backslashes that escape: in a run of them the first, third, ..."""
    found = np.flatnonzero(given == BACKSLASH)
    if not len(found):
        return found
    first = np.empty(len(found), bool)
    first[0] = True
    np.not_equal(found[1:], found[:-1] + 1, out=first[1:])
    if first.all():
        return found
    begins = np.flatnonzero(first)
    lengths = np.diff(begins, append=len(found))
    places = np.arange(len(found)) - np.repeat(begins, lengths)
    escaping: Array = found[places & 1 == 0]
    return escaping


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
