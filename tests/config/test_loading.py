"""A file is understood whole, or every mistake in it is named by key, file and line."""

from pathlib import Path

import pytest

from listbackup.config.loading import Configuration, Mistaken, load_configuration
from listbackup.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent.parent


def load(place: Path, text: str, **environment: str) -> Configuration:
    path = place / "listbackup.yaml"
    path.write_text(text)
    return load_configuration(path, environment)


def mistakes(place: Path, text: str, **environment: str) -> tuple[str, ...]:
    with pytest.raises(Mistaken) as caught:
        load(place, text, **environment)
    assert caught.value.message == caught.value.mistakes[0]
    return caught.value.mistakes


def test_a_misspelt_key_names_its_path_its_line_and_what_was_meant(tmp_path: Path) -> None:
    text = "sources:\n  shop:\n    url: postgresql://h/d\n    exlude: [a]\n"
    assert mistakes(tmp_path, text) == (
        "sources.shop.exlude: unknown key; did you mean exclude?  (listbackup.yaml:4)",
    )
    assert mistakes(tmp_path, "retention:\n  keep_dayly: 1\n  keep_last: 1\n")[0].startswith(
        "retention.keep_dayly: unknown key; did you mean keep_daily?"
    )
    assert "did you mean on_success?" in mistakes(tmp_path, "hooks: {on_sucess: a}\n")[0]
    assert "known are vault" in mistakes(tmp_path, "zzz: 1\n")[0]


def test_all_mistakes_are_found_at_once(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        "vault:\ntime_zone: Europe/Berln\naccount: Our Own\nsources:\n  Shop: {url: x}\n  b: []\n"
        "  c: {}\n  d: {url: 'p://h', jobs: 65, limit_rate: fast, lock_timeout: -1}\n",
    )
    for start in (
        "vault: this has no value  (listbackup.yaml:1)",
        "time_zone: 'Europe/Berln' is no time zone",
        "account: a name is",
        "sources.Shop: a name is",
        "sources.Shop.url: a source is given as a URL",
        "sources.b: keys are to stand below this: url,",
        "sources.c: a source has a `url`, or a `connector`: one of them  (listbackup.yaml:7)",
        "sources.d.jobs: Jobs are a number from 1 to 64.  (listbackup.yaml:8)",
        "sources.d.limit_rate: 'fast' is no rate.",
        "sources.d.lock_timeout:",
    ):
        assert any(one.startswith(start) for one in found), (start, found)


@pytest.mark.parametrize(
    "text",
    [
        "retention: {keep_last: no}",
        "retention: {keep_last: 0}",
        "retention: {keep_last: 1.5}",
        "retention: {keep_last: '9999999999999999999999'}",
        "retention: {keep_within: soon}",
        "retention: {}",
        "retention: 7",
        "hooks: {on_success: ftp://host/x}",
        "hooks: {on_success: file:///etc/passwd}",
        "hooks: {on_success: 'https://'}",
        "hooks: {on_success: 'https://user:word@host/'}",
        "hooks: {on_success: [[a]]}",
        "hooks: {retries: 11}",
        "sources: [a]",
        "- a",
        "just words",
        "time_zone: ../../etc/passwd",
    ],
)
def test_a_value_that_is_not_what_its_key_wants_is_refused(tmp_path: Path, text: str) -> None:
    assert "listbackup.yaml" in mistakes(tmp_path, text)[0]


def test_words_that_yaml_takes_for_something_else_stay_words(tmp_path: Path) -> None:
    text = "sources:\n  no:\n    url: postgresql://h/d\n    include: [no, 1.0, 12:30]\n"
    assert load(tmp_path, text).source("no").include == ("no", "1.0", "12:30")


def test_one_word_is_a_list_of_one_and_paths_start_at_the_file(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "vault: kept\nkey_file: ../a.key\nsources:\n  a: {url: 'p://h', include: x}\n",
    ).document
    assert found.vault == str(tmp_path / "kept")
    assert found.key_file == tmp_path / "../a.key"
    assert found.sources["a"].include == ("x",)


def test_a_placeholder_is_filled_from_the_environment_and_from_nowhere_else(
    tmp_path: Path,
) -> None:
    text = "sources:\n  a:\n    url: p://${WHO}@${WHERE}/$$x$y\nhooks:\n  on_start: echo $HOME $1\n"
    found = load(tmp_path, text, WHO="me", WHERE="there")
    assert found.source("a").url == "p://me@there/$x$y"
    assert found.document.hooks.on_start == "echo $HOME $1"
    assert found.from_environment("sources", "a", "url")
    assert not found.from_environment("hooks", "on_start")


def test_what_a_placeholder_brings_is_not_read_again(tmp_path: Path) -> None:
    found = load(tmp_path, "vault: s3://${A}", A="${B}: !!x [*y", B="no")
    assert found.document.vault == "s3://${B}: !!x [*y"


def test_a_placeholder_without_a_variable_names_its_path(tmp_path: Path) -> None:
    text = "sources:\n  a:\n    url: p://h\n    include: [x, '${GONE}']\nvault: ${also gone}\n"
    assert mistakes(tmp_path, text) == (
        "sources.a.include[1]: the environment has no GONE  (listbackup.yaml:4)",
        "vault: '${also gone}' is no placeholder; write ${NAME}, and $$ for a dollar sign  "
        "(listbackup.yaml:5)",
    )


def test_a_mistake_in_the_yaml_itself_is_named_with_its_line(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "vault: a\nvault: b\n") == (
        "the key 'vault' stands twice, in line 1 already  (listbackup.yaml:2)",
    )


def test_a_secret_from_the_environment_is_in_no_message(tmp_path: Path) -> None:
    text = "sources:\n  a:\n    url: ${SECRET}\nhooks:\n  on_start: ftp://${SECRET}\n"
    told = " ".join(mistakes(tmp_path, text, SECRET="canary-5c1f"))
    assert "canary" not in told


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_configuration(tmp_path, {})


def test_retention_is_a_sources_own_as_a_whole_and_hooks_key_by_key(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "retention: {keep_last: 3, keep_daily: 7}\n"
        "hooks: {on_success: a, on_failure: b}\n"
        "sources:\n"
        "  one: {url: 'p://h', retention: {keep_daily: 30}, hooks: {on_failure: []}}\n"
        "  two: {url: 'p://h'}\n",
    )
    own, general = found.retention("one"), found.retention("two")
    assert own is not None and general is not None
    assert (own[0].keep_last, own[0].keep_daily) == (None, 30)
    assert (general[0].keep_last, general[0].keep_daily) == (3, 7)
    assert found.hook("one", "on_success") == ("a", ("hooks", "on_success"))
    assert found.hook("one", "on_failure") == ((), ("sources", "one", "hooks", "on_failure"))
    assert found.hook("two", "on_failure") == ("b", ("hooks", "on_failure"))


def test_an_unknown_source_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    found = load(tmp_path, "sources: {shop: {url: 'p://h'}}")
    with pytest.raises(UsageError) as caught:
        found.source("shpo")
    assert "Did you mean shop?" in caught.value.hint


def test_the_example_is_understood_and_has_every_section() -> None:
    path = ROOT / "docs/examples/listbackup.yaml"
    found = load_configuration(path, {"CRM_USER": "crm"}).document
    assert set(found.sources) == {"shop", "crm"}
    assert found.sources["crm"].url == "postgresql://crm@crm.example.org/crm"
    assert found.sources["crm"].limit_rate == 20 * 1024**2
    assert found.model_fields_set >= {"vault", "time_zone", "retention", "hooks", "sources"}


def test_the_manual_names_every_key() -> None:
    from listbackup.config.models import Document, Hooks, NamedSource, Retention

    manual = (ROOT / "docs/config.md").read_text("utf-8")
    for section in (Document, Hooks, NamedSource, Retention):
        for key in section.model_fields:
            assert f"`{key}`" in manual, key
