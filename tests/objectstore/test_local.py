from pathlib import Path

import pytest

from listbackup.host import Host
from listbackup.objectstore.local import LocalStore
from listbackup.testing.stores import OpenClient, StoreContract

from .conftest import Opener


class TestLocalStore(StoreContract):
    @pytest.fixture
    def open_client(self, closing: Opener, tmp_path: Path) -> OpenClient:
        return closing(lambda: LocalStore(tmp_path / "vault", Host(), volatile=True))
