"""State lists: each is its own stream's, and names batches as the format says."""

import hashlib
import struct

import pytest

from listbackup.errors import IntegrityError
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial, make_rows
from listbackup.vault.beginning import begin_sync
from listbackup.vault.manifest import StreamEntry
from listbackup.vault.states import number_batch


def test_the_state_list_of_another_stream_is_refused_and_named(trial: Trial) -> None:
    source = ListedSource({"t": make_rows(20), "u": make_rows(20, "other")})
    trial.sync(source)
    writer = begin_sync(trial.open(), "shop")
    try:
        assert writer.before is not None
        foreign = writer.before.entry("u")
        assert foreign is not None
        entry = StreamEntry("t", "t", "complete", foreign.state, 20)
        reading = source.open()
        writer.commit(reading.identity, reading.as_of, [entry], (), reading.finish(), ())
    finally:
        writer.close()
    with pytest.raises(IntegrityError, match="another stream's: 'u'"):
        trial.restore()
    [finding] = trial.check().findings
    assert finding.streams == ("t",)


def test_a_batch_has_the_number_that_the_format_says() -> None:
    batch = "accounts/default/sources/shop/raw/2026/11/01/x/pack-001.bin#3"
    [number] = struct.unpack(">Q", hashlib.sha256(batch.encode()).digest()[:8])
    assert number_batch(batch) == number
