"""A path in a URL says plainly where it begins."""

from pathlib import Path

import pytest

from listbackup.connectors import find_connector
from listbackup.connectors.sqlite.address import parse_address
from listbackup.errors import UsageError

HERE = Path.cwd()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///srv/app.db", Path("/srv/app.db")),
        ("sqlite:////srv/app.db", Path("/srv/app.db")),
        ("SQLite:///srv/my%20app%3F.db", Path("/srv/my app?.db")),
        ("sqlite:///srv/my app#1.db", Path("/srv/my app#1.db")),
        ("sqlite://app.db", HERE / "app.db"),
        ("sqlite://./data/app.db", HERE / "data/app.db"),
        ("sqlite://../app.db", HERE / "../app.db"),
    ],
)
def test_what_follows_the_scheme_is_the_path(url: str, path: Path) -> None:
    address = parse_address(url, {"HOME": "/home/me"})
    assert address.path == path
    assert find_connector(url).engine == "sqlite"
    assert parse_address(address.masked, {}).database == address.database


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:///srv/", "sqlite:///a.db?mode=rw", "sqlite:///a%00b"],
)
def test_what_names_no_file_is_not_understood(url: str) -> None:
    with pytest.raises(UsageError):
        parse_address(url, {})


def test_copies_go_beside_the_state_or_where_the_environment_says() -> None:
    state = {"LISTBACKUP_STATE_DIR": "/var/lib/listbackup"}
    assert parse_address("sqlite://a.db", state).copies == Path("/var/lib/listbackup/copies")
    state["LISTBACKUP_COPY_DIR"] = "/scratch"
    assert parse_address("sqlite://a.db", state).copies == Path("/scratch")


def test_a_link_is_followed_for_the_identity_and_not_for_the_name(tmp_path: Path) -> None:
    (tmp_path / "real.db").write_bytes(b"")
    (tmp_path / "link.db").symlink_to("real.db")
    address = parse_address(f"sqlite://{tmp_path}/link.db", {})
    assert address.database == str(tmp_path / "link.db")
    assert address.resolved == (tmp_path / "real.db").resolve()
