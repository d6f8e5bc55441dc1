"""Two and three commands on one group and journal: exactly one works, the others are refused (promise 6)."""

import sys
from pathlib import Path

import pytest
from tests.acceptance.evidence import EvidenceCollector
from tests.soak.processes import CliCommand, ProcessGroup, refusal_limit
from tests.soak.script import Script
from tests.soak.script_lab import configuration

from katakei.lab import clock
from katakei.lab.process import Lab
from katakei.lab.traffic import Figures

SCRIPT = Script("rivals", settle=2)
ROLL = ("roll", "-f", "katakei.yml", "--release", "v2", "--yes")


def refused(others: list[CliCommand]) -> list[float]:
    """Returns the seconds until each command was refused. Each is told which rollout holds the group."""
    took = []
    for other in others:
        done = other.process.end(30)
        took.append(clock.monotonic() - other.started)
        assert (done.code, "held by rollout r-" in done.err) == (4, True), done.all()
    return took


@pytest.mark.acceptance
@pytest.mark.parametrize("others", [1, 2])
def test_later_rollouts_are_refused_within_two_seconds(tmp_path: Path, others: int) -> None:
    (tmp_path / "katakei.yml").write_text(configuration(SCRIPT))
    with Lab(SCRIPT.lab()) as lab:
        processes, collector = ProcessGroup(tmp_path, lab.env, str(tmp_path / "journal.db")), EvidenceCollector(lab)
        owner = processes.start(*ROLL)
        owner.process.until("draining")
        took = refused([processes.start(*ROLL, LOGNAME=f"rival-{n}") for n in range(others)])
        sys.stdout.write(f"\nrefused after {', '.join(f'{each:.1f} s' for each in took)}\n")
        assert max(took) < refusal_limit()
        assert owner.process.end(120).code == 0
        seen = collector.end("v2", (0,), Figures())
        assert [len(starts) for starts in seen.starts.values()] == [1, 1]


@pytest.mark.acceptance
@pytest.mark.parametrize("number", [2, 3])
def test_one_of_several_simultaneous_rollouts_wins(tmp_path: Path, number: int) -> None:
    (tmp_path / "katakei.yml").write_text(configuration(SCRIPT))
    with Lab(SCRIPT.lab()) as lab:
        processes, collector = ProcessGroup(tmp_path, lab.env, str(tmp_path / "journal.db")), EvidenceCollector(lab)
        for n in range(number):
            processes.start(*ROLL, LOGNAME=f"somebody-{n}")
        ends = sorted(command.process.end(120).code for command in processes.commands)
        assert ends == [0, *[4] * (number - 1)]
        seen = collector.end("v2", (0,), Figures())
        assert [len(starts) for starts in seen.starts.values()] == [1, 1]
        assert len(processes.rollouts()) == 1
