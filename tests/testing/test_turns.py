"""Actors take turns at each store call, and only one at a time."""

from collections.abc import Callable, Sequence

from listbackup.objectstore.memory import MemoryStore
from listbackup.testing.hosts import PlayedClock
from listbackup.testing.turns import Turns


def play(choose: Callable[[Sequence[str]], str]) -> list[str]:
    """Let two actors put three objects each; give the order in which these came."""
    turns, store, order = Turns(choose), MemoryStore("turns", PlayedClock()), list[str]()

    def act(name: str) -> Callable[[], object]:
        own = turns.store(name, store)

        def run() -> str:
            for number in range(3):
                own.put(f"{name}{number}", b"", tag="temp")
                order.append(f"{name}{number}")
            if name == "b":
                raise ValueError("as told")
            return name

        return run

    ended = turns.run({name: act(name) for name in "ab"})
    assert ended["a"].value == "a"
    assert isinstance(ended["b"].error, ValueError)
    return order


def test_who_is_drawn_goes_on_and_nobody_else() -> None:
    assert play(lambda names: names[0]) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert play(lambda names: names[-1]) == ["b0", "b1", "b2", "a0", "a1", "a2"]


def test_turns_interleave_as_they_are_drawn() -> None:
    drawn = iter("abababab")
    order = play(lambda names: next(drawn, names[0]))
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2"]
