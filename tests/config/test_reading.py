"""YAML is read as words with their lines, and what is dangerous in it is refused."""

import time

import pytest

from listbackup.config.reading import MOST_BYTES, YamlProblem, read_yaml


def refused(text: str | bytes) -> YamlProblem:
    with pytest.raises(YamlProblem) as caught:
        read_yaml(text if isinstance(text, bytes) else text.encode())
    return caught.value


def test_what_is_written_stays_what_it_looks_like() -> None:
    text = "country: no\nversion: 3.10\nat: 12:30\nday: 2026-11-01\noctal: 0777\nyes: on\n"
    assert read_yaml(text.encode()).root == {
        "country": "no",
        "version": "3.10",
        "at": "12:30",
        "day": "2026-11-01",
        "octal": "0777",
        "yes": "on",
    }


def test_an_unquoted_null_is_no_value_and_a_quoted_one_is_a_word() -> None:
    assert read_yaml(b"a:\nb: ~\nc: null\nd: 'null'\ne: ''").root == {
        "a": None,
        "b": None,
        "c": None,
        "d": "null",
        "e": "",
    }


def test_every_path_knows_its_line() -> None:
    tree = read_yaml(b"# a comment\na:\n  b:\n    - x\n    - y: z\n")
    assert tree.root == {"a": {"b": ["x", {"y": "z"}]}}
    assert tree.lines[("a",)] == 2
    assert tree.lines[("a", "b", 1)] == 5
    assert tree.lines[("a", "b", 1, "y")] == 5


def test_an_empty_file_says_nothing() -> None:
    assert read_yaml(b"").root == read_yaml(b"# only words\n").root == {}


def test_an_alias_repeats_what_was_named() -> None:
    assert read_yaml(b"a: &x [one, two]\nb: *x\n").root["b"] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "stands twice, in line 1", 3),
        ("a: !!python/object/apply:os.system ['true']\n", "tags are not understood", 1),
        ("a: !!str x\n", "tags are not understood", 1),
        ("a: &x {b: c}\nd:\n  <<: *x\n", "merge keys", 3),
        ("a: 1\n---\nb: 2\n", "second document", 2),
        ("? [a, b]\n: c\n", "a key is a word", 1),
        ("~: c\n", "a key is a word", 1),
        ("a: *nothing\n", "names nothing", 1),
        ("a: &a [*a]\n", "names nothing", 1),
        ("a: [1, 2\nb: 3\n", "not YAML", 2),
        ("a:\n\tb: 1\n", "not YAML", 2),
        ("a: \x00\n", "not YAML", 0),
    ],
)
def test_what_is_dangerous_or_surprising_is_refused(text: str, words: str, line: int) -> None:
    problem = refused(text)
    assert words in problem.message
    assert problem.line == line


def test_bytes_that_are_no_text_are_refused() -> None:
    assert "not UTF-8" in refused(b"a: b\nc: \xff\n").message
    assert refused(b"a: b\nc: \xff\n").line == 2


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    levels = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
    began = time.monotonic()
    assert "more than 20,000 things" in refused("\n".join(levels)).message
    assert time.monotonic() - began < 2


def test_what_is_too_deep_too_many_or_too_large_is_refused_quickly() -> None:
    began = time.monotonic()
    assert "deep" in refused("[" * 100_000).message
    assert "deep" in refused("a: " + "{a: " * 30 + "b" + "}" * 30).message
    assert "things" in refused("a: [" + "x," * 30_000 + "]").message
    assert "larger than 256 KiB" in refused(b"#" * (MOST_BYTES + 1)).message
    assert time.monotonic() - began < 5
