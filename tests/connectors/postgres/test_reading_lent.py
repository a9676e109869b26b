"""Parts that another process receives over a socket that it is lent."""

import pytest

from listbackup.connectors import load
from listbackup.errors import SourceError
from tests.connectors.postgres.conftest import Database
from tests.connectors.postgres.readings import (
    read_stream,
    reading,
)


def test_another_process_can_receive_a_part_that_it_is_lent(plain: Database) -> None:
    with reading(plain) as found:
        streams = {stream.name: stream for stream in found.streams}
        (part,) = found.parts(streams["public.users"])
        with found.feed(part) as feed:
            assert feed is not None
            receive = load(feed.reader)
            lent = b"".join(receive(feed.descriptor, feed.request))
        assert lent == b"".join(found.read(part))
        list(found.extras())
        assert "public.users" not in {one.name for one in found.finish().unread}


def test_a_part_that_was_lent_in_vain_is_named_and_others_go_on(plain: Database) -> None:
    with reading(plain, jobs=1) as found:
        streams = {stream.name: stream for stream in found.streams}
        (part,) = found.parts(streams["public.users"])
        with pytest.raises(SourceError), found.feed(part) as feed:
            assert feed is not None
            list(load(feed.reader)(feed.descriptor, b"COPY (SELECT 1 / 0) TO STDOUT"))
        assert len(read_stream(found, streams["public.orders"])) == 0
        list(found.extras())
        assert "public.users" in {one.name for one in found.finish().unread}
