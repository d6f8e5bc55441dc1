"""Handle of a lab in a process of its own, for tests, benchmarks and the demo.

It uses only the lab's public output and its `/_lab` API.
"""

import json
import selectors
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

from katakei.lab import clock
from katakei.lab.errors import LabError
from katakei.lab.options import LAB_KEY, LabInfo, LabOptions, Target

READY_WITHIN = 120.0
END_WITHIN = 20.0


def spawn(words: Sequence[str], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the command `lab` with these words in a process of its own."""
    return subprocess.Popen(  # noqa: S603 - this project's program; its arguments are numbers
        [sys.executable, "-P", "-m", "katakei.lab", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )


class Lab:
    """One lab, running while the `with` block lasts. It ends with this process, even if this process is killed.

    Attributes:
        options: the lab to set up.
        spawn: starts its process; another one may start it faster.
    """

    spawn = staticmethod(spawn)

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
        """The facts that the lab reported when it was ready.

        Raises:
            LabError: the lab is not running.
        """
        if self._facts is None:
            raise LabError("this lab is not up; start it, or use it in a `with`")
        return self._facts

    @property
    def endpoint(self) -> str:
        """The URL of the AWS endpoint."""
        return self.facts.endpoint

    @property
    def url(self) -> str:
        """The URL of the load balancer."""
        return self.facts.url

    @property
    def target_group_arn(self) -> str:
        """The ARN of the target group with the lab's own servers."""
        return self.facts.target_group_arn

    @property
    def load_balancer_arn(self) -> str:
        """The ARN of the load balancer in front of the group."""
        return self.facts.load_balancer_arn

    @property
    def targets(self) -> tuple[Target, ...]:
        """The lab's own servers."""
        return self.facts.targets

    @property
    def env(self) -> dict[str, str]:
        """The variables that point an AWS client at the lab; add them to an environment."""
        return self.facts.env

    def over(self, env: Mapping[str, str]) -> dict[str, str]:
        """Returns this environment with the lab as its AWS. Settings of another AWS are removed."""
        return {name: value for name, value in env.items() if not name.startswith("AWS_")} | self.env

    @property
    def pid(self) -> int:
        """The id of the lab's process."""
        if self._process is None:
            raise LabError("this lab is not up; start it, or use it in a `with`")
        return self._process.pid

    def start(self, within: float = READY_WITHIN) -> LabInfo:
        """Start the lab and wait until every target is healthy.

        Args:
            within: the limit in seconds.

        Raises:
            LabError: it took too long; the text holds what the lab printed.
        """
        with tempfile.TemporaryFile() as output:
            self._process = self.spawn(["up", "--json", "--while-stdin", *_arguments(self.options)], output)
            line = _first_line(self._process, within)
            if not line:
                self.stop()
                output.seek(0)
                text = output.read().decode(errors="replace")[-2000:]
                raise LabError(f"the lab was not ready within {within:g} s; its output: {text or 'none'}")
        self._facts = LabInfo.read(line)
        return self._facts

    def stop(self) -> None:
        """Stop the lab, by SIGTERM and then by SIGKILL. Nothing of it is left when this returns."""
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
        """Change faults (`throttle=0.3`, `agent_dead=[id]`).

        Returns:
            All faults as they are now.
        """
        return dict(self._call("faults", json.dumps(changes).encode() if changes else None))

    def switches(self, **changes: object) -> dict[str, Any]:
        """Change what nobody has verified about AWS (`propagation=12` keeps a registration `initial` for 12 s).

        Returns:
            All switches as they are now, durations in seconds.
        """
        return dict(self._call("switches", json.dumps(changes).encode() if changes else None))

    def calls(self) -> list[dict[str, Any]]:
        """Returns every AWS call so far."""
        return list(self._call("calls"))

    def history(self) -> list[dict[str, Any]]:
        """Returns every state change of every target so far."""
        return list(self._call("history"))

    def _call(self, what: str, body: bytes | None = None) -> Any:
        key = {"X-Katakei-Lab-Key": self.env[LAB_KEY]}
        request = urllib.request.Request(f"{self.endpoint}/_lab/{what}", body, key)  # noqa: S310 - an http address of this lab
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return json.load(answer)


def _arguments(options: LabOptions) -> list[str]:
    seconds = {"--delay": options.delay, "--lag": options.lag, "--interval": options.interval}
    given = [f"{name}={span.total_seconds():g}" for name, span in seconds.items()]
    return [*given, f"--targets={options.targets}", f"--port={options.port}", f"--zones={','.join(options.zones)}"]


def _first_line(process: subprocess.Popen[bytes], within: float) -> str:
    """Read the first line of its output. The result is empty if the process ends first or takes too long."""
    line, until = b"", clock.monotonic() + within
    if process.stdout is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            left = until - clock.monotonic()
            if left <= 0 or not selector.select(left):
                return ""
            data = process.stdout.read1(65536)  # type: ignore[attr-defined]  # a pipe from Popen is buffered
            if not data:
                return ""
            line += data
    return line.decode()
