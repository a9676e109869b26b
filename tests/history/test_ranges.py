"""Ranges of stored objects are verified before a byte of them is given."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from listbackup.errors import IntegrityError
from listbackup.history.ranges import Held, StoredRange, pick_rows
from listbackup.testing.hosts import SeededEntropy
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial
from listbackup.vault import layout
from listbackup.vault.objects import Objects
from listbackup.vault.refs import BLOCK, Ref, digest_blocks

BODY = SeededEntropy(1)(2 * BLOCK + 12_345)


def store(trial: Trial, body: bytes = BODY, *, blocks: bool = True) -> tuple[Objects, Ref]:
    """Put an object as a part of the typed view is put."""
    trial.sync(ListedSource({"t": [["1"]]}))
    vault = trial.open()
    started = vault.host.clock.now()
    prefix = layout.sync_prefix("default", "shop", "f" * 32, started)
    sealed = trial.encryption == "sealed"
    key = vault.keyring.ensure("shop", started).key if sealed else None
    blob = vault.objects.encode(f"{prefix}thing.parquet", body, key)
    vault.objects.put(blob, "part")
    vault.store.barrier()
    listed = digest_blocks(blob.body) if blocks else None
    return vault.objects, replace(blob.ref, blocks=listed)


def flip(trial: Trial, ref: Ref, at: int) -> None:
    path = trial.place / layout.place(ref.key, ref.form == "sealed")
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("blocks", [True, False])
def test_any_range_is_what_was_written(trial: Trial, blocks: bool) -> None:
    objects, ref = store(trial, blocks=blocks)
    stored = StoredRange(objects, ref, Held())
    assert stored.size == len(BODY)
    edges = (0, 1, 65_535, 65_536, 65_537, BLOCK - 100, BLOCK, 2 * BLOCK, len(BODY) - 1)
    for start in edges:
        for length in (0, 1, 100, 70_000, BLOCK + 1, len(BODY)):
            assert stored.read(start, length) == BODY[start : start + length]
    assert stored.read(len(BODY), 10) == b""


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 65_536, b"x" * 131_072])
def test_small_and_round_sizes_are_read_too(trial: Trial, body: bytes) -> None:
    objects, ref = store(trial, body)
    stored = StoredRange(objects, ref, Held())
    assert stored.read(0, 10**9) == body
    assert stored.read(65_535, 2) == body[65_535:65_537]


def test_a_damaged_block_is_refused_and_the_others_are_not(trial: Trial) -> None:
    objects, ref = store(trial)
    flip(trial, ref, BLOCK + 5)
    stored = StoredRange(objects, ref, Held())
    assert stored.read(0, 1000) == BODY[:1000]
    with pytest.raises(IntegrityError, match="digest of a block") as caught:
        stored.read(BLOCK, 1000)
    assert caught.value.subject == ref.key


def test_a_damaged_byte_is_found_without_blocks_too(trial: Trial) -> None:
    objects, ref = store(trial, blocks=False)
    flip(trial, ref, 2 * BLOCK)
    with pytest.raises(IntegrityError, match="damaged or exchanged"):
        StoredRange(objects, ref, Held()).read(0, 10)


def test_a_damaged_byte_of_a_small_object_is_found(trial: Trial) -> None:
    objects, ref = store(trial, BODY[:300_000])
    flip(trial, ref, 299_000)
    with pytest.raises(IntegrityError, match="damaged or exchanged"):
        StoredRange(objects, ref, Held()).read(0, 10)


def test_a_lost_or_cut_object_is_refused(trial: Trial) -> None:
    objects, ref = store(trial)
    path = trial.place / layout.place(ref.key, ref.form == "sealed")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError):
        StoredRange(objects, ref, Held()).read(2 * BLOCK + 100, 10)
    path.unlink()
    with pytest.raises(IntegrityError, match="is lost"):
        StoredRange(objects, ref, Held()).read(0, 10)


def test_an_object_sealed_for_another_place_does_not_open(
    make_trial: Callable[..., Trial],
) -> None:
    trial = make_trial()
    objects, ref = store(trial)
    moved = replace(ref, key=ref.key.replace("thing", "other"))
    source = trial.place / layout.place(ref.key, True)
    source.rename(trial.place / layout.place(moved.key, True))
    with pytest.raises(IntegrityError, match="does not open"):
        StoredRange(objects, moved, Held()).read(0, 10)


def test_an_object_that_was_sealed_anew_is_refused(make_trial: Callable[..., Trial]) -> None:
    objects, ref = store(make_trial())
    with pytest.raises(IntegrityError, match="sealed anew"):
        StoredRange(objects, replace(ref, check="00" * 32), Held()).read(0, 10)


def test_a_ref_that_claims_another_size_is_refused(trial: Trial) -> None:
    objects, ref = store(trial)
    with pytest.raises(IntegrityError, match="two sizes"):
        StoredRange(objects, replace(ref, plain_bytes=ref.plain_bytes - 1), Held()).read(0, 10)


@pytest.mark.parametrize("width", [2, 4])
def test_rows_are_picked_by_number(trial: Trial, width: int) -> None:
    body = BODY[: 60_000 * 32]
    objects, ref = store(trial, body)
    table = np.frombuffer(body, "<u8").reshape(-1, width)
    last = len(table) - 1
    for rows in ([], [0], [last], [0, 2047, 2048, 4095, 4096, 9000, last], range(last + 1)):
        wanted = np.array(rows, np.uint32)
        assert np.array_equal(pick_rows(objects, ref, width, wanted), table[wanted])


def test_no_row_is_picked_where_another_is_damaged(trial: Trial) -> None:
    objects, ref = store(trial, BODY[: 60_000 * 32])
    flip(trial, ref, 60_000 * 32 - 1)
    with pytest.raises(IntegrityError, match="damaged or exchanged"):
        pick_rows(objects, ref, 4, np.array([1], np.uint32))


def test_what_is_held_stays_within_its_bound() -> None:
    made = []
    held = Held(most=400)

    def make() -> bytes:
        made.append(1)
        return b"x" * 40

    for number in (0, 1, 0, 2, 0, 1):
        assert held.get("a", number, make) == b"x" * 40
    assert len(made) == 4  # 1 was let go for 2, because 0 was used later
    assert held.get("a", 9, lambda: b"y" * 500) == b"y" * 500


def test_large_pieces_do_not_drive_out_small_ones() -> None:
    held = Held(most=4 * BLOCK)
    held.get("small", 0, lambda: b"s" * 1000)
    for number in range(9):
        held.get("large", number, lambda: b"l" * BLOCK)
    assert held.get("small", 0, lambda: b"made again") == b"s" * 1000
    assert held.get("large", 0, lambda: b"made again") == b"made again"
