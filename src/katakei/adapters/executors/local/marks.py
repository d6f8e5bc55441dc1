"""The marks of local work, as the process that drives the rollout reads and makes them. `keeper` runs the work.

A mark is a folder with the same files as on a target (see mark.sh):

* the folder itself, made by mkdir, which only one process can: the claim
* `machine`: the machine id of the machine that made it; a state folder can be shared, or be copied in an image
* `boot_id`, `pid` (the keeper) and `work` (the process that leads the work), each with its pid and raw start time
* `out` (the last 64 KiB), `size` (bytes of the whole output), `exit`, `forbidden`: each made by rename
* `cancelled`: the work was told to end
* `go`: made by mkdir by the keeper before it runs anything, or by a process that rules the claim out

The keeper and the work hold locks (flock(2)) on `pid` and `work` for as long as they live, which needs no /proc and
cannot be mistaken for another process. Marks that the version before made have no locks: their start times tell.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from katakei.adapters.executors.local.keeper import CLAIMED, LIVE, LOCKED, NOT_CLAIMED, TOO_LATE, Task, put, was_begun
from katakei.adapters.executors.mark import EXACTLY, TAIL, Mark, MarkState
from katakei.adapters.system.clock import SystemClock
from katakei.adapters.system.process import Kernel, ProcessFate, exists, this_kernel
from katakei.domain.actions import Job
from katakei.domain.errors import NoAnswerError, UnreachableError

KEEPER = ("-P", "-m", "katakei.adapters.executors.local.keeper")
PATIENCE = timedelta(seconds=5)
"""How long canceled work has to end before it is killed."""

NO_VERDICT = 76
"""The exit code of a last probe that cannot tell. Nothing is refused: the start is repeated once there is a verdict."""

_POLL = timedelta(seconds=0.25)
_UNNAMED = timedelta(seconds=2)
"""A claim has no pid for a moment only. After this long its keeper counts as dead."""


class NoVerdictError(Exception):
    """The last probe gave no verdict; the text is what it printed."""


class Lock(Enum):
    """What a file of a mark tells by its lock. ABSENT: its process took none, or the file system has none."""

    HELD = "held"
    FREE = "free"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one mark."""

    state: MarkState
    exit: int | None = None
    why: str = ""


class LocalMarks:
    """The marks in one folder of this machine.

    `boot` names this boot of the machine ('' where that is unknown), `machine` is the machine id, and `env` is the
    environment in which keepers start.
    """

    def __init__(
        self, folder: Path, boot: str, env: Mapping[str, str], kernel: Kernel | None = None, machine: str = ""
    ) -> None:
        self._folder, self._boot, self._env, self._machine = folder, boot, env, machine
        self._kernel = kernel or this_kernel()
        self._clock = SystemClock()

    def look(self, names: Iterable[str], tail: int = TAIL) -> Mapping[str, Mark]:
        """What these marks say, each with the last `tail` bytes of output. Changes nothing, but for a dead claim."""
        return {name: self._told(name, self._judge(self._folder / name), tail) for name in names}

    def forbid(self, names: Iterable[str]) -> Mapping[str, Mark]:
        """Claims these marks for nothing where they are not claimed yet: such work never begins."""
        for name in names:
            folder = self._folder / name
            with suppress(OSError):
                folder.parent.mkdir(parents=True, exist_ok=True)
            self._bar(folder, "forbidden before it was begun")
        return self.look(names)

    def start(self, name: str, job: Job, not_after: datetime, env: Mapping[str, str], by: timedelta) -> Mark:
        """Begins the work of this mark unless it was begun before. Refused work is barred: it never begins later.

        Args:
            name: The mark's folder below the state folder.
            job: The command, its arguments and the last probe before it.
            not_after: The last moment, by the wall clock, at which the work may begin.
            env: The whole environment of the work.
            by: How long the start may take. Raises NoAnswerError after that: look what became of it.
        """
        folder = self._folder / name
        known = folder.is_dir() or self._was_begun(folder)
        try:
            refused = "" if known else self._begin(folder, job, not_after, env, by)
        except NoVerdictError as said:
            return self._told(name, Judged(MarkState.ABSENT, why=str(said)), TAIL)
        return self._told(name, Judged(MarkState.REFUSED, why=refused) if refused else self._judge(folder), TAIL)

    def cancel(self, names: Sequence[str], patience: timedelta = PATIENCE) -> Mapping[str, Mark]:
        """Ends what runs under these marks, with SIGTERM first and with SIGKILL after `patience`."""
        running = [
            leader
            for name in names
            if self._judge(self._folder / name).state is MarkState.RUNNING
            and (leader := self._leader(self._folder / name)) is not None
        ]
        sessions = [_Session(leader.pid) for leader in running]
        for leader, session in zip(running, sessions, strict=True):
            with suppress(OSError):
                (leader.file.parent / "cancelled").touch()
            session.signal(signal.SIGTERM)
        until = self._clock.now() + patience
        while sessions and self._clock.now() < until and self._any_runs(names):
            self._clock.sleep(_POLL)
            for session in sessions:
                session.follow()
        for session in sessions:
            session.signal(signal.SIGKILL)
        if sessions and self._any_runs(names):
            self._clock.sleep(2 * _POLL)
        return self.look(names)

    def _any_runs(self, names: Iterable[str]) -> bool:
        return any(self._judge(self._folder / name).state is MarkState.RUNNING for name in names)

    def _begin(self, folder: Path, job: Job, not_after: datetime, env: Mapping[str, str], by: timedelta) -> str:
        """Why no work begins and no mark could be made; '' when there is a mark now."""
        missing = [shell for shell in ("sh", job.shell) if shutil.which(shell, path=env.get("PATH")) is None]
        if missing:
            return f"{missing[0]} is missing on this machine"
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return f"the state folder cannot be written: {error}"
        if SystemClock().now() > not_after:
            return self._barred(folder, "the start came too late")
        if job.probe and (said := self._probed(job.probe, env)) is not None:
            return self._barred(folder, f"refused by the witness: {said}")
        where = str(self._folder), self._machine, job.shell_words
        task = Task(str(folder), job.run or EXACTLY, job.argv, env, not_after.isoformat(), self._boot, *where)
        failed = self._launch(task, by)
        if failed or not folder.is_dir():
            return self._barred(folder, failed or f"the start came too late, or {folder} could not be made")
        return ""

    def _launch(self, task: Task, by: timedelta) -> str:
        """Why the keeper itself could not be started; '' when it could, whatever it then did."""
        try:
            done = subprocess.run(  # noqa: S603 - this very interpreter
                [sys.executable, *KEEPER],
                input=task.to_json(),
                env=self._env,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=by.total_seconds(),
                check=False,
                start_new_session=True,  # Ctrl-C on a terminal is not meant for it
            )
        except subprocess.TimeoutExpired as error:
            raise NoAnswerError(f"this machine did not answer within {by.seconds}s") from error
        except OSError as error:
            raise UnreachableError(f"no process could be started on this machine: {error.strerror}") from error
        if done.returncode in {CLAIMED, NOT_CLAIMED, TOO_LATE}:
            return ""
        said = done.stderr.strip().splitlines()
        return f"the keeper of local work could not be started: {said[-1] if said else done.returncode}"

    @staticmethod
    def _probed(program: str, env: Mapping[str, str]) -> str | None:
        """What a probe that failed has printed; None when it passed. Raises NoVerdictError."""
        done = subprocess.run(  # noqa: S603 - as the PATH of the work has it
            ["sh", "-c", program],  # noqa: S607
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            start_new_session=True,
        )
        said = " ".join(done.stdout.decode(errors="replace").split("\n")).strip()
        if done.returncode == NO_VERDICT:
            raise NoVerdictError(said)
        return None if done.returncode == 0 else said

    def _barred(self, folder: Path, why: str) -> str:
        """Bars the key; where even that fails nothing is begun here now, for that reason."""
        return "" if self._bar(folder, why) or folder.is_dir() or self._was_begun(folder) else why

    def _bar(self, folder: Path, why: str) -> bool:
        """Claims a mark for nothing. Succeeds when it was this call that did."""
        if self._was_begun(folder):
            return False
        try:
            folder.mkdir(mode=0o700)
            put(folder, "machine", self._machine)
            put(folder, "forbidden", why)
        except OSError:
            return False
        return True

    def _told(self, name: str, judged: Judged, tail: int) -> Mark:
        try:
            printed = LIVE if judged.state is MarkState.RUNNING else "out"
            with (self._folder / name / printed).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - tail))
                out = file.read().decode(errors="replace")
        except OSError:
            out, size = "", 0
        whole = _first_line(self._folder / name / "size") or ""
        cut = int(whole) - min(size, tail) if whole.isdigit() and len(whole) <= 18 else 0
        now = SystemClock().now().replace(microsecond=0)
        return Mark(name, judged.state, now, judged.exit, "", judged.why, out, cut=max(0, cut))

    def _judge(self, folder: Path) -> Judged:
        if not folder.is_dir():
            return self._removed(folder) or Judged(MarkState.ABSENT)
        if not os.access(folder, os.R_OK | os.X_OK):
            return Judged(MarkState.UNKNOWN, why="this user may not read the mark")
        machine = _first_line(folder / "machine") or ""
        if machine and self._machine and machine != self._machine:
            why = f"the mark here is of another machine ({machine}): the two share {self._folder}, or one is an image"
            return Judged(MarkState.UNKNOWN, why=f"{why} of the other")
        until = self._clock.now() + _UNNAMED
        while True:
            if (settled := _settled(folder)) is not None:
                return settled
            if (folder / "pid").exists() or (folder / "go").is_dir() or self._clock.now() > until:
                break
            self._clock.sleep(_POLL)
        if _never_begins(folder):
            why = "it was claimed, but ended before it began"
            return self._removed(folder) or Judged(MarkState.INTERRUPTED, why=why)
        fate, why = self._fate(folder)
        if fate is ProcessFate.ALIVE:
            return Judged(MarkState.RUNNING)
        if (settled := _settled(folder)) is not None:  # it may have ended between the two observations
            return settled
        if fate is ProcessFate.UNKNOWN:
            return Judged(MarkState.UNKNOWN, why=why)
        # Work may be removing its own mark right now. What is left of the mark tells nothing about the work.
        whole = (folder / "pid").exists() and (folder / "boot_id").exists()
        return (None if whole else self._removed(folder)) or Judged(MarkState.INTERRUPTED, why=why)

    def _removed(self, folder: Path) -> Judged | None:
        """Unknown, where work began here under a mark that is gone, or of which parts are gone; else None."""
        why = f"its work began here, but its mark was removed from {self._folder}"
        return Judged(MarkState.UNKNOWN, why=why) if self._was_begun(folder) else None

    def _was_begun(self, folder: Path) -> bool:
        return was_begun(self._folder, str(folder.relative_to(self._folder)))

    def _fate(self, folder: Path) -> tuple[ProcessFate, str]:
        """Whether the keeper or the work lives. Work goes on without its keeper; nobody tells then how it ends."""
        boot, keeper, work = _first_line(folder / "boot_id"), _process(folder / "pid"), _process(folder / "work")
        if boot is None or keeper is None:
            return ProcessFate.DEAD, ""
        if boot != self._boot:
            return ProcessFate.DEAD, "the machine was started anew while it ran"
        fates = [self._fate_of(keeper, inherited=False)]
        if work is not None:
            fates.append(self._fate_of(work, inherited=True))
        if ProcessFate.ALIVE in fates:
            return ProcessFate.ALIVE, ""
        if ProcessFate.UNKNOWN in fates:
            return ProcessFate.UNKNOWN, "whether its process still runs cannot be known"
        return ProcessFate.DEAD, "the process that kept it is dead"

    def _leader(self, folder: Path) -> "_Recorded | None":
        """The process that leads the work's session; None when it is dead."""
        work = _process(folder / "work")
        return work if work and self._fate_of(work, inherited=True) is ProcessFate.ALIVE else None

    def _fate_of(self, recorded: "_Recorded", *, inherited: bool) -> ProcessFate:
        """By its lock, else by its start time.

        Args:
            recorded: The process as its file names it.
            inherited: Its children may hold the lock too, and it may have closed it: a free lock proves nothing while
                the start time shows that it lives.
        """
        if not exists(recorded.pid):
            return ProcessFate.DEAD
        lock = _lock(recorded.file) if recorded.locked else Lock.ABSENT
        if lock is Lock.HELD:
            return ProcessFate.ALIVE
        if lock is Lock.FREE and not inherited:
            return ProcessFate.DEAD
        started = self._kernel.start(recorded.pid)
        if recorded.started and started is not None:
            return ProcessFate.ALIVE if started == recorded.started else ProcessFate.DEAD
        if lock is Lock.FREE or self._kernel.zombie(recorded.pid):
            return ProcessFate.DEAD
        return ProcessFate.UNKNOWN


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A process as the file of a mark names it; `started` is 0 where it could not be read."""

    file: Path
    pid: int
    started: int
    locked: bool


def _process(file: Path) -> _Recorded | None:
    try:
        first, *more = file.read_text().splitlines()
        pid, started = map(int, first.split())
    except (OSError, ValueError):
        return None
    return _Recorded(file, pid, started, LOCKED in more)


def _lock(file: Path) -> Lock:
    """A shared lock is asked for, so that two who look at once do not take each other for the owner."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return Lock.ABSENT
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Lock.HELD
    except OSError:
        return Lock.ABSENT
    finally:
        os.close(descriptor)
    return Lock.FREE


def _first_line(file: Path) -> str | None:
    try:
        return file.read_text(errors="replace").partition("\n")[0]
    except OSError:
        return None


def _settled(folder: Path) -> Judged | None:
    """What no longer changes. An exit once written is the truth, whatever became of the keeper."""
    code, forbidden = _first_line(folder / "exit"), _first_line(folder / "forbidden")
    if code is not None and not (code.isascii() and code.isdigit() and len(code) <= 3):
        return Judged(MarkState.UNKNOWN, why="the exit code in its mark is no number")
    if code is not None:
        cancelled = code != "0" and (folder / "cancelled").exists()
        return Judged(MarkState.ENDED, int(code), "it was told to end" if cancelled else "")
    return None if forbidden is None else Judged(MarkState.FORBIDDEN, why=forbidden)


def _never_begins(folder: Path) -> bool:
    """Claimed and still without a pid. Taking `go` makes it certain for ever that this claim never begins."""
    if (folder / "pid").exists():
        return False
    with suppress(OSError):
        (folder / "go").mkdir()
    return (folder / "go").is_dir() and not (folder / "pid").exists()


class _Session:
    """The processes of the work's session. What left the session is not found again."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._known = _members(leader)

    def follow(self) -> None:
        """Members that are new belong to the same session while one of the known is still there."""
        now = _members(self._leader)
        if now & self._known:
            self._known |= now

    def signal(self, number: signal.Signals) -> None:
        """To each of its processes, and to no stranger that has got the leader's number since."""
        self.follow()
        members = _members(self._leader) & self._known
        for pid in members:
            with suppress(OSError):
                os.kill(pid, number)
        if not self._known:  # the platform lists no processes: the leader's own group is what can be reached
            with suppress(OSError):
                os.killpg(self._leader, number)


def _members(leader: int) -> set[int]:
    import psutil  # noqa: PLC0415 - only a cancel needs it

    try:
        pids = psutil.pids()
    except (psutil.Error, OSError, IndexError):  # an empty /proc is an IndexError
        pids = []
    return {pid for pid in pids if pid > 0 and _session_of(pid) == leader}


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
