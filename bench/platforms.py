"""Backups of a platform's lists beside dlt's rest_api, the Airbyte CDK's declarative source and a
Singer tap with its target; and a thousand small sources in one process.

nginx serves the same pages to all. Rates are from the difference of two sizes, so that nobody's
start counts. The peers' environments are made under `bench/.peers`, as locked in `bench/peers`.
"""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.exporting import PLAIN, VIEWED
from bench.measuring import CommandFailed, Run
from bench.pages import LISTS, Serving, serve_pages, write_pages
from bench.peers import HERE, make_environment
from bench.stage import Contender, Measured, Stage
from bench.targets import MIB, Part, Target

PLATFORM = HERE / "things.yaml"
DLT, DLT_PARQUET = "dlt rest_api, jsonl", "dlt rest_api, Parquet"
CDK, SINGER = "airbyte-cdk manifest", "singer tap | target-jsonl"
NAMES = (PLAIN, VIEWED, DLT, DLT_PARQUET, CDK, SINGER)
SMALL, SMALL_RECORDS = 1000, 200


def measure_platforms(stage: Stage) -> Part:
    """A tenth and three tenths of the rows, as records of eight lists."""
    each = max(1, stage.options.rows // 10 // LISTS)
    sizes = (each * LISTS, 3 * each * LISTS)
    measured: dict[str, Measured] = {}
    for size in sizes:
        stage.say(f"{size:,} records: writing the pages")
        pages = stage.scratch("pages")
        write_pages(pages, size)
        with serve_pages(stage.directory / "nginx", pages) as serving:
            contenders = _make_contenders(stage, serving, size)
            environment = stage.environment | {"RUNTIME__DLTHUB_TELEMETRY": "false"}
            measured |= stage.take_turns(
                contenders, environment=environment, server=serving.process
            )
    rates = {name: _Rate(measured, name, sizes) for name in NAMES}
    what = f"{sizes[0]:,} and {sizes[1]:,} records of 1.2 KB in eight lists"
    facts = {f"records/s {name}": one.wall for name, one in rates.items()}
    facts |= {f"us of CPU a record {name}": one.cpu for name, one in rates.items()}
    return Part("rest", f"Lists of a platform, {what}", measured, None, facts, _judge(rates))


class _Rate:
    """What one more record costs: records a second, and us of processor time for each."""

    def __init__(self, measured: dict[str, Measured], name: str, sizes: tuple[int, int]) -> None:
        few, many = (measured[_label(name, size)] for size in sizes)
        count = sizes[1] - sizes[0]
        cpu = [one.median(lambda run: run.client_cpu) for one in (few, many)]
        self.wall = count / max(many.wall - few.wall, 1e-3)
        self.cpu = max(cpu[1] - cpu[0], 1e-3) / count * 1e6
        self.rss = max(run.rss for one in (few, many) for run in one.runs) / MIB


def _judge(rates: dict[str, _Rate]) -> list[Target]:
    ours, viewed = rates[PLAIN], rates[VIEWED]
    dlt, parquet, cdk = (rates[name] for name in (DLT, DLT_PARQUET, CDK))
    return [
        Target("lists: our rate / dlt's, jsonl", ours.wall / dlt.wall, 20, "at least"),
        Target("lists: our CPU a record / dlt's, jsonl", ours.cpu / dlt.cpu, 0.1, "at most"),
        Target("lists: our rate / the Airbyte CDK's", ours.wall / cdk.wall, 15, "at least"),
        Target(
            "lists with typed view: rate / dlt's, Parquet",
            viewed.wall / parquet.wall,
            10,
            "at least",
        ),
        Target(
            "lists with typed view: CPU a record / dlt's, Parquet",
            viewed.cpu / parquet.cpu,
            1 / 6,
            "at most",
        ),
        Target("lists: peak RSS", ours.rss, 200, "at most", "MiB"),
        Target("lists with typed view: peak RSS", viewed.rss, 512, "at most", "MiB"),
    ]


def _label(name: str, size: int) -> str:
    return f"{name}, {size:,}"


def _make_contenders(stage: Stage, serving: Serving, size: int) -> list[Contender]:
    url, count = serving.url, str(size)
    dlt = str(make_environment("dlt"))
    airbyte = str(make_environment("airbyte"))

    def copy_by_dlt(form: str) -> Sequence[str]:
        places = (str(stage.scratch("dlt-out")), str(stage.scratch("dlt-state")))
        return [dlt, str(HERE / "dlt_rest.py"), url, form, *places, count]

    def copy_by_cdk() -> Sequence[str]:
        return [airbyte, str(HERE / "airbyte_rest.py"), url, str(stage.scratch("cdk-out")), count]

    after = _expect(size)
    return [
        Contender(_label(PLAIN, size), _make_backup(stage, url, size, view=False), after),
        Contender(_label(VIEWED, size), _make_backup(stage, url, size, view=True), after),
        Contender(_label(DLT, size), lambda: copy_by_dlt("jsonl")),
        Contender(_label(DLT_PARQUET, size), lambda: copy_by_dlt("parquet")),
        Contender(_label(CDK, size), copy_by_cdk),
        _make_singer(stage, url, size),
    ]


def _make_backup(stage: Stage, url: str, size: int, *, view: bool) -> Callable[[], Sequence[str]]:
    numbers = itertools.count(1)
    made = ("--no-current",) if view else ("--no-current", "--no-view")

    def command() -> Sequence[str]:
        name = f"things-{size}-{'viewed' if view else 'plain'}-{next(numbers)}"
        vault = ("--vault", str(stage.vault("things", "none")), "--volatile")
        place = ("--base-url", url, "--allow-private-hosts")
        add = stage.listbackup("source", "add", str(PLATFORM), "--name", name, *place, *vault)
        subprocess.run([*add, "--json"], env=stage.environment, check=True, capture_output=True)
        return stage.listbackup("backup", name, *vault, *made, "--json")

    return command


def _expect(size: int) -> Callable[[Run], None]:
    def look(run: Run) -> None:
        (done,) = (one for one in run.messages if one.get("message_type") == "backed_up")
        if (done["rows"], done["status"]) != (size, "complete"):
            raise CommandFailed(f"{done['rows']} records, {done['status']}, instead of {size}")

    return look


def _make_singer(stage: Stage, url: str, size: int) -> Contender:
    tap = str(make_environment("singer-tap"))
    target = str(make_environment("singer-target").with_name("target-jsonl"))
    out, config = stage.directory / "singer-out", stage.directory / "singer.json"
    script = 'set -o pipefail; "$0" "$1" "$2" 2>"$5" | "$3" -c "$4" >/dev/null 2>>"$5"'

    def command() -> Sequence[str]:
        stage.scratch("singer-out").mkdir()
        config.write_text(json.dumps({"destination_path": str(out)}))
        words = (tap, str(HERE / "singer_tap.py"), url, target, str(config))
        return ["bash", "-c", script, *words, str(stage.directory / "singer.log")]

    def look(run: Run) -> None:
        arrived = sum(_count_lines(path) for path in out.glob("*.jsonl"))
        if arrived != size:
            raise CommandFailed(f"{arrived} records arrived by Singer instead of {size}")

    return Contender(_label(SINGER, size), command, look)


def _count_lines(path: Path) -> int:
    with open(path, "rb") as file:
        return sum(1 for _ in file)


def measure_small_sources(stage: Stage) -> Part:
    """One small source, and a thousand of them sixteen at a time, each by one process."""
    counts = (1, min(SMALL, max(20, stage.options.rows // 1000)))
    pages = stage.scratch("pages")
    write_pages(pages, SMALL_RECORDS)

    def make(count: int, url: str) -> Contender:
        def command() -> Sequence[str]:
            place = stage.scratch(f"small-{count}")
            place.mkdir()
            return [sys.executable, str(HERE / "small_sources.py"), url, str(place), str(count)]

        return Contender(f"{count:,} sources", command)

    with serve_pages(stage.directory / "nginx", pages) as serving:
        contenders = [make(count, serving.url) for count in counts]
        measured = stage.take_turns(contenders, server=serving.process)
    one, many = (measured[contender.name] for contender in contenders)
    more = (many.median(lambda run: run.rss) - one.median(lambda run: run.rss)) / MIB
    name = f"{counts[1]:,} small sources, 16 at a time: RSS above one"
    return Part(
        "small",
        f"Sources of {SMALL_RECORDS} records in eight lists, by one process",
        measured,
        None,
        {"ms a source": (many.wall - one.wall) / (counts[1] - counts[0]) * 1000},
        [Target(name, more, 25, "at most", "MiB")],
    )
