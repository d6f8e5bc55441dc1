"""One run of one script on one machine, watched to its end; killed when its time is over or somebody cancels.
The process itself belongs to the machine.
"""

from collections.abc import Callable
from typing import Protocol

from katakei.lab import clock
from katakei.lab.servers import Ran
from katakei.lab.ssm.model import Result

KILLED = 137
"""`ResponseCode` of a run that was killed because its execution timeout was over, as genuine answers show it."""


class Running(Protocol):
    """A command that runs on a machine."""

    def wait(self, within: float) -> Ran | None:
        """How it ended, or None when it still runs after so many seconds."""

    def kill(self, *, timed_out: bool = False) -> Ran:
        """End it and what it started in its own process group."""


def watch(running: Running, seconds: float, stopped: Callable[[], bool]) -> Result:
    """Wait until the command has ended, at most so many seconds, and say how, in the agent's words."""
    until = clock.monotonic() + seconds
    while (ran := running.wait(0.1)) is None:
        if clock.monotonic() >= until:
            ran = running.kill(timed_out=True)
            return Result(KILLED, ran.stdout, ran.stderr, timed_out=True)
        if stopped():
            ran = running.kill()
            return Result(KILLED, ran.stdout, ran.stderr, cancelled=True)
    code = 128 - ran.code if ran.code < 0 else ran.code
    return Result(code, ran.stdout, ran.stderr + (f"failed to run commands: exit status {code}" if code else ""))
