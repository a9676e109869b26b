"""What is published and was damaged, cut off or grew old: it is made again, and never needed."""

import json
from pathlib import Path

import pytest

from listbackup.history.publishing import Terms, look, publish, repair
from listbackup.history.syncrecords import Told
from tests.history.shops import SHOP, Shop, Writes, is_derived, make_users, tomorrow
from tests.vault.days import Days


def spoil(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"s", b"z", 1))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def forge(path: Path) -> None:
    """Another entry's stamp, on contents whose digest is right."""
    value = json.loads(path.read_bytes())
    value["derived"]["entry"] = "sha256:" + "1" * 64
    path.write_bytes(json.dumps(value, separators=(",", ":")).encode() + b"\n")


KINDS = (
    "metadata/current.json",
    "metadata/source-config.json",
    "metadata/sync-history.json",
    "schemas/v1/users-schema.json",
    "statistics/*/*/stats-users.json",
    "statistics/*/*/stats.json",
    "processed/*/*/*/users/current/users-latest.parquet",
)


@pytest.mark.parametrize("harm", [Path.unlink, spoil, cut, forge])
def test_what_is_lost_or_damaged_is_noticed_and_made_again(shop: Shop, harm: object) -> None:
    shop.back_up({"users": make_users(6)})
    before = {one: (shop.home / one).read_bytes() for one in shop.derived()}
    assert look(shop.trial.open(whole=True), "shop", read=True) == []
    for kind in KINDS:
        (path,) = shop.home.glob(kind)
        parquet = path.suffix == ".parquet"
        if parquet and harm is forge:
            continue
        harm(path)  # type: ignore[operator]
        found = look(shop.trial.open(whole=True), "shop", read=True)
        if (kind, harm) == (KINDS[0], Path.unlink):
            assert [one.key.rpartition("/")[2] for one in found] == ["users-latest.parquet"]
        else:
            assert str(path).endswith(found[0].key), (kind, found)
            faults = ("missing", "damaged") if harm is Path.unlink else ("damaged",)
            assert found[0].fault in faults
        assert shop.trial.check("records").sound
        assert repair(shop.trial.open(whole=True), "shop")
        assert look(shop.trial.open(whole=True), "shop", read=True) == [], kind
        shop.back_up({"users": make_users(6)})
    if harm is not Path.unlink:
        assert set(shop.derived()) == set(before)


def test_a_backup_that_died_before_it_published_is_caught_up_with(shop: Shop) -> None:
    shop.back_up({"users": make_users(3), "calm": make_users(2)})
    shop.commit({"users": make_users(4), "calm": make_users(3)})
    assert shop.trial.check().sound
    stale = {one.key.rpartition("/")[2] for one in look(shop.trial.open(whole=True), "shop")}
    assert stale == {
        "sync-history.json",
        "stats.json",
        "stats-calm.json",
        "stats-users.json",
    }
    shop.back_up({"users": make_users(4), "calm": make_users(3)})
    assert look(shop.trial.open(whole=True), "shop") == []
    assert [one["rows"] for one in shop.read("metadata/sync-history.json")["syncs"]] == [5, 7, 7]


@pytest.mark.parametrize("where", ["schemas/", "metadata/source", "current/", "sync-history"])
def test_a_kill_while_publishing_leaves_a_sound_vault(shop: Shop, where: str) -> None:
    shop.back_up({"users": make_users(3)})
    tomorrow(shop)
    shop.columns["users"] = (("id", "bigint"), ("name", "text"), ("cost", "text"))
    rows = make_users(4)
    told = shop.commit({"users": rows})
    shop.trial.wrap = lambda store: Writes(store, [], breaks=where)
    with pytest.raises(KeyboardInterrupt):
        shop.publish(told)
    shop.trial.wrap = lambda store: store
    assert shop.trial.check("records").sound
    assert look(shop.trial.open(whole=True), "shop") != []
    shop.back_up({"users": rows})
    assert look(shop.trial.open(whole=True), "shop", read=True) == []


def test_nothing_that_is_published_is_ever_needed(shop: Shop) -> None:
    streams = {"users": make_users(6)}
    shop.back_up(streams)
    lines = shop.trial.restore()
    for name in shop.derived():
        (shop.home / name).write_bytes(b"\xff rubbish")
    assert shop.trial.restore() == lines
    assert shop.trial.check("records").sound
    shop.back_up({"users": make_users(7)})
    assert shop.trial.restore()["users"].count(b"\n") == 7
    for name in shop.derived():
        (shop.home / name).unlink()
    assert shop.trial.check("records").sound
    assert repair(shop.trial.open(whole=True), "shop")
    assert look(shop.trial.open(whole=True), "shop", read=True) == []


def test_an_older_commit_does_not_publish_over_a_newer(shop: Shop) -> None:
    first = shop.commit({"users": make_users(3)})
    shop.back_up({"users": make_users(4)})
    before = {one: (shop.home / one).read_bytes() for one in shop.derived()}
    shop.publish(first)
    assert {one: (shop.home / one).read_bytes() for one in shop.derived()} == before


def test_a_left_over_file_is_removed_and_a_stream_called_current_is_not(shop: Shop) -> None:
    shop.back_up({"current": make_users(400), "users": make_users(3)})
    path = shop.current("users")
    old = path.parents[5] / "2001" / "02" / "03" / "users" / "current" / path.name
    old.parent.mkdir(parents=True)
    old.write_bytes(path.read_bytes())
    kept = sorted(
        str(one) for one in shop.home.rglob("*") if one.is_file() and "/2001/" not in str(one)
    )
    assert [one.fault for one in look(shop.trial.open(whole=True), "shop")] == ["stale"]
    assert repair(shop.trial.open(whole=True), "shop") == [
        f"{SHOP[5:]}{old.relative_to(shop.home)}"
    ]
    assert not old.exists()
    assert sorted(str(one) for one in shop.home.rglob("*") if one.is_file()) == kept
    assert shop.trial.check("records").sound


def test_damage_of_the_newest_schema_does_not_narrow_it(shop: Shop) -> None:
    shop.columns["users"] = (("id", "smallint"), ("name", "text"))
    shop.back_up({"users": [["1", "a"]]})
    shop.columns["users"] = (("id", "bigint"),)
    shop.back_up({"users": [["1"]]})
    path = shop.home / "schemas/v2/users-schema.json"
    before = json.loads(path.read_bytes())
    spoil(path)
    shop.columns["users"] = (("id", "bigint"), ("born", "date"))
    shop.back_up({"users": [["1", None]]})
    after = json.loads(path.read_bytes())["properties"]
    assert set(before["properties"]) <= set(after)
    assert after["name"]["x-gone"] is True


def test_a_sweep_leaves_alone_what_is_published(tmp_path: Path) -> None:
    days = Days(tmp_path, "none")
    for count in range(1, 4):
        commit = days.back_up({"users": make_users(count)})
        publish(days.trial().open(), "shop", Told(commit.number, 1, 0), Terms(current=True))
    published = {one for one in days.names() if is_derived(one.removeprefix(SHOP))}
    assert len(published) == 6
    days.prune(last=1)
    days.pass_grace({"users": make_users(3)})
    assert days.sweep().objects > 0
    assert published <= days.names()
    assert look(days.trial().open(whole=True), "shop", read=True) != [], "nine days went by since"
    assert repair(days.trial().open(whole=True), "shop")
    assert look(days.trial().open(whole=True), "shop", read=True) == []
