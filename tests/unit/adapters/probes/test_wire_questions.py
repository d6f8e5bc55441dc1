"""The reader itself, without packets of a network: the order of a verdict, what it loses, and the questions to it."""

import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.adapters.probes.wire_packets import IDLE_MS, OWN, PORT, Talk

from katakei.adapters.probes.wire import client
from katakei.adapters.probes.wire import reader as module
from katakei.adapters.probes.wire.kernel import LONGEST
from katakei.adapters.probes.wire.reader import Question, Reader
from katakei.adapters.probes.wire.tracker import Socket, Tracker, Verdict


class Wave:
    """Packets that wait to be read, and how many of them did not fit."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.size = 0
        self.drops = 0

    def recv_into(self, buffer: bytearray) -> int:
        if not self.waiting:
            raise BlockingIOError
        packet = self.waiting.pop(0)
        buffer[: len(packet)] = packet
        return self.size or len(packet)

    def getsockopt(self, *_: int) -> bytes:
        drops, self.drops = self.drops, 0
        return struct.pack("II", 0, drops)

    def close(self) -> None:
        """Nothing is open."""


class Taker(Tracker):
    """Where a hand-made talk leaves its packets."""

    def __init__(self, wave: Wave) -> None:
        super().__init__(frozenset(), frozenset())
        self._wave = wave

    def packet(self, data: bytes, now: float) -> None:
        del now
        self._wave.waiting.append(data)


class Told:
    """A reader whose packets, table and clock are made by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wave = Wave()
        self.now = 1000.0
        self.table: list[Socket] = []
        self.meanwhile: Callable[[], object] = int
        monkeypatch.setattr(module, "interface_of", lambda _: "eth0")
        monkeypatch.setattr(module, "open_packets", lambda *_: self.wave)
        monkeypatch.setattr(module, "sockets", lambda *_: self._sockets())
        monkeypatch.setattr(module, "uptime", lambda: self.now)
        self.reader = Reader([PORT], [OWN])
        self.talk = Talk(Taker(self.wave))

    def _sockets(self) -> list[Socket]:
        table = list(self.table)
        self.meanwhile()
        return table

    def open(self) -> "Told":
        self.talk.open()
        self.table = [self.talk.row()]
        return self

    def judge(self) -> Verdict:
        return self.reader.verdict(IDLE_MS)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def test_an_open_connection_is_quiet(told: Told) -> None:
    assert told.open().judge().quiet


def test_a_packet_that_comes_while_the_table_is_read_counts(told: Told) -> None:
    told.open().meanwhile = told.talk.ask
    assert told.judge().requests == 1


def test_a_connection_that_ends_while_the_table_is_read_is_not_unknown(told: Told) -> None:
    told.open().judge()
    told.meanwhile = told.talk.end
    assert told.judge().quiet


def test_packets_are_read_before_the_table(told: Told) -> None:
    """What came before is known when the table is read: a connection that the table lacks twice ends elsewhere."""
    told.open()
    told.table = []
    assert told.judge().idle == 1
    told.talk.ask()
    assert told.judge().elsewhere


def test_packets_that_did_not_fit_make_everything_unknown(told: Told) -> None:
    told.open().judge()
    told.wave.drops = 1
    assert told.judge().unknown == 1
    assert told.judge().unknown == 1
    told.talk.ask().answer()
    assert told.judge().quiet


def test_a_packet_that_is_longer_than_the_buffer_makes_everything_unknown(told: Told) -> None:
    told.open().judge()
    told.talk.from_client()
    told.wave.size = LONGEST
    assert told.judge().unknown == 1
    assert told.reader.tracker.lost == 1


def test_packets_without_end_make_everything_unknown(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.open().judge()
    monkeypatch.setattr(module, "MAX_AT_ONCE", 3)
    for _ in range(2):
        told.talk.from_client()
    assert told.judge().quiet
    for _ in range(4):
        told.talk.from_client()
    told.reader.drain()
    assert told.reader.tracker.lost == 1


class Asked:
    """A question to a reader whose verdicts are written down."""

    def __init__(self, told: Told, verdicts: str, **words: str) -> None:
        self.told, self.verdicts = told, list(verdicts)
        ours, its = socket.socketpair()
        self.link = ours
        self.question = Question(its, {"seconds": "60", "times": "3", **words}, told.now)
        told.reader.verdict = self._verdict  # type: ignore[method-assign]  # a script in place of packets
        told.reader._questions.append(self.question)

    def _verdict(self, idle: int) -> Verdict:
        assert idle == self.question.idle
        found, kind = Verdict(), self.verdicts.pop(0)
        found.requests = int(kind == "b")
        found.elsewhere = kind == "e"
        return found

    def answered(self) -> str:
        """The verdict of the answer; how many were asked for is in what is left."""
        while self.told.reader._questions:
            assert self.question.due <= self.told.now + 1
            self.told.now = self.question.due
            self.told.reader._judge(self.question)
        words = client.pairs(self.link.recv(4096).decode().split())
        self.link.close()
        return words["verdict"]


@pytest.mark.parametrize(
    ("verdicts", "answer", "left"),
    [("qqqx", "quiet", "x"), ("qqbqqqx", "quiet", "x"), ("bqqqx", "quiet", "x"), ("qbqbqqq", "quiet", "")],
)
def test_three_quiet_verdicts_in_a_row_are_quiet(told: Told, verdicts: str, answer: str, left: str) -> None:
    asked, began = Asked(told, verdicts), told.now
    assert asked.answered() == answer
    assert "".join(asked.verdicts) == left
    assert told.now - began == len(verdicts) - len(left) - 1  # a second apart


@pytest.mark.parametrize(
    ("verdicts", "answer"), [("bbbb", "busy"), ("qbqb", "busy"), ("bbbq", "busy"), ("bbbe", "elsewhere")]
)
def test_a_question_ends_with_its_time(told: Told, verdicts: str, answer: str) -> None:
    asked = Asked(told, verdicts, seconds="3")
    assert asked.answered() == answer
    assert asked.verdicts == []


def test_a_row_that_has_begun_may_end_one_verdict_late(told: Told) -> None:
    assert Asked(told, "bqq", seconds="1.5", times="2").answered() == "quiet"
    assert Asked(told, "bqb", seconds="1.5", times="2").answered() == "busy"


def _ask(reader: Reader, question: bytes) -> bytes:
    ours, its = socket.socketpair()
    with ours:
        ours.sendall(question)
        reader._read(its)
        return ours.recv(4096)


def test_each_question_renews_the_lifetime(told: Told) -> None:
    told.now += 500
    assert b"pid=" in _ask(told.reader, b"state\n")
    assert told.reader._until == told.now + module.LIFETIME
    assert not told.reader._ending
    assert b"pid=" in _ask(told.reader, b"end\n")
    assert told.reader._ending


class Link:
    """A connection of this user."""

    def __init__(self, user: int) -> None:
        self.user, self.sent = user, b""

    def getsockopt(self, *_: int) -> bytes:
        return struct.pack("3i", 1, self.user, 1)

    def settimeout(self, seconds: float) -> None:
        assert seconds <= 1

    def recv(self, _: int) -> bytes:
        return b"state\n"

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        """Nothing is open."""


def test_only_root_and_the_own_user_are_answered(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1001)
    for user in (0, 1001):
        link = Link(user)
        told.reader._read(link)  # type: ignore[arg-type]  # all that a reader needs of a link
        assert b"pid=" in link.sent
    stranger = Link(1002)
    with pytest.raises(OSError, match="another user"):
        told.reader._read(stranger)  # type: ignore[arg-type]  # as above
    assert stranger.sent == b""


def test_a_process_that_took_the_number_of_a_reader_is_not_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: killed.append(pid))
    for began, expected in (("1", []), (client.started(os.getpid()), [os.getpid()])):
        (tmp_path / client.PID).write_text(f"{os.getpid()} {began}\n")
        client.end(str(tmp_path), forbid=False)
        assert killed == expected


@pytest.mark.parametrize(
    ("said", "code"),
    [("quiet", client.QUIET), ("busy", client.PENDING), ("elsewhere", client.PENDING), ("", client.PENDING)],
)
def test_the_last_probe_passes_only_a_quiet_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str, code: int
) -> None:
    monkeypatch.setattr(client, "ask", lambda *_: {"verdict": said} if said else {})
    assert client.client_main(["key=r-1", "mode=last"]) == code
    assert bool(capsys.readouterr().out) is (code != client.QUIET)


def test_the_last_probe_says_that_no_reader_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KATAKEI_STATE", str(tmp_path))
    assert client.client_main(["key=r-1", "mode=last"]) == client.GONE == 76


CUT = f"verdict=quiet net={client.network()}".encode()


@pytest.mark.parametrize("said", [b"", CUT, b"verdict=quiet\n", b"verdict=quiet net=elsewhere\n"])
def test_an_answer_that_is_cut_or_of_another_network_is_no_verdict(tmp_path: Path, said: bytes) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    here = Path.cwd()
    os.chdir(tmp_path)
    listener.bind(client.SOCKET)
    os.chdir(here)
    listener.listen(1)

    def answer() -> None:
        link, _ = listener.accept()
        link.recv(100)
        link.sendall(said)
        link.close()

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(client.GoneError):
        client.ask(str(tmp_path), "watch", 30)
    thread.join(30)
    listener.close()
