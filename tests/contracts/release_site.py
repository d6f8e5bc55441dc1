"""A folder of releases on a machine, and archives to fill it with."""

import gzip
import io
import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from tests.contracts.machine import Machine

from katakei.adapters.executors.mark import command_text
from katakei.domain.actions import Job
from katakei.domain.releases import ArtifactSource, Release, SourceKind

BOUND = 60
PROGRAM = command_text(Job("", (), 60, releases=True))


@dataclass(frozen=True)
class Member:
    """One member of an archive; `kind` is a type of `tarfile`."""

    name: str
    text: str = ""
    kind: bytes = tarfile.REGTYPE
    target: str = ""


def link(name: str, target: str) -> Member:
    return Member(name, kind=tarfile.SYMTYPE, target=target)


def archive(file: Path, *members: Member) -> str:
    """Writes a tar archive, compressed as its name says. Returns its checksum."""
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for each in members:
            info = tarfile.TarInfo(each.name)
            info.type, info.linkname, info.size = each.kind, each.target, len(each.text.encode())
            info.mode = 0o755 if each.kind == tarfile.DIRTYPE else 0o644
            tar.addfile(info, io.BytesIO(each.text.encode()))
    data = whole.getvalue()
    file.write_bytes(gzip.compress(data, mtime=0) if file.suffix == ".gz" else data)
    return sha256(file.read_bytes()).hexdigest()


@dataclass
class Site:
    """The folder `app` of a machine. `run` does what the keeper does with the program, and waits."""

    machine: Machine
    release: Release = field(default=Release("/"))

    def __post_init__(self) -> None:
        self.add("flock")  # an applet that Debian's busybox was built without
        place = f"file://{self.machine.folder}/builds/{{release}}.tar.gz"
        self.release = Release(str(self.path), ArtifactSource(SourceKind.URL, place))

    def add(self, *tools: str) -> None:
        """Gives a machine with busybox tools that it has not."""
        for tool in tools if self.machine.shell == "busybox" else ():
            (self.machine.folder / "bin" / tool).symlink_to(shutil.which(tool) or "")

    @property
    def path(self) -> Path:
        return self.machine.folder / "app"

    @property
    def releases(self) -> list[str]:
        """What is in the folder of releases, also what is hidden."""
        return sorted(each.name for each in (self.path / "releases").iterdir())

    @property
    def current(self) -> str:
        return str((self.path / "current").readlink())

    def build(self, name: str, *members: Member) -> str:
        return archive(self.machine.folder / "builds" / f"{name}.tar.gz", *(members or (Member("app.txt", name),)))

    def source(self, **settings: object) -> Release:
        assert self.release.source
        return replace(self.release, source=replace(self.release.source, **settings))  # type: ignore[arg-type]  # a test's own choice of settings

    def begin(
        self, name: str, release: Release | None = None, rollout: str = "", words: tuple[str, ...] = (), **env: str
    ) -> "subprocess.Popen[str]":
        program = [str(self.machine.folder / "bin" / "sh"), "-c", PROGRAM, "sh"]
        given = {"PATH": self.machine.path, "HOME": str(self.machine.folder), "KATAKEI_ROLLOUT": rollout or f"r-{name}"}
        mine = {"KATAKEI_STATE": str(self.machine.state), "KATAKEI_RELEASE": name}
        return subprocess.Popen(
            [*program, *(words or (release or self.release).words(name))],
            cwd=self.machine.folder,
            env=given | mine | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=self.machine.user,
            start_new_session=True,
        )

    def run(
        self, name: str, release: Release | None = None, rollout: str = "", words: tuple[str, ...] = (), **env: str
    ) -> tuple[int, list[str]]:
        """The exit code, and the lines that it printed."""
        with self.begin(name, release, rollout, words, **env) as process:
            out, _ = process.communicate(timeout=BOUND)
        return process.returncode, out.splitlines()

    def deploy(self, *names: str, release: Release | None = None) -> None:
        """Puts releases into place, each in a rollout of its own."""
        for name in names:
            self.build(name)
            code, lines = self.run(name, release)
            assert code == 0, lines

    def fails(self, name: str, release: Release | None = None, **env: str) -> str:
        """The only complaint of a release that could not be put into place."""
        code, lines = self.run(name, release, "", (), **env)
        assert code == 1, lines
        [complaint] = [line for line in lines if line.startswith("katakei: ")]
        assert lines[-1] == complaint, lines
        return complaint.removeprefix("katakei: ")

    def without(self, *tools: str, to: str = "fewer") -> str:
        """A PATH on which these tools are missing."""
        folder = self.machine.folder / to
        folder.mkdir()
        for place in reversed(self.machine.path.split(":")):
            for tool in Path(place).iterdir() if Path(place).is_dir() else ():
                (folder / tool.name).unlink(missing_ok=True)
                if tool.name not in tools:
                    (folder / tool.name).symlink_to(tool)
        return str(folder)


@contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Ends a process and everything that it began, as a machine that loses its power does."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=BOUND)


def git(folder: Path, *words: str) -> str:
    names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    env = {**os.environ, **names, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    done = subprocess.run(
        ["git", "-C", folder, *words], env=env, capture_output=True, text=True, check=True, timeout=BOUND
    )
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    """A repository with the tag v1, the tag v2 after it, and the branch main after that."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for name in ("v1", "v2", "main"):
        (folder / "app.txt").write_text(name)
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin" / "run").write_text("#!/bin/sh\n")
        (folder / "bin" / "run").chmod(0o755)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", name)
        if name != "main":
            git(folder, "tag", name)
    return folder
