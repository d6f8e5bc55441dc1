"""Random histories of HTTP connections against a server that knows the truth: no pending request is ever called idle.

KATAKEI_HISTORIES=2000 runs the full proof. Half of the readers begin in the middle of the history. In some histories
the buffer of the reader is so small that packets are lost.
"""

import os
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.unit.adapters.probes.test_histories import Truth
from tests.unit.adapters.probes.world import Wire

from katakei.adapters.probes.wire.reader import Reader

HISTORIES = int(os.environ.get("KATAKEI_HISTORIES", "40"))
VERDICTS = 12
NEVER_SILENT = 3_600_000
PAUSES = (0, 0, 0.001, 0.01, 0.05)
HEAD = b"Host: a\r\n"


class HttpHistory:
    """Requests on one connection, one behind the other, in random pieces."""

    def __init__(self, seed: int, wire: Wire) -> None:
        self.dice, self.wire, self.truth = random.Random(seed), wire, Truth()  # noqa: S311 - a history to play again
        self.over = threading.Event()

    def play(self) -> None:
        while not self.over.is_set():
            self.dice.choice((self._plain, self._upload, self._chunked, self._interim, self._head, self._large))()
            time.sleep(self.dice.choice((*PAUSES, 0.1, 0.2)))

    def _pieces(self, data: bytes) -> list[bytes]:
        at = sorted(self.dice.sample(range(1, len(data)), self.dice.choice((0, 0, 1, 3))))
        return [data[begin:end] for begin, end in zip([0, *at], [*at, len(data)], strict=True)]

    def _ask(self, data: bytes) -> None:
        for piece in self._pieces(data):
            self.wire.client.sendall(piece)
            if self.truth.now() is None:
                self.truth.begin("request")
            left = len(piece)
            while left:
                left -= len(self.wire.server.recv(65536))
            time.sleep(self.dice.choice(PAUSES))

    def _answer(self, data: bytes, *, last: bool = True) -> None:
        """The truth ends right before the last bytes, because the client may acknowledge them at once."""
        *first, final = self._pieces(data)
        for piece in first:
            self.wire.answer(piece)
            time.sleep(self.dice.choice(PAUSES))
        if last:
            self.truth.end()
        self.wire.answer(final)

    def _plain(self) -> None:
        self._ask(b"GET /a HTTP/1.1\r\n" + HEAD + b"\r\n")
        self._answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    def _upload(self) -> None:
        body = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * self.dice.randint(1, 9)
        self._ask(b"POST /a HTTP/1.1\r\nContent-Length: %d\r\n" % len(body) + HEAD + b"\r\n" + body)
        self._answer(b"HTTP/1.1 204 No Content\r\n\r\n")

    def _chunked(self) -> None:
        self._ask(b"GET /a HTTP/1.1\r\n" + HEAD + b"\r\n")
        body = b"".join(b"%x\r\n%s\r\n" % (size, b"y" * size) for size in (3, 17, 300)) + b"0\r\nA: b\r\n\r\n"
        self._answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)

    def _interim(self) -> None:
        self._ask(b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n" + HEAD + b"\r\n")
        self._answer(b"HTTP/1.1 100 Continue\r\n\r\n", last=False)
        self._ask(b"body")
        self._answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", last=False)
        self._answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def _head(self) -> None:
        self._ask(b"HEAD /a HTTP/1.1\r\n" + HEAD + b"\r\n")
        self._answer(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")

    def _large(self) -> None:
        self._ask(b"GET /a HTTP/1.1\r\n" + HEAD + b"\r\n")
        self._answer(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b"z" * 60_000)


@dataclass
class Score:
    pending: int = 0
    wrong: int = 0
    quiet: int = 0
    idle: int = 0

    def verdict(self, history: HttpHistory, reader: Reader) -> None:
        before = history.truth.now()
        quiet = reader.verdict(NEVER_SILENT).quiet
        after = history.truth.now()
        self.quiet += quiet
        if before is not None and before == after:
            self.pending += 1
            self.wrong += quiet
        self.idle += before is None and after is None


def _one(seed: int) -> Score:
    dice, score, wire = random.Random(-seed - 1), Score(), Wire.open(*_ends(seed))  # noqa: S311 - as above
    reader = Reader([wire.port], [wire.listener.getsockname()[0]])
    if seed % 2:  # the connection is younger than its reader
        wire.client.close()
        wire.server.close()
        wire.client = socket.create_connection(wire.listener.getsockname()[:2], timeout=10)
        wire.server, _ = wire.listener.accept()
    if seed % 5 == 0:
        reader._packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    history = HttpHistory(seed, wire)
    thread = threading.Thread(target=history.play)
    thread.start()
    try:
        for _ in range(VERDICTS):
            time.sleep(dice.uniform(0.005, 0.12))
            score.verdict(history, reader)
    finally:
        history.over.set()
        thread.join(30)
        wire.close()
        reader.close()
    return score


def _ends(seed: int) -> tuple[socket.AddressFamily, str]:
    return (socket.AF_INET6, "::1") if seed % 7 == 0 else (socket.AF_INET, f"127.0.{seed % 200}.7")


def test_no_pending_request_is_called_idle() -> None:
    with ThreadPoolExecutor(8) as pool:
        scores = list(pool.map(_one, range(HISTORIES)))
    pending, quiet = sum(score.pending for score in scores), sum(score.quiet for score in scores)
    wrong, idle = sum(score.wrong for score in scores), sum(score.idle for score in scores)
    print(f"\n{HISTORIES} histories: {pending} verdicts at a pending request, {wrong} of them quiet;")  # noqa: T201 - figures
    print(f"{idle} verdicts between requests; {quiet} verdicts were quiet")  # noqa: T201 - figures
    assert pending > HISTORIES
    assert quiet > 0
    assert wrong == 0
