"""URLs of databases: what they say, what they hide, and what is refused."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listbackup.connectors import find_connector, find_engine
from listbackup.connectors.postgres.address import Address, parse_address
from listbackup.errors import AuthError, UsageError


def parse(url: str, **environment: str) -> Address:
    return parse_address(url, environment)


def test_a_url_says_user_host_port_and_database() -> None:
    address = parse("postgresql://me:pa%40ss@db.example:6432/sales%20data?sslmode=verify-full")
    assert (address.user, address.host, address.port) == ("me", "db.example", 6432)
    assert address.database == "sales data"
    assert address.password == "pa@ss"
    assert address.password_in_url
    assert address.libpq()["sslmode"] == "verify-full"


def test_what_is_not_said_has_its_usual_value() -> None:
    address = parse("postgres:///app")
    assert (address.host, address.port, address.user) == ("localhost", 5432, None)
    assert address.libpq() == {"port": "5432", "dbname": "app"}


def test_several_hosts_are_tried_in_turn() -> None:
    address = parse("postgresql://a:1,b,[::1]:3/app?target_session_attrs=standby")
    assert address.hosts == (("a", 1), ("b", 5432), ("::1", 3))
    assert address.libpq()["host"] == "a,b,::1"
    assert address.libpq()["port"] == "1,5432,3"


def test_a_socket_directory_is_a_host() -> None:
    address = parse("postgresql://me@/app?host=/run/postgresql&port=5433")
    assert address.hosts == (("/run/postgresql", 5433),)


def test_the_password_file_is_used_and_draws_no_warning(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    address = parse("postgresql://me@h/app", LISTBACKUP_PASSWORD_FILE=str(tmp_path / "secret"))
    assert address.password == "from the file"
    assert not address.password_in_url


def test_a_password_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(AuthError) as failure:
        parse("postgresql://me@h/app", LISTBACKUP_PASSWORD_FILE=str(tmp_path / "absent"))
    assert "absent" in str(failure.value.subject)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:s3cretword@h/app",
        "postgresql://me:s3cretword@h",
        "postgresql://me:s3cretword@h:port/app",
        "postgresql://me:s3cretword@h:99999/app",
        "postgresql://me:s3cretword@[::1/app",
        "postgresql://me:s3cretword@h/app?sslmode",
        "postgresql://me:s3cretword@h/app?sslmode=a&sslmode=b",
    ],
)
def test_a_url_that_is_not_understood_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(UsageError) as failure:
        parse(url)
    assert "s3cretword" not in f"{failure.value.message} {failure.value.hint}"


secrets = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=6)


@given(secrets, secrets)
def test_no_secret_is_shown(password: str, option: str) -> None:
    password, option = f"canary{password}", f"canary{option}"
    url = f"postgresql://me:{quote(password, safe='')}@h/app?sslpassword={quote(option, safe='')}"
    address = parse(url)
    assert address.password == password
    shown = f"{address.masked} {address!r} {address}"
    assert "canary" not in shown
    message = f"refused: {password} and {quote(option, safe='')}"
    assert "canary" not in address.scrub(message)


def test_a_masked_url_is_still_an_address() -> None:
    address = parse("postgresql://m%20e:pw@h:1/d%2Fb?sslmode=require")
    again = parse(address.masked)
    assert (again.hosts, again.database, again.user) == (address.hosts, "d/b", "m e")
    assert again.password is None


def test_connectors_are_found_by_scheme_and_engine() -> None:
    assert find_connector("postgres://h/d") is find_engine("postgresql")
    with pytest.raises(UsageError, match="No connector"):
        find_connector("oracle://h/d")
    with pytest.raises(UsageError):
        find_connector("/some/path")
    with pytest.raises(UsageError):
        find_engine("oracle")
