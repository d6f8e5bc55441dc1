"""One health check against sockets that behave in every way a target can."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from katakei.lab.address import BoundAddress
from katakei.lab.elb import health_codes
from katakei.lab.elb.health_checks import ProbeTarget, probe
from katakei.lab.elb.model import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from katakei.lab.elb.health_codes import Health


@contextmanager
def answering(answer: bytes | None) -> Iterator[BoundAddress]:
    """A server that reads one request, sends `answer` and closes. With None it sends nothing and stays open."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                if answer is None:
                    over.wait(5)
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield BoundAddress(*server.getsockname())
        over.set()
        thread.join(5)


def check(bound_address: BoundAddress, **more: object) -> Health:
    how = Check(timeout=timedelta(seconds=0.3), matcher="200-299,302")
    return asyncio.run(probe(ProbeTarget(bound_address, "10.0.0.1:80", how, **more)))  # type: ignore[arg-type]  # fields of Aim


@pytest.mark.parametrize(
    ("answer", "health"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", health_codes.HEALTHY),
        (b"HTTP/1.0 204 No Content\r\n\r\n", health_codes.HEALTHY),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", health_codes.HEALTHY),
        (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /\r\n\r\n", health_codes.mismatch(307)),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", health_codes.mismatch(503)),
        (b"SSH-2.0-OpenSSH\r\n\r\n", health_codes.FAILED),
        (b"", health_codes.FAILED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", health_codes.FAILED),
        (None, health_codes.TIMED_OUT),
    ],
)
def test_probe_classifies_each_kind_of_answer(answer: bytes | None, health: Health) -> None:
    with answering(answer) as bound_address:
        assert check(bound_address) == health


def test_probe_of_a_closed_port_fails_without_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bound_address = BoundAddress(*server.getsockname())
    assert check(bound_address) == health_codes.FAILED


def test_probe_accepts_grpc_settings() -> None:
    with answering(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])) as bound_address:
        assert check(bound_address, grpc=True) == health_codes.HEALTHY
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as bound_address:
        assert check(bound_address, grpc=True) == health_codes.FAILED


def test_probe_connects_from_the_load_balancer_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        peers: list[str] = []

        def serve() -> None:
            connection, peer = server.accept()
            with connection:
                peers.append(peer[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        check(BoundAddress(*server.getsockname()), source="127.250.255.10")
        thread.join(5)
    assert peers == ["127.250.255.10"]
