"""A machine as the mark sees it: a shell, a state folder, a boot. Several of them live on this host at once.

A `LocalMachine` is the same for local work: this host without a shell program. `masked` hides what macOS does not have:
its processes find an empty /proc (a mount namespace), and no `setsid` or other tool beyond POSIX on the PATH.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from katakei.adapters.executors import mark
from katakei.domain.actions import Job

REMOVAL_LIMIT = 20  # seconds
SHELLS = tuple(shell for shell in ("dash", "bash", "busybox") if shutil.which(shell))
LOCAL = ("local", "masked")
NAME = "r-1/1-update"
SOON = timedelta(seconds=20)
PATIENCE = timedelta(seconds=5)
NEVER_TOO_LATE = datetime(9999, 1, 1, tzinfo=UTC)
POSIX_TOOLS = ("sh", "cat", "echo", "id", "printf", "sleep", "tee", "touch")
TOOLS_OF_THE_WORK = ("seq", "rm")


@dataclass(frozen=True)
class Request:
    """What a machine is asked: to start, look at, forbid or cancel work. `text` is that for a shell."""

    verb: str
    names: tuple[str, ...] = (NAME,)
    run: str = ""
    argv: tuple[str, ...] = ()
    probe: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    not_after: datetime = NEVER_TOO_LATE
    follow: timedelta = SOON
    patience: timedelta = PATIENCE
    machine: str = "i-1"
    place: str = ""
    shell: str = "sh"
    errexit: bool = False

    @property
    def job(self) -> Job:
        return Job(self.run, (), 60, self.argv, self.probe, shell=self.shell, errexit=self.errexit)

    @property
    def text(self) -> str:
        if self.verb == "start":
            line = mark.Line(self.machine, self.names[0], self.not_after, tuple(self.values.items()), place=self.place)
            return mark.start_text([line], self.job, self.follow, "ME")
        text = {"look": mark.look_text, "forbid": mark.forbid_text, "cancel": mark.cancel_text}[self.verb]
        return text(self.names, "ME").replace("patience=20", f"patience={int(self.patience.total_seconds() * 4)}")

    @property
    def json(self) -> str:
        given: dict[str, object] = {
            "verb": self.verb,
            "names": self.names,
            "run": self.run,
            "argv": self.argv,
            "probe": self.probe,
        }
        given |= {"shell": self.shell, "errexit": self.errexit}
        spans = {"follow": self.follow.total_seconds(), "patience": self.patience.total_seconds()}
        return json.dumps({**given, **spans, "values": dict(self.values), "not_after": self.not_after.isoformat()})


def start(
    run: str,
    *,
    name: str = NAME,
    late: timedelta = -SOON,
    follow: timedelta = SOON,
    probe: str = "",
    argv: tuple[str, ...] = (),
    machine: str = "i-1",
    place: str = "",
    **values: str,
) -> Request:
    """To start this work on one machine; `late` is how long ago its time was over."""
    return Request(
        "start", (name,), run, argv, probe, values, datetime.now(UTC) - late, follow, machine=machine, place=place
    )


def forbid(*names: str) -> Request:
    return Request("forbid", names)


def cancel(*names: str, patience: timedelta = PATIENCE) -> Request:
    return Request("cancel", names, patience=patience)


@dataclass
class Machine:
    """`run` hands a request to the shell as the agent does, as a file, and waits; `agent` does not wait."""

    folder: Path
    shell: str = "dash"
    name: str = "i-1"
    boot: str = "first"
    user: int | None = None
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        (self.folder / "bin").mkdir(exist_ok=True)
        found = shutil.which(self.shell) or ""
        applets = ["sh"]
        if self.shell == "busybox":
            applets = subprocess.run([found, "--list"], capture_output=True, text=True, check=True).stdout.split()
        for applet in applets:
            link = self.folder / "bin" / applet
            if not link.exists():
                link.symlink_to(found)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def path(self) -> str:
        own = str(self.folder / "bin")
        return own if self.shell == "busybox" else f"{own}:{os.environ['PATH']}"

    def place(self, name: str = NAME) -> Path:
        return self.state / name

    @property
    def new_session(self) -> str:
        """What begins a command in a session of its own."""
        return "setsid"

    def stranger(self, pid: str) -> str:
        """The file of a mark that names another process which has this pid now."""
        return f"{pid} 1\n"

    def command(self, request: Request | str) -> list[str]:
        script = self.folder / f"script-{time.monotonic_ns()}.sh"
        script.write_text(request if isinstance(request, str) else request.text)
        return [str(self.folder / "bin" / "sh"), str(script)]

    def agent(self, request: Request | str) -> subprocess.Popen[str]:
        environment = {
            "PATH": self.path,
            "ME": self.name,
            "KATAKEI_BOOT_ID": self.boot,
            "KATAKEI_STATE": str(self.state),
        }
        return subprocess.Popen(
            self.command(request),
            cwd=self.folder,
            env=environment | self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            user=self.user,
            start_new_session=True,
        )

    def run(self, request: Request | str) -> tuple[int, mark.MarkReport]:
        """What it answered. Nothing but marks is ever printed."""
        with self.agent(request) as agent:
            out, err = agent.communicate(timeout=30)
        assert err == "", err
        assert len(out) < 24_000
        return agent.returncode, mark.read(out)

    def look(self, name: str = NAME) -> mark.Mark:
        _, answer = self.run(Request("look", (name,)))
        found = answer.of(name)
        assert found
        return found

    def until(self, *states: mark.MarkState, name: str = NAME, within: float = 10) -> mark.Mark:
        """Look until the mark says one of these."""
        deadline = time.monotonic() + within
        while (found := self.look(name)).state not in states:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def end(self) -> None:
        """Nothing that began here may outlive the test."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                mine = f"KATAKEI_STATE={self.state}\0".encode() in (entry / "environ").read_bytes()
                if mine:
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue


@dataclass
class LocalMachine(Machine):
    """This host, for local work."""

    shell: str = "local"

    def __post_init__(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        (self.folder / "empty").mkdir(exist_ok=True)
        (self.folder / "bin").mkdir(exist_ok=True)
        for tool in (*POSIX_TOOLS, *TOOLS_OF_THE_WORK):
            (self.folder / "bin" / tool).symlink_to(shutil.which(tool) or "")

    @property
    def path(self) -> str:
        return str(self.folder / "bin")

    @property
    def new_session(self) -> str:
        return f"{sys.executable} -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])'"

    def stranger(self, pid: str) -> str:
        return f"{pid} 1\nlocked\n" if self.shell == "masked" else super().stranger(pid)

    def command(self, request: Request | str) -> list[str]:
        assert isinstance(request, Request)
        agent = [sys.executable, "-P", str(Path(__file__).with_name("local_agent.py")), request.json]
        if self.shell != "masked":
            return agent
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        mask = f'PATH={os.environ["PATH"]} mount --bind "$1" /proc && shift && exec "$@"'
        return [
            shutil.which(unshare[0]) or "",
            *unshare[1:],
            "sh",
            "-c",
            mask,
            "mask",
            str(self.folder / "empty"),
            *agent,
        ]


def remove_folder(folder: Path) -> None:
    """Removes a folder, again and again within a bound while a process still adds files to it or removes some."""
    deadline = time.monotonic() + REMOVAL_LIMIT
    while True:
        try:
            return shutil.rmtree(folder)
        except OSError:
            if not folder.exists():
                return None
            if time.monotonic() > deadline:
                raise


def copy_folder(folder: Path, to: Path) -> None:
    """Copies a state folder as an image does, again within a bound when a process renamed a file meanwhile."""
    deadline = time.monotonic() + REMOVAL_LIMIT
    while True:
        try:
            shutil.copytree(folder, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("pipe"))
        except shutil.Error:
            if time.monotonic() > deadline:
                raise
        else:
            return


def machine_of(kind: str, folder: Path) -> Machine:
    """A machine with this shell, or one for local work."""
    return LocalMachine(folder, kind) if kind in LOCAL else Machine(folder, kind)
