"""What one run of a command costs: wall time, processor time here and in the server, memory.

Reads /proc (Linux). Memory is the sum of resident sizes over the command's whole tree of
processes, sampled; pages that processes share count in each. What else the machine did meanwhile
is measured too, because a disturbed run says nothing. Knows no product.
"""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SAMPLED_EVERY = 0.01
IDLE = 0.1
"""The share of the machine that others may use in a quiet moment, and during a run."""
MEASURED_FOREIGN_FROM = 1.0
"""Seconds below which the machine's own clock of processor time is too coarse to judge a run."""


class CommandFailed(Exception):
    """A measured command ended with an error: then there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Times in seconds, `rss` in bytes at its peak; `foreign_cpu` is what neither the
    command nor the server used, but for what gave way to them (nice); `steps` are seconds of the
    steps that the command told of."""

    wall: float
    client_cpu: float
    server_cpu: float
    rss: int
    foreign_cpu: float
    load: float
    steps: Mapping[str, float] = field(default_factory=dict)
    messages: Sequence[Mapping[str, Any]] = field(default_factory=tuple, repr=False)

    @property
    def cpu(self) -> float:
        """Processor time of both sides."""
        return self.client_cpu + self.server_cpu

    @property
    def disturbed(self) -> bool:
        """Whether others used more than a tenth of the machine meanwhile."""
        most = IDLE * self.wall * (os.cpu_count() or 1)
        return self.wall >= MEASURED_FOREIGN_FROM and self.foreign_cpu > most

    def to_json(self) -> dict[str, Any]:
        """Give it as a JSON object, without the messages."""
        given = {name: value for name, value in asdict(self).items() if name != "messages"}
        return {**given, "cpu": self.cpu, "disturbed": self.disturbed}


def measure(
    command: Sequence[str], environment: Mapping[str, str], server: int | None = None
) -> Run:
    """Run a command to its end; `server` is the process id of the server that works for it.

    JSON lines on its standard output are kept, and give the times of its steps. Raises
    CommandFailed.
    """
    load = os.getloadavg()[0]
    machine, served = _read_machine_cpu(), _read_tree_cpu(server) if server else 0.0
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=dict(environment), stdout=subprocess.PIPE, stderr=said
        )
        listener = _Listener(process.stdout)
        sampler = _Sampler(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        rss = sampler.stop()
        listener.join()
        if process.returncode != 0:
            said.seek(0)
            raise CommandFailed(f"{' '.join(command)}: {said.read().decode()[-2000:]}")
    client = usage.ru_utime + usage.ru_stime
    served = _read_tree_cpu(server) - served if server else 0.0
    foreign = max(0.0, _read_machine_cpu() - machine - client - served)
    return Run(wall, client, served, rss, foreign, load, listener.steps, listener.messages)


def wait_for_quiet(seconds: float) -> None:
    """Wait until the machine has been nearly idle for three seconds, or so many have gone. The
    load average would not do: it remembers our own last run."""
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 3 and time.monotonic() < deadline:
        used = _read_machine_cpu()
        time.sleep(1)
        used = _read_machine_cpu() - used
        quiet = quiet + 1 if used < IDLE * (os.cpu_count() or 1) else 0


class _Listener(threading.Thread):
    """Reads JSON lines and notes when steps begin and end."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self.steps: dict[str, float] = {}
        self.messages: list[dict[str, Any]] = []
        self.start()

    def run(self) -> None:
        begun: dict[str, float] = {}
        for line in self._stream or ():
            if not line.startswith(b"{"):
                continue
            message = json.loads(line)
            step = message.get("step")
            if message.get("message_type") == "step_started":
                begun[step] = time.monotonic()
            elif message.get("message_type") == "step_done" and step in begun:
                self.steps[step] = time.monotonic() - begun[step]
            elif message.get("message_type") != "progress":
                self.messages.append(message)


class _Sampler(threading.Thread):
    """Adds up the resident sizes of a process and all that it started, again and again."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._ended = threading.Event()
        self._peak = 0
        self.start()

    def run(self) -> None:
        ended = False
        while not ended:
            self._peak = max(self._peak, sum(map(_read_rss, _list_tree(self._process))))
            ended = self._ended.wait(SAMPLED_EVERY)

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self._peak


def _list_tree(process: int) -> list[int]:
    found, waiting = [], [process]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                children = Path(f"/proc/{one}/task/{thread}/children").read_text()
                waiting.extend(map(int, children.split()))
        except OSError:
            continue
    return found


def _read_rss(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _read_tree_cpu(process: int) -> float:
    """Add up the processor time of a server, its sessions and those that have ended."""
    total = 0
    for one in _list_tree(process):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICK


def _read_machine_cpu() -> float:
    """Add up what the machine did at usual priority: what is niced gives way to us."""
    user, _, system, _, _, irq, soft, *_ = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, system, irq, soft))) / TICK
