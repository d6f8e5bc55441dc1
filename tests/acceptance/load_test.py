"""One rollout on a lab under load: configuration, command, traffic and judge.

The command runs in a process group of its own, so that killing it kills nothing else.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from tests.acceptance.evidence import EvidenceCollector
from tests.acceptance.judge import Requirements, Verdict, judge

from katakei.lab import clock
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab
from katakei.lab.traffic import Traffic

CONFIGURATION = """\
service: acceptance
balancer:
  alb: {{target_groups: [LaravelTargetGroup]}}
window: {{max_unavailable: {window}, floor: {floor}, floor_per_zone: {per_zone}}}
drain: {{settle: {settle}s, until: {until}}}
work:
  ssm: {{run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
check: {{http: {{path: /health, expect: 200}}, within: 1m}}
warm: {{soak: {soak}s}}
"""
NO_FAULTS: Mapping[str, float] = MappingProxyType({})
SETTLE_SECONDS = 2.0
"""Seconds of traffic before the command, and after its last change has reached the data plane."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One setting of lab, load and rollout; times in seconds."""

    targets: int
    delay: float
    lag: float
    settle: int
    interval: float
    soak: int
    rate: float
    least: float  # requests a second that must really have been sent
    window: str = "1"
    floor: int = 1
    per_zone: int = 0
    close_idle: bool = True
    until: str = "delay"

    def lab(self) -> Lab:
        """Returns a lab of this scale that is not started yet."""
        delay, lag, interval = (timedelta(seconds=span) for span in (self.delay, self.lag, self.interval))
        return Lab(LabOptions(targets=self.targets, delay=delay, lag=lag, interval=interval, port=8080))

    def configuration(self) -> str:
        """Returns the user's configuration file."""
        values = {"window": self.window, "floor": self.floor, "per_zone": self.per_zone, "until": self.until}
        return CONFIGURATION.format(**values, settle=self.settle, soak=self.soak)


class RollCommand:
    """`katakei roll` with fixed arguments, as often as needed. Its output is kept in `output`."""

    def __init__(self, folder: Path, env: Mapping[str, str], release: str) -> None:
        self._folder = folder
        self._env = {**os.environ, **env}
        words = ["roll", "-f", "katakei.yml", "--release", release, "--yes", "--journal", str(folder / "journal.db")]
        self._command = [sys.executable, "-m", "katakei.cli", *words]
        self.output = folder / f"roll-{release}.txt"

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Start it. It is killed if the block ends first."""
        with (
            self.output.open("ab") as output,
            subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def run_to_end(self, within: timedelta) -> int:
        """Run it to its end. Returns its exit code."""
        with self.running() as process:
            return process.wait(within.total_seconds())

    def run_and_kill(self, after: timedelta) -> int | None:
        """Run it and kill its process group after this time. Returns its exit code if it ended before."""
        with self.running() as process:
            try:
                return process.wait(after.total_seconds())
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
                return None


def roll_under_load(scale: Scale, folder: Path, within: timedelta, storm: Mapping[str, float] = NO_FAULTS) -> Verdict:
    """Run one rollout to v2 under load and judge it. Its output is shown if there is a violation.

    Args:
        storm: faults of the endpoint during the rollout (fractions of calls); calls are repeated in it.
    """
    (folder / "katakei.yml").write_text(scale.configuration())
    with scale.lab() as lab:
        lab.faults(close_idle=scale.close_idle)
        roll, collector = RollCommand(folder, lab.env, "v2"), EvidenceCollector(lab)
        traffic = Traffic(lab.url, scale.rate)
        traffic.start()
        try:
            clock.sleep(SETTLE_SECONDS)
            lab.faults(**storm)
            code = roll.run_to_end(within)
            lab.faults(**dict.fromkeys(storm, 0))
            clock.sleep(SETTLE_SECONDS + scale.lag)
        finally:
            figures = traffic.stop()
        requirements = Requirements(scale.floor, scale.per_zone, rate=scale.least, changing_calls=None if storm else 1)
        verdict = judge(collector.end("v2", (code,), figures), requirements)
        if verdict.faults:
            sys.stdout.write(roll.output.read_text())
        return verdict
