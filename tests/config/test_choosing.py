"""Flag > environment > file > default, and each says where it comes from."""

from listbackup.config.choosing import choose


def test_the_nearest_value_counts_and_says_where_it_comes_from() -> None:
    said = {"LISTBACKUP_JOBS": "4"}
    written = (3, "f.yaml:7")
    all_four = choose("jobs", flag=5, environment=said, written=written, default=2)
    assert (all_four.value, all_four.origin, all_four.where) == (5, "flag", "--jobs")
    three = choose("jobs", environment=said, written=written, default=2)
    assert (three.value, three.origin, three.where) == ("4", "environment", "LISTBACKUP_JOBS")
    two = choose("jobs", environment={}, written=written, default=2)
    assert (two.value, two.origin, two.where) == (3, "file", "f.yaml:7")
    one = choose("jobs", environment={}, written=(None, "f.yaml:1"), default=2)
    assert (one.value, one.origin, one.where) == (2, "default", "")


def test_an_empty_variable_says_nothing_and_zero_is_something() -> None:
    assert choose("jobs", environment={"LISTBACKUP_JOBS": ""}, default=2).value == 2
    assert choose("lock_timeout", flag=0, default=30).where == "--lock-timeout"


def test_a_secret_is_shown_as_stars() -> None:
    made = choose("passphrase", environment={"LISTBACKUP_PASSPHRASE": "x"}, secret=True)
    assert (made.value, made.shown) == ("x", "***")
    assert "x" not in repr(made).replace("passphrase", "").replace("LISTBACKUP", "")
