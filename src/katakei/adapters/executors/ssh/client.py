"""The OpenSSH client as a program: one call runs one program on one target, within a deadline.

Connections are kept for a minute and used again (ControlMaster). Their sockets are in a private folder with a short
path, because the path of a socket may have about 100 characters. Nothing that varies is part of a shell's text.
"""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from katakei.adapters.executors.ssh import programs
from katakei.adapters.executors.ssh.conversation import talk
from katakei.adapters.executors.ssh.failures import Failure, Peer, failure
from katakei.adapters.executors.ssh.hosts import Hosts
from katakei.domain.errors import RejectedError, UnreachableError
from katakei.domain.model import Target, TargetId
from katakei.domain.ports import Clock
from katakei.domain.spec import HostKeys, SshAccess

AT_ONCE = 32
"""Connections that are opened or used at the same time by one question."""

KEPT = 64
"""Questions to more targets than this keep no connections: each would be a process of its own."""

CONNECT = 8
"""Seconds for the connection and the exchange of keys (ConnectTimeout)."""

_ENDING = timedelta(seconds=3)
_MARGIN = 5
"""Seconds that a program may still run on the target after nobody waits for it any more."""

_KILLED = 124
"""The exit code of `timeout` on the target when it ended the program."""

# Set on the command line, which counts more than any configuration file.
_ALWAYS = {
    "BatchMode": "yes",
    "ConnectTimeout": str(CONNECT),
    "ConnectionAttempts": "1",
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3",
    "NoHostAuthenticationForLocalhost": "no",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "LogLevel": "ERROR",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program printed as a whole, or why it did not."""

    out: str = ""
    failure: Failure | None = None


class SshClient:
    """Reaches targets one way. Thread-safe.

    Args:
        access: The way.
        hosts: Names the host of each target.
        clock: Measures deadlines.
        env: The environment of this process, in which the client finds the agent and the home folder.
    """

    def __init__(self, access: SshAccess, hosts: Hosts, clock: Clock, env: Mapping[str, str]) -> None:
        self._access, self._hosts, self._clock = access, hosts, clock
        # A jump host gets a client of its own, which would ask for a password without these and without a new session.
        self._env = {**env, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
        self._env.pop("SSH_ASKPASS", None)
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._numbers: dict[TargetId, int] = {}
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def ask(
        self, asked: Mapping[Target, str], within: timedelta, patience: Callable[[], timedelta] | None = None
    ) -> dict[TargetId, Answer]:
        """Runs a program on each target, many at a time.

        Args:
            asked: The program of each target.
            within: How long one program may take, with its connection.
            patience: How much time is left; None for as long as all need. A target whose turn has not come by then is
                missing in the answers.

        Returns:
            The answers.

        Raises:
            UnreachableError, NoAnswerError: As `check`.
        """
        self.check(asked)
        if not asked:
            return {}
        keep = len(asked) <= KEPT

        def run(target: Target) -> Answer | None:
            left = min(within, patience()) if patience else within
            return self.run(target, asked[target], left, keep=keep) if left > timedelta() else None

        with ThreadPoolExecutor(min(AT_ONCE, len(asked)), "katakei-ssh") as pool:
            answers = zip(asked, pool.map(run, asked), strict=True)
            return {target.id: answer for target, answer in answers if answer is not None}

    def check(self, targets: Iterable[Target] = ()) -> None:
        """Learns the hosts of targets.

        Raises:
            UnreachableError: This machine has no OpenSSH client, or may not read the tags.
            NoAnswerError: The tags could not be read now.
        """
        self._hosts.learn(targets)
        if shutil.which("ssh", path=self._env.get("PATH")) is None:
            raise UnreachableError("there is no program ssh on this machine: install the OpenSSH client")

    def run(self, target: Target, program: str, within: timedelta, *, keep: bool = True) -> Answer:
        """Runs a program on one target and waits for its end.

        Args:
            target: The target.
            program: Ends with a line `katakei-end`, or its answer counts as incomplete.
            within: How long that may take, with the connection.
            keep: Keep the connection for the next program.
        """
        try:
            host = self._hosts.of(target)
            text = programs.whole(program, target.id).encode(errors="surrogateescape")
        except RejectedError as error:
            return Answer(failure=Failure(str(error), sent=False))
        until = self._clock.now() + within
        arguments = self._arguments(target, keep=keep)
        command = programs.remote_command(int(within.total_seconds()) + _MARGIN)
        process = self._begun([*arguments, "--", host, command])
        if process is None:
            return Answer(failure=Failure("the connection was closed", sent=False))
        try:
            out, errors, code = talk(process, text, lambda: until - self._clock.now())
        finally:
            self._ended(process)
        peer = Peer(host, self._access.user)
        if code is None:
            self._drop(arguments, host)
            words = f"{peer.host} gave no answer within {int(within.total_seconds())} s"
            return Answer(failure=Failure(words, sent=True))
        printed = out.decode(errors="replace")
        if programs.END in printed.splitlines():
            return Answer(printed)
        if code == _KILLED:
            return Answer(failure=Failure(f"the program on {peer.host} took too long", sent=True))
        return Answer(printed, failure(errors.decode(errors="replace"), code, printed, peer))

    def close(self) -> None:
        """Ends every connection and every program that runs. Work goes on."""
        with self._lock:
            self._closed = True
            running, folder, self._folder = tuple(self._running), self._folder, None
        for process in running:
            process.kill()
        if folder is None:
            return
        for socket in folder.glob("*"):
            self._quietly(["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "--", "none"])
        shutil.rmtree(folder, ignore_errors=True)

    def _arguments(self, target: Target, *, keep: bool) -> list[str]:
        access = self._access
        options = dict(access.options) | _ALWAYS
        options["StrictHostKeyChecking"] = "yes" if access.host_keys is HostKeys.VERIFY else "accept-new"
        if keep:
            kept = {"ControlMaster": "auto", "ControlPersist": "60", "ControlPath": str(self._socket(target.id))}
        else:
            kept = {"ControlMaster": "no", "ControlPath": "none"}
        arguments = ["ssh", "-T"]
        arguments += ["-F", os.path.expanduser(access.config)] if access.config else []  # noqa: PTH111 - also `none`
        arguments += ["-l", access.user] if access.user else []
        arguments += ["-p", str(access.port)] if access.port else []
        for name, value in {**options, **kept}.items():
            arguments += ["-o", f"{name}={value}"]
        return arguments

    def _socket(self, target: TargetId) -> Path:
        with self._lock:
            if self._folder is None:
                short = "/tmp" if os.access("/tmp", os.W_OK) else None  # noqa: S108 - mkdtemp makes it private
                self._folder = Path(tempfile.mkdtemp(prefix="katakei-", dir=short))
            return self._folder / str(self._numbers.setdefault(target, len(self._numbers)))

    def _begun(self, command: Sequence[str]) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._closed:
                return None
            # In a session of its own it has no terminal to ask at, and Ctrl-C there does not end it.
            process = subprocess.Popen(  # noqa: S603 - a fixed program; the arguments are no shell text
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._env,
                start_new_session=True,
            )
            self._running.add(process)
        return process

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        with self._lock:
            self._running.discard(process)

    def _drop(self, arguments: Sequence[str], host: str) -> None:
        """Ends a kept connection: the next program gets a new one."""
        self._quietly([*arguments, "-O", "exit", "--", host])

    def _quietly(self, command: Sequence[str]) -> None:
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603 - a fixed program; the arguments are no shell text
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self._env,
                timeout=_ENDING.total_seconds(),
                check=False,
            )
