"""`katakei` as a process: run to its end, or started, watched, signalled and waited for. Every wait has a bound."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from katakei.lab import clock

PROGRAM = (sys.executable, "-m", "katakei.cli")
INHERITED = ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True, slots=True)
class Done:
    """How it ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its output as one JSON value."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its output as one JSON object per line."""
        assert self.out, self.err
        return [json.loads(line) for line in self.out.splitlines()]

    def all(self) -> str:
        return self.out + self.err


class Running:
    """One that was started."""

    def __init__(self, words: tuple[str, ...], env: Mapping[str, str], folder: Path, number: int) -> None:
        self._out, self._err = folder / f"out-{number}", folder / f"err-{number}"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*PROGRAM, *words],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def said(self) -> str:
        return self._out.read_text() + self._err.read_text()

    def until(self, text: str, within: float = 40) -> None:
        """Wait until it has said this."""
        over = clock.wait_for(lambda: text in self.said() or self.process.poll() is not None, within, 0.05)
        assert over, self.said()
        assert text in self.said(), self.said()

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, within: float = 60) -> Done:
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise AssertionError(f"not over within {within} s: {self.said()}") from None
        return Done(code, self._out.read_text(), self._err.read_text())


class Katakei:
    """The command with one environment and one folder."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        self.env = {**inherited, **nowhere, "AWS_EC2_METADATA_DISABLED": "true", **env}
        self._started: list[Running] = []

    def __call__(self, *words: str, within: float = 60, **env: str | None) -> Done:
        """Run to its end. A variable given as None is taken out of the environment."""
        return self.start(*words, **env).end(within)

    def start(self, *words: str, **env: str | None) -> Running:
        changed = {name: value for name, value in {**self.env, **env}.items() if value is not None}
        running = Running(words, changed, self.folder, len(self._started))
        self._started.append(running)
        return running

    def file(self, text: str, name: str = "katakei.yml") -> str:
        """A configuration file in its folder."""
        (self.folder / name).write_text(text)
        return name

    def close(self) -> None:
        """Nothing of it is left."""
        for running in self._started:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait(10)
