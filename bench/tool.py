"""Run of one tool as a user would run it, with its resource usage. It never outlives its limit."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from katakei.lab import clock

POLL_SECONDS = 0.5
MEASURE_COMMAND = str(Path(__file__).with_name("measure_command.py"))


@dataclass(frozen=True, slots=True)
class Usage:
    """Resource usage: `wall` and `cpu` in seconds, children included; `memory` of the largest process in MB."""

    exit: int
    wall: float
    cpu: float
    memory: float


def run(command: Sequence[str], env: Mapping[str, str], folder: Path, within: float, ending: threading.Event) -> Usage:
    """Run to the end, or kill after `within` seconds or when `ending` is set. Its output goes to `said.txt`."""
    counted = [sys.executable, "-S", "-E", MEASURE_COMMAND, str(folder / "used.json"), *command]
    with (folder / "said.txt").open("wb") as said:
        begun = clock.monotonic()
        process = subprocess.Popen(
            counted, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
        try:
            _await(process.pid, begun + within, ending)
        finally:
            process.wait()
    wall = clock.monotonic() - begun
    used = json.loads((folder / "used.json").read_text()) if process.returncode >= 0 else {"cpu": 0.0, "memory": 0.0}
    return Usage(process.returncode, wall, **used)


def _await(pid: int, until: float, ending: threading.Event) -> None:
    """Wait until it has ended or has been killed."""
    if sys.platform != "linux":
        raise NotImplementedError("the benchmarks run on Linux only")
    handle = os.pidfd_open(pid)
    try:
        while not select.select([handle], [], [], POLL_SECONDS)[0]:
            if ending.is_set() or clock.monotonic() > until:
                break
        else:
            return
    finally:
        os.close(handle)
    os.killpg(pid, signal.SIGKILL)
