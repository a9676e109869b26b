from pathlib import Path

import pytest

from listbackup.errors import UsageError
from listbackup.host import Host
from listbackup.objectstore.opening import normalise_url, open_store


def test_a_path_and_its_file_url_are_the_same_place(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    by_path = open_store(str(folder), Host(), volatile=True)
    by_url = open_store(f"file://{tmp_path}/with%20space", Host(), volatile=True)
    by_path.put("k", b"1", tag="data")
    by_path.barrier()
    assert by_url.get("k") == b"1"
    assert by_path.url == by_url.url == normalise_url(str(folder)) == normalise_url(by_path.url)


def test_a_relative_path_is_taken_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_store("here/vault", Host()).url == f"file://{tmp_path.resolve()}/here/vault"
    assert normalise_url("./here/../here/vault/") == f"file://{tmp_path.resolve()}/here/vault"


def test_memory_stores_of_one_name_are_one_store() -> None:
    open_store("memory://shared-name", Host()).put("k", b"1", tag="data")
    assert open_store("memory://shared-name", Host()).get("k") == b"1"
    assert list(open_store("memory://other-name", Host()).list()) == []


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "empty"),
        ("gopher://host/x", "gopher"),
        ("s3:bucket/x", "s3://bucket/x"),
        ("file:/srv/x", "file://"),
        ("file://server/share", "file:///server/share"),
        ("memory://", "memory://name"),
        ("memory://a/b", "memory://name"),
        ("memory://a?x=1", "`x`"),
        ("file:///srv/x?volatile=1", "`volatile`"),
        ("file:///srv/x#y", "#"),
    ],
)
def test_an_address_that_means_nothing_is_refused_with_a_hint(url: str, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_store(url, Host())
    assert word in caught.value.message + caught.value.hint


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        open_store("s3://AKIAX:canary-secret@bucket/x", Host())
    error = caught.value
    assert "canary-secret" not in f"{error.message}{error.subject}{error.hint}{error.risk}"


def test_a_store_of_ones_own_is_added_by_one_line_in_the_table() -> None:
    table = {"toy": "listbackup.objectstore.opening:open_memory"}
    store = open_store("toy://mine", Host(), stores=table)
    assert store.url == "memory://mine"
