"""One run of one script on one machine, watched to its end; killed when its time is over or somebody cancels.
The process itself is started by whoever owns the machine.
"""

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Callable

from katakei.lab import clock
from katakei.lab.ssm.model import Result

KEPT = 100_000
"""Bytes of each stream kept; the service shows less. The rest is read and dropped: nobody blocks on a full pipe."""

KILLED = 137
"""`ResponseCode` of a run that was killed because its execution timeout was over, as genuine answers show it."""

Process = subprocess.Popen[bytes]


def watch(process: Process, seconds: float, stopped: Callable[[], bool]) -> Result:
    """Wait until the process has ended *and* nobody holds its output open any more, as the agent does: a child
    left in the background whose output is not redirected keeps the command in progress. The process leads a group.
    """
    kept = {"out": bytearray(), "err": bytearray()}
    until = clock.monotonic() + seconds
    why = ""
    with process, selectors.DefaultSelector() as selector:
        for name, stream in (("out", process.stdout), ("err", process.stderr)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, name)
        while not why and (selector.get_map() or process.poll() is None):
            _read(selector, kept)
            why = "time" if clock.monotonic() >= until else "stop" if stopped() else ""
        if why:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    out, err = (bytes(kept[name]).decode(errors="replace") for name in ("out", "err"))
    if why:
        return Result(KILLED, out, err, timed_out=why == "time", cancelled=why == "stop")
    code = 128 - code if code < 0 else code
    return Result(code, out, err + (f"failed to run commands: exit status {code}" if code else ""))


def _read(selector: selectors.BaseSelector, kept: dict[str, bytearray]) -> None:
    if not selector.get_map():  # it closed its output and lives on; select would return at once
        clock.sleep(0.05)
        return
    for key, _ in selector.select(0.1):
        data = os.read(key.fd, 65536)
        if not data:
            selector.unregister(key.fileobj)
        kept[key.data] += data[: KEPT - len(kept[key.data])]
