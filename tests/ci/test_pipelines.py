"""The pipelines under ci/: their form, and that they give no value to a shell as code."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from tests.ci.jobs import GITLAB, JENKINS_SCRIPTS, ROOT, yaml

from katakei.cli import COMMANDS, katakei

CI = ROOT / "ci"
BUILD: dict[str, Any] = yaml(CI / "codebuild" / "buildspec.yml")
CIRCLE: dict[str, Any] = yaml(CI / "circleci" / "config.yml")
SERVICE = (CI / "timer" / "katakei-patch@.service").read_text(encoding="utf-8")
CFN_LINT = ROOT / ".venv-lint" / "bin" / "cfn-lint"


def scripts() -> dict[str, str]:
    """Every script of a pipeline, by the name of its file and place."""
    found = {
        f"gitlab {job} {part}": "\n".join(each[part])
        for job, each in GITLAB.items()
        for part in each
        if "script" in part
    }
    found |= {f"codebuild {name}": "\n".join(phase["commands"]) for name, phase in BUILD["phases"].items()}
    steps = [step["run"] for step in CIRCLE["jobs"]["roll"]["steps"] if isinstance(step, dict) and "run" in step]
    found |= {f"circleci {step['name']}": step["command"] for step in steps}
    found |= {f"jenkins {number}": text for number, text in enumerate(JENKINS_SCRIPTS)}
    found["timer"] = re.findall(r"^ExecStart=(.*)$", SERVICE, re.MULTILINE)[0]
    found["cron"] = (CI / "timer" / "crontab").read_text(encoding="utf-8").splitlines()[-1].split("* * * ")[1]
    return found


@pytest.mark.parametrize("name", scripts())
def test_scripts_use_values_only_as_quoted_variables(name: str) -> None:
    text = scripts()[name]
    assert not re.search(r"\$\{\{|<<|\$\[\[|\beval\b|`", text), "the CI system would put a value into the script"
    bare = re.sub(r'"[^"]*"', "", text)
    assert "$" not in bare.replace("$(cat katakei-rollout-id)", "")


@pytest.mark.parametrize("name", scripts())
def test_commands_and_options_of_scripts_exist(name: str) -> None:
    context = click.Context(katakei)
    for command, rest in re.findall(r"katakei (roll|trigger|abort|report)\b([^;\n|]*)", scripts()[name]):
        assert command in COMMANDS
        found = katakei.get_command(context, command)
        assert found is not None
        known = {option for parameter in found.params for option in parameter.opts}
        assert set(re.findall(r"(--[a-z-]+)", rest)) <= known


def test_gitlab_jobs_are_hidden_and_keep_their_report() -> None:
    assert set(GITLAB) == {".katakei-roll", ".katakei-trigger"}
    for job in GITLAB.values():
        assert set(job) <= {"interruptible", "variables", "script", "after_script", "artifacts"}
        assert job["interruptible"] is False, "a newer pipeline would cancel the rollout"
        assert job["artifacts"]["when"] == "always"


def test_buildspec_has_known_keys() -> None:
    assert set(BUILD) == {"version", "env", "phases", "artifacts"}
    assert BUILD["version"] == 0.2
    assert BUILD["env"]["shell"] == "bash"
    assert set(BUILD["phases"]) <= {"install", "pre_build", "build", "post_build"}
    assert all(set(phase) <= {"on-failure", "commands", "finally"} for phase in BUILD["phases"].values())


def test_circleci_has_known_keys_and_one_rollout_at_a_time() -> None:
    assert set(CIRCLE) == {"version", "jobs", "workflows"}
    assert set(CIRCLE["jobs"]["roll"]) == {"docker", "environment", "steps"}
    (job,) = CIRCLE["workflows"]["deploy"]["jobs"]
    assert "serial-group" in job["roll"]


def test_jenkinsfile_is_balanced_and_lets_groovy_put_no_value_into_scripts() -> None:
    text = (CI / "jenkins" / "Jenkinsfile").read_text(encoding="utf-8")
    assert text.count("{") == text.count("}")
    assert len(JENKINS_SCRIPTS) == len(re.findall(r"\bsh\b ", text)) == 2
    assert not re.findall(r"\bsh\s*\(?\s*\"", text)


def test_codepipeline_template_satisfies_cfn_lint() -> None:
    assert CFN_LINT.exists(), "cfn-lint is missing; make it with: make .venv-lint/.ready"
    words = [str(CFN_LINT), "--regions", "ap-northeast-1", "--", str(CI / "codebuild" / "pipeline.yml")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


CHANGES = ("DescribeListeners", "DescribeRules", "ModifyListener", "ModifyRule")
OF_A_SWITCH = {f"elasticloadbalancing:{action}" for action in CHANGES}


def test_codepipeline_gives_the_rights_of_the_policy_file() -> None:
    policy = json.loads((ROOT / "deploy" / "iam-policy.json").read_text(encoding="utf-8"))
    wanted = {action for each in policy["Statement"] for action in actions(each["Action"])}
    text = (CI / "codebuild" / "pipeline.yml").read_text(encoding="utf-8")
    role = text[text.index("  RollRole:") : text.index("  Roll:\n")]
    given = set(re.findall(r"\b((?:ec2|elasticloadbalancing|ssm):[A-Z]\w+)", role))
    assert given == wanted - OF_A_SWITCH  # the job rolls, and gets no rights that it does not need
    assert wanted > OF_A_SWITCH


def actions(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in (CI / "timer").glob("katakei-patch@.*"):
        text = unit.read_text(encoding="utf-8").replace("/opt/katakei/bin/katakei", "/bin/true")
        (tmp_path / unit.name.replace("@", "@web")).write_text(text, encoding="utf-8")
    units = sorted(tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False, timeout=60
    )
    about = [line for line in done.stderr.splitlines() if "katakei-patch" in line]
    assert about == [], done.stderr


def test_every_pipeline_is_on_the_page() -> None:
    page = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
    parts = [path for path in CI.rglob("*") if path.is_file() and path.parent.name != "github"]
    assert len(parts) == 9
    assert not [str(path) for path in parts if f"ci/{path.parent.name}/{path.name}" not in page]
