"""The reader itself: a detached process that follows the packets of a target's ports and answers questions.

It ends when a question asks for that, when nobody has asked it for its lifetime, or at any error. An error is never
quiet, because then nobody answers any more. It prints, keeps and sends nothing of the traffic but counts and ages.
"""

import fcntl
import gc
import os
import select
import signal
import socket
import struct
import sys

from katakei.adapters.probes.wire.client import (
    FILES,
    FORBIDDEN,
    LOCK,
    PID,
    SOCKET,
    GoneError,
    ask,
    client_main,
    folder_of,
    network,
    pairs,
    say,
    started,
    uptime,
)
from katakei.adapters.probes.wire.kernel import (
    LONGEST,
    UnableError,
    dropped,
    interface_of,
    open_packets,
    packed,
    sockets,
)
from katakei.adapters.probes.wire.tracker import Tracker, Verdict

PAUSE = 0.05
"""Seconds between two readings of the packets: together they cost less than one by one."""

SPREAD = 1.0
"""Seconds between two verdicts for one question."""

MAX_AT_ONCE = 400000
"""Packets in one reading. With more there is no end of them, and so no verdict."""

LIFETIME = 600.0
"""Seconds after the last question until it ends."""

READY = 20.0
"""Seconds that a start waits for the reader, or for another start."""


class Question:
    """A question that is not answered yet.

    Attributes:
        link: The connection of who asks.
        until: When it is answered at the latest.
        idle: How long a silent connection must have been silent, in ms.
        times: How many quiet verdicts in a row are still wanted.
        due: When the next verdict is due.
    """

    def __init__(self, link: socket.socket, words: "dict[str, str]", now: float) -> None:
        self.link = link
        self.until = now + float(words.get("seconds", "0"))
        self.idle = int(words.get("idle", "65000"))
        self.wanted = self.times = int(words.get("times", "1"))
        self.due = now


class Reader:
    """The packets, the connections they show, and the questions about them."""

    def __init__(self, ports: "list[int]", addresses: "list[str]", lifetime: float = LIFETIME) -> None:
        """Begins to follow the packets. Raises UnableError."""
        try:
            own = [packed(address) for address in addresses]
        except OSError:
            raise UnableError("one of its addresses cannot be read") from None
        self._ports, self._own = frozenset(ports), frozenset(own)
        self._interface = interface_of(own)
        self.tracker = Tracker(self._ports, self._own)
        self._packets = open_packets(self._interface, ports)
        try:
            sockets(self._ports, self._own)
        except OSError as error:
            raise UnableError(f"the kernel's table of sockets cannot be read: {error}") from None
        self._buffer = bytearray(LONGEST)
        self._began = uptime()
        self._lifetime = lifetime
        self._until = self._began + lifetime
        self._questions: list[Question] = []
        self._ending = False

    def close(self) -> None:
        """Follows nothing any more."""
        self._packets.close()

    def run(self, listener: socket.socket) -> None:
        """Follows and answers until a question ends it, or its lifetime is over."""
        listener.setblocking(False)
        while not self._ending and uptime() < self._until:
            select.select([listener], [], [], PAUSE)
            self.drain()
            self._accept(listener)
            now = uptime()
            for question in [each for each in self._questions if each.due <= now]:
                self._judge(question)

    def drain(self) -> None:
        """Reads every packet that has come."""
        now, buffer, follow = uptime(), self._buffer, self.tracker.packet
        for _ in range(MAX_AT_ONCE):
            try:
                size = self._packets.recv_into(buffer)
            except BlockingIOError:
                return
            if size >= LONGEST:
                self.tracker.lose_all()
            else:
                follow(bytes(buffer[:size]), now)
        self.tracker.lose_all()

    def verdict(self, idle: int) -> Verdict:
        """The verdict of this moment: the kernel's table first, then the packets up to now, then the lost ones."""
        self.drain()
        self.tracker.before_table()
        table = sockets(self._ports, self._own)
        self.drain()
        if dropped(self._packets):
            self.tracker.lose_all()
        return self.tracker.judge(table, idle, uptime())

    def _accept(self, listener: socket.socket) -> None:
        try:
            link, _ = listener.accept()
        except BlockingIOError:
            return
        try:
            self._read(link)
        except (OSError, ValueError):
            link.close()

    def _read(self, link: socket.socket) -> None:
        """Reads one question. Only root, or the user of the reader, is answered."""
        _, user, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, 17, 12))  # SO_PEERCRED
        if user not in (0, os.geteuid()):
            raise OSError("another user")
        link.settimeout(1.0)
        text = link.recv(1024).decode("ascii")
        word, words = text.split()[0], pairs(text.split())
        now = uptime()
        self._until = now + self._lifetime
        if word == "watch" and len(self._questions) < 20:
            self._questions.append(Question(link, words, now))
            return
        self._ending = self._ending or word == "end"
        self._tell(link, {})

    def _judge(self, question: Question) -> None:
        """One more verdict for a question. It is answered when enough were quiet, or when its time is over."""
        found, now = self.verdict(question.idle), uptime()
        question.wanted = question.wanted - 1 if found.quiet else question.times
        question.due = now + SPREAD
        if question.wanted and question.due <= question.until:
            return
        if question.wanted and found.quiet and question.until - now > 0:
            return
        self._questions.remove(question)
        verdict = "elsewhere" if found.elsewhere else "busy" if question.wanted else "quiet"
        answer = {"verdict": verdict, "requests": str(found.requests), "oldest": str(int(found.oldest * 1000))}
        counts = {"unknown": found.unknown, "idle": found.idle, "silent": found.silent}
        try:
            self._tell(question.link, {**answer, **{name: str(value) for name, value in counts.items()}})
        except OSError:
            question.link.close()

    def _tell(self, link: socket.socket, found: "dict[str, str]") -> None:
        moments = {"at": str(int(uptime() * 100)), "since": str(int(self._began * 100))}
        own = {"net": network(), "pid": str(os.getpid()), "lost": str(self.tracker.lost)}
        words = {**found, **moments, **own}
        try:
            link.sendall(" ".join(f"{name}={value}" for name, value in words.items()).encode() + b"\n")
        finally:
            link.close()


def made(words: "dict[str, str]") -> Reader:
    """A reader as its arguments describe it. Raises UnableError."""
    ports = [int(port) for port in words["ports"].split(",")]
    return Reader(ports, words["addresses"].split(","), float(words.get("lifetime", LIFETIME)))


def check(words: "dict[str, str]") -> None:
    """Tries whether a reader could begin, and leaves nothing behind. Raises UnableError."""
    made(words).close()
    folder = folder_of(words["key"])
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UnableError(f"its folder cannot be written: no right to write to {folder}")


def start(words: "dict[str, str]") -> "dict[str, str]":
    """Finds the reader of this key, or begins one. Raises UnableError."""
    folder = folder_of(words["key"])
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        lock = os.open(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UnableError(f"its folder cannot be written: {error}") from None
    try:
        _locked(lock)
        if os.path.exists(os.path.join(folder, FORBIDDEN)):
            raise UnableError("its rollout has ended")
        try:
            return ask(folder, "state")
        except GoneError:
            _begin(folder, words, lock)
    finally:
        os.close(lock)
    try:
        return ask(folder, "state")
    except GoneError as why:
        raise UnableError(f"it began and does not answer: {why}") from None


def _locked(lock: int) -> None:
    """Waits for another start of the same reader. Raises UnableError."""
    until = uptime() + READY
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if uptime() > until:
                raise UnableError("another start of it does not end") from None
            select.select([], [], [], 0.1)
        else:
            return


def _begin(folder: str, words: "dict[str, str]", lock: int) -> None:
    """Begins a detached process, and waits until it follows the packets. Raises UnableError."""
    ours, its = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os.close(lock)
        _detached(folder, words, its)
    os.close(its)
    os.waitpid(child, 0)
    with os.fdopen(ours, "rb") as report:
        ready, _, _ = select.select([report], [], [], READY)
        said = os.read(ours, 4096).decode(errors="replace") if ready else "it does not begin"
    if said != "ready":
        raise UnableError(said or "it died while it began")


def _detached(folder: str, words: "dict[str, str]", report: int) -> None:
    """The process of the reader; it never returns."""
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.umask(0o077)
        os.chdir(folder)
        try:
            reader = made(words)
            listener = _listen()
        except (UnableError, OSError) as why:
            os.write(report, str(why).encode())
            os._exit(1)
        os.write(report, b"ready")
        os.close(report)
        gc.disable()  # nothing here forms cycles
        reader.run(listener)
        for name in FILES:
            os.unlink(name)
    finally:
        os._exit(1)


def _listen() -> socket.socket:
    """The socket in the present folder, with the mark of this process beside it."""
    for name in FILES:
        if os.path.lexists(name):
            os.unlink(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(SOCKET)
    os.chmod(SOCKET, 0o600)
    listener.listen(20)
    with open(PID, "w", encoding="ascii") as file:
        file.write(f"{os.getpid()} {started(os.getpid())}\n")
    return listener


def main(argv: "list[str]") -> int:
    """`mode=start` finds or begins the reader, `mode=check` only tries whether it could; other modes ask it."""
    began, words = uptime(), pairs(argv)
    if words.get("mode") not in ("start", "check"):
        return client_main(argv)
    try:
        if words["mode"] == "check":
            check(words)
            say("able", began=began)
            return 0
        found = start(words)
    except UnableError as why:
        say(f"unable {why}", began=began)
        return 0
    say("answer " + " ".join(f"{name}={value}" for name, value in sorted(found.items())), began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
