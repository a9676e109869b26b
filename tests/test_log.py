"""What may be shown bears no secret."""

import base64
import copy
import json
import pickle
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listbackup.log import MASK, Redactor, Secret, redactor_for


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


def test_a_secret_shows_itself_to_nobody_who_does_not_ask() -> None:
    secret = Secret("canary-1234")
    shown = f"{secret}{secret!r}{secret:>20}{[secret]}{ {'key': secret} }" + f"{secret}"
    assert "canary" not in shown
    assert secret.reveal() == "canary-1234"
    assert secret == Secret("canary-1234") != Secret("another")
    assert secret != "canary-1234"
    assert not Secret("")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    assert not hasattr(secret, "__dict__")


@settings(max_examples=40)
@given(plain.filter(lambda text: len(text) >= 8), st.binary(max_size=6), st.binary())
def test_a_secret_is_known_in_every_form(secret: str, before: bytes, after: bytes) -> None:
    clean = Redactor([secret]).clean
    written = base64.b64encode(before + secret.encode() + after).decode()
    assert clean(written) != written
    for form in (quote(secret, safe=""), quote_plus(secret), json.dumps(secret)):
        assert form not in clean(f"<{form}>")


def test_secrets_of_sources_in_the_environment_are_known_and_their_files_are_shown() -> None:
    clean = redactor_for(
        {"LISTBACKUP_SECRET_KEY": "canary-1234", "LISTBACKUP_SECRET_KEY_FILE": "/run/key"}
    ).clean
    assert clean("canary-1234 of /run/key") == f"{MASK} of /run/key"


def test_a_secret_is_known_in_hex_and_in_html_too() -> None:
    secret = "canary <&> 44ad"
    clean = Redactor([secret]).clean
    raw = secret.encode().hex()
    assert clean(f"a {raw} b {raw.upper()} c canary &lt;&amp;&gt; 44ad") == "a *** b *** c ***"


@pytest.mark.parametrize("piece", ["a", "x://y:", "password='", "a@", "://"])
def test_long_words_of_others_take_no_long_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    Redactor(["canary-1234"]).clean(text)
    assert time.process_time() - began < 3
