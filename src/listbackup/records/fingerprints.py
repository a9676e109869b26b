"""Fingerprints of tables: order-independent, additive sums of line digests.

Four 64-bit lanes: the full SHA-256 of each source form, read as four little-endian integers,
summed lane by lane modulo 2**64. Batches, ranges and leaves add up; dead lines subtract. Proves
against accidents; against an attacker the digests of the batches and the signature do.
"""

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MASK = 2**64 - 1
Lanes = tuple[int, int, int, int]
NO_LANES: Lanes = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`columns` is `sha256:hex` of the columns array, `rows` a count, `lanes` the sums."""

    columns: str
    rows: int
    lanes: Lanes = NO_LANES

    def __add__(self, other: "Fingerprint") -> "Fingerprint":
        """Add the lines of another piece of the same columns."""
        return Fingerprint(self.columns, self.rows + other.rows, add_lanes(self.lanes, other.lanes))

    def __sub__(self, other: "Fingerprint") -> "Fingerprint":
        """Take away lines that are dead."""
        a, b, c, d = (x - y & MASK for x, y in zip(self.lanes, other.lanes, strict=True))
        return Fingerprint(self.columns, self.rows - other.rows, (a, b, c, d))

    def to_json(self) -> dict[str, Any]:
        """Write it; lanes are strings, because they pass 2**53."""
        return {
            "columns": self.columns,
            "rows": self.rows,
            "lanes": [str(lane) for lane in self.lanes],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Fingerprint":
        """Read what `to_json` wrote. Raises KeyError, ValueError, TypeError."""
        a, b, c, d = (int(lane) for lane in value["lanes"])
        return Fingerprint(str(value["columns"]), int(value["rows"]), (a, b, c, d))


def add_lanes(one: Lanes, other: Lanes) -> Lanes:
    """Add two sums lane by lane."""
    a, b, c, d = (x + y & MASK for x, y in zip(one, other, strict=True))
    return (a, b, c, d)


def sum_digests(digests: Sequence[bytes]) -> Lanes:
    """Sum full SHA-256 digests (32 bytes each) lane by lane."""
    joined = b"".join(digests)
    values = struct.unpack(f"<{len(joined) // 8}Q", joined)
    a, b, c, d = (sum(values[lane::4]) & MASK for lane in range(4))
    return (a, b, c, d)


def digest_columns(columns: bytes) -> str:
    """Digest a columns array, given as compact JSON bytes."""
    return "sha256:" + hashlib.sha256(columns).hexdigest()


def digest_schema(schema: Mapping[str, Any]) -> str:
    """Digest the `columns` of a schema object: compact JSON, UTF-8; half a surrogate pair, in a
    name that is no Unicode, is encoded as if it were a character."""
    text = json.dumps(list(schema["columns"]), separators=(",", ":"), ensure_ascii=False)
    return digest_columns(text.encode("utf-8", "surrogatepass"))
