"""Slowing down when a platform says that we are too fast, and finding the way back to full speed.

A refusal stops everybody who shares the account for as long as the platform asks, or for a span
that grows with each refusal in a row; then one request goes alone, and only its success lets the
others follow, slower at first. What was under way when the refusal came does not count again.
"""

from listbackup.ids import Entropy

_SLOWER = 0.7
_FASTER = 1.03
_LEAST = 0.04
_LONGEST = 90.0
_SPREAD = 2.0


class Easing:
    """The speed of one account: full, eased, or stopped. Times are monotonic seconds.

    `gap` is the seconds between two requests at full speed; eased, it is longer.
    """

    def __init__(self, entropy: Entropy, gap: float) -> None:
        self._entropy = entropy
        self._gap = gap
        self._share = 1.0
        self._refusals = 0
        self._struck = -1.0
        self._next = 0.0
        self._probe: int | None = None

    @property
    def is_easy(self) -> bool:
        """Whether the account goes at full speed."""
        return self._share >= 1.0 and not self._refusals

    def wait(self, now: float) -> float | None:
        """Give the seconds until one more may go, 0 for now, None for when the one that tries
        alone has been answered."""
        if now < self._next:
            return self._next - now + 0.001
        return None if self._refusals and self._probe is not None else 0.0

    def take(self, now: float, ticket: int) -> None:
        """Let one go."""
        if self._refusals:
            self._probe = ticket
        if self._share < 1.0:
            self._next = now + self._gap / self._share * (0.9 + 0.2 * self._draw())

    def refuse(self, now: float, taken: float, asked: float | None) -> float:
        """The platform refused one that went at `taken`, and asked for a wait of so many seconds.

        Give the seconds of the wait.
        """
        if taken < self._struck:
            if asked is not None:
                self._next = max(self._next, now + asked)
            return max(0.0, self._next - now)
        self._struck = now
        self._refusals += 1
        self._share = max(_LEAST, self._share * _SLOWER)
        grown = min(_LONGEST, max(1.0, 8 * self._gap) * 2.0 ** (self._refusals - 1))
        own = grown * (0.5 + 0.5 * self._draw())
        pause = own
        if asked is not None:
            wished = asked + min(_SPREAD, asked / 20) * self._draw()
            pause = wished if self._refusals == 1 else max(wished, own / 2)
        self._next = now + pause
        return pause

    def succeed(self, taken: float) -> None:
        """One that went at `taken` was answered as it should be."""
        if taken < self._struck:
            return
        self._refusals = max(0, self._refusals - 1)
        self._share = min(1.0, self._share * _FASTER)

    def end(self, ticket: int) -> None:
        """One has ended, whatever came of it."""
        if self._probe == ticket:
            self._probe = None

    def _draw(self) -> float:
        return int.from_bytes(self._entropy(4), "big") / 2**32
