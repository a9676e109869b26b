"""Lists that are asked for by the records of other lists: what goes wrong with a parent is never a
quiet shortfall of its children.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from listbackup.connectors.rest.transport import Request, Response
from tests.connectors.rest.lands import KEPT, Land, Record, query, write

Answer = Callable[[list[str], dict[str, Any]], Response | None]


def describe_list(name: str, path: str, *more: str) -> str:
    """Describe a list."""
    lines = "".join(f"\n    {one}" for one in more)
    head = f"  - name: {name}\n    request: {{path: {path!r}}}\n    records: data"
    return f"{head}{lines}\n    {KEPT}\n"


PARENT = "parent: {stream: projects}"
TASKS = "/projects/{parent.id}/tasks"


def describe_projects(
    *of_projects: str, parent: str = PARENT, of_tasks: tuple[str, ...] = ()
) -> str:
    """Describe projects and their tasks."""
    return (
        "streams:\n"
        + describe_list("projects", "/projects", *of_projects)
        + describe_list("tasks", TASKS, parent, *of_tasks)
    )


@dataclass
class Office:
    """Projects with tasks. `broken` answers in its place, or not."""

    projects: dict[int, Record] = field(
        default_factory=lambda: {
            number: {"id": number, "at": "2026-10-01T00:00:00Z"} for number in range(20)
        }
    )
    tasks: dict[int, list[Record]] = field(
        default_factory=lambda: {
            number: [{"id": 100 * number + one} for one in range(3)] for number in range(20)
        }
    )
    broken: Answer = lambda path, asked: None

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        path = urlsplit(request.url).path.strip("/").split("/")
        asked = query(request)
        return self.broken(path, asked) or self._answer(path, asked)

    def _answer(self, path: list[str], asked: dict[str, Any]) -> Response:
        match path:
            case ["projects"]:
                least = asked.get("since", "")
                found = [one for one in self.projects.values() if one["at"] >= least]
                return write({"data": found})
            case ["projects", id_] if int(id_) in self.projects:
                return write(self.projects[int(id_)])
            case ["projects", id_, "tasks"] if int(id_) in self.projects:
                return write({"data": self.tasks.get(int(id_), [])})
        return write({"message": "there is none"}, 404)

    @property
    def all(self) -> set[int]:
        """All tasks."""
        return {one["id"] for id_ in self.projects for one in self.tasks.get(id_, [])}


def have(land: Land, stream: str = "tasks") -> set[int]:
    """What the copy has."""
    return {one["id"] for one in land.copy.get(stream, {}).values()}


def refuse(status: int, *path: str) -> Answer:
    """Refuse a path; `*` is any step."""

    def broken(asked: list[str], _: dict[str, Any]) -> Response | None:
        fits = len(asked) == len(path) and all(
            one in ("*", other) for one, other in zip(path, asked, strict=True)
        )
        return write({"message": "not now"}, status) if fits else None

    return broken


ALONE: list[dict[str, Any]] = [{"include": ("tasks",)}, {"exclude": ("projects",)}]


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("options", [{}, *ALONE])
def test_children_of_an_optional_parent_that_is_refused_are_kept_and_it_is_said(
    status: int, options: dict[str, Any]
) -> None:
    office = Office()
    land = Land(describe_projects("optional: true"), office.answer)
    land.sync(**options)
    assert (have(land), land.said["tasks"]) == (office.all, "")
    office.broken = refuse(status, "projects")
    land.sync(**options)
    assert have(land) == office.all
    assert "projects, by which it is asked for, was not read whole" in land.said["tasks"]
    office.broken = lambda path, asked: None
    land.sync(**options)
    assert (have(land), land.said["tasks"]) == (office.all, "")


@pytest.mark.parametrize("options", [{}, *ALONE])
def test_children_that_never_were_of_an_optional_parent_that_is_refused_are_not_permitted(
    options: dict[str, Any],
) -> None:
    office = Office(broken=refuse(403, "projects"))
    land = Land(describe_projects("optional: true"), office.answer)
    land.sync(**options)
    assert land.said["tasks"] == ""
    # it is said once, of the parent where that is read itself
    assert land.declared == ({"tasks"} if options else {"projects"})


@pytest.mark.parametrize("options", [{}, {"include": ("notes",)}, {"exclude": ("tasks",)}])
def test_children_of_an_optional_child_that_is_refused_are_kept_and_it_is_said(
    options: dict[str, Any],
) -> None:
    office = Office()

    def answer(request: Request) -> Response:
        path = urlsplit(request.url).path.strip("/").split("/")
        if path[0] == "tasks":
            return write({"data": [{"id": int(path[1]) * 10}]})
        return office.answer(request)

    notes = describe_list("notes", "/tasks/{parent.id}/notes", "parent: {stream: tasks}")
    land = Land(describe_projects(of_tasks=("optional: true",)) + notes, answer)
    land.sync(**options)
    every = {10 * one for one in office.all}
    assert (have(land, "notes"), land.said["notes"]) == (every, "")
    office.broken = refuse(403, "projects", "*", "tasks")
    land.sync(**options)
    assert have(land, "notes") == every
    assert "tasks, by which it is asked for, was not read whole" in land.said["notes"]


CHANGED = "parent: {stream: projects, when: changed}"
SINCE = "since: {param: since, field: at}"
EVENTS = """feeds:
  - name: events
    request: {path: /events}
    records: data
    since: {param: since, field: at}
    keeps: KEEPS
    type: type
    object: object
    id: about
    deleted: [.deleted]
    streams: [{stream: projects, object: project}]
"""
BY_FILTER = describe_projects(SINCE, parent=CHANGED)
BY_FEED = EVENTS.replace("KEEPS", "20d") + describe_projects(
    "one: {path: '/projects/{record.id}'}", parent=CHANGED
)
BY_SHORT_FEED = BY_FEED.replace("20d", "1d")


@dataclass
class Diary(Office):
    """An office that tells what changed."""

    events: list[Record] = field(default_factory=list)

    def change(self, land: Land, number: int) -> None:
        """Change a project, which has one more task then."""
        at = land.pace.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        self.projects[number] = {"id": number, "at": at}
        self.tasks[number] = [*self.tasks[number], {"id": 100 * number + len(self.tasks[number])}]
        event = {"id": len(self.events), "at": at, "type": "project.updated", "object": "project"}
        self.events.append({**event, "about": number})
        land.pass_time(hours=3)

    def _answer(self, path: list[str], asked: dict[str, Any]) -> Response:
        if path == ["events"]:
            least = asked.get("since", "")
            return write({"data": [one for one in self.events if one["at"] >= least]})
        return super()._answer(path, asked)


def is_asked(land: Land, path: str) -> bool:
    """Say whether the last sync asked for a path."""
    return path in [urlsplit(one.url).path for one in land.asked]


@pytest.mark.parametrize("yaml", [BY_FILTER, BY_FEED, BY_SHORT_FEED])
@pytest.mark.parametrize("status", [403, 500])
def test_what_a_child_of_changed_parents_could_not_read_is_asked_for_again(
    yaml: str, status: int
) -> None:
    diary = Diary()
    land = Land(yaml, diary.answer)
    land.sync()
    land.pass_time(hours=20)
    diary.change(land, 2)
    diary.broken = refuse(status, "projects", "*", "tasks")
    land.sync()
    assert land.said["tasks"]
    land.pass_time(hours=20)
    diary.broken = lambda path, asked: None
    diary.change(land, 3)
    land.sync()
    assert (have(land), land.said["tasks"]) == (diary.all, "")
    assert is_asked(land, "/projects/4/tasks") == (yaml == BY_SHORT_FEED)
    land.pass_time(hours=20)
    land.sync()
    assert not is_asked(land, "/projects/2/tasks")


@pytest.mark.parametrize("yaml", [BY_FILTER, BY_FEED])
def test_a_child_of_changed_parents_that_was_left_out_for_a_while_lacks_nothing(yaml: str) -> None:
    diary = Diary()
    land = Land(yaml, diary.answer)
    land.sync()
    for number in range(3):
        land.pass_time(hours=20)
        diary.change(land, number)
        land.sync(exclude=("tasks",))
    land.pass_time(hours=20)
    land.sync()
    assert (have(land), land.said["tasks"]) == (diary.all, "")


def test_what_the_children_of_changed_children_could_not_read_is_asked_for_again() -> None:
    diary = Diary()

    def answer(request: Request) -> Response:
        path = urlsplit(request.url).path.strip("/").split("/")
        if path[0] == "tasks":
            refused = diary.broken(path, {})
            return refused or write({"data": [{"id": int(path[1]) * 10}]})
        return diary.answer(request)

    parent = "parent: {stream: tasks, when: changed}"
    land = Land(BY_FILTER + describe_list("notes", "/tasks/{parent.id}/notes", parent), answer)
    land.sync()
    land.pass_time(hours=20)
    diary.change(land, 2)
    diary.broken = refuse(500, "tasks", "*", "notes")
    land.sync()
    assert land.said["notes"]
    land.pass_time(hours=20)
    diary.broken = lambda path, asked: None
    land.sync()
    assert have(land, "notes") == {10 * one for one in diary.all}
    assert set(land.said.values()) == {""}
    assert not is_asked(land, "/projects/4/tasks")


LOST = "the platform has no such list for 3 of 20 records"


def is_any(path: list[str], numbers: tuple[int, ...]) -> bool:
    """Say whether a path asks for the tasks of one of some projects."""
    return path[-1] == "tasks" and int(path[1]) in numbers


@pytest.mark.parametrize("more", [(), ("one: {path: '/projects/{record.id}'}",)])
def test_lists_that_are_not_found_while_their_parents_are_still_there_are_doubt(
    more: tuple[str, ...],
) -> None:
    office = Office()
    land = Land(describe_projects(*more), office.answer)
    land.sync()
    office.broken = lambda path, asked: (
        write({"message": "not found"}, 404) if is_any(path, (3, 7, 11)) else None
    )
    land.sync()
    assert have(land) == office.all
    assert LOST in land.said["tasks"]
    asked: list[list[str]] = []

    def not_yet(path: list[str], _: dict[str, Any]) -> Response | None:
        asked.append(path)
        first = is_any(path, (3, 7, 11)) and asked.count(path) == 1
        return write({}, 404) if first else None

    office.broken = not_yet
    land.sync()
    assert (have(land), land.said["tasks"]) == (office.all, "")


@pytest.mark.parametrize("more", [(), ("one: {path: '/projects/{record.id}'}",)])
@pytest.mark.parametrize("options", [{}, {"include": ("tasks",)}])
def test_lists_of_parents_that_were_deleted_meanwhile_are_no_doubt(
    more: tuple[str, ...], options: dict[str, Any]
) -> None:
    office = Office()
    land = Land(describe_projects(*more), office.answer)
    land.sync(**options)

    def drop(path: list[str], _: dict[str, Any]) -> None:
        for number in range(8) if path == ["projects", "8", "tasks"] else ():
            office.projects.pop(number + 10, None)

    office.broken = drop
    land.sync(**options)
    assert (have(land), land.said["tasks"]) == (office.all, "")
    assert len(office.projects) == 12


def test_a_list_that_no_record_has_is_doubt_without_asking_for_every_record() -> None:
    office = Office(projects={number: {"id": number, "at": "2026"} for number in range(500)})
    land = Land(describe_projects("one: {path: '/projects/{record.id}'}"), office.answer)
    office.broken = refuse(404, "projects", "*", "tasks")
    land.sync()
    assert "the platform has no such list for 500 of 500 records" in land.said["tasks"]
    assert len(land.asked) < 650


@pytest.mark.parametrize("yaml", [describe_projects(), BY_FILTER])
@pytest.mark.parametrize(
    ("page", "header"), [({"total": 35}, ""), ({"meta": {"total": 35}}, ""), ({}, "35")]
)
def test_a_child_list_whose_page_says_that_there_are_more_is_doubt(
    yaml: str, page: Record, header: str
) -> None:
    diary = Diary()
    land = Land(yaml, diary.answer)

    def tell(path: list[str], _: dict[str, Any]) -> Response | None:
        data = diary.tasks[2]
        answer = write({"data": data, **page}, x_total_count=header)
        return answer if is_any(path, (2,)) else None

    diary.broken = tell
    land.sync()
    assert "in the list of 2 the last page says that there are 35" in land.said["tasks"]
    diary.broken = lambda path, asked: None
    land.sync()
    assert (have(land), land.said["tasks"]) == (diary.all, "")
    land.pass_time(hours=20)
    diary.change(land, 2)
    diary.broken = tell
    land.sync()
    assert "says that there are 35" in land.said["tasks"]


def test_totals_of_child_lists_that_agree_or_are_explained_are_no_doubt() -> None:
    office = Office()

    def tell(path: list[str], total: int) -> Response | None:
        tasks = office.tasks[int(path[1])] if path[-1] == "tasks" else None
        return write({"data": tasks, "total": total}) if tasks else None

    office.broken = lambda path, asked: tell(path, 3)
    land = Land(describe_projects(), office.answer)
    land.sync()
    assert (have(land), land.said["tasks"]) == (office.all, "")
    office.broken = lambda path, asked: tell(path, 60)
    explained = describe_projects(of_tasks=("total: {path: total, exact: false}",))
    land = Land(explained, office.answer)
    land.sync()
    assert (have(land), land.said["tasks"]) == (office.all, "")


OWNED = ("key: [project, id]", "adds: {project: '{parent.id}'}")


@pytest.mark.parametrize("own", [None, 77, "", {"id": 3}])
def test_a_field_that_is_added_and_that_records_have_themselves_is_doubt(own: Any) -> None:
    office = Office(tasks={number: [{"id": 1, "project": own}] for number in range(20)})
    land = Land(describe_projects(of_tasks=OWNED), office.answer)
    land.sync()
    assert "records have a field project of their own" in land.said["tasks"]


def test_a_field_that_is_added_and_says_the_same_as_the_records_own_is_no_doubt() -> None:
    tasks: dict[int, list[Record]] = {
        number: [
            {"id": 1, "project": str(number), "within": {"project": 5}},
            {"id": 2, "name": "project"},
        ]
        for number in range(20)
    }
    land = Land(describe_projects(of_tasks=OWNED), Office(tasks=tasks).answer)
    assert len(land.sync()) == 40
    assert land.said["tasks"] == ""
