"""A restore proves itself or fails by name, whatever it writes into."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from listbackup.errors import RefusedError, RestoreError
from listbackup.events import Emit, Event, Found, ignore
from listbackup.records import Reading, StoredSnapshot, Unread
from listbackup.records.encodings import open_encoding
from listbackup.records.restoring import Obstacle, PlannedStream, RestoreOptions, RestorePlan
from listbackup.recovery.restoring import compare_with_source, explain, plan_restore, restore
from listbackup.testing.readings import ListedReading, ListedSource
from tests.connectors.postgres.memory import MemorySnapshot, keep

Rows = Sequence[Sequence[str | None]]
STREAMS: Mapping[str, Rows] = {
    "shop.orders": [[str(n), f"item {n % 7}", None if n % 3 else "x"] for n in range(1000)],
    "shop.empty": [],
    "shop.odd": [["1", "tab\t"], ["2", "line\nback\\slash"], ["3", None], ["4", ""]],
}


@dataclass
class Shelf:
    """A destination in memory. `spoil` is what goes wrong with the rows on their way."""

    keyed: bool = True
    parts: int = 1
    creates: bool = True
    obstacles: tuple[Obstacle, ...] = ()
    spoil: Mapping[str, Rows] = field(default_factory=dict)
    failure: BaseException | None = None
    there: dict[str, Rows] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def plan(self, snapshot: StoredSnapshot, options: RestoreOptions) -> RestorePlan:
        streams = tuple(
            PlannedStream(s.name, s.rows, s.plain_bytes, options.condition_of(s.name))
            for s in snapshot.streams.values()
        )
        return RestorePlan(
            snapshot.name,
            snapshot.source,
            "shelf://",
            "shelf",
            self.creates,
            options.is_partial,
            streams,
            obstacles=self.obstacles,
        )

    def apply(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan, emit: Emit
    ) -> None:
        self.done.append("apply")
        for stream in plan.streams:
            lines = b"".join(snapshot.streams[stream.name].chunks())
            self.there[stream.name] = list(read_rows(snapshot, stream.name, lines))
        self.there.update(self.spoil)
        if self.failure:
            raise self.failure

    def reopen(self, plan: RestorePlan) -> Reading:
        return self.look()

    def look(self) -> ListedReading:
        return ListedSource(self.there, keyed=self.keyed, parts=self.parts).open()

    def confirm_definitions(self, snapshot: StoredSnapshot, reading: Reading) -> bool:
        return False

    def complete(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan
    ) -> None:
        self.done.append("complete")

    def discard(self, plan: RestorePlan) -> bool:
        self.done.append("discard")
        self.there.clear()
        return True


def read_rows(snapshot: StoredSnapshot, name: str, lines: bytes) -> Iterable[list[str | None]]:
    stream = snapshot.streams[name]
    encoding = open_encoding(stream.encoding, stream.schema)
    for line in encoding.to_lines(lines).split(b"\n")[:-1]:
        yield json.loads(line)


def take(keyed: bool = True, streams: Mapping[str, Rows] = STREAMS) -> MemorySnapshot:
    return keep(ListedSource(streams, keyed=keyed).open())


def change(name: str, place: int, column: int, value: str | None) -> dict[str, Rows]:
    rows = [list(row) for row in STREAMS[name]]
    rows[place][column] = value
    return {name: rows}


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("keyed", [True, False])
def test_what_came_back_whole_is_proven(keyed: bool, parts: int) -> None:
    shelf = Shelf(keyed=keyed, parts=parts)
    result = restore(take(keyed), shelf, RestoreOptions(), ignore)
    assert result.proven
    assert result.comparison.rows == sum(map(len, STREAMS.values()))
    assert shelf.there == STREAMS
    assert shelf.done == ["apply", "complete"]


def test_the_order_of_rows_does_not_matter() -> None:
    shelf = Shelf(spoil={"shop.orders": list(reversed(STREAMS["shop.orders"]))})
    assert restore(take(), shelf, RestoreOptions(), ignore).proven


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (change("shop.orders", 41, 1, "other"), 'shop.orders: 1 row differs in c1 (keys ["41"])'),
        (change("shop.odd", 2, 1, ""), 'shop.odd: 1 row differs in c1 (keys ["3"])'),
        (change("shop.odd", 3, 1, None), 'shop.odd: 1 row differs in c1 (keys ["4"])'),
        (change("shop.odd", 0, 0, "9"), 'shop.odd: 2 rows differ (keys ["1"], ["9"])'),
        ({"shop.orders": STREAMS["shop.orders"][:-1]}, 'shop.orders: 1 row differs (keys ["999"])'),
        (
            {"shop.odd": [*STREAMS["shop.odd"], STREAMS["shop.odd"][0]]},
            'shop.odd: 1 row differs (keys ["1"])',
        ),
        (
            {"shop.odd": [["1", "line\nback\\slash"], ["2", "tab\t"], *STREAMS["shop.odd"][2:]]},
            'shop.odd: 2 rows differ in c1 (keys ["1"], ["2"])',
        ),
    ],
)
def test_what_did_not_come_back_is_named_and_taken_away(
    spoil: Mapping[str, Rows], said: str
) -> None:
    shelf = Shelf(spoil=spoil)
    events: list[Event] = []
    with pytest.raises(RestoreError) as caught:
        restore(take(), shelf, RestoreOptions(), events.append)
    assert said in caught.value.message
    assert [e.problem for e in events if isinstance(e, Found)] == [said]
    assert shelf.done == ["apply", "discard"]
    assert "removed" in caught.value.risk


def test_without_a_key_the_columns_are_named_all_the_same() -> None:
    shelf = Shelf(keyed=False, spoil=change("shop.orders", 5, 2, "y"))
    with pytest.raises(RestoreError, match=r"shop\.orders: 2 rows differ in c2\."):
        restore(take(keyed=False), shelf, RestoreOptions(), ignore)


def test_every_row_altered_is_still_told_in_one_sentence() -> None:
    rows = [[key, "same", other] for key, _, other in STREAMS["shop.orders"]]
    shelf = Shelf(spoil={"shop.orders": rows})
    with pytest.raises(RestoreError, match=r"1000 rows differ in c1 \(keys") as caught:
        restore(take(), shelf, RestoreOptions(), ignore)
    assert len(caught.value.message) < 300


def test_a_failed_restore_is_kept_where_that_is_asked_for() -> None:
    shelf = Shelf(spoil=change("shop.odd", 0, 1, "z"))
    with pytest.raises(RestoreError) as caught:
        restore(take(), shelf, RestoreOptions(keep_failed=True), ignore)
    assert shelf.done == ["apply"]
    assert "shelf is not a copy" in caught.value.risk


def test_what_was_there_before_is_never_taken_away() -> None:
    shelf = Shelf(creates=False, spoil=change("shop.odd", 0, 1, "z"))
    with pytest.raises(RestoreError) as caught:
        restore(take(), shelf, RestoreOptions(), ignore)
    assert shelf.done == ["apply"]
    assert "not a copy" in caught.value.risk


def test_an_interrupted_restore_leaves_nothing() -> None:
    shelf = Shelf(failure=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        restore(take(), shelf, RestoreOptions(), ignore)
    assert shelf.done == ["apply", "discard"]


def test_an_obstacle_is_told_before_anything_is_written() -> None:
    shelf = Shelf(obstacles=(Obstacle("roles are missing", ("a", "b"), "Use --create-roles."),))
    with pytest.raises(RefusedError, match="roles are missing: a, b") as caught:
        restore(take(), shelf, RestoreOptions(), ignore)
    assert caught.value.hint == "Use --create-roles."
    assert shelf.done == []


def test_streams_that_were_never_read_need_a_word() -> None:
    snapshot = replace(take(), missing=[Unread("shop.locked", "it was locked")])
    plan = plan_restore(snapshot, Shelf(), RestoreOptions())
    assert [obstacle.subjects for obstacle in plan.obstacles] == [("shop.locked",)]
    allowed = plan_restore(snapshot, Shelf(), RestoreOptions(allow_partial=True))
    assert not allowed.obstacles
    assert any("shop.locked" in one for one in allowed.left_out)
    other = plan_restore(snapshot, Shelf(), RestoreOptions(include=("shop.odd",)))
    assert not other.obstacles


def test_a_plan_says_what_would_be_written() -> None:
    plan = plan_restore(take(), Shelf(), RestoreOptions())
    assert plan.rows == 1004
    assert {stream.name for stream in plan.streams} == set(STREAMS)


def test_rows_chosen_by_a_condition_must_be_rows_of_the_snapshot() -> None:
    some = RestoreOptions(where={"shop.orders": "a condition"})
    orders = STREAMS["shop.orders"]
    assert restore(take(), Shelf(spoil={"shop.orders": orders[10:20]}), some, ignore).proven
    for foreign in ([["1", "item 1", "never"]], [orders[5], orders[5]]):
        with pytest.raises(RestoreError, match="1 of them not in the snapshot"):
            restore(take(), Shelf(spoil={"shop.orders": foreign}), some, ignore)


def test_a_stream_that_is_gone_and_columns_that_changed_are_named() -> None:
    streams = dict(STREAMS)
    del streams["shop.empty"]
    streams["shop.odd"] = [[*row, "more"] for row in STREAMS["shop.odd"]]
    comparison = compare_with_source(take(), ListedSource(streams), RestoreOptions(), ignore)
    told = [explain(difference) for difference in comparison.differences]
    assert told == [
        "shop.empty: missing: expected 0 rows, found no such table",
        "shop.odd: columns in c2: expected 2 columns, found 3 columns",
    ]


def test_a_comparison_can_be_limited_to_some_streams() -> None:
    source = ListedSource(change("shop.odd", 0, 1, "z") | {"shop.empty": []})
    options = RestoreOptions(include=("shop.empty",))
    assert compare_with_source(take(), source, options, ignore).equal
