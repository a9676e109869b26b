from collections.abc import Iterator
from pathlib import Path

import pytest

from listbackup.host import Host
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.opening import open_store
from listbackup.testing.stores import OpenClient, StoreContract


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def open_client(self, tmp_path: Path) -> Iterator[OpenClient]:
        clients: list[ObjectStore] = []

        def open_one() -> ObjectStore:
            clients.append(open_store(f"sqlite://{tmp_path}/store.db", Host()))
            return clients[-1]

        yield open_one
        for client in clients:
            client.close()
