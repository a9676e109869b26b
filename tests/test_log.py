"""What may be shown bears no secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listbackup.log import MASK, Redactor, redactor_for


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("at postgresql://u:secret@host:5432/db now", f"at postgresql://u:{MASK}@host:5432/db now"),
        ("postgresql://u:a@b:c@host/db", f"postgresql://u:{MASK}@host/db"),
        ("postgresql://:secret@/db", f"postgresql://:{MASK}@/db"),
        ("host=h password=secret dbname=d", f"host=h password={MASK} dbname=d"),
        ("password='two words' user=u", f"password={MASK} user=u"),
        ("?sslmode=require&sslpassword=secret&x=1", f"?sslmode=require&sslpassword={MASK}&x=1"),
        ("file:///srv/backups", "file:///srv/backups"),
        ("postgresql://u@host:5432/db", "postgresql://u@host:5432/db"),
        ("at 12:30 the ratio was 3:4", "at 12:30 the ratio was 3:4"),
    ],
)
def test_secrets_are_masked_and_the_rest_is_left(text: str, cleaned: str) -> None:
    assert Redactor().clean(text) == cleaned


plain = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]))


@given(plain.filter(lambda text: len(text) >= 4), plain, plain)
def test_a_secret_that_was_told_is_never_shown(secret: str, before: str, after: str) -> None:
    shown = Redactor([secret]).clean(f"{before}{secret}{after}")
    assert secret not in shown


def test_the_secrets_of_the_environment_are_known() -> None:
    clean = redactor_for({"PGPASSWORD": "one two", "HOME": "/root"}).clean
    assert clean("one two at /root, one%20two") == f"{MASK} at /root, {MASK}"
