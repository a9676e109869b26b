"""Lines are counted as `bytes.count` counts them."""

import pytest

from listbackup.records.counting import count_lines


@pytest.mark.parametrize(
    "chunk", [b"", b"\n", b"a", b"a\nb\n", b"\n\n\n", b"\x0b\x8a\r\n", b"x\n" * 100_000]
)
def test_every_newline_is_counted_and_nothing_else(chunk: bytes) -> None:
    assert count_lines(chunk) == chunk.count(b"\n")
