"""Random lives of streams that are read over time, against a dictionary: whatever comes twice, is
deleted, set aside, killed, resumed or written anew, the vault has what was given last."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listbackup.errors import FailedError, SourceError
from listbackup.records import Outcome, SetAside
from listbackup.sync.marking import Cuts
from listbackup.testing.hosts import play_host
from listbackup.testing.overtime import OvertimeSource, Page, Script, write_line
from listbackup.testing.vaults import Trial

KEYS = [str(n) for n in range(12)]
LINE = st.tuples(st.sampled_from(KEYS), st.sampled_from("abc"))
PAGE = st.lists(LINE, max_size=6)


@dataclass(frozen=True)
class Turn:
    """One reading: its pages, at which of them attempts die (by a kill or an error), its last
    words, and whether the stream is due."""

    pages: Sequence[Sequence[tuple[str, str]]]
    deaths: Sequence[tuple[int, bool]]
    complete: bool
    deleted: frozenset[str]
    aside: frozenset[str]
    due: bool
    declines: bool
    cut_bytes: int


TURN = st.builds(
    Turn,
    st.lists(PAGE, max_size=5),
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=3),
    st.booleans(),
    st.frozensets(st.sampled_from(KEYS), max_size=3),
    st.frozensets(st.sampled_from(KEYS), max_size=2),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 8, 30]),
)


@dataclass
class Model:
    """What the vault must have: values by key, and keys that are set aside."""

    lines: dict[str, str] = field(default_factory=dict)
    aside: set[str] = field(default_factory=set)

    def take(self, turn: Turn) -> None:
        given = {key: value for page in turn.pages for key, value in page}
        kept = {
            key: value
            for key, value in self.lines.items()
            if not turn.complete or key in turn.aside
        }
        gone = turn.deleted - turn.aside
        self.lines = {k: v for k, v in (kept | given).items() if k not in gone}
        before = set() if turn.complete else self.aside - given.keys() - gone
        self.aside = before | turn.aside


def play(trial: Trial, turn: Turn, encoding: str, **options: Any) -> None:
    pages: list[Page] = [[list(line) for line in page] for page in turn.pages]
    outcome = Outcome(
        "complete" if turn.complete else "upserts",
        deleted=[name(key) for key in turn.deleted],
        set_aside=[SetAside(name(key), "HTTP 500") for key in turn.aside],
    )
    other = Script([[["1", "x"]]])
    cuts = Cuts(timedelta(hours=1) if turn.cut_bytes else timedelta(), turn.cut_bytes, timedelta())
    options |= {"cuts": cuts}
    if turn.due:
        options["rebase_after"] = timedelta(seconds=-1)
    for at, hard in turn.deaths:
        error = FailedError("killed") if hard else SourceError("lost")
        script = Script([*pages[:at], error], outcome, declines=turn.declines, encoding=encoding)
        try:
            trial.sync(OvertimeSource({"t": script, "u": other}), **options)
        except FailedError:
            assert hard
    script = Script(pages, outcome, declines=turn.declines, encoding=encoding)
    trial.sync(OvertimeSource({"t": script, "u": other}), **options)


def name(key: str) -> bytes:
    return b'["%b"]' % key.encode()


def live(turns: Sequence[Turn], encoding: str, **options: Any) -> None:
    """Play a life, and compare the vault with the model at each of its moments."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as root:
        trial, model, history = Trial(Path(root), play_host(5), "none"), Model(), {}
        trial.create()
        for turn in turns:
            play(trial, turn, encoding, **options)
            model.take(turn)
            snapshot = trial.snapshot()
            history[snapshot.id] = dict(model.lines)
            [entry] = [one for one in snapshot.manifest.streams if one.name == "t"]
            assert entry.rows == len(model.lines)
            assert {one.key for one in entry.set_aside} == {name(key) for key in model.aside}
            assert entry.set_aside_count == len(model.aside)
            assert snapshot.manifest.status == ("partial" if model.aside else "complete")
        for sync, wanted in history.items():
            lines = trial.restore(sync)["t"].splitlines(keepends=True)
            assert sorted(lines) == sorted(write_line(encoding, one) for one in wanted.items())
        assert trial.check("records").sound


LIVES = st.lists(TURN, min_size=1, max_size=4)
ENCODINGS = st.sampled_from(["copy-text-array/1", "records/1"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LIVES, ENCODINGS)
def test_the_vault_has_what_was_given_last(turns: list[Turn], encoding: str) -> None:
    live(turns, encoding)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LIVES, ENCODINGS)
def test_the_vault_has_what_was_given_last_however_much_it_was(
    turns: list[Turn], encoding: str
) -> None:
    live(turns, encoding, beside_from=1)
