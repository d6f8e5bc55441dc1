"""Real sockets on loopback, the program that counts them, and groups as the verdict wants them."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from katakei.adapters.probes import connection_counts, program_rounds
from katakei.adapters.probes.connection_counts import Count, Mode, Terms, arguments, read_count
from katakei.domain.model import Arn, Group, HealthCheck, Registration, Target, TargetId, TargetType
from katakei.domain.ports import ProbedTarget, ProgramOutput
from katakei.domain.spec import DrainUntil

SHELLS = ("dash", "bash", "busybox")
QUIET = timedelta(milliseconds=300)
IDLE = timedelta(seconds=500)
"""Longer than any test takes: a connection of a slow machine is never proved by its age alone."""

HERE = "127.0.0.1"


def needed(tool: str) -> str:
    """A missing tool must not look like a passing test."""
    found = shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found, f"these tests need {tool}: apt-get install nginx-light php-fpm busybox iproute2 dash"
    return found


def group(
    name: str = "web",
    protocol: str = "HTTP",
    version: str = "HTTP1",
    kind: TargetType = TargetType.INSTANCE,
    idle: timedelta = timedelta(seconds=60),
) -> Group:
    check = HealthCheck(
        "HTTP",
        None,
        "/",
        "200",
        timedelta(seconds=10),
        timedelta(seconds=5),
        healthy_threshold=2,
        unhealthy_threshold=2,
    )
    return Group(
        arn=Arn(name),
        name=name,
        port=80,
        protocol=protocol,
        protocol_version=version,
        target_type=kind,
        delay=timedelta(seconds=300),
        idle_timeout=idle,
        check=check,
        cross_zone=True,
        slow_start=timedelta(),
        minima=(),
        load_balancers=(Arn("lb"),),
        balancer_type="application",
    )


def watched(
    *ports: int, address: str = "", name: str = "i-1", blind: str = "", of: Group | None = None
) -> ProbedTarget:
    its = of or group()
    places = tuple(Registration(its.arn, name, port) for port in ports)
    return ProbedTarget(Target(TargetId(name), "", address, "a", places), (its,), blind)


def terms(until: DrainUntil, of: Group | None = None, quiet: timedelta = QUIET, idle: timedelta = IDLE) -> Terms:
    its = of or group()
    return Terms(until, quiet, idle, http1=its.protocol == "HTTP" and its.protocol_version == "HTTP1")


def shell_argv(shell: str) -> list[str]:
    return [needed(shell), "sh"] if shell == "busybox" else [needed(shell)]


def run(
    words: Sequence[str], shell: str = "dash", path: str = "", prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """The program as it travels, on this machine. It never complains."""
    done = subprocess.run(
        [*prefix, *shell_argv(shell), "-c", program_rounds.program("count.sh"), "count", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": path or os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == ""
    return done


def count(
    it: ProbedTarget, asked: Terms, mode: Mode = Mode.QUIET, *, seconds: int = 0, shell: str = "dash", path: str = ""
) -> Count:
    done = run(arguments(mode, it, asked, timedelta(seconds=seconds)), shell, path)
    assert done.returncode == 0
    found = read_count(done.stdout)
    assert found, done.stdout
    return found


def judged(
    port: int,
    until: DrainUntil,
    of: Group | None = None,
    shell: str = "dash",
    *,
    quiet: timedelta = QUIET,
    idle: timedelta = IDLE,
) -> connection_counts.Finding:
    """One look, and what the program itself made of it must be the same."""
    asked = terms(until, of, quiet, idle)
    it = watched(port, of=of)
    words = arguments(Mode.QUIET, it, asked, timedelta())
    done = run(words, shell)
    found = read_count(done.stdout)
    assert found, done.stdout
    verdict = connection_counts.judge_count(found, asked)
    assert f"\nsample {verdict.verdict.value} " in done.stdout
    return verdict


@dataclass
class Wire:
    """Both ends of one connection to a listening port: `client` is the load balancer's end, `server` the target's."""

    listener: socket.socket
    client: socket.socket
    server: socket.socket
    port: int
    more: list[Callable[[], object]] = field(default_factory=list)

    @classmethod
    def open(cls, family: socket.AddressFamily = socket.AF_INET, address: str = HERE) -> "Wire":
        listener = socket.create_server((address, 0), family=family)
        client = socket.create_connection(listener.getsockname()[:2], timeout=10)
        server, _ = listener.accept()
        for end in (client, server):
            end.settimeout(10)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(listener, client, server, int(listener.getsockname()[1]))

    def ask(self, data: bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") -> None:
        self.client.sendall(data)
        got = b""
        while len(got) < len(data):
            got += self.server.recv(65536)

    def answer(self, data: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") -> None:
        self.server.sendall(data)
        got = b""
        while len(got) < len(data):
            got += self.client.recv(65536)

    def close(self) -> None:
        for undo in reversed(self.more):
            undo()
        for end in (self.client, self.server, self.listener):
            end.close()


class LocalCarrier:
    """Every target is this machine: programs run as processes here."""

    self_from = "KATAKEI_SELF"

    def __init__(self, shell: str = "dash") -> None:
        self._argv = shell_argv(shell)
        self._lock = threading.Lock()
        self._running: dict[str, dict[TargetId, subprocess.Popen[str]]] = {}
        self.sent = 0

    def send(self, program: str, targets: Sequence[Target], within: timedelta) -> str:  # noqa: ARG002 - a test's own bounds hold
        assert len(targets) <= 50
        begun = {
            target.id: subprocess.Popen(
                [*self._argv, "-c", program],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                env={**os.environ, self.self_from: target.id},
            )
            for target in targets
        }
        with self._lock:
            self.sent += 1
            ticket = str(self.sent)
            self._running[ticket] = begun
        return ticket

    def heard(self, ticket: str) -> dict[TargetId, ProgramOutput]:
        with self._lock:
            running = self._running[ticket]
            ended = {target: process for target, process in running.items() if process.poll() is not None}
            for target in ended:
                del running[target]
        printed = {}
        for target, process in ended.items():
            out, _ = process.communicate(timeout=10)
            printed[target] = ProgramOutput(out)
        return printed

    def close(self) -> None:
        for running in self._running.values():
            for process in running.values():
                process.kill()
                process.communicate(timeout=10)


def tools(folder: Path, *without: str) -> str:
    """A PATH on which these tools are missing."""
    place = folder / "tools"
    place.mkdir()
    for tool in ("awk", "cat", "date", "grep", "sleep", "tr", "ss"):
        if tool not in without:
            (place / tool).symlink_to(needed(tool))
    return str(place)
