"""The sample application of a server: it reports its release, and can be slow, stream, echo and be unhealthy.

SIGTERM ends it at once and drops requests in flight, as many real servers do; SIGQUIT lets them finish. It runs in the
server's folder and reads ADDRESS, PORT and KATAKEI_LAB_INSTANCE from the environment.
"""

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

from katakei.lab import clock
from katakei.lab.servers.http1 import (
    CLOSE,
    MALFORMED_ERRORS,
    PING,
    PONG,
    Head,
    accept_key,
    answer_head,
    frame,
    read_body,
    read_frame,
    read_head,
)

KEEP_ALIVE = 4100.0
"""Seconds that a connection may be silent. Longer than any ALB idle timeout (4000), or races would drop requests."""

DRAIN_TIMEOUT = 60.0
"""Seconds that SIGQUIT waits for requests in flight."""

CLIENT_LEFT = 499
"""Logged if the client left before its answer was ready. It is never sent."""


class SampleApp:
    """The answers of one process. Its release is read at the start; a new release file needs a restart."""

    def __init__(self, folder: Path, instance: str) -> None:
        self._folder = folder
        self._instance = instance
        self._requests = (folder / "requests.log").open("a", buffering=1)
        self._in_flight = 0
        self._draining = asyncio.Event()
        content = (folder / "release").read_text(errors="replace").split() if (folder / "release").exists() else []
        self.release = content[0] if content else "none"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, request after request."""
        with contextlib.suppress(OSError, EOFError, TimeoutError, *MALFORMED_ERRORS), contextlib.closing(writer):
            while not self._draining.is_set():
                request = await self._next_request(reader)
                if request is None or not await self._serve_request(request, reader, writer):
                    return

    async def _next_request(self, reader: asyncio.StreamReader) -> Head | None:
        """Returns the next request, or None if draining starts first."""
        head = asyncio.ensure_future(read_head(reader))
        draining = asyncio.ensure_future(self._draining.wait())
        done, _ = await asyncio.wait({head, draining}, timeout=KEEP_ALIVE, return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        if head not in done:
            head.cancel()
            return None
        return head.result()

    async def _serve_request(self, request: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer a request and log it. Returns whether the connection stays open."""
        self._in_flight += 1
        status = CLIENT_LEFT
        try:
            await read_body(reader, request.headers)
            status = await self._answer(request, reader, writer)
            await writer.drain()
        except OSError:
            status = CLIENT_LEFT
            raise
        finally:
            self._in_flight -= 1
            host, port = writer.get_extra_info("peername")[:2]
            self._requests.write(f"{clock.now().isoformat()} {request.first[1]} {status} {host}:{port}\n")
        return request.keeps_alive and status != 101

    async def _answer(self, request: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        if request.path == "/health":
            return self._send(request, writer, 503 if self._unhealthy() else 200)
        if request.path == "/in-flight":
            return self._respond(request, writer, f"{self._in_flight - 1}\n", "text/plain")
        if request.path == "/slow":
            await clock.pause(request.query_number("s", 3))
        if request.path == "/stream":
            return await self._stream(request, writer)
        if request.path == "/ws" and "sec-websocket-key" in request.headers:
            return await self._echo(request, reader, writer)
        return self._send(request, writer, 200)

    def _unhealthy(self) -> bool:
        return self.release.startswith("broken") or (self._folder / "unhealthy").exists()

    def _send(self, request: Head, writer: asyncio.StreamWriter, status: int) -> int:
        forwarded = {name: value for name, value in request.headers.items() if name.startswith("x-forwarded-")}
        body = json.dumps(
            {
                "release": self.release,
                "instance": self._instance,
                "pid": os.getpid(),
                "path": request.path,
                "forwarded": forwarded,
            }
        )
        return self._respond(request, writer, body, "application/json", status)

    def _respond(self, request: Head, writer: asyncio.StreamWriter, body: str, kind: str, status: int = 200) -> int:
        sent = body.encode()
        headers = self._headers(request) | {"Content-Type": kind, "Content-Length": str(len(sent))}
        writer.write(answer_head(status, headers) + (sent if request.first[0] != "HEAD" else b""))
        return status

    def _headers(self, request: Head) -> dict[str, str]:
        keep = request.keeps_alive and not self._draining.is_set()
        return {"X-Release": self.release, "Connection": "keep-alive" if keep else "close"}

    async def _stream(self, request: Head, writer: asyncio.StreamWriter) -> int:
        """Send a line every 0.2 s, for `s` seconds."""
        kind = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}
        writer.write(answer_head(200, self._headers(request) | kind))
        for number in range(max(1, round(request.query_number("s", 3) / 0.2))):
            line = f"{number} {self.release}\n"
            writer.write(f"{len(line):x}\r\n{line}\r\n".encode())
            await writer.drain()
            await clock.pause(0.2)
        writer.write(b"0\r\n\r\n")
        return 200

    async def _echo(self, request: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        accept = accept_key(request.headers["sec-websocket-key"])
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Accept": accept}
        writer.write(answer_head(101, {"X-Release": self.release} | upgrade))
        opcode = 0
        while opcode != CLOSE:
            opcode, payload = await read_frame(reader)
            if opcode != PONG:
                writer.write(frame(PONG if opcode == PING else opcode, payload))
                await writer.drain()
        return 101

    async def drain(self) -> None:
        """Accept nothing new. Returns when all requests in flight are answered, or after `PATIENCE` seconds."""
        self._draining.set()
        until = clock.monotonic() + DRAIN_TIMEOUT
        while self._in_flight and clock.monotonic() < until:
            await clock.pause(0.02)

    def close(self) -> None:
        """Close the log."""
        self._requests.close()


def _listed(ports: Path) -> set[int]:
    text = ports.read_text(errors="replace") if ports.exists() else ""
    return {int(word) for word in text.split() if word.isdecimal() and 0 < int(word) < 65536}


async def _listen_on_added_ports(ports: Path, sample: SampleApp, address: str) -> None:
    """Listen on further ports that the file `ports` names, one a word, including ports that are added later."""
    open_ports: dict[int, asyncio.Server] = {}
    while True:
        for port in _listed(ports) - open_ports.keys():
            with contextlib.suppress(OSError):  # in use, or not allowed: tried again
                open_ports[port] = await asyncio.start_server(sample.serve, address, port)
        await clock.pause(0.2)


async def main() -> None:
    """Listen, log the start in starts.log, and serve until a signal ends the process."""
    folder, address = Path.cwd(), os.environ["ADDRESS"]
    sample = SampleApp(folder, os.environ.get("KATAKEI_LAB_INSTANCE", "none"))
    asked_to_drain = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, asked_to_drain.set)
    server = await asyncio.start_server(sample.serve, address, int(os.environ["PORT"]), backlog=1024)
    with (folder / "starts.log").open("a") as starts:
        starts.write(f"{clock.now().isoformat()} {os.getpid()} {sample.release}\n")
    following = asyncio.create_task(_listen_on_added_ports(folder / "ports", sample, address))
    await asked_to_drain.wait()
    following.cancel()
    server.close()
    await sample.drain()
    sample.close()


if __name__ == "__main__":
    asyncio.run(main())
