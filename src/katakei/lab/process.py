"""A lab in a process of its own, for tests, benchmarks and the demo: started, asked, ended.
It knows of the lab what the lab says of itself, and nothing more.
"""

import json
import selectors
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from katakei.lab import clock
from katakei.lab.errors import LabError
from katakei.lab.options import LabInfo, LabOptions, Target

READY_WITHIN = 60.0
END_WITHIN = 20.0


class Lab:
    """One lab, for as long as the `with` lasts; it ends with us even if we are killed.

    What it is asked to be comes in `options`; what it is stands in `facts`, and by name (`url`, `env`, ...).
    """

    def __init__(self, options: LabOptions | None = None) -> None:
        self.options = options or LabOptions()
        self._facts: LabInfo | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def facts(self) -> LabInfo:
        """What the lab said when it was ready."""
        if self._facts is None:
            raise LabError("this lab is not up; start it, or use it in a `with`")
        return self._facts

    @property
    def endpoint(self) -> str:
        """Where AWS is."""
        return self.facts.endpoint

    @property
    def url(self) -> str:
        """Where the load balancer listens."""
        return self.facts.url

    @property
    def target_group_arn(self) -> str:
        """The group of the lab's own servers."""
        return self.facts.target_group_arn

    @property
    def load_balancer_arn(self) -> str:
        """The load balancer in front of them."""
        return self.facts.load_balancer_arn

    @property
    def targets(self) -> tuple[Target, ...]:
        """The lab's own servers."""
        return self.facts.targets

    @property
    def env(self) -> dict[str, str]:
        """What points an AWS client at the lab; to be laid over an environment."""
        return self.facts.env

    def over(self, env: Mapping[str, str]) -> dict[str, str]:
        """This environment with the lab for its AWS: no profile, endpoint or token of another one is left in it."""
        return {name: value for name, value in env.items() if not name.startswith("AWS_")} | self.env

    @property
    def pid(self) -> int:
        """The lab's process."""
        if self._process is None:
            raise LabError("this lab is not up; start it, or use it in a `with`")
        return self._process.pid

    def start(self, within: float = READY_WITHIN) -> LabInfo:
        """Returns when every target is healthy. Raises LabError with the lab's own words when that takes too long."""
        with tempfile.TemporaryFile() as words:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, its arguments are numbers
                [sys.executable, "-m", "katakei.lab", "up", "--json", "--while-stdin", *_arguments(self.options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
            )
            line = _first_line(self._process, within)
            if not line:
                self.stop()
                words.seek(0)
                said = words.read().decode(errors="replace")[-2000:]
                raise LabError(f"the lab was not ready within {within:g} s; it said: {said or 'nothing'}")
        self._facts = LabInfo.read(line)
        return self._facts

    def stop(self) -> None:
        """End it, in good order if it can; nothing of it is left when this returns."""
        if self._process is None:
            return
        with self._process as process:
            process.terminate()
            try:
                process.wait(END_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
        self._process = None

    def faults(self, **changes: object) -> dict[str, Any]:
        """Turn faults on or off (`throttle=0.3`, `agent_dead=[id]`); returns all of them as they are now."""
        return dict(self._lab("faults", json.dumps(changes).encode() if changes else None))

    def calls(self) -> list[dict[str, Any]]:
        """Every AWS call so far."""
        return list(self._lab("calls"))

    def history(self) -> list[dict[str, Any]]:
        """Every change of every target so far."""
        return list(self._lab("history"))

    def _lab(self, what: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(f"{self.endpoint}/_lab/{what}", body)  # noqa: S310 - our own http address
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return json.load(answer)


def _arguments(options: LabOptions) -> list[str]:
    seconds = {"--delay": options.delay, "--lag": options.lag, "--interval": options.interval}
    given = [f"{name}={span.total_seconds():g}" for name, span in seconds.items()]
    return [*given, f"--targets={options.targets}", f"--port={options.port}", f"--zones={','.join(options.zones)}"]


def _first_line(process: subprocess.Popen[bytes], within: float) -> str:
    """The first line it writes; nothing when it ends before or takes too long."""
    line, until = b"", clock.monotonic() + within
    if process.stdout is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            left = until - clock.monotonic()
            if left <= 0 or not selector.select(left):
                return ""
            data = process.stdout.read1(65536)  # type: ignore[attr-defined]  # a pipe we opened is buffered
            if not data:
                return ""
            line += data
    return line.decode()
