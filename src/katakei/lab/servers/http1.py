"""Minimal HTTP/1.1 and WebSocket (RFC 6455) on asyncio streams, for the sample application and the load generator.

Written by hand, because a framework costs each server 0.4 s and 20 MB more. WebSocket has no extensions and no
fragments.
"""

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

MALFORMED_ERRORS = (ValueError, IndexError, UnicodeDecodeError, asyncio.LimitOverrunError)
"""Exceptions of reading a head or body that is not HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Head:
    """The three parts of the first line, and the headers with lower-case names."""

    first: tuple[str, str, str]
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path of a request, without its query."""
        return urlsplit(self.first[1]).path

    @property
    def status(self) -> int:
        """The status of an answer."""
        return int(self.first[1])

    def query_number(self, name: str, default: float) -> float:
        """Returns a number from the query, or `default` if it is absent or not a number."""
        try:
            return float(parse_qs(urlsplit(self.first[1]).query)[name][0])
        except (KeyError, ValueError):
            return default

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection stays open after this exchange."""
        return "HTTP/1.1" in self.first and "close" not in self.headers.get("connection", "").lower()


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read up to the empty line.

    Raises:
        IncompleteReadError: the peer closed the connection first. It is an EOFError.
    """
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    one, two, three = (*lines[0].split(" ", 2), "")[:3]
    pairs = (line.split(":", 1) for line in lines[1:] if line)
    return Head((one, two, three), {name.lower(): value.strip() for name, value in pairs})


async def read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> int:
    """Read and drop a body. Returns its length in bytes; 0 without a declared length."""
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        return await _skip(reader, int(headers.get("content-length", "0")))
    length = 0
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        length += await _skip(reader, size + 2) - 2
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return length


async def _skip(reader: asyncio.StreamReader, length: int) -> int:
    left = length
    while left:
        left -= len(await reader.readexactly(min(left, 65536)))
    return length


def answer_head(status: int, headers: Mapping[str, str]) -> bytes:
    """Returns the head of an answer, ready to send."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10


def accept_key(key: str) -> str:
    """Returns the `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`."""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def frame(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
    """Returns one complete frame. Clients must give four bytes of `mask`, servers none."""
    size = len(payload)
    masked = 0x80 if mask else 0
    if size < 126:
        head = bytes([0x80 | opcode, masked | size])
    elif size < 65536:
        head = bytes([0x80 | opcode, masked | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, masked | 127]) + size.to_bytes(8, "big")
    return head + mask + (_mask(payload, mask) if mask else payload)


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read the next frame.

    Returns:
        Opcode and unmasked payload.

    Raises:
        IncompleteReadError: the peer is gone.
    """
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4) if second & 0x80 else b""
    payload = await reader.readexactly(size)
    return first & 0x0F, _mask(payload, mask) if mask else payload


def _mask(payload: bytes, mask: bytes) -> bytes:
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
