"""The example of a whole case: its configuration is one, and its workflow pins every action."""

import re
from typing import Any

from tests.ci.jobs import ACTION, ROOT, yaml

from katakei import config

EXAMPLE = ROOT / "examples" / "laravel"
JOB: dict[str, Any] = yaml(EXAMPLE / ".github" / "workflows" / "deploy.yml")["jobs"]["deploy"]


def test_configuration_is_valid_and_drains_by_proof() -> None:
    spec = config.load(EXAMPLE / "katakei.yml", config.Overrides())
    assert spec.service == "laravel"
    assert spec.groups == ("LaravelTargetGroup",)
    assert spec.work.executor == "local"
    assert spec.revert is not None


def test_workflow_pins_actions_and_runs_one_rollout_at_a_time() -> None:
    used = [step["uses"] for step in JOB["steps"] if "uses" in step]
    assert not [each for each in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", each)]
    assert JOB["concurrency"]["cancel-in-progress"] is False
    assert JOB["permissions"] == {"contents": "read", "id-token": "write"}


def test_workflow_puts_no_value_into_a_script() -> None:
    assert not [step for step in JOB["steps"] if "${{" in step.get("run", "")]


def test_workflow_gives_only_inputs_that_the_action_has() -> None:
    (step,) = (each for each in JOB["steps"] if each.get("uses", "").startswith("katakei/"))
    assert set(step["with"]) <= set(ACTION["inputs"])
