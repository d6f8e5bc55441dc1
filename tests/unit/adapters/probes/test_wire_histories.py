"""Random histories of HTTP connections against a server that knows the truth: no pending request is ever called idle.

KATAKEI_HISTORIES=2000 runs the full proof. Half of the readers begin in the middle of the history. In some histories
the buffer of the reader is so small that packets are lost. The histories are played on loopback, between two network
namespaces with the MTU of the internet and of AWS, and over a cable that loses packets.
"""

import os
import random
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from tests.unit.adapters.probes.roads import Loopback, LossyCable, Pair, Road, connect_again, joined
from tests.unit.adapters.probes.test_histories import Truth
from tests.unit.adapters.probes.world import Wire

from katakei.adapters.probes.wire.kernel import open_packets
from katakei.adapters.probes.wire.reader import Reader

HISTORIES = int(os.environ.get("KATAKEI_HISTORIES", "300"))
ROADS: dict[str, Callable[[], Road]] = {
    "loopback": Loopback,
    "MTU 1500": lambda: Pair(1500, whole=True),
    "MTU 1500 without GSO": lambda: Pair(1500, whole=False),
    "MTU 9001": lambda: Pair(9001, whole=True),
    "MTU 9001 without GSO": lambda: Pair(9001, whole=False),
    "loss with MTU 1500": lambda: LossyCable(1500),
    "loss with MTU 9001": lambda: LossyCable(9001),
}
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
            left = len(piece)
            while left:
                left -= len(self.wire.server.recv(65536))
                if self.truth.now() is None:  # what has not arrived yet is pending nowhere on the target
                    self.truth.begin("request")
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
    lost: bool = False

    def verdict(self, history: HttpHistory, reader: Reader) -> None:
        before = history.truth.now()
        quiet = reader.verdict(NEVER_SILENT).quiet
        after = history.truth.now()
        self.quiet += quiet
        if before is not None and before == after:
            self.pending += 1
            self.wrong += quiet
        self.idle += before is None and after is None


def _one(road: Road, seed: int) -> Score:
    dice, score = random.Random(-seed - 1), Score()  # noqa: S311 - as above
    wire = joined(road, socket.AF_INET6 if seed % 3 == 0 else socket.AF_INET, seed)
    reader = Reader([wire.port], [wire.listener.getsockname()[0]])
    if seed % 2:  # the connection is younger than its reader
        connect_again(road, wire)
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
        thread.join(60)
        wire.close()
        reader.close()
    score.lost = bool(reader.tracker.lost)
    return score


@pytest.mark.parametrize("name", ROADS)
def test_no_pending_request_is_called_idle(name: str) -> None:
    mine = range(list(ROADS).index(name), HISTORIES, len(ROADS))
    road = ROADS[name]()
    try:
        with ThreadPoolExecutor(8, initializer=road.enter) as pool:
            scores = list(pool.map(lambda seed: _one(road, seed), mine))
        lost = road.lost if isinstance(road, LossyCable) else None
    finally:
        road.close()
    pending, quiet = sum(score.pending for score in scores), sum(score.quiet for score in scores)
    wrong, idle = sum(score.wrong for score in scores), sum(score.idle for score in scores)
    print(f"\n{name}: {len(mine)} histories, {pending} verdicts at a pending request, {wrong} of them quiet;")  # noqa: T201 - figures
    print(f"{idle} verdicts between requests; {quiet} verdicts were quiet")  # noqa: T201 - figures
    assert pending > len(mine)
    assert quiet > 0
    assert any(score.lost for score in scores), "no reader lost a packet of a buffer that was too small"
    assert lost is None or lost > len(mine)
    assert wrong == 0


@pytest.mark.parametrize("name", ["MTU 1500", "MTU 1500 without GSO", "MTU 9001 without GSO"])
def test_a_road_carries_packets_of_its_size(name: str) -> None:
    """Without this, all roads might be the same one."""
    road = ROADS[name]()
    sizes: list[int] = []

    def play() -> None:
        wire = joined(road)
        packets = open_packets(road.interface, [wire.port])
        wire.ask()
        wire.answer(b"z" * 60_000)
        while True:
            try:
                sizes.append(len(packets.recv(70_000)))
            except BlockingIOError:
                break
        packets.close()
        wire.close()

    try:
        with ThreadPoolExecutor(1, initializer=road.enter) as pool:
            pool.submit(play).result()
    finally:
        road.close()
    mtu = 9001 if "9001" in name else 1500
    assert (max(sizes) > mtu) is (name == "MTU 1500")
    assert max(sizes) > mtu - 100
