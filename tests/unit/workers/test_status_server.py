"""The HTTP port of a worker: figures and health for machines, and clients that misbehave."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from katakei.domain.errors import UsageError
from katakei.workers import status_server
from katakei.workers.status_server import MAX_REQUESTS, StatusServer

WAIT = 30


@dataclass
class Watched:
    """A server, and what the worker behind it says."""

    healthy: bool = True
    figures: bytes = b"katakei_turns_due 3.0\n"
    place: str = ""

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, type and text of an answer."""
        try:
            with urllib.request.urlopen(f"http://{self.place}{path}", timeout=WAIT) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read().decode()


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    with StatusServer("127.0.0.1:0", lambda: made.figures, lambda: made.healthy) as server:
        made.place = server.place
        yield made


def test_metrics_are_those_of_this_moment(watched: Watched) -> None:
    assert watched.get("/metrics") == (200, "text/plain; version=0.0.4; charset=utf-8", "katakei_turns_due 3.0\n")
    watched.figures = b"katakei_turns_due 0.0\n"
    assert watched.get("/metrics")[2] == "katakei_turns_due 0.0\n"


def test_healthz_tells_of_a_deaf_worker(watched: Watched) -> None:
    assert watched.get("/healthz")[0] == 200
    watched.healthy = False
    assert watched.get("/healthz")[::2] == (503, "fetches no jobs\n")


@pytest.mark.parametrize("path", ["/", "/metrics/../../etc/passwd", "/metrics?x=1", "/api/v1/rollouts"])
def test_nothing_else_is_there(watched: Watched, path: str) -> None:
    status, _, text = watched.get(path)
    assert (status, text) == (404, "there are /metrics and /healthz\n")


def test_other_methods_are_refused(watched: Watched) -> None:
    request = urllib.request.Request(f"http://{watched.place}/metrics", data=b"x", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="501") as refused:
        urllib.request.urlopen(request, timeout=WAIT)  # noqa: S310 - a URL of this test
    refused.value.close()
    assert refused.value.headers["Server"] == "katakei"


def test_too_many_silent_connections_are_closed(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that send nothing are dropped after a while, so that the next reading succeeds."""
    monkeypatch.setattr(status_server._Handler, "timeout", 1.0)
    host, port = watched.place.split(":")
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection((host, int(port)), WAIT)) for _ in range(MAX_REQUESTS)]
        late = stack.enter_context(socket.create_connection((host, int(port)), WAIT))
        assert late.recv(1) == b""
        assert [each.recv(1) for each in silent] == [b""] * MAX_REQUESTS
    assert watched.get("/healthz")[0] == 200


@pytest.mark.parametrize("place", ["", "9480", ":9480", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1"])
def test_a_place_without_address_and_port_is_refused(place: str) -> None:
    with pytest.raises(UsageError, match=r"give 127\.0\.0\.1:9480"):
        StatusServer(place, bytes, bool)


def test_a_port_in_use_is_refused(watched: Watched) -> None:
    with pytest.raises(UsageError, match=r"cannot listen on .*: give another address"):
        StatusServer(watched.place, bytes, bool)
