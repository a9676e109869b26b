"""The recovery kit."""

import pytest

from listbackup.errors import WrongKeyError
from listbackup.vault.kit import Head, Kit, read_kit, write_kit

KIT = Kit("abc", ("/v", "s3://b/p"), bytes(range(32)), ("default",), "2026", (Head("d", 3, "sha"),))


def test_a_kit_reads_back_as_it_was_written() -> None:
    assert read_kit(write_kit(KIT)) == KIT


def test_a_kit_that_was_typed_by_hand_is_read() -> None:
    secret = next(line for line in write_kit(KIT).splitlines() if line.startswith("secret:"))
    typed = f"  VAULT ID:abc\n{secret.upper().replace('SECRET', 'Secret').replace('-', ' ')}\n"
    assert read_kit(typed).secret == KIT.secret


def test_a_slip_of_the_pen_is_noticed() -> None:
    text = write_kit(KIT)
    at = text.index("secret: ") + 12
    slipped = text[:at] + ("b" if text[at] != "b" else "c") + text[at + 1 :]
    with pytest.raises(WrongKeyError, match="mistyped"):
        read_kit(slipped)


def test_another_text_is_no_kit() -> None:
    with pytest.raises(WrongKeyError, match="not a recovery kit"):
        read_kit("vault id: abc\n")


def test_a_kit_does_not_show_its_secret() -> None:
    assert "secret" not in repr(KIT)
