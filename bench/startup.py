"""Start-up costs: each command's time to its end, and the time until its first call to AWS."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from tests.acceptance.startup import Cost, costs

from bench.contenders import ANSIBLE, AWS
from bench.table import table
from katakei.lab import clock
from katakei.lab.options import GROUP, LabOptions
from katakei.lab.process import Lab

KATAKEI = str(Path(sys.executable).with_name("katakei"))
ASKED = "aws elbv2 describe-target-health"


@dataclass(frozen=True, slots=True)
class Starts:
    """Medians of complete commands, and of the seconds until the first call."""

    whole: Mapping[str, Cost]
    first: Mapping[str, float]

    @property
    def text(self) -> str:
        """The two tables; the known tool counts as 1."""
        known, ansible = self.whole[ASKED], self.whole["ansible --version"]
        whole = [
            [
                f"`{name}`",
                f"{cost.wall:.2f} s",
                f"{cost.cpu:.2f} s",
                f"{cost.wall / known.wall:.2f}",
                f"{cost.wall / ansible.wall:.2f}",
            ]
            for name, cost in self.whole.items()
        ]
        first = [[f"`{name}`", f"{span:.2f} s", f"{span / self.first[ASKED]:.2f}"] for name, span in self.first.items()]
        head = ("", "took", "CPU", f"÷ `{ASKED}`", "÷ `ansible --version`")
        return f"{table(head, whole)}\n\n{table(('until the first call', 'took', f'÷ `{ASKED}`'), first)}"


def measure(rounds: int) -> Starts:
    """Measure in turns on one lab, with nothing else running."""
    options = LabOptions(targets=2, interval=timedelta(seconds=10), port=8080)
    with tempfile.TemporaryDirectory(prefix="katakei-bench-") as folder, Lab(options) as lab:
        env = {**lab.env, "XDG_STATE_HOME": folder, "HOME": folder}
        file = Path(folder, "katakei.yml")
        file.write_text(
            f"service: bench\nbalancer: {{alb: {{target_groups: [{GROUP}]}}}}\nwork: {{ssm: {{run: 'true'}}}}\n"
        )
        describe_health = (AWS, "elbv2", "describe-target-health", "--target-group-arn", lab.target_group_arn)
        commands = {
            "katakei --help": (KATAKEI, "--help"),
            "katakei status": (KATAKEI, "status", GROUP),
            "katakei plan": (KATAKEI, "plan", "-f", str(file), "--release", "v2"),
            ASKED: describe_health,
            "ansible --version": (ANSIBLE, "--version"),
        }
        no_target = (
            "roll",
            "-f",
            str(file),
            "--release",
            "v2",
            "--yes",
            "--ephemeral",
            "--only",
            "i-00000000000000000",
        )
        first = {
            "katakei roll": (KATAKEI, *no_target),
            "katakei status": commands["katakei status"],
            ASKED: describe_health,
        }
        whole = costs(commands, env, Path(folder, "cache"), rounds)
        return Starts(whole, {name: _first(lab, command, env, rounds) for name, command in first.items()})


def _first(lab: Lab, command: Sequence[str], env: Mapping[str, str], rounds: int) -> float:
    """Returns the time from the start of the process to its first call; its result does not matter."""
    spans = []
    for _ in range(rounds):
        before, begun = len(lab.calls()), clock.now()
        subprocess.run(command, env={**os.environ, **env}, capture_output=True, timeout=60, check=False)
        spans.append((datetime.fromisoformat(lab.calls()[before]["at"]) - begun).total_seconds())
    return median(spans)
