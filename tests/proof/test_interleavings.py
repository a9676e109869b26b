"""Whatever the order in which machines act on one vault, nothing that is needed is deleted."""

import random
import shutil
from pathlib import Path

import pytest

from listbackup.errors import IntegrityError
from tests.proof.counts import rounds
from tests.proof.interleavings import build_scene, play


@rounds(suite=6000, full=10_000)
def test_syncs_a_prune_a_sweep_and_a_restore_at_once_lose_nothing(
    scratch: Path, seed: int, rounds: int
) -> None:
    scenes = [build_scene(scratch / form, form) for form in ("sealed", "none")]
    chance = random.Random(seed)
    steps = plays = 0
    while steps < rounds:
        draw = chance.randrange(2**32)
        place = scratch / str(plays)
        steps += len(play(scenes[plays % 2].copy(place), draw))
        shutil.rmtree(place)
        plays += 1
    print(f"interleavings {plays}, steps {steps}")
    assert plays > rounds // 1000


def test_the_same_draw_plays_the_same_again(scratch: Path) -> None:
    scene = build_scene(scratch / "scene", "none")
    first, second = (play(scene.copy(scratch / name), 5) for name in ("first", "second"))
    assert first == second
    assert set(first) == {"slow", "quick", "prune", "sweep", "restore"}


def test_a_sweep_that_forgets_what_is_live_is_found_out(scratch: Path) -> None:
    scene = build_scene(scratch / "scene", "none")
    with pytest.raises((AssertionError, IntegrityError)):
        play(scene, 5, forgetful=True)
