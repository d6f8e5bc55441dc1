"""Start-up costs of commands: medians of alternating runs, so that load affects all of them alike.

Only ratios are meaningful. Byte code is kept in a separate folder, as for an installed program.
"""

import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from katakei.lab import clock


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians in seconds."""

    wall: float
    cpu: float


def costs(
    commands: Mapping[str, Sequence[str]], env: Mapping[str, str], cache: Path, rounds: int
) -> Mapping[str, Cost]:
    """Measure commands in turns. Each has run once before."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    given = inherited | dict(env) | {"PYTHONPYCACHEPREFIX": str(cache)}
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            cost = _cost(command, given)
            seen[name] += [cost] if number else []
    return {name: Cost(*(statistics.median(each) for each in zip(*many, strict=True))) for name, many in seen.items()}


def _cost(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Returns wall time and CPU time of one run, which must succeed."""
    began = clock.monotonic()
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        took = clock.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return took, used.ru_utime + used.ru_stime
