"""What is published beside the snapshots: right, stamped and cheap."""

import json
from collections.abc import Callable
from datetime import datetime

import jsonschema
import pytest

from listbackup.clock import Clock
from listbackup.history.publishing import look, repair
from listbackup.testing.vaults import Trial
from listbackup.vault.derived import read_derived
from listbackup.vault.refs import digest
from tests.history.shops import SHOP, Shop, Writes, ask, make_users, tomorrow

Make = Callable[..., Trial]


def test_a_backup_publishes_what_it_is(shop: Shop) -> None:
    shop.back_up({"public.users": make_users(20), "Quiet!": make_users(3)})
    day = shop.trial.snapshot().manifest.started.strftime("%Y/%m/%d")
    quiet = next(one for one in shop.read("metadata/source-config.json")["streams"])["path"]
    assert quiet.startswith("quiet_-")
    month = "/".join(day.split("/")[:2])
    assert shop.derived() == sorted(
        [
            "metadata/current.json",
            "metadata/source-config.json",
            "metadata/sync-history.json",
            f"processed/{day}/{quiet}/current/{quiet}-latest.parquet",
            f"processed/{day}/public.users/current/public.users-latest.parquet",
            f"schemas/v1/{quiet}-schema.json",
            "schemas/v1/public.users-schema.json",
            f"statistics/{month}/stats-{quiet}.json",
            f"statistics/{month}/stats-public.users.json",
            f"statistics/{month}/stats.json",
        ]
    )
    config = shop.read("metadata/source-config.json")
    assert (config["source"], config["engine"], config["container"]) == ("shop", "listed", "shop")
    users = config["streams"][1]
    assert (users["name"], users["key"]) == ("public.users", ["id"])
    assert users["schema"] == "schemas/v1/public.users-schema.json"
    (record,) = shop.read("metadata/sync-history.json")["syncs"]
    assert (record["rows"], record["new_rows"], record["gone_rows"]) == (23, 23, 0)
    assert record["status"] == "complete"
    assert record["seconds"] >= 0
    assert record["stored_bytes"] > 0
    all_streams = shop.read(f"statistics/{month}/stats.json")["streams"]
    assert all_streams["public.users"]["rows"] == 20


def test_the_statistics_of_new_rows_are_those_that_a_database_counts(shop: Shop) -> None:
    rows = make_users(20)
    shop.back_up({"public.users": rows})
    new: list[str | None] = ["99", "new", "NaN"]
    changed = [*rows[:5], *rows[7:], new]
    shop.back_up({"public.users": changed})
    (path,) = shop.home.glob("statistics/*/*/stats-public.users.json")
    first, second = json.loads(path.read_bytes())["syncs"]
    id_, name, price = first["new_columns"]
    assert (id_["count"], id_["nulls"], id_["min"], id_["max"], id_["sum"]) == (
        20,
        0,
        "0",
        "19",
        "190",
    )
    assert (name["count"], name["min"], name["max"]) == (20, None, None)
    assert (price["count"], price["nulls"], price["sum"]) == (5, 15, "42.50")
    assert (second["rows"], second["number"]) == (19, 3)
    assert [one["count"] for one in second["new_columns"]] == [1, 1, 1]
    assert second["new_columns"][2]["as_text"] == 1, "a NaN is no decimal: it stands in the twin"


def test_any_tool_reads_the_current_file(shop: Shop) -> None:
    rows = make_users(50)
    shop.back_up({"public.users": rows})
    path = shop.current("public.users")
    assert ask(f"SELECT count(*), sum(id), max(name), sum(price) FROM '{path}'") == [
        (50, 1225, "name 9", ask("SELECT 318.5::DECIMAL(38,2)")[0][0])
    ]
    assert [one[0] for one in ask(f"DESCRIBE FROM '{path}'")] == ["id", "name", "price"]
    told = {
        str(key, "utf-8"): str(value, "utf-8")
        for _, key, value in ask(f"FROM parquet_kv_metadata('{path}')")
    }
    commit = shop.trial.snapshot().commit
    assert told["listbackup.entry"] == commit.digest
    assert (told["listbackup.stream"], told["listbackup.number"]) == ("public.users", "2")
    indexed = shop.read("metadata/current.json")["streams"]["public.users"]
    assert indexed["sha256"] == digest(path.read_bytes())


def test_every_document_says_which_ledger_entry_it_was_made_from(shop: Shop) -> None:
    shop.back_up({"public.users": make_users(3)})
    commit = shop.trial.snapshot().commit
    documents = [one for one in shop.derived() if one.endswith(".json")]
    assert len(documents) == 6
    for name in documents:
        raw = (shop.home / name).read_bytes()
        stamp = read_derived(raw, name).stamp
        assert (stamp.number, stamp.entry) == (commit.number, commit.digest)
        before, _, _ = raw.partition(b',"derived":')
        assert digest(before + b"}\n") == stamp.content, "as docs/format.md says it"


def test_a_schema_is_widened_and_never_narrowed(shop: Shop) -> None:
    shop.columns["users"] = (("id", "smallint"), ("name", "text"))
    shop.back_up({"users": [["1", "a"]]})
    shop.columns["users"] = (("id", "bigint"), ("name", "text"), ("born", "date"))
    shop.back_up({"users": [["1", "a", "2000-01-31"]]})
    shop.columns["users"] = (("id", "text"), ("born", "date"))
    shop.back_up({"users": [["x", "2000-01-31"]]})
    shop.back_up({"users": [["x", "2000-01-31"], ["y", None]]})
    names = [one for one in shop.derived() if one.startswith("schemas/")]
    assert names == [f"schemas/v{n}/users-schema.json" for n in (1, 2, 3)]
    versions = [shop.read(name) for name in names]
    assert versions[1]["properties"]["id"]["maximum"] == 2**63 - 1
    newest = versions[2]["properties"]
    assert newest["name"]["x-gone"] is True
    assert "string" in newest["id"]["type"]
    twin = {"id__text": None, "born__text": None}
    for record in (
        {"id": 1, "name": "a", "id__text": None},
        {"id": 2**40, "name": "a", "born": "2000-01-31", **twin},
        {"id": "x", "born": None, **twin},
    ):
        jsonschema.Draft202012Validator(versions[2]).validate(record)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(versions[0]).validate({"id": 2**40, "name": "a"})
    config = shop.read("metadata/source-config.json")["streams"][0]
    assert config["schema"] == names[2]


def test_a_stream_that_did_not_change_costs_nothing(shop: Shop) -> None:
    streams = {f"s{n:02}": make_users(3) for n in range(30)}
    shop.back_up(streams)
    tomorrow(shop)
    streams["s07"] = make_users(4)
    told = shop.commit(streams)
    keys: list[str] = []
    shop.trial.wrap = lambda store: Writes(store, keys)
    shop.publish(told)
    names = sorted(one.removeprefix(SHOP).rpartition("/")[2] for one in keys)
    assert names == [
        "current.json",
        "s07-latest.parquet",
        "stats-s07.json",
        "stats.json",
        "sync-history.json",
    ]
    keys.clear()
    told = shop.commit(streams)
    keys.clear()
    shop.publish(told)
    assert [one.rpartition("/")[2] for one in keys] == ["sync-history.json"]


def test_a_sealed_vault_publishes_nothing(make_trial: Make) -> None:
    shop = Shop(make_trial(encryption="sealed"))
    shop.back_up({"public.users": make_users(3)}, current=True)
    assert shop.derived() == []
    assert look(shop.trial.open(whole=True), "shop") == []
    assert repair(shop.trial.open(whole=True), "shop") == []


# ------------------------------------------------------------------------------------ current files


def test_there_is_one_current_file_a_stream_and_at_most_one_a_day(shop: Shop) -> None:
    shop.back_up({"users": make_users(3), "calm": make_users(2)})
    first, calm = shop.current("users"), shop.current("calm")
    shop.back_up({"users": make_users(4), "calm": make_users(2)})
    assert ask(f"SELECT count(*) FROM '{shop.current('users')}'") == [(3,)], "today's is there"
    assert look(shop.trial.open(whole=True), "shop") == []
    tomorrow(shop)
    shop.back_up({"users": make_users(5), "calm": make_users(2)})
    assert ask(f"SELECT count(*) FROM '{shop.current('users')}'") == [(5,)]
    assert not first.exists()
    assert shop.current("calm") == calm, "what did not change stays where it is"
    tomorrow(shop)
    shop.back_up({"users": make_users(5)})
    assert not calm.exists()
    assert look(shop.trial.open(whole=True), "shop") == []


def test_current_files_can_be_declined_and_do_not_grow_old(shop: Shop) -> None:
    shop.back_up({"users": make_users(3)}, current=False)
    assert not list(shop.home.glob("processed/*/*/*/*/current"))
    assert look(shop.trial.open(whole=True), "shop") == [], "nobody wanted one"
    shop.back_up({"users": make_users(3)}, current=True)
    path = shop.current("users")
    shop.back_up({"users": make_users(4)}, current=False)
    assert path.exists(), "it is of today"
    tomorrow(shop)
    shop.back_up({"users": make_users(4)}, current=False)
    assert not path.exists()
    assert shop.read("metadata/current.json")["streams"] == {}


def test_a_stream_that_is_too_large_for_a_file_is_named(shop: Shop) -> None:
    told = shop.commit({"large": make_users(11), "users": make_users(10)})
    assert shop.publish(told, current=True, current_max_rows=10) == ["large"]
    assert shop.current("users").exists()
    assert list(shop.read("metadata/current.json")["streams"]) == ["users"]


def test_without_a_wish_a_file_must_fit_the_time_that_is_left(make_trial: Make) -> None:
    """A clock that jumps at every look leaves no time at all."""
    shop = Shop(make_trial(encryption="none"))
    told = shop.commit({"users": make_users(3)})
    host = shop.trial.host
    shop.trial.host = type(host)(Hasty(host.clock), host.entropy, host.disk)
    shop.publish(told, seconds=10.0)
    assert not list(shop.home.glob("processed/*/*/*/*/current"))
    (path,) = shop.home.glob("statistics/*/*/stats-users.json")
    assert json.loads(path.read_bytes())["syncs"][0]["new_columns"] is None
    shop.publish(told, current=True)
    assert shop.current("users").exists()


class Hasty:
    """A clock on which a second goes by whenever somebody looks at it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = 0.0

    def now(self) -> datetime:
        """Give the day's time."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self._clock.sleep(seconds)

    def monotonic(self) -> float:
        """Give the time, a second later than the last time."""
        self._at += 1.0
        return self._at
