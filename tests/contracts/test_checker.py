"""Every checker, held to its promises against doors that behave well, badly, or not at all."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from katakei.adapters.health_checks.http import AT_ONCE, HttpChecker, read_matcher
from katakei.adapters.system.clock import SystemClock
from katakei.domain.model import TargetId
from katakei.domain.observation import CheckResult
from katakei.domain.ports import CheckRequest, HealthChecker

BY = timedelta(seconds=5)
ME = TargetId("i-1")
Talk = Callable[[socket.socket, bytes], None]


class Door:
    """A server of one behaviour. `heard` is what each connection said first, `met` how many there were."""

    def __init__(self, talk: Talk, tls: ssl.SSLContext | None = None) -> None:
        self._talk, self._tls = talk, tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.heard: list[bytes] = []
        self.met = 0
        self.port: int = self._socket.getsockname()[1]
        self._threads.append(threading.Thread(target=self._serve))
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.met += 1
            thread = threading.Thread(target=self._meet, args=(visitor,))
            self._threads.append(thread)
            thread.start()

    def _meet(self, visitor: socket.socket) -> None:
        with suppress(OSError), visitor:
            door = self._tls.wrap_socket(visitor, server_side=True) if self._tls else visitor
            with door:
                door.settimeout(5)
                heard = door.recv(4096)
                if heard:
                    self.heard.append(heard)
                    self._talk(door, heard)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)


class Street:
    """Opens doors and closes them again."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def open(self, talk: Talk, tls: ssl.SSLContext | None = None) -> Door:
        door = Door(talk, tls)
        self._stack.callback(door.close)
        return door


@pytest.fixture
def street() -> Iterator[Street]:
    with ExitStack() as stack:
        yield Street(stack)


@pytest.fixture(params=["http"])
def health_checker(request: pytest.FixtureRequest) -> HealthChecker:
    return {"http": HttpChecker(SystemClock())}[request.param]


def _says(*parts: str, pause: float = 0) -> Talk:
    def talk(door: socket.socket, _: bytes) -> None:
        for part in parts:
            door.sendall(part.encode())
            time.sleep(pause)

    return talk


def _status(status: int, more: str = "") -> Talk:
    return _says(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 2\r\n{more}\r\nok")


def _hang(door: socket.socket, _: bytes) -> None:
    with suppress(OSError):
        door.recv(1)


def _question(
    port: int, expect: str = "200", path: str = "/health", scheme: str = "http", seconds: float = 2
) -> CheckRequest:
    return CheckRequest(scheme, "127.0.0.1", port, path, expect, timedelta(seconds=seconds))


def _ask(health_checker: HealthChecker, *questions: CheckRequest, by: timedelta = BY) -> CheckResult:
    return health_checker.ask({ME: questions}, by)[ME]


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


@pytest.mark.parametrize(
    ("expect", "status", "passes"),
    [
        ("200", 200, True),
        ("200", 204, False),
        ("200,204", 204, True),
        ("200,204", 201, False),
        ("200-299", 299, True),
        ("200-299", 300, False),
        ("200-202,404", 404, True),
        ("301", 301, True),
    ],
)
def test_check_compares_status_with_matcher(
    health_checker: HealthChecker,
    street: Street,
    expect: str,
    status: int,
    passes: bool,  # noqa: FBT001 - a row of the table
) -> None:
    door = street.open(_status(status, "Location: /elsewhere\r\n"))
    answer = _ask(health_checker, _question(door.port, expect))
    assert answer.passed is passes
    wanted = f"GET http://127.0.0.1:{door.port}/health answered {status}, expected {expect}"
    assert answer.why == ("" if passes else wanted)
    assert door.met == 1


def test_check_sends_the_request_of_elb(health_checker: HealthChecker, street: Street) -> None:
    door = street.open(_status(200))
    assert _ask(health_checker, _question(door.port, path="/health?deep=1")).passed
    lines = door.heard[0].decode().split("\r\n")
    assert lines[0] == "GET /health?deep=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{door.port}" in lines
    assert any(line.startswith("User-Agent: katakei/") for line in lines)


def test_check_names_refused_connection(health_checker: HealthChecker) -> None:
    port = _closed_port()
    answer = _ask(health_checker, _question(port))
    assert (answer.passed, answer.why) == (False, f"GET http://127.0.0.1:{port}/health refused the connection")


def test_check_of_silent_target_times_out(health_checker: HealthChecker, street: Street) -> None:
    port = street.open(_hang).port
    answer = _ask(health_checker, _question(port, seconds=0.3))
    assert (answer.passed, answer.why) == (False, f"GET http://127.0.0.1:{port}/health had no answer within 0.3 s")


def test_check_of_dripping_target_times_out(health_checker: HealthChecker, street: Street) -> None:
    port = street.open(_says(*("HTTP/1.1 200 OK\r\nA: b" + "c" * 40), pause=0.1)).port
    begun = time.monotonic()
    answer = _ask(health_checker, _question(port, seconds=0.4))
    assert "had no answer within 0.4 s" in answer.why
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("talk", "why"),
    [
        (_says("SSH-2.0-OpenSSH_9.2\r\n"), "answered something that is not HTTP"),
        (_says(""), "ended the connection without an answer"),
        (_says("HTTP/1.1 20"), "broke the answer off"),
        (_says("x" * 70_000), "answered something that is not HTTP"),
    ],
)
def test_check_fails_without_http_answer(health_checker: HealthChecker, street: Street, talk: Talk, why: str) -> None:
    answer = _ask(health_checker, _question(street.open(talk).port))
    assert not answer.passed
    assert answer.why.endswith(why)


def test_check_skips_interim_answers(health_checker: HealthChecker, street: Street) -> None:
    talk = _says(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 503 No\r\n\r\n",
        pause=0.05,
    )
    assert "answered 503" in _ask(health_checker, _question(street.open(talk).port)).why


def test_target_passes_when_every_check_passed(health_checker: HealthChecker, street: Street) -> None:
    good, bad = street.open(_status(200)).port, street.open(_status(503)).port
    assert _ask(health_checker, _question(good), _question(good)).passed
    answer = _ask(health_checker, _question(good), _question(bad))
    assert (answer.passed, answer.why) == (False, f"GET http://127.0.0.1:{bad}/health answered 503, expected 200")


def test_unfinished_check_is_unknown(health_checker: HealthChecker, street: Street) -> None:
    good, slow = street.open(_status(200)).port, street.open(_hang).port
    begun = time.monotonic()
    both = {ME: [_question(good)], TargetId("i-2"): [_question(slow, seconds=5)], TargetId("i-3"): []}
    answers = health_checker.ask(both, timedelta(seconds=0.5))
    assert set(answers) == {ME}
    assert time.monotonic() - begun < 2


def test_one_failed_check_fails_the_target(health_checker: HealthChecker, street: Street) -> None:
    bad, slow = street.open(_status(500)).port, street.open(_hang).port
    answer = _ask(health_checker, _question(slow, seconds=5), _question(bad), by=timedelta(seconds=0.5))
    assert (answer.passed, "answered 500" in answer.why) == (False, True)


def test_checks_run_at_the_same_time(health_checker: HealthChecker, street: Street) -> None:
    door = street.open(_says("HTTP/1.1 200 OK\r\n\r\n", pause=0.2))
    begun = time.monotonic()
    many = {TargetId(f"i-{n}"): [_question(door.port)] for n in range(AT_ONCE)}
    assert all(answer.passed for answer in health_checker.ask(many, BY).values())
    assert time.monotonic() - begun < AT_ONCE * 0.2 / 2


def test_check_accepts_self_signed_certificate(health_checker: HealthChecker, street: Street, tmp_path: Path) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=elsewhere"]
    subprocess.run([*made, "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    door = street.open(_status(200), context)
    assert _ask(health_checker, _question(door.port, scheme="https")).passed


def test_check_names_missing_tls(health_checker: HealthChecker, street: Street) -> None:
    answer = _ask(health_checker, _question(street.open(_says("no TLS here\r\n")).port, scheme="https"))
    assert "failed to speak TLS" in answer.why


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (_question(80, scheme="grpc"), "only http and https are supported, not grpc"),
        (_question(80, expect="0-99"), "gRPC checks cannot be asked"),
        (_question(80, expect="299-200"), "'299-200' is no list of statuses"),
    ],
)
def test_unsupported_check_fails_with_reason(health_checker: HealthChecker, question: CheckRequest, why: str) -> None:
    answer = _ask(health_checker, question)
    assert not answer.passed
    assert why in answer.why


def test_path_cannot_inject_a_request(health_checker: HealthChecker, street: Street) -> None:
    door = street.open(_status(200))
    answer = _ask(health_checker, _question(door.port, path="/ HTTP/1.1\r\nX: y"))
    assert answer.why.endswith("is no path that HTTP can carry")
    assert door.heard == []


def test_result_tells_when_the_check_began(street: Street) -> None:
    clock = SystemClock()
    before = clock.now() - timedelta(milliseconds=50)
    answer = HttpChecker(clock).ask({ME: [_question(street.open(_says("HTTP/1.1 200\r\n\r\n", pause=0.1)).port)]}, BY)[
        ME
    ]
    assert before <= answer.begun <= clock.now() - timedelta(milliseconds=50)


def test_reachable_sends_nothing(health_checker: HealthChecker, street: Street) -> None:
    door, shut = street.open(_status(200)), _closed_port()
    questions: dict[TargetId, Sequence[CheckRequest]] = {ME: [_question(door.port)], TargetId("i-2"): [_question(shut)]}
    reasons = health_checker.reachable(questions, BY)
    assert reasons == {TargetId("i-2"): f"127.0.0.1:{shut} refused the connection"}
    assert door.heard == []


def test_matcher_allows_spaces() -> None:
    assert read_matcher("200, 204")(204)
