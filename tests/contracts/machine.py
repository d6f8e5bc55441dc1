"""A target as the mark sees it: a shell, a state folder, a boot. Several of them live on this host at once."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from katakei.adapters.executors import mark
from katakei.domain.actions import Job

SHELLS = tuple(shell for shell in ("dash", "bash", "busybox") if shutil.which(shell))
NAME = "r-1/1-update"
SOON = timedelta(seconds=20)


@dataclass
class Machine:
    """`run` hands a text to the shell as the agent does, as a file, and waits; `agent` does not wait."""

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

    def agent(self, text: str) -> subprocess.Popen[str]:
        script = self.folder / f"script-{time.monotonic_ns()}.sh"
        script.write_text(text)
        environment = {
            "PATH": self.path,
            "ME": self.name,
            "KATAKEI_BOOT_ID": self.boot,
            "KATAKEI_STATE": str(self.state),
        }
        return subprocess.Popen(
            [str(self.folder / "bin" / "sh"), str(script)],
            cwd=self.folder,
            env=environment | self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            user=self.user,
            start_new_session=True,
        )

    def run(self, text: str) -> tuple[int, mark.Answer]:
        """What it answered. Nothing but marks is ever printed."""
        with self.agent(text) as agent:
            out, err = agent.communicate(timeout=30)
        assert err == "", err
        assert len(out) < 24_000
        return agent.returncode, mark.read(out)

    def look(self, name: str = NAME) -> mark.Mark:
        _, answer = self.run(mark.look_text([name], "ME"))
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


def start(
    run: str,
    *,
    machine: str = "i-1",
    name: str = NAME,
    late: timedelta = -SOON,
    follow: timedelta = SOON,
    probe: str = "",
    argv: tuple[str, ...] = (),
    **values: str,
) -> str:
    """The text that starts this work on one machine; `late` is how long ago its time was over."""
    line = mark.Line(machine, name, datetime.now(UTC) - late, tuple(values.items()))
    return mark.start_text([line], Job(run, (), 60, argv, probe), follow, "ME")
