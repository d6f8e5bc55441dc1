"""WebSocket frames (RFC 6455), both sides: enough to say hello, echo, and close. No extension, no fragments."""

import asyncio
import base64
import hashlib
from typing import Final

TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10


def accept_key(key: str) -> str:
    """The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key`."""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def frame(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
    """One frame with everything in it. Clients give four bytes of `mask`, servers none."""
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
    """The next frame: its opcode and its payload, unmasked. Raises IncompleteReadError when the peer is gone."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4) if second & 0x80 else b""
    payload = await reader.readexactly(size)
    return first & 0x0F, _mask(payload, mask) if mask else payload


def _mask(payload: bytes, mask: bytes) -> bytes:
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
