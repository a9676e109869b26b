"""A snapshot of a platform is held against what the platform really has, record by record."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from listbackup.app import App, Reach
from listbackup.connectors.rest.loading import load_platform
from listbackup.connectors.rest.models.streams import Stream
from listbackup.operations.backups import BackupWishes, back_up
from listbackup.operations.connections import AddWishes, add_source
from listbackup.operations.demoplatforms import open_browser
from listbackup.operations.initialising import InitWishes, initialise
from listbackup.operations.likeness import Likeness, Unlike, compare_with_state
from listbackup.operations.secrets import Given
from listbackup.sandbox.platforms.business import FEWEST, TENANT, Business
from listbackup.sandbox.platforms.transport import SandboxTransport
from listbackup.testing.paces import PlayedPace

MEANT = Reach(volatile=True)
Twist = Callable[[str, list[bytes]], list[bytes]]


@dataclass
class Backed:
    """Both platforms of a business, backed up into one vault within this process."""

    app: App
    business: Business

    def compare(self, name: str, twist: Twist = lambda stream, records: records) -> Likeness:
        """Compare with a state that is twisted."""

        def tell(stream: Stream) -> Iterator[bytes] | None:
            told = self.business.tell(name, stream)
            return None if told is None else iter(twist(stream.name, list(told)))

        return compare_with_state(self.app, MEANT, f"{name}:latest", load_platform(name), tell)


def connect(environment: dict[str, str], transport: SandboxTransport, pace: PlayedPace) -> App:
    return App(environment, connect=lambda urls, private: transport, pace=pace)


@pytest.fixture(scope="module")
def backed(tmp_path_factory: pytest.TempPathFactory) -> Backed:
    home = tmp_path_factory.mktemp("likeness")
    pace = PlayedPace()
    business = Business(pace, FEWEST)
    environment = {
        "LISTBACKUP_CONFIG_DIR": str(home / "config"),
        "LISTBACKUP_STATE_DIR": str(home / "state"),
        "LISTBACKUP_VAULT": str(home / "vault"),
    }
    keys = {"keap": business.keap.issue_key(TENANT), "stripe": business.stripe.key}
    for name, sandbox in (("keap", business.keap), ("stripe", business.stripe)):
        app = connect(environment, SandboxTransport(sandbox, pace), pace)
        if name == "keap":
            initialise(app, MEANT, InitWishes())
        (home / "secret").write_text(keys[name])
        wishes = AddWishes(name, auth="key", given=Given({"": Path(home / "secret")}))
        add_source(app, MEANT, wishes, open_browser())
        assert back_up(app, MEANT, BackupWishes(None, name)).status == "complete"
    return Backed(App(environment), business)


@pytest.mark.parametrize(("name", "streams"), [("keap", 70), ("stripe", 50)])
def test_what_was_backed_up_is_equal_in_nearly_all_streams(
    backed: Backed, name: str, streams: int
) -> None:
    found = backed.compare(name)
    assert found.equal
    assert found.first == ()
    assert found.streams >= streams
    assert found.records > 100


def test_another_value_is_found_by_key_and_field(backed: Backed) -> None:
    def twist(stream: str, records: list[bytes]) -> list[bytes]:
        if stream != "notes":
            return records
        note = msgspec.json.decode(records[3])
        return [*records[:3], msgspec.json.encode({**note, "title": "Otherwise"}), *records[4:]]

    found = backed.compare("keap", twist)
    assert (found.different, found.only_here) == (1, 0)
    assert found.first == (Unlike("notes", '["4"]', True, True, ("title",)),)


def test_a_field_that_is_null_on_one_side_and_absent_on_the_other_is_another_value(
    backed: Backed,
) -> None:
    def twist(stream: str, records: list[bytes]) -> list[bytes]:
        if stream != "tasks":
            return records
        return [b'{"new":null,' + records[0][1:], *records[1:]]

    (found,) = backed.compare("keap", twist).first
    assert found.fields == ("new",)


def test_records_on_one_side_alone_are_found(backed: Backed) -> None:
    def twist(stream: str, records: list[bytes]) -> list[bytes]:
        if stream == "orders":
            return [*records[1:], records[0].replace(b'"id":"501"', b'"id":"999"', 1)]
        return records

    found = backed.compare("keap", twist)
    assert (found.different, found.only_here) == (2, 1)
    assert found.first == (
        Unlike("orders", '["501"]', True, False),
        Unlike("orders", '["999"]', False, True),
    )


def test_spaces_and_the_order_of_fields_do_not_count(backed: Backed) -> None:
    def twist(stream: str, records: list[bytes]) -> list[bytes]:
        decoded = [msgspec.json.decode(one) for one in records]
        turned = [dict(reversed(one.items())) for one in decoded]
        return [msgspec.json.format(msgspec.json.encode(one), indent=2) for one in turned]

    assert backed.compare("stripe", twist).equal
