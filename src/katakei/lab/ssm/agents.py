"""Agents on the managed nodes: one thread delivers commands, one thread for each run executes a script and reports."""

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from katakei.lab import clock
from katakei.lab.ssm.model import ENDED, InvocationKey, ManagedNode, Result, RunCommandSettings, SendCommandRequest
from katakei.lab.ssm.registry import CommandRegistry

REBOOT_AND_RUN_AGAIN = 194
INTERVAL = timedelta(milliseconds=50)
Process = subprocess.Popen[bytes]


class Machines(Protocol):
    """Port to the managed nodes. Unknown ids raise LookupError."""

    def machines(self) -> Sequence[ManagedNode]:
        """Returns every node that is not terminated."""

    def folder(self, instance_id: str) -> Path:
        """Returns the folder in which its commands run."""

    def boot(self, instance_id: str) -> str | None:
        """Returns an id that changes at every boot, or None while the node is off."""

    def spawn(self, instance_id: str, argv: Sequence[str], env: Mapping[str, str]) -> Process:
        """Start a process in the node's folder. It leads a process group; its output goes to pipes.

        Raises:
            OSError: it cannot be started.
        """

    def reboot(self, instance_id: str) -> None:
        """Reboot the node; returns when it runs again."""


class AgentPool:
    """The agents of all nodes. `start` comes before the first command; `close` leaves no thread and no script."""

    def __init__(
        self, registry: CommandRegistry, machines: Machines, switches: Callable[[], RunCommandSettings]
    ) -> None:
        self._registry = registry
        self._machines = machines
        self._switches = switches
        self._closed = threading.Event()
        self._wake_up = threading.Event()
        self._delivery_thread = threading.Thread(target=self._serve, name="ssm-agents", daemon=True)
        self._late_deliveries: set[InvocationKey] = set()
        self._stopping: set[InvocationKey] = set()
        self._runs: set[threading.Thread] = set()

    def start(self) -> None:
        """Start to deliver."""
        self._delivery_thread.start()

    def wake(self) -> None:
        """Deliver now: there is a new command."""
        self._wake_up.set()

    def stop(self, keys: Sequence[InvocationKey]) -> None:
        """Cancel runs. The agents kill what they started, but not what has detached itself."""
        self._stopping.update(keys)

    def close(self) -> None:
        """End all runs, within a few seconds."""
        self._closed.set()
        self._wake_up.set()
        self._delivery_thread.join(5)
        for run in tuple(self._runs):
            run.join(5)

    def _serve(self) -> None:
        while not self._closed.is_set():
            if not (self._registry.waiting() or self._late_deliveries):
                self._wake_up.wait()
            self._wake_up.clear()
            self._deliver_due()
            self._closed.wait(INTERVAL.total_seconds())

    def _deliver_due(self) -> None:
        now, switches = clock.now(), self._switches()
        lost = self._registry.expire_overdue(now)
        if switches.deliver_late:
            self._late_deliveries.update(lost)
        for part in self._registry.due(now - switches.delivery):
            if not self._alive(part.instance_id, switches):
                self._registry.delay(part.key)
            elif self._registry.begin(part.key, now):
                self._start_runs(part.key, times=2 if switches.deliver_twice else 1)
        for key in tuple(self._late_deliveries):
            if self._alive(key[1], switches):
                self._late_deliveries.discard(key)
                self._start_runs(key, times=1)

    def _alive(self, instance_id: str, switches: RunCommandSettings) -> bool:
        return instance_id not in switches.dead and self._boot(instance_id) is not None

    def _boot(self, instance_id: str) -> str | None:
        try:
            return self._machines.boot(instance_id)
        except LookupError:  # terminated meanwhile
            return None

    def _start_runs(self, key: InvocationKey, *, times: int) -> None:
        for _ in range(times):
            run = threading.Thread(target=self._run, args=(key,), name=f"ssm-{key[1]}", daemon=True)
            self._runs = {thread for thread in self._runs if thread.is_alive()} | {run}
            run.start()

    def _run(self, key: InvocationKey) -> None:
        request = self._registry.command(key[0]).request
        try:
            result = self._run_to_completion(key, request)
        except (OSError, LookupError) as error:
            result = Result(1, err=f"failed to start: {error}")
        if result is not None:
            self._registry.finish(key, result, clock.now())

    def _run_to_completion(self, key: InvocationKey, request: SendCommandRequest) -> Result | None:
        """Run the script, and again after each reboot that it asks for.

        Returns:
            The result, or None if no agent is left to report it.
        """
        while True:
            boot = self._machines.boot(key[1])
            process = self._machines.spawn(key[1], self._script(key, request), {"AWS_SSM_INSTANCE_ID": key[1]})
            seconds = request.execution_timeout.total_seconds()
            result = watch(process, seconds, lambda: key in self._stopping or self._closed.is_set())
            if self._closed.is_set():
                return None
            if self._boot(key[1]) != boot:
                return result if self._is_up_again(key) else None
            if result.code != REBOOT_AND_RUN_AGAIN or self._has_ended(key):
                return result
            self._machines.reboot(key[1])

    def _is_up_again(self, key: InvocationKey) -> bool:
        """Wait until the node is up again. A node that went down during a command reports after its next boot, or
        never.
        """
        while not (self._closed.is_set() or self._has_ended(key)):
            if self._boot(key[1]) is not None:
                return True
            self._closed.wait(0.2)
        return False

    def _has_ended(self, key: InvocationKey) -> bool:
        part = self._registry.invocation(key)
        return part is None or part.status in ENDED

    def _script(self, key: InvocationKey, request: SendCommandRequest) -> list[str]:
        """Write the commands to one file and return the command line that runs it, as the agent does.

        The interpreter of the first line is called explicitly. To execute the file itself could fail with "text file
        busy", because another child process may have inherited it open for writing.
        """
        place = self._machines.folder(key[1]) / ".ssm" / key[0]
        place.mkdir(parents=True, exist_ok=True)
        script = place / "_script.sh"
        text = "\n".join(request.commands) + "\n"
        script.write_text(text)
        first = text.partition("\n")[0]
        interpreter = shlex.split(first[2:]) if first.startswith("#!") else ["sh"]
        enter = ["sh", "-c", 'cd "$0" && exec "$@"', request.working_directory] if request.working_directory else []
        return [*enter, *interpreter, str(script)]


MAX_OUTPUT = 100_000
"""Bytes kept of each stream; the service shows less. The rest is read and dropped, so that no pipe fills up."""

KILLED_CODE = 137
"""`ResponseCode` of a run that was killed at its execution timeout, as real answers show it."""


def watch(process: Process, seconds: float, stopped: Callable[[], bool]) -> Result:
    """Wait until the process has ended and its output is closed, as the agent does.

    A background child whose output is not redirected keeps the command in progress.

    Args:
        process: leads a process group, which is killed at a timeout or cancellation.
        seconds: the execution timeout.
        stopped: whether the command was cancelled.
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
        return Result(KILLED_CODE, out, err, timed_out=why == "time", cancelled=why == "stop")
    code = 128 - code if code < 0 else code
    return Result(code, out, err + (f"failed to run commands: exit status {code}" if code else ""))


def _read(selector: selectors.BaseSelector, kept: dict[str, bytearray]) -> None:
    if not selector.get_map():  # it has closed its output and still runs; select would return at once
        clock.sleep(0.05)
        return
    for key, _ in selector.select(0.1):
        data = os.read(key.fd, 65536)
        if not data:
            selector.unregister(key.fileobj)
        kept[key.data] += data[: MAX_OUTPUT - len(kept[key.data])]
