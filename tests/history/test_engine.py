"""The engine of queries: what is locked stays locked."""

import pytest

from listbackup.errors import UsageError
from listbackup.history.engine import Engine

CHANGES = (
    "SET memory_limit = '64GB'",
    "SET threads = 64",
    "SET lock_configuration = false",
    "SET temp_directory = '/tmp'",
    "SET autoload_known_extensions = true",
    "RESET memory_limit",
    "PRAGMA threads = 64",
)


@pytest.mark.parametrize("change", CHANGES)
def test_no_setting_can_be_changed_once_the_engine_is_locked(change: str) -> None:
    with Engine() as engine:
        engine.lock()
        with pytest.raises(UsageError, match="configuration has been locked"):
            engine.guard(lambda: engine.database.execute(change))


def test_a_setting_could_be_changed_before() -> None:
    with Engine() as engine:
        engine.guard(lambda: engine.database.execute("SET threads = 1"))
        found = engine.database.execute("SELECT current_setting('threads')").fetchone()
        assert found == (1,)
