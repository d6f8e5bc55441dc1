"""Jobs of CI systems, played on this machine: the scripts of a pipeline run as its CI system runs them.

A job begins in an empty folder that holds only what a repository would. Nothing of a CI system is installed: what is
played here are its documented rules.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from tests.e2e.command import Katakei

from katakei.lab import clock

ROOT = Path(__file__).parents[2]
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
NOTHING: Mapping[str, str] = {}
EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
ACTION: dict[str, Any] = YAML(typ="safe").load((ROOT / "action.yml").read_text(encoding="utf-8"))


def yaml(path: Path) -> Any:
    """A YAML file as plain values."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


GITLAB: dict[str, Any] = yaml(ROOT / "ci" / "gitlab" / "katakei.yml")
JENKINS_SCRIPTS = re.findall(
    r"^ *sh '([^']*)'$", (ROOT / "ci" / "jenkins" / "Jenkinsfile").read_text(encoding="utf-8"), re.MULTILINE
)


def job_env(katakei: Katakei, **more: str) -> dict[str, str]:
    """The environment of a job: that of a command of the tests, with `katakei` on the PATH."""
    path = f"{Path(sys.executable).parent}:{katakei.env['PATH']}"
    return {**katakei.env, "PATH": path, "CI": "true", **more}


class Script:
    """One process that a CI system starts, in a group of its own."""

    def __init__(self, words: tuple[str, ...], folder: Path, env: Mapping[str, str], log: Path) -> None:
        self._log = log
        self._before = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def said(self) -> str:
        return self._log.read_bytes()[self._before :].decode()

    def until(self, text: str, within: float = 60) -> None:
        """Wait until it has said this."""
        clock.wait_for(lambda: text in self.said() or self.process.poll() is not None, within, 0.05)
        assert text in self.said(), self.said()

    def end(self, within: float = 120) -> int:
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not over within {within} s: {self.said()}") from None
        finally:
            self.kill()

    def cancel(self, first: signal.Signals, grace: float, *, group: bool = False, second: bool = True) -> int:
        """Ends it as a canceled job does.

        Args:
            first: The first signal.
            grace: How long it may take after each signal, in seconds.
            group: Whether every process of the job gets the signal, or only the first.
            second: Whether SIGTERM follows before everything is killed.
        """
        send: Callable[[int, int], None] = os.killpg if group else os.kill
        for number in (first, signal.SIGTERM)[: 1 + second]:
            send(self.process.pid, number)
            if clock.wait_for(lambda: self.process.poll() is not None, grace, 0.05):
                break
        self.kill()
        return self.process.wait(10)

    def kill(self) -> None:
        """Nothing of it is left, also none of its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@dataclass
class Step:
    """How a step of a composite action ended."""

    outcome: str
    outputs: Mapping[str, str] = field(default_factory=dict)


class ActionJob:
    """A job of GitHub Actions with one step, which uses this action.

    It knows of expressions only the comparisons and functions that action.yml uses; another one is an error.
    """

    def __init__(self, katakei: Katakei, **inputs: str) -> None:
        self.folder, self._temp = katakei.folder, katakei.folder / ".runner"
        self._temp.mkdir(exist_ok=True)
        self.log = self._temp / "log"
        self.log.write_text("")
        for name in ("output", "summary", "path"):
            (self._temp / name).write_text("")
        self._env = job_env(
            katakei,
            GITHUB_ACTIONS="true",
            GITHUB_ACTION_PATH=str(ROOT),
            RUNNER_TEMP=str(self._temp),
            GITHUB_STEP_SUMMARY=str(self._temp / "summary"),
            GITHUB_PATH=str(self._temp / "path"),
        )
        unknown = set(inputs) - {name.replace("-", "_") for name in ACTION["inputs"]}
        assert not unknown, unknown
        self._inputs = {
            name: inputs.get(name.replace("-", "_"), self._filled(str(each["default"])))
            for name, each in ACTION["inputs"].items()
        }
        self.steps: dict[str, Step] = {}
        self.canceled = False
        self.failed = False

    @property
    def summary(self) -> str:
        return (self._temp / "summary").read_text()

    @property
    def annotations(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith("::error ")]

    def outputs(self) -> dict[str, str]:
        """The outputs of the action."""
        return {name: self._filled(each["value"]) for name, each in ACTION["outputs"].items()}

    def run(
        self, while_rolling: Callable[[Script], None] = lambda _: None, env: Mapping[str, str] = NOTHING
    ) -> "ActionJob":
        """Runs every step.

        Args:
            while_rolling: Called with the process of the step `roll`.
            env: The `env` of the step that uses the action.
        """
        for number, each in enumerate(ACTION["runs"]["steps"]):
            name = each.get("id", f"step-{number}")
            if not self._holds(each.get("if", "success()")):
                self.steps[name] = Step("skipped")
                continue
            script = self._start(each, env)
            try:
                if name == "roll":
                    while_rolling(script)
                code = script.end()
            finally:
                script.kill()
            ended = "cancelled" if self.canceled and name == "roll" else "success" if code == 0 else "failure"
            self.steps[name] = Step(ended, self._read_outputs())
            self.failed |= ended != "success"
        return self

    def cancel(self, script: Script, grace: float) -> None:
        """A person cancels the job while this script runs."""
        self.canceled = True
        script.cancel(signal.SIGINT, grace)

    def _start(self, step: Mapping[str, Any], env: Mapping[str, str]) -> Script:
        file = self._temp / "script.sh"
        file.write_text(step["run"])
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "a value from outside would become code"
        output = self._temp / "output"
        output.write_text("")
        own = {name: self._filled(value) for name, value in step.get("env", {}).items()}
        found = {**self._env, **env, **own, "GITHUB_OUTPUT": str(output)}
        return Script((*BASH, str(file)), self.folder, found, self.log)

    def _read_outputs(self) -> dict[str, str]:
        pairs = (line.partition("=") for line in (self._temp / "output").read_text().splitlines())
        return {name: value for name, _, value in pairs}

    def _filled(self, text: str) -> str:
        return EXPRESSION.sub(lambda found: self._value(found[1]), text)

    def _value(self, name: str) -> str:
        if name == "github.sha":
            return "v9"
        kind, *path = name.split(".")
        if kind == "inputs":
            return self._inputs[path[0]]
        assert kind == "steps", name
        step = self.steps.get(path[0], Step("skipped"))
        return step.outcome if path[1:] == ["outcome"] else step.outputs.get(path[2], "")

    def _holds(self, condition: str) -> bool:
        parts = condition.split(" && ")
        if not any(part.endswith("()") for part in parts):
            parts.append("success()")
        return all(self._part_holds(part) for part in parts)

    def _part_holds(self, part: str) -> bool:
        functions = {
            "always()": True,
            "cancelled()": self.canceled,
            "success()": not (self.failed or self.canceled),
        }
        if part in functions:
            return functions[part]
        name, operator, value = part.split(" ")
        assert operator in {"==", "!="}
        return (self._value(name) == value.strip("'")) is (operator == "==")
