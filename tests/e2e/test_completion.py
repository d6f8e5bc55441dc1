"""Shell completion as the shells themselves run it: commands, options, rollouts, groups and targets."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contracts.ledgers import ID, LEDGERS, begun
from tests.e2e.command import Katakei

BASH = """
eval "$(katakei completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_katakei_completion katakei
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = "katakei completion fish | source; complete -C (string join ' ' -- $argv)"
ZSH = """
autoload -U compinit; compinit -D -u
eval "$(katakei completion zsh)"
[[ $_comps[katakei] == _katakei_completion ]] || exit 1
COMP_WORDS="$*" COMP_CWORD=$(($# - 1)) _KATAKEI_COMPLETE=zsh_complete katakei
"""
SHELLS: dict[str, list[str]] = {
    "bash": ["bash", "--norc", "-c", BASH, "bash"],
    "fish": ["fish", "--no-config", "-c", FISH],
    "zsh": ["zsh", "-f", "-c", ZSH, "zsh"],
}
Complete = Callable[..., list[str]]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A journal with one unfinished rollout of two groups, and an AWS that nobody answers for."""
    with LEDGERS["sqlite"](tmp_path) as ledger:
        begun(ledger)
        program = tmp_path / "bin" / "katakei"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from katakei.cli import main; main()" "$@"\n')
        program.chmod(0o755)
        yield {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "KATAKEI_JOURNAL": ledger.url,
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_DEFAULT_REGION": "ap-northeast-1",
            "TERM": "dumb",
        }


@pytest.fixture
def complete(shell: str, environment: dict[str, str], tmp_path: Path) -> Complete:
    """What the shell offers for the last of these words. Nothing is printed beside it."""

    def ask(*words: str) -> list[str]:
        command = [*SHELLS[shell], "katakei", *words]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stderr == ""
        return [each.split("\t")[0] for each in done.stdout.splitlines()]

    return ask


def test_shell_completes_commands_and_options(complete: Complete) -> None:
    assert "show" in complete("sh")
    assert "groups" not in complete("sh")
    assert "--release" in complete("roll", "--rel")


def test_shell_completes_rollouts_groups_and_targets(complete: Complete) -> None:
    found = complete("show", "")
    assert ID in found
    assert "last" in found
    assert "web" in complete("status", "")
    assert "web-1" in complete("logs", ID, "web")
    assert "web-1" in complete("register", "web", "web")


def test_completion_is_silent_without_an_answer(environment: dict[str, str], tmp_path: Path) -> None:
    asked = {"_KATAKEI_COMPLETE": "bash_complete", "COMP_WORDS": "katakei status ", "COMP_CWORD": "2"}
    broken = {"KATAKEI_JOURNAL": "s3://nowhere/at/all"}
    env = {**environment, **asked, **broken}
    done = subprocess.run(["katakei"], env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_completion_of_an_unknown_shell_is_refused(tmp_path: Path) -> None:
    command = Katakei(tmp_path, {})
    done = command("completion", "tcsh")
    assert (done.code, "tcsh" in done.err) == (2, True)
    command.close()
