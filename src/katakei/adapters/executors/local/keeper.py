"""The keeper of local work: it claims one mark, runs the work under it, and writes how the work ended.

A program of its own (`python -P -m katakei.adapters.executors.local.keeper`), so that the work outlives the process
that started it. It reads one task as JSON on its input, and answers with its exit code once the mark is claimed or
cannot be. It needs POSIX only: no /proc, no `setsid`, no GNU tool. `marks` says what is in the folder of a mark.
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from katakei.adapters.system.clock import SystemClock
from katakei.adapters.system.process import this_kernel

CLAIMED, NOT_CLAIMED, TOO_LATE = 0, 73, 75
"""The exit codes."""

LEDGER = ".begun"
"""The file of the state folder that lists the marks whose work was begun, one a line, so that a lost mark shows."""

LOCKED = "locked"
"""The second line of a file whose process holds a lock (flock(2)) on it for as long as it lives."""

SHOWN = 8_192
"""Bytes of running work that are shown."""

LIVE = "live"
"""The file of a mark with the end of what running work has printed so far; it is gone once the work has ended."""

SHOW_SECONDS = 1.0
"""That file is written at most so often."""

KEPT = 65_536
"""Bytes of the work's output that are kept."""

LEFT_RUNNING_SECONDS = 1.0
"""Processes that the work leaves running may hold its output open for ever: it is read for so long after the end."""

CANCELLED_CODE = 143
HIGH_DESCRIPTOR = 200
"""The work inherits its lock as a descriptor of at least this number, out of the way of `exec 3>file` in a script."""

_STOP_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_FULL_SYNC = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync(2) alone leaves the data in the drive's cache
_TRIES = 60


@dataclass(frozen=True, slots=True)
class Task:
    """One work to keep.

    Attributes:
        folder: The folder of the mark, which does not exist yet; its parent does.
        run: The user's command, which follows `-c`.
        argv: The command's own "$@".
        env: The whole environment of the work.
        not_after: The last moment at which the work may begin, ISO 8601 with a time zone.
        boot: What names this boot of the machine; '' where that is unknown.
        root: The state folder, which the folder of the mark is in.
        machine: The machine id; '' where it has none.
        shell: The shell of the command, with its option.
    """

    folder: str
    run: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    not_after: str
    boot: str
    root: str
    machine: str
    shell: str

    def to_json(self) -> str:
        """As `read` takes it. Half surrogate pairs, which file names can hold, are escaped and survive."""
        return json.dumps(asdict(self))


def read(text: str) -> Task:
    """The task that `Task.to_json` wrote."""
    seen = json.loads(text)
    return Task(**{**seen, "argv": tuple(seen["argv"])})


def main() -> int:
    """Forks the keeper, and waits until it has claimed the mark or has ended."""
    task = read(sys.stdin.read())
    claimed, claiming = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(claimed)
        os._exit(_keep(task, claiming))
    os.close(claiming)
    if os.read(claimed, 1):
        return CLAIMED
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) or NOT_CLAIMED


def _keep(task: Task, claiming: int) -> int:
    """The keeper's life, in a session of its own."""
    os.setsid()
    stopped: list[int] = []
    for number in _STOP_SIGNALS:  # caught, not ignored: the work would inherit an ignored signal
        signal.signal(number, lambda caught, _frame: stopped.append(caught))
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    folder = Path(task.folder)
    if SystemClock().now() > datetime.fromisoformat(task.not_after):
        return TOO_LATE
    try:
        own_lock = _claim(folder, task)
    except OSError:
        return NOT_CLAIMED
    os.write(claiming, b"c")
    os.close(claiming)
    output = _Output(folder, own_lock)
    code = _run(task, folder, output)
    output.end()
    if stopped and code > 128:  # the machine goes down and ends both: the work did not end by itself
        return code
    if code == 0 and (folder / "cancelled").exists():  # cancelled work has not ended well, whatever its code
        code = CANCELLED_CODE
    _record(folder, code)
    return CLAIMED


def was_begun(root: Path, name: str) -> bool:
    """Whether work was begun under the mark of this name, whether or not the mark is still there."""
    try:
        return name in (root / LEDGER).read_text(errors="replace").splitlines()
    except OSError:
        return False


def _claim(folder: Path, task: Task) -> int:
    """Makes the mark, which only one process can. Raises OSError.

    Returns:
        The descriptor that holds the lock on the file `pid` until this process ends.
    """
    folder.mkdir(mode=0o700)
    root = Path(task.root)
    name = str(folder.relative_to(root))
    if was_begun(root, name):  # two starts may be here at once, and the first one's work may have removed its mark
        folder.rmdir()
        raise FileExistsError(name)
    put(folder, "machine", task.machine)
    with (root / LEDGER).open("a") as ledger:
        ledger.write(f"{name}\n")
    put(folder, "boot_id", task.boot)
    lock = _put_locked(folder, "pid")
    (folder / "go").mkdir()
    for path in (folder / "pid", folder, folder.parent, folder.parent.parent):
        _sync(path)
    return lock


def put(folder: Path, name: str, text: str) -> None:
    """One line in a file of the mark, whole or not at all. Raises OSError."""
    draft = folder / f".{name}"
    draft.write_text(f"{text}\n")
    draft.rename(folder / name)


def _put_locked(folder: Path, name: str) -> int:
    """The file that says who this process is; it stays locked while the returned descriptor is open."""
    draft = folder / f".{name}"
    descriptor = os.open(draft, os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    locked = f"{LOCKED}\n"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # some network file systems have no locks: the start time alone tells then
        locked = ""
    pid = os.getpid()
    os.write(descriptor, f"{pid} {this_kernel().start(pid) or 0}\n{locked}".encode())
    draft.rename(folder / name)
    return descriptor


def _sync(path: Path) -> None:
    """A claim that a power cut could undo would let the work begin a second time."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            if _FULL_SYNC is None:
                os.fsync(descriptor)
            else:
                fcntl.fcntl(descriptor, _FULL_SYNC)
        finally:
            os.close(descriptor)


def _run(task: Task, folder: Path, output: "_Output") -> int:
    """Runs the work in a session of its own and waits for it.

    It has its own session so that work which ends its whole process group does not end the keeper, and so that it can
    be told to end with all that it began.

    Returns:
        Its exit code, 128 + N when signal N ended it.
    """
    worker = os.fork()
    if worker == 0:
        _work(task, folder, output.write_end)
    output.close_write_end()
    _, status = os.waitpid(worker, 0)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _work(task: Task, folder: Path, output: int) -> None:
    """Becomes the work; never returns. The work records itself before it begins, so that it is never without a name."""
    try:
        os.setsid()
        for number in (*_STOP_SIGNALS, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        _inherit(_put_locked(folder, "work"))
        os.dup2(output, 1)
        os.dup2(output, 2)
        shell, *options = task.shell.split()
        os.execvpe(shell, [shell, *options, "-c", task.run, shell, *task.argv], task.env)  # noqa: S606 - the user's own command
    except OSError as error:
        os.write(output, f"the work could not be started: {error}\n".encode())
    os._exit(127)


def _inherit(lock: int) -> None:
    """The work keeps the lock after exec."""
    try:
        fcntl.fcntl(lock, fcntl.F_DUPFD, HIGH_DESCRIPTOR)
    except OSError:  # the limit of open files is lower
        os.set_inheritable(lock, True)


class _Output:
    """The work's output, read by a process of its own: a pipe without a reader would kill the work."""

    def __init__(self, folder: Path, own_lock: int) -> None:
        read_end, self.write_end = os.pipe()
        heard, self._control = os.pipe()
        self._written, done = os.pipe()
        if os.fork() == 0:
            for descriptor in (self.write_end, self._control, self._written, own_lock):
                os.close(descriptor)
            with contextlib.suppress(OSError):
                _Reader(folder / "out", read_end, heard, done).read()
            os._exit(0)
        for descriptor in (read_end, heard, done):
            os.close(descriptor)

    def close_write_end(self) -> None:
        """The work has it; the reader sees the end when all of the work have closed theirs."""
        os.close(self.write_end)

    def end(self) -> None:
        """The work has ended: returns when the file `out` is written, and bounded."""
        with contextlib.suppress(OSError):
            os.write(self._control, b"e")
            select.select([self._written], [], [], 5 * LEFT_RUNNING_SECONDS)


class _Reader:
    """Keeps the last `KEPT` bytes, writes them once the work has ended, and reads on until the pipe is closed."""

    def __init__(self, out: Path, output: int, control: int, done: int) -> None:
        self._out, self._output, self._control, self._done = out, output, control, done
        self._tail = b""
        self._size = 0
        self._clock = SystemClock()
        self._live = out.with_name(LIVE)
        self._shown: datetime | None = None
        self._unshown = False
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def read(self) -> None:
        watched, ended, until = [self._output, self._control], False, None
        while True:
            left = max(0.0, (until - self._clock.now()).total_seconds()) if until else None
            if self._unshown:
                left = SHOW_SECONDS if left is None else min(left, SHOW_SECONDS)
            ready, _, _ = select.select(watched, [], [], left)
            if self._control in ready:
                watched.remove(self._control)
                ended = (
                    os.read(self._control, 1) == b"e"
                )  # else the keeper died, and nobody will tell how the work ends
                until = self._clock.now() + timedelta(seconds=LEFT_RUNNING_SECONDS) if ended else None
            if self._output in ready:
                more = os.read(self._output, KEPT)
                self._tail = (self._tail + more)[-KEPT:]
                self._size += len(more)
                if not more:
                    self._write_after_the_end(already=ended)
                    return
                self._unshown = True
            if self._unshown and self._done >= 0:
                self._show()
            if until and self._clock.now() >= until:
                self._write()
                until = None

    def _show(self) -> None:
        """What was printed so far, at most once a second, for a look before the work has ended."""
        now = self._clock.now()
        if self._shown is not None and now - self._shown < timedelta(seconds=SHOW_SECONDS):
            return
        self._shown, self._unshown = now, False
        with contextlib.suppress(OSError):
            draft = self._live.with_name(f".{LIVE}")
            draft.write_bytes(self._tail[-SHOWN:])
            draft.rename(self._live)

    def _write_after_the_end(self, *, already: bool) -> None:
        """All of the work have closed their output; the keeper may not have said yet that the work has ended."""
        if self._done >= 0 and (already or os.read(self._control, 1) == b"e"):
            self._write()

    def _write(self) -> None:
        draft = self._out.with_name(".out")
        with contextlib.suppress(OSError):
            draft.write_bytes(self._tail)
            draft.rename(self._out)
            put(self._out.parent, "size", str(self._size))
            self._live.unlink(missing_ok=True)
        os.close(self._done)
        self._done = -1


def _record(folder: Path, code: int) -> None:
    """A full disk must not turn an end into an interruption, if that can be helped."""
    for _ in range(_TRIES):
        try:
            put(folder, "exit", str(code))
        except OSError:
            if not folder.is_dir():  # the work removed its mark
                return
            SystemClock().sleep(timedelta(seconds=1))
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
