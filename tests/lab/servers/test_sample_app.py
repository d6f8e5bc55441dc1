"""The sample application over real sockets."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.http_client import Client

from katakei.lab import clock
from katakei.lab.address import BoundAddress, reserve_block
from katakei.lab.servers.http1 import CLOSE, PING, PONG, TEXT, frame, read_frame, read_head

pytestmark = pytest.mark.lab
Running = tuple[Path, BoundAddress, "subprocess.Popen[bytes]"]


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "release").write_text("v1\n")
    block = reserve_block()
    bound_address = BoundAddress(block.address(0, 0), 8080)
    environment = {**os.environ, "ADDRESS": bound_address.address, "PORT": "8080", "KATAKEI_LAB_INSTANCE": "i-1"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "katakei.lab.servers.sample_app"], cwd=tmp_path, env=environment
    )
    with process:
        assert clock.wait_for((tmp_path / "starts.log").exists, within=5)
        yield tmp_path, bound_address, process
        process.kill()
    block.close()


def test_sample_app_reports_its_release(sample: Running) -> None:
    folder, bound_address, process = sample
    (folder / "release").write_text("v2\n")
    with Client(bound_address) as client:
        answer = client.get("/any/where?x=1")
    told = json.loads(answer.body)
    assert (answer.headers["X-Release"], told["release"], told["instance"]) == ("v1", "v1", "i-1")
    assert (told["pid"], told["path"]) == (process.pid, "/any/where")


def test_sample_app_is_healthy_unless_a_file_exists(sample: Running) -> None:
    folder, bound_address, _ = sample
    with Client(bound_address) as client:
        before = client.get("/health").status
        (folder / "unhealthy").touch()
        during = client.get("/health").status
        (folder / "unhealthy").unlink()
        assert (before, during, client.get("/health").status, client.get("/").status) == (200, 503, 200, 200)


def test_connection_carries_several_requests(sample: Running) -> None:
    _, bound_address, _ = sample
    with Client(bound_address) as client:
        answers = [client.get("/", method) for method in ("GET", "HEAD", "POST", "GET")]
    assert [(answer.status, bool(answer.body)) for answer in answers] == [
        (200, True),
        (200, False),
        (200, True),
        (200, True),
    ]


def test_finished_requests_are_logged(sample: Running) -> None:
    folder, bound_address, _ = sample
    with Client(bound_address) as client:
        client.get("/a?b=c")
        client.get("/health")
    log = folder / "requests.log"
    assert clock.wait_for(lambda: log.read_text().count("\n") == 2, 10)  # logged right after the answer was sent
    lines = [line.split() for line in log.read_text().splitlines()]
    assert [line[1:3] for line in lines] == [["/a?b=c", "200"], ["/health", "200"]]
    assert all(len(line) == 4 for line in lines)


def test_slow_waits_and_stream_sends_steadily(sample: Running) -> None:
    _, bound_address, _ = sample
    before = clock.monotonic()
    with Client(bound_address) as client:
        slow = client.get("/slow?s=0.3").status
        after = clock.monotonic()
        stream = client.get("/stream?s=0.4")
    assert (slow, stream.body) == (200, "0 v1\n1 v1\n")
    assert 0.3 <= after - before < 1


def test_in_flight_reports_other_requests(sample: Running) -> None:
    _, bound_address, _ = sample

    async def talk() -> tuple[str, str]:
        reader, writer = await asyncio.open_connection(*bound_address)
        writer.write(b"GET /slow?s=0.3 HTTP/1.1\r\n\r\n")
        await clock.pause(0.1)
        with Client(bound_address) as client:
            busy = client.get("/in-flight").body
            await read_head(reader)
            quiet = client.get("/in-flight").body
        writer.close()
        return busy, quiet

    assert asyncio.run(talk()) == ("1\n", "0\n")


def test_invalid_request_ends_only_its_connection(sample: Running) -> None:
    _, bound_address, _ = sample

    async def talk(words: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*bound_address)
        writer.write(words)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer

    for words in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"x" * 100_000 + b"\r\n\r\n"):
        asyncio.run(talk(words))
    with Client(bound_address) as client:
        assert client.get("/").status == 200


def test_websocket_echoes_and_answers_pings(sample: Running) -> None:
    _, bound_address, _ = sample

    async def talk() -> list[tuple[int, bytes]]:
        reader, writer = await asyncio.open_connection(*bound_address)
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        writer.write(f"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n\r\n".encode())
        head = await read_head(reader)
        assert head.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3
        said = []
        for opcode, payload in ((TEXT, b"a"), (TEXT, b"b" * 300), (TEXT, b"c" * 70_000), (PING, b"p"), (CLOSE, b"")):
            writer.write(frame(opcode, payload, b"\x01\x02\x03\x04"))
            said.append(await read_frame(reader))
        writer.close()
        return [(opcode, payload[:1]) for opcode, payload in said]

    assert asyncio.run(talk()) == [(TEXT, b"a"), (TEXT, b"b"), (TEXT, b"c"), (PONG, b"p"), (CLOSE, b"")]


def test_sigterm_drops_requests_in_flight(sample: Running) -> None:
    _, bound_address, process = sample

    async def talk() -> bytes:
        reader, writer = await asyncio.open_connection(*bound_address)
        writer.write(b"GET /slow?s=5 HTTP/1.1\r\n\r\n")
        await clock.pause(0.1)
        process.send_signal(signal.SIGTERM)
        answer = await asyncio.wait_for(reader.read(), 2)
        writer.close()
        return answer

    assert (asyncio.run(talk()), process.wait(2)) == (b"", -signal.SIGTERM)


def test_sigquit_drains_requests_in_flight(sample: Running) -> None:
    _, bound_address, process = sample

    async def talk() -> tuple[int, str, bytes]:
        reader, writer = await asyncio.open_connection(*bound_address)
        idle, other = await asyncio.open_connection(*bound_address)
        writer.write(b"GET /slow?s=0.5 HTTP/1.1\r\n\r\n")
        await clock.pause(0.1)
        process.send_signal(signal.SIGQUIT)
        hung_up = await asyncio.wait_for(idle.read(), 2)
        head = await read_head(reader)
        for each in (writer, other):
            each.close()
        return head.status, head.headers["connection"], hung_up

    assert asyncio.run(talk()) == (200, "close", b"")
    assert process.wait(2) == 0


@pytest.mark.parametrize("release", ["broken", "broken-v3"])
def test_broken_release_serves_but_is_unhealthy(tmp_path: Path, release: str) -> None:
    from katakei.lab.servers.sample_app import SampleApp  # noqa: PLC0415 - the class alone, without its process

    (tmp_path / "release").write_text(f"{release}\nand a remark\n")
    application = SampleApp(tmp_path, "i-1")
    application.close()
    assert (application.release, application._unhealthy()) == (release, True)
