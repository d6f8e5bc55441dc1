"""Random histories of connections against a server that knows the truth: whoever is right, it is not luck.

KATAKEI_HISTORIES=2000 runs the full proof. A load balancer ends a request that is silent for its idle timeout, here
`TIMEOUT`; `proof` waits a little longer than that. A verdict is wrong when one request was pending all the while.
"""

import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from tests.unit.adapters.probes.secure import certificate
from tests.unit.adapters.probes.world import Wire, count, group, terms, watched

from katakei.adapters.probes.connection_counts import judge_count
from katakei.domain.observation import ProbeVerdict
from katakei.domain.spec import DrainUntil

HISTORIES = int(os.environ.get("KATAKEI_HISTORIES", "100"))
TIMEOUT = 0.4
LOOKS = 4
PROOF = terms(DrainUntil.PROOF, quiet=timedelta(milliseconds=60), idle=timedelta(milliseconds=600))
PAUSES = (0, 0, 0.001, 0.004, 0.03, 0.1, 0.2)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BLIND_SPOTS = {"early headers", "103", "100-continue", "stream", "websocket"}


@dataclass
class Truth:
    """What is pending now: the number of the request and what it is doing; None between requests."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = 0
    doing: str | None = None

    def begin(self, doing: str) -> None:
        with self.lock:
            self.number, self.doing = self.number + 1, doing

    def end(self) -> None:
        with self.lock:
            self.doing = None

    def now(self) -> tuple[int, str] | None:
        with self.lock:
            return (self.number, self.doing) if self.doing else None


class History:
    """One connection, its dice, and the requests on it, one behind the other."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a history that can be played again
        self.truth = Truth()
        self.wire = Wire.open()
        self.over = threading.Event()
        self.kinds: dict[str, Callable[[], None]] = {
            "plain": self._plain,
            "slow upload": self._upload,
            "early headers": lambda: self._parts(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok"),
            "103": lambda: self._parts(b"HTTP/1.1 103 Early Hints\r\n\r\n", ANSWER),
            "100-continue": self._continue,
            "stream": lambda: self._parts(*[b"1\r\nx\r\n"] * self.dice.randint(2, 4)),
            "websocket": lambda: self._parts(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b"\x81\x01a", b"\x81\x01b"),
        }

    def play(self) -> None:
        """Until told to stop; ends with a half-closed client, a closed server, or neither."""
        for _ in range(60):
            if self.over.is_set():
                break
            kind = self.dice.choice(list(self.kinds))
            self.truth.begin(kind)
            self.kinds[kind]()
            self.truth.end()
            # Often the next request comes right behind the answer, which is where a witness errs.
            time.sleep(self.dice.choice((0, 0, *PAUSES)))
        if self.dice.random() < 0.3 and not self.over.is_set():
            self.truth.begin("half-closed")
            self.wire.ask()
            self.wire.client.shutdown(socket.SHUT_WR)
            self._pause()
            self.wire.answer()
            self.truth.end()

    def _pause(self) -> None:
        time.sleep(self.dice.choice((*PAUSES, 0.25, 0.3, 0.35, 0.35)))

    def _plain(self) -> None:
        self.wire.ask()
        self._pause()
        self.wire.answer()

    def _upload(self) -> None:
        for _ in range(self.dice.randint(2, 4)):
            self.wire.ask(b"x" * 20)
            self._pause()
        self.wire.answer()

    def _continue(self) -> None:
        self.wire.ask()
        self.wire.answer(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._pause()
        self.wire.ask(b"body")
        self._pause()
        self.wire.answer()

    def _parts(self, *parts: bytes) -> None:
        self.wire.ask()
        for part in parts:
            self._pause()
            self.wire.answer(part)


class Tls(History):
    """The same in TLS, on which `answered` may not be asked."""

    def play(self) -> None:
        own, trusted = certificate()
        bare = self.wire.server
        done: list[socket.socket] = []
        thread = threading.Thread(target=lambda: done.append(own.wrap_socket(bare, server_side=True)))
        thread.start()
        self.wire.client = trusted.wrap_socket(self.wire.client, server_hostname="target")
        thread.join(10)
        self.wire.server = done[0]
        super().play()


@dataclass
class Score:
    """How often each was asked while a request was pending, and how often it was wrong, by what the request did."""

    pending: int = 0
    quiet: int = 0
    proof_wrong: list[str] = field(default_factory=list)
    answered_wrong: Counter[str] = field(default_factory=Counter)

    def look(self, history: History) -> None:
        secure = isinstance(history, Tls)
        of = group(protocol="HTTPS" if secure else "HTTP")
        asked = terms(DrainUntil.ANSWERED, of, quiet=PROOF.quiet, idle=PROOF.idle)
        before = history.truth.now()
        found = count(watched(history.wire.port, of=of), asked)
        after = history.truth.now()
        proof, answered = judge_count(found, PROOF).verdict, judge_count(found, asked).verdict
        self.quiet += answered is ProbeVerdict.QUIET
        if before is None or before != after:
            return
        self.pending += 1
        if proof is ProbeVerdict.QUIET:
            self.proof_wrong.append(before[1])
        if answered is ProbeVerdict.QUIET:
            self.answered_wrong[before[1]] += 1


def _one(seed: int) -> Score:
    score = Score()
    history = Tls(seed) if seed % 5 == 0 else History(seed)
    thread = threading.Thread(target=history.play)
    thread.start()
    dice = random.Random(-seed - 1)  # noqa: S311 - as above
    try:
        for _ in range(LOOKS):
            time.sleep(dice.uniform(0.02, 0.15))
            score.look(history)
    finally:
        history.over.set()
        thread.join(30)
        history.wire.close()
    return score


def test_proof_is_never_wrong() -> None:
    with ThreadPoolExecutor(10) as pool:
        scores = list(pool.map(_one, range(HISTORIES)))
    pending, quiet = sum(score.pending for score in scores), sum(score.quiet for score in scores)
    proof_wrong = [each for score in scores for each in score.proof_wrong]
    wrong = sum((score.answered_wrong for score in scores), Counter[str]())
    figures = f"{HISTORIES} histories, {HISTORIES * LOOKS} looks, {pending} of them at one pending request"
    said = f"proof wrong {len(proof_wrong)} times; answered quiet {quiet} times, wrong {wrong.total()} times"
    print(f"\n{figures}; {said}: {dict(wrong)}")  # noqa: T201 - the figures of the proof
    assert pending > HISTORIES / 4, "the looks took so long that hardly one fell into one request"
    assert quiet > 0
    assert proof_wrong == []
    assert set(wrong) <= BLIND_SPOTS
