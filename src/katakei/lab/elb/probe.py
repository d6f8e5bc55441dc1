"""One health check as a load balancer's node makes it: a new connection, one GET, the answer's code, and away.

It classifies; it neither counts nor decides.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katakei.lab.elb import words
from katakei.lab.elb.matcher import matches

if TYPE_CHECKING:
    from katakei.lab.address import Door
    from katakei.lab.elb.group import Check
    from katakei.lab.elb.words import Health

AGENT = "ELB-HealthChecker/2.0"
MOST_BODY = 65536
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS = 4


@dataclass(frozen=True, slots=True)
class Aim:
    """What to check: the really bound door, the host header, how, and from which address of the load balancer."""

    door: Door
    host: str
    check: Check
    source: str | None = None
    grpc: bool = False


async def probe(aim: Aim) -> Health:
    """`words.HEALTHY`, or the health that this failure means: refused, reset or malformed is not the same as late."""
    try:
        async with asyncio.timeout(aim.check.timeout.total_seconds()):
            return await _ask(aim)
    except TimeoutError:
        return words.TIMED_OUT
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return words.FAILED


async def _ask(aim: Aim) -> Health:
    secure = _trusting() if aim.check.protocol in {"HTTPS", "TLS"} else None
    source = (aim.source, 0) if aim.source else None
    reader, writer = await asyncio.open_connection(*aim.door, ssl=secure, local_addr=source)
    try:
        if aim.check.protocol not in {"HTTP", "HTTPS"}:
            return words.HEALTHY
        if aim.grpc:
            return await _speaks_http2(reader, writer)
        code = await _get(reader, writer, aim)
    finally:
        writer.transport.abort()
    return words.HEALTHY if matches(aim.check.matcher or "200", code) else words.mismatch(code)


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, aim: Aim) -> int:
    path = aim.check.path or "/"
    lines = (f"GET {path} HTTP/1.1", f"Host: {aim.host}", "Connection: close", f"User-Agent: {AGENT}", "", "")
    writer.write("\r\n".join(lines).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    version, code, *_ = head[0].split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(head[0])
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    await reader.readexactly(min(int(headers.get("content-length", "0")), MOST_BODY))
    return int(code)


async def _speaks_http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Health:
    """A gRPC server greets with SETTINGS; the lab takes that for the default code 12, whatever the matcher."""
    writer.write(HTTP2_HELLO)
    frame = await reader.readexactly(9)
    return words.HEALTHY if frame[3] == SETTINGS else words.FAILED


def _trusting() -> ssl.SSLContext:
    """A load balancer does not validate the certificates of its targets."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
