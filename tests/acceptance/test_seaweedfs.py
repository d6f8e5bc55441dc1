"""The S3 journal on a server written by others: its contract tests, and whole rollouts killed, carried on and raced."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.acceptance.evidence import Evidence, EvidenceCollector
from tests.acceptance.seaweedfs import BUCKET, ROOT, SeaweedFs, seaweedfs
from tests.soak.processes import ProcessGroup
from tests.soak.script import Script
from tests.soak.script_lab import configuration

from katakei.lab import clock
from katakei.lab.process import Lab
from katakei.lab.traffic import Figures

pytestmark = pytest.mark.acceptance

SCRIPT = Script("elsewhere", settle=2)
ROLL = ("roll", "-f", "katakei.yml", "--release", "v2", "--yes")
CONTRACTS = ("test_journal.py", "test_leases.py", "test_lease_rows.py")
LEAST = 60
"""Tests of the contract that run on any S3 server."""


def test_journal_contract_holds_on_another_s3_server(tmp_path: Path) -> None:
    with seaweedfs(tmp_path / "weed") as server:
        env = {**_without_aws(), **server.env, "KATAKEI_TEST_S3": f"s3://{BUCKET}"}
        tests = [str(ROOT / "tests" / "contracts" / name) for name in CONTRACTS]
        command = [sys.executable, "-m", "pytest", "-k", "s3", *tests]
        begun = clock.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = int(re.findall(r"(\d+) passed", done.stdout)[-1])
    sys.stdout.write(f"\n{passed} contract tests passed in {clock.monotonic() - begun:.0f} s\n")
    assert passed >= LEAST


@dataclass
class Elsewhere:
    """A lab whose journal is on the other server; both accept the key of the lab."""

    lab: Lab
    server: SeaweedFs
    folder: Path
    collector: EvidenceCollector

    def machine(self, name: str) -> ProcessGroup:
        """Commands of one machine: they share nothing with another one but the journal."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "katakei.yml").write_text(configuration(SCRIPT))
        env = {**self.lab.env, "AWS_ENDPOINT_URL_S3": self.server.url}
        return ProcessGroup(folder, env, f"s3://{BUCKET}/rollouts")

    def evidence(self) -> Evidence:
        return self.collector.end("v2", (0,), Figures())


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    with Lab(SCRIPT.lab()) as lab:
        key, secret = lab.env["AWS_ACCESS_KEY_ID"], lab.env["AWS_SECRET_ACCESS_KEY"]
        with seaweedfs(tmp_path / "weed", key, secret) as server:
            yield Elsewhere(lab, server, tmp_path, EvidenceCollector(lab))


def test_killed_rollout_is_carried_on_by_another_machine(elsewhere: Elsewhere) -> None:
    first, second = elsewhere.machine("first"), elsewhere.machine("second")
    begun = clock.monotonic()
    owner = first.start(*ROLL)
    owner.process.until("draining")
    owner.process.tell(signal.SIGKILL)
    killed = clock.monotonic()
    taker = second.start(*ROLL)
    ended = taker.process.end(240)
    assert ended.code == 0, ended.all()
    took = clock.monotonic() - killed
    sys.stdout.write(f"\nkilled after {killed - begun:.0f} s, carried on and ended {took:.0f} s later\n")
    assert [len(starts) for starts in elsewhere.evidence().starts.values()] == [1, 1]
    assert len(second.rollouts()) == 1
    first.close()
    second.close()


def test_one_of_two_rivals_on_another_server_works(elsewhere: Elsewhere) -> None:
    machines = [elsewhere.machine(f"machine-{n}") for n in range(2)]
    commands = [machine.start(*ROLL, LOGNAME=f"somebody-{n}") for n, machine in enumerate(machines)]
    ends = [command.process.end(240) for command in commands]
    assert sorted(end.code for end in ends) == [0, 4], [end.all() for end in ends]
    assert "is held by rollout r-" in next(end.err for end in ends if end.code == 4)
    assert [len(starts) for starts in elsewhere.evidence().starts.values()] == [1, 1]
    assert len(machines[0].rollouts()) == 1
    for machine in machines:
        machine.close()


def _without_aws() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
