"""A source may stand in a file of its own, written as people would write it."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listbackup.config.finding import find_stanzas, reads_none
from listbackup.config.loading import join_configurations, parse_stanza
from listbackup.config.stanzas import stanza_path, write_stanza
from listbackup.errors import RefusedError, UsageError

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@settings(max_examples=40)
@given(st.dictionaries(TEXT, TEXT, max_size=3), TEXT)
def test_what_was_typed_is_read_again(typed: dict[str, str], way: str) -> None:
    stanza = {"connector": "stripe", "auth": way, "settings": typed, "allow_private_hosts": True}
    data = write_stanza("shop", stanza)  # type: ignore[arg-type]
    said = parse_stanza(Path("shop.yaml"), "shop", data, {}).source("shop")
    assert (said.connector, said.auth, said.settings) == ("stripe", way, typed)
    assert said.allow_private_hosts
    assert said.base_url is None


def write(config: Path, name: str, text: str) -> Path:
    path = stanza_path(config, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_its_mistakes_are_told_with_its_own_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "shop", "connector: stripe\nexlude: x\n")
    with pytest.raises(UsageError, match=r"sources.shop.exlude.*did you mean.*\(shop.yaml:2\)"):
        join_configurations(None, tmp_path, {"shop": path}, {})


def test_a_name_stands_once(tmp_path: Path) -> None:
    path = write(tmp_path, "shop", "connector: stripe\n")
    main = tmp_path / "listbackup.yaml"
    main.write_text("sources:\n  other: {url: 'p://h'}\n")
    joined = join_configurations(main, main, {"shop": path}, {})
    assert list(joined.document.sources) == ["other", "shop"]
    assert joined.place("sources", "shop", "connector") == "shop.yaml:1"
    assert joined.place("sources", "other", "url") == "listbackup.yaml:2"
    assert joined.written("sources", "shop", "connector") == "stripe"
    assert (joined.file_of("shop"), joined.file_of("other")) == (path, main)
    main.write_text("sources:\n  shop: {url: 'p://h'}\n")
    with pytest.raises(UsageError, match=r"stands twice.*listbackup.yaml:2.*sources/shop.yaml"):
        join_configurations(main, main, {"shop": path}, {})


def test_files_are_found_by_name_and_those_of_strangers_are_refused(tmp_path: Path) -> None:
    assert find_stanzas(tmp_path) == {}
    path = write(tmp_path, "shop", "connector: stripe\n")
    assert find_stanzas(tmp_path) == {"shop": path}
    path.chmod(0o666)
    with pytest.raises(RefusedError, match="somebody else"):
        find_stanzas(tmp_path)
    path.unlink()
    write(tmp_path, "My Shop", "connector: stripe\n")
    with pytest.raises(UsageError, match="cannot be the name"):
        find_stanzas(tmp_path)


def test_none_means_no_file_at_all() -> None:
    assert reads_none(Path("none"), {})
    assert reads_none(None, {"LISTBACKUP_CONFIG": "none"})
    assert not reads_none(Path("some.yaml"), {"LISTBACKUP_CONFIG": "none"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("auth: key\n", "a `url`, or a `connector`"),
        ("url: 'p://h'\nconnector: stripe\n", "a `url`, or a `connector`"),
        (
            "url: 'p://h'\nbase_url: https://h\n",
            "`base_url` means nothing for a source with a `url`",
        ),
        ("connector: stripe\npassword_file: x\n", "`password_file` means nothing"),
        ("connector: Stripe!\n", "a platform's name, or the path"),
        ("connector: stripe\nbase_url: https://me:pw@h/\n", "without user and password"),
        ("connector: stripe\nsettings: {a: [b]}\n", "this is to be a word"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, "shop", text)
    with pytest.raises(UsageError) as caught:
        join_configurations(None, tmp_path, {"shop": path}, {})
    assert said in caught.value.message


def test_a_connectors_path_begins_at_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, "shop", "connector: ./own.yaml\n")
    said = join_configurations(None, tmp_path, {"shop": path}, {}).source("shop")
    assert said.connector == str(tmp_path / "sources/own.yaml")


def test_a_stanza_that_somebody_else_could_exchange_is_refused(tmp_path: Path) -> None:
    config, elsewhere = tmp_path / "config", tmp_path / "elsewhere"
    path = stanza_path(config, "shop")
    for one in (path.parent, elsewhere):
        one.mkdir(parents=True)
    path.write_bytes(write_stanza("shop", {"connector": "stripe"}))
    path.parent.chmod(0o777)
    with pytest.raises(RefusedError, match="somebody else"):
        find_stanzas(config)
    path.parent.chmod(0o1777)
    assert list(find_stanzas(config)) == ["shop"]
    path.parent.chmod(0o755)
    path.rename(elsewhere / "shop.yaml")
    path.symlink_to(elsewhere / "shop.yaml")
    assert list(find_stanzas(config)) == ["shop"]
    elsewhere.chmod(0o777)
    with pytest.raises(RefusedError, match="somebody else"):
        find_stanzas(config)


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    path = stanza_path(tmp_path, "shop")
    path.parent.mkdir()
    path.symlink_to(tmp_path / "nothing")
    with pytest.raises(UsageError, match="no file that can be read"):
        find_stanzas(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UsageError, match="no file that can be read"):
        find_stanzas(tmp_path)
