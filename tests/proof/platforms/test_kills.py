"""Syncs of a platform are killed at random moments: the next one goes on, loses no page and counts
none twice."""

import random
from pathlib import Path

from listbackup.sandbox.platforms.server import serve
from tests.proof.counts import rounds
from tests.proof.platforms.kills import COUNTED, PHASES, Field, make_heavy
from tests.proof.platforms.worlds import World

MOST_TRIES = 3


@rounds(suite=50, full=200)
def test_a_killed_sync_is_gone_on_with(scratch: Path, seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    world = World("stripe", scratch, 1, amount=100)
    make_heavy(world)
    with serve(world.sandbox) as serving:
        field = Field(world, serving, chance)
        for state in ("empty", "later"):
            field.measure(state)
        for _ in range(MOST_TRIES * rounds):
            if sum(field.histogram[phase] for phase in PHASES) >= rounds:
                break
            phase = min(PHASES, key=lambda one: (field.histogram[one], chance.random()))
            states = [one for one, told in field.states.items() if told.get(phase)]
            field.kill_one(chance.choice(states), phase)
    phases = ", ".join(f"{phase} {field.histogram[phase]}" for phase in PHASES)
    print(
        f"kills: {phases}; of {field.needed['empty'][COUNTED]} pages "
        f"{sum(field.again) / len(field.again):.1f} were asked for once more, {max(field.again)} at"
        f" most"
    )
    assert not field.wrong, "\n".join(field.wrong[:6])
    assert sum(field.histogram[phase] for phase in PHASES) >= rounds
    assert min(field.histogram[phase] for phase in PHASES) >= rounds // 12
