"""Tests of the shell of a command: which one reads it, and whether it stops at the first command that fails."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.given import a_plan, t

from katakei import config
from katakei.config import Overrides, without_file
from katakei.domain import jobs
from katakei.domain.errors import UsageError
from katakei.domain.spec import Command
from katakei.render.plan import _work

BY_BASH = Command("ssm", "a\nb", shell="bash")  # noqa: S604 - no process
HEAD = "service: shop\nbalancer: {alb: {target_groups: [web]}}\n"


def _command(folder: Path, work: str) -> Command:
    file = folder / "katakei.yml"
    file.write_bytes(f"{HEAD}work: {work}\n".encode())
    return config.load(file, Overrides()).work


@pytest.mark.parametrize("kind", ["ssm", "local"])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('{run: "a; b"}', ("a; b", "sh", False)),
        ('{run: "a; b", errexit: true}', ("a; b", "sh", True)),
        ('{run: "a\\nb"}', ("a\nb", "sh", True)),
        ('{run: "a\\nb", errexit: false}', ("a\nb", "sh", False)),
        ('{run: "a\\nb", shell: bash}', ("a\nb", "bash", True)),
        ('{run: "\\n\\na\\n\\n"}', ("\n\na\n\n", "sh", False)),
        ('{run: "a\\r\\nb\\r\\n"}', ("a\nb\n", "sh", True)),
    ],
)
def test_commands_of_several_lines_stop_at_a_failure(
    tmp_path: Path, kind: str, written: str, meant: tuple[str, str, bool]
) -> None:
    command = _command(tmp_path, f"{{{kind}: {written}}}")
    assert (command.run, command.shell, command.errexit) == meant


def test_file_with_windows_line_ends_is_read_as_any(tmp_path: Path) -> None:
    command = _command(tmp_path, "\r\n  ssm:\r\n    run: |\r\n      a\r\n      b\r\n")
    assert (command.run, command.errexit) == ("a\nb\n", True)


def test_command_line_of_several_lines_stops_too() -> None:
    one, several = (without_file("web", run, Overrides()).work for run in ("a; b", "a\r\nb"))
    assert (one.errexit, several.run, several.errexit) == (False, "a\nb", True)


@pytest.mark.parametrize("key", ["shell: sh", "errexit: false"])
def test_argv_takes_no_shell(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError, match="no shell reads argv"):
        _command(tmp_path, f"{{local: {{argv: [./deploy], {key}}}}}")


def test_unknown_shell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sh"):
        _command(tmp_path, "{ssm: {run: a, shell: zsh}}")


def test_recorded_command_without_the_keys_goes_on_after_failures() -> None:
    assert (Command("ssm", "a\nb").shell, Command("ssm", "a\nb").errexit) == ("sh", False)


def test_job_and_plan_name_the_shell() -> None:
    command = replace(BY_BASH, errexit=True)
    plan = a_plan(work=command)
    job = jobs.job(plan, plan.targets[0], command, 1)
    assert (job.shell_words, t(plan)) == ("bash -e", plan.targets[0].id)
    assert _work(command) == "by ssm: a\nb (bash, stops at the first command that fails)"
    assert _work(Command("ssm", "a")) == "by ssm: a"
