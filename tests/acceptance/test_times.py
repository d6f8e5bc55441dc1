"""Time from deregistration to the start of work with a delay of 300 s: by drain evidence, and by the timer.

Each case runs idle and busy, with idle connections to a deregistered target closed and kept.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from katakei.adapters.journals.sql_journal import SqlJournal
from katakei.domain import events as e
from katakei.domain.phases import Phase
from katakei.domain.ports import Journal
from katakei.lab import clock
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab
from katakei.lab.traffic import Figures, Traffic

DELAY = timedelta(seconds=300)
DRAINS = {
    "proof": "until: proof",
    "answered": "until: answered",
    "counter": "until: counter, counter: {command: 'curl -fsS http://$ADDRESS:$PORT/in-flight'}",
    "delay": "until: delay",
}
RATES = {"idle": (2, 0.0), "busy": (100, 0.05)}
CONFIGURATION = """\
service: times
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{{drain}}}
work: {{ssm: {{run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}}}
warm: {{soak: 0s}}
"""
LIMIT = timedelta(minutes=8)
TOGETHER = 3  # labs at a time; each mostly waits


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of drain under one load."""

    until: str
    load: str
    close_idle: bool

    def __str__(self) -> str:
        return f"{self.until:8}  {self.load}  idle connections {'closed' if self.close_idle else 'kept'}"


@dataclass(frozen=True, slots=True)
class Time:
    """The result: exit code, the traffic's counts, and the seconds from deregistration to work."""

    exit: int
    traffic: Figures
    seconds: float
    arrived: int


def run(case: Case, folder: Path) -> Time:
    """Roll one of two targets, with the default settle of 30 s and a lag of 15 s in the lab."""
    folder.mkdir()
    (folder / "katakei.yml").write_text(CONFIGURATION.format(drain=DRAINS[case.until]))
    rate, slow = RATES[case.load]
    options = LabOptions(delay=DELAY, lag=timedelta(seconds=15), interval=timedelta(seconds=5), port=8080)
    with Lab(options) as lab:
        lab.faults(close_idle=case.close_idle)
        traffic = Traffic(lab.url, rate, slow_fraction=slow)
        traffic.start()
        try:
            clock.sleep(3)
            code = _rolled(folder, lab.env, lab.targets[0].id)
            clock.sleep(3)
        finally:
            figures = traffic.stop()
    journal = SqlJournal(str(folder / "journal.db"))
    try:
        events = _events(journal)
    finally:
        journal.close()
    return Time(code, figures, *_measured(events))


def _rolled(folder: Path, env: Mapping[str, str], target: str) -> int:
    words = ["roll", "--only", target, "--release", "v2", "--yes", "--journal", str(folder / "journal.db")]
    with (folder / "said.txt").open("wb") as said:
        return subprocess.run(
            [sys.executable, "-m", "katakei.cli", *words],
            cwd=folder,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            timeout=LIMIT.total_seconds(),
            check=False,
        ).returncode


def _events(journal: Journal) -> Sequence[e.Event]:
    (header,) = journal.find()
    return journal.read(header.rollout, 0)


def _measured(events: Sequence[e.Event]) -> tuple[float, int]:
    def moved(to: Phase) -> datetime:
        return next(event.at for event in events if isinstance(event, e.PhaseChanged) and event.to is to)

    arrived = sum(event.requests for event in events if isinstance(event, e.RequestsAfterQuiet))
    return (moved(Phase.WORKING) - moved(Phase.DRAINING)).total_seconds(), arrived


CASES = [Case(*case) for case in product(reversed(DRAINS), RATES, (True, False))]


@pytest.mark.acceptance
def test_drain_evidence_beats_the_timer_without_drops(tmp_path: Path) -> None:
    with ThreadPoolExecutor(TOGETHER) as pool:
        times = list(pool.map(lambda number: run(CASES[number], tmp_path / str(number)), range(len(CASES))))
    found = dict(zip(CASES, times, strict=True))
    for case, time in found.items():
        failed = f"{time.traffic.failed} of {time.traffic.requests} requests failed"
        sys.stdout.write(f"\n{case}: {time.seconds:5.1f} s; {failed}; {time.arrived} after quiet; exit {time.exit}")
    assert {(time.exit, time.traffic.failed) for time in times} == {(0, 0)}
    slowest = max(time.seconds for case, time in found.items() if case.until != "delay")
    assert slowest * 2 < min(time.seconds for case, time in found.items() if case.until == "delay")
