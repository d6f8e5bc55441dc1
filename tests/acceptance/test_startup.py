"""Start-up: which modules a command loads, and at full scale what it costs."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from tests.acceptance.startup import Cost, costs

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

AWS = Path(__file__).parents[2] / ".venv-aws" / "bin" / "aws"
HEAVY = {"boto3", "moto", "pydantic", "rich", "ruamel", "sqlalchemy"}
TELL = """\
import atexit, json, sys
atexit.register(lambda: print("\\n" + json.dumps(sorted(sys.modules)), file=sys.stderr))
from katakei.cli import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with two healthy targets that no test changes."""
    with Lab(LabOptions(targets=2, interval=timedelta(seconds=1), port=8080)) as running:
        yield running


def loaded(env: dict[str, str], *words: str) -> set[str]:
    """Returns the modules that a command has loaded at its end."""
    command = [sys.executable, "-c", TELL, *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_loads_click_and_no_heavy_library(tmp_path: Path) -> None:
    modules = loaded({"HOME": str(tmp_path)}, "--help")
    assert "click" in modules
    assert not modules & (HEAVY | {"botocore", "katakei.app.rollouts", "katakei.app.queries", "katakei.bootstrap"})


@pytest.mark.lab
def test_status_loads_nothing_that_only_rollouts_need(lab: Lab, tmp_path: Path) -> None:
    modules = loaded({"HOME": str(tmp_path), **lab.env}, "status", "LaravelTargetGroup")
    assert "botocore.client" in modules
    assert not modules & (
        HEAVY | {"katakei.app.rollouts", "katakei.runtime.runner", "katakei.config", "katakei.adapters.executors"}
    )


@pytest.mark.lab
def test_plan_loads_nothing_that_only_rollouts_need(lab: Lab, tmp_path: Path) -> None:
    modules = loaded({"HOME": str(tmp_path), **lab.env}, "plan", "LaravelTargetGroup", "--run", "true")
    assert "katakei.planning.planner" in modules
    assert not modules & (HEAVY - {"boto3"})  # Run Command is called through it


@pytest.mark.lab
@pytest.mark.parametrize("words", [("status", "LaravelTargetGroup"), ("status",), ("groups",)], ids=" ".join)
def test_read_commands_make_three_calls(lab: Lab, tmp_path: Path, words: tuple[str, ...]) -> None:
    before = len(lab.calls())
    loaded({"HOME": str(tmp_path), **lab.env}, *words)
    requirements = sorted(call["action"] for call in lab.calls()[before:])
    assert requirements == ["DescribeInstances", "DescribeTargetGroups", "DescribeTargetHealth"]


@pytest.mark.lab
def test_status_creates_no_journal(lab: Lab, tmp_path: Path) -> None:
    loaded({"HOME": str(tmp_path), **lab.env}, "status")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.acceptance
def test_help_and_status_start_fast(lab: Lab, tmp_path: Path) -> None:
    assert AWS.exists(), "the aws command is missing; make it with: make .venv-aws/.ready"
    katakei = str(Path(sys.executable).with_name("katakei"))
    requirements = ("elbv2", "describe-target-health", "--target-group-arn", lab.target_group_arn)
    commands = {
        "python": (sys.executable, "-c", "pass"),
        "help": (katakei, "--help"),
        "status": (katakei, "status", "LaravelTargetGroup"),
        "aws": (str(AWS), *requirements),
    }
    cost = costs(commands, {**lab.env, "XDG_STATE_HOME": str(tmp_path)}, tmp_path / "cache", rounds=21)
    sys.stdout.write(f"\n{ratios(cost, 'help', 'python')}\n{ratios(cost, 'status', 'aws')}\n")
    assert cost["help"].cpu <= 6 * cost["python"].cpu
    assert cost["help"].wall <= 6 * cost["python"].wall
    assert cost["status"].cpu <= cost["aws"].cpu
    assert cost["status"].wall <= cost["aws"].wall


def ratios(cost: Mapping[str, Cost], one: str, other: str) -> str:
    wall, cpu = cost[one].wall / cost[other].wall, cost[one].cpu / cost[other].cpu
    return f"{one} {cost[one]} / {other} {cost[other]}: wall {wall:.2f}, cpu {cpu:.2f}"
