"""The questions to a reader on the same machine: it answers through a socket in its folder that only root may open.

Run as a program, it prints what `requests.py` reads: a head with the uptime in 1/100 s, one answer, and an end. A
reader that does not answer in time, or that sits in another network namespace, gives no verdict.
"""

import os
import signal
import socket
import sys

SOCKET, PID, LOCK, FORBIDDEN = "socket", "pid", "lock", "forbidden"
FILES = (SOCKET, PID)
PATIENCE = 5.0
"""Seconds that a reader may take to answer, beside the time for which it is asked to watch."""

QUIET, PENDING, GONE = 0, 75, 76
"""Exit codes of the last probe: nothing is pending; something is; there is no verdict."""


class GoneError(Exception):
    """There is no reader that gives a verdict; the text says why."""


def uptime() -> float:
    """Seconds since the machine started, which no change of a clock moves."""
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


def network() -> str:
    """The network namespace of this process."""
    return os.readlink("/proc/self/ns/net")


def folder_of(key: str) -> str:
    """The folder of the reader with this key, beside the marks of the work."""
    return os.path.join(os.environ.get("KATAKEI_STATE") or "/var/lib/katakei", key, "requests")


def pairs(words: "list[str]") -> "dict[str, str]":
    """The values of words NAME=VALUE."""
    return dict(word.split("=", 1) for word in words if "=" in word)


def ask(folder: str, question: str, patience: float = PATIENCE) -> "dict[str, str]":
    """The answer of the reader in this folder. Raises GoneError."""
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)  # the path of a socket has at most 107 bytes
        answer = _talk(question, patience)
    except OSError as error:
        raise GoneError(_why(error)) from None
    finally:
        os.fchdir(here)
        os.close(here)
    found = pairs(answer.split())
    if found.get("net") != network():
        raise GoneError("it does not answer as a reader of this network does")
    return found


def _talk(question: str, patience: float) -> str:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.settimeout(patience)
        link.connect(SOCKET)
        link.sendall(question.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            piece = link.recv(4096)
            if not piece:
                raise OSError("it ended while it was asked")
            answer += piece
        return answer.decode()
    finally:
        link.close()


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "none runs there"
    if isinstance(error, ConnectionRefusedError):
        return "it has died"
    if isinstance(error, socket.timeout):
        return "it does not answer"
    return str(error)


def started(pid: int) -> str:
    """When a process began, in ticks since the machine started (proc(5), field 22); '' for none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def end(folder: str, *, forbid: bool) -> None:
    """Ends the reader, also one that is stopped, and removes what it left. With `forbid` none begins here later."""
    if forbid:
        try:
            os.makedirs(folder, 0o700, exist_ok=True)
            with open(os.path.join(folder, FORBIDDEN), "w", encoding="ascii"):
                pass
        except OSError:
            pass
    try:
        ask(folder, "end", 2.0)
    except GoneError:
        _kill(folder)
    for name in FILES:
        try:
            os.unlink(os.path.join(folder, name))
        except OSError:
            continue


def _kill(folder: str) -> None:
    """Kills the process that the folder names, if it is still that process."""
    try:
        with open(os.path.join(folder, PID), encoding="ascii") as file:
            pid, ticks = file.read().split()
        if started(int(pid)) == ticks:
            os.kill(int(pid), signal.SIGKILL)
    except (OSError, ValueError):
        return


def question_of(words: "dict[str, str]") -> "tuple[str, float]":
    """The question to a reader, and how long it may take."""
    seconds, idle = float(words.get("seconds", "0")), words.get("idle", "65000")
    return f"watch seconds={seconds} idle={idle} times={words.get('times', '1')}", seconds + PATIENCE


def describe(found: "dict[str, str]") -> str:
    """What is pending, for the message of a start that was refused."""
    if found.get("verdict") == "elsewhere":
        return "some of its connections end outside of this machine's sockets"
    return f"{found.get('requests')} requests in progress, {found.get('unknown')} connections unknown"


def say(*lines: str, began: float) -> None:
    """Prints an answer as a whole."""
    text = "\n".join([f"katakei-requests {int(began * 100)}", *lines, "katakei-end"])
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def client_main(argv: "list[str]") -> int:
    """Asks the reader: `mode=look` prints the verdict, `mode=last` ends with an exit code, `mode=end` ends it."""
    began, words = uptime(), pairs(argv)
    folder, mode = folder_of(words["key"]), words["mode"]
    if mode == "end":
        end(folder, forbid=words.get("forbid") == "1")
        say("ended", began=began)
        return QUIET
    try:
        found = ask(folder, *question_of(words))
    except GoneError as why:
        if mode == "last":
            sys.stdout.write(f"the reader of the port's packets gives no verdict: {why}\n")
            return GONE
        say(f"gone {why}", began=began)
        return QUIET
    if mode == "last":
        if found.get("verdict") == "quiet":
            return QUIET
        sys.stdout.write(describe(found) + "\n")
        return PENDING
    say("answer " + " ".join(f"{name}={value}" for name, value in sorted(found.items())), began=began)
    return QUIET
