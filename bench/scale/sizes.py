"""Rollouts of 10 to 10,000 targets, each in a process of its own so that its memory can be measured.

`python -m bench.scale.sizes 1000` measures one size and prints one line of JSON.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from bench.scale.simulated_aws import Shape, SimulatedAws
from bench.scale.simulated_rollout import ID, roll
from katakei.bootstrap import Process
from katakei.domain.aws_place import AwsPlace
from katakei.domain.replay import replay

SIZES = (10, 100, 1000, 10_000)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Size:
    """One rollout with a window of 10 %.

    CPU and replay in seconds; memory and journal in MB; `observations` is the most per minute and group.
    """

    targets: int
    groups: int
    window: int
    minutes: float
    turns: int
    events: int
    deregisters: int
    registers: int
    calls: int
    observations: int
    cpu: float
    memory: float
    journal: float
    replay: float

    @property
    def changing_calls(self) -> float:
        """Mutating calls per target."""
        return (self.deregisters + self.registers) / self.targets

    @property
    def row(self) -> str:
        """The row of the table."""
        each = 1000 * self.cpu / self.targets
        return (
            f"| {self.targets:,} | {self.groups} | {self.window:,} | {self.minutes:.0f} min | {self.turns:,} |"
            f" {self.calls:,} | {self.observations} | {self.deregisters:,} + {self.registers:,} |"
            f" {self.changing_calls:.2f} |"
            f" {self.events / self.targets:.1f} | {self.cpu:.1f} s | {each:.1f} ms | {self.memory:.0f} MB |"
            f" {self.journal:.1f} MB | {self.replay:.2f} s |"
        )


HEAD = (
    "| targets | groups | window | simulated | turns | observations | most observations/min of a group"
    " | deregister + register calls | per target | events per target | CPU | per target"
    " | peak memory | journal | replay (CPU) |\n"
    f"|{'---|' * 15}"
)


def measured(targets: int, folder: Path) -> Size:
    """Measure one rollout with its journal in a SQLite file in this folder."""
    aws = SimulatedAws(Shape(targets))
    file = folder / "journal.db"
    wiring = Process(AwsPlace(), f"sqlite:///{file}")
    begun = process_time()
    figures = roll(aws, max(1, targets // 10), wiring.journal, wiring.leases)
    cpu = process_time() - begun
    memory = _largest()
    begun = process_time()
    rollout = replay(wiring.journal.read(ID, 0))
    again = process_time() - begun
    wiring.close()
    return Size(
        targets=targets,
        groups=len(aws.groups),
        window=rollout.plan.window,
        minutes=figures.took.total_seconds() / 60,
        turns=figures.turns,
        events=rollout.number,
        deregisters=aws.calls["DeregisterTargets"],
        registers=aws.calls["RegisterTargets"],
        calls=aws.calls["DescribeTargetHealth"],
        observations=max(aws.observations.values()),
        cpu=cpu,
        memory=memory,
        journal=file.stat().st_size / 1e6,
        replay=again,
    )


def _largest() -> float:
    """Returns the peak memory of this process in MB. (getrusage would include the parent's peak.)"""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def apart(targets: int) -> Size:
    """Measure in a new process."""
    command = [sys.executable, "-m", "bench.scale.sizes", str(targets)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Size(**json.loads(done.stdout))


def table() -> str:
    """Returns the table of all sizes."""
    return "\n".join([HEAD, *(apart(targets).row for targets in SIZES)])


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        sys.stdout.write(json.dumps(asdict(measured(int(sys.argv[1]), Path(place)))))
