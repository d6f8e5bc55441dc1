"""What goes into a process and what comes out of it, up to a deadline and a size."""

import os
import selectors
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import IO

MAX_OUTPUT = 2**20
"""Bytes that are kept of each stream. What comes after them is read and thrown away."""

_BLOCK = 2**16


def talk(
    process: subprocess.Popen[bytes], text: bytes, left_time: Callable[[], timedelta]
) -> tuple[bytes, bytes, int | None]:
    """Gives a process its input and reads what it writes.

    The end of the error stream is not awaited: a client of older versions that stays as the master of a connection
    holds it open.

    Args:
        process: With pipes for all three streams.
        text: Its input.
        left_time: How much time is left.

    Returns:
        What it printed, what it wrote as errors, and its exit code; None where it did not end in time.
    """
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise ValueError("the process needs a pipe for each stream")
    for pipe in (stdin, stdout, stderr):
        os.set_blocking(pipe.fileno(), False)
    kept = {stdout: bytearray(), stderr: bytearray()}
    code = None
    if _exchanged(stdin, memoryview(text), kept, stdout, left_time):
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(max(0.1, left_time().total_seconds()))
            _more(stderr, kept[stderr])
    return bytes(kept[stdout]), bytes(kept[stderr]), code


def _exchanged(
    stdin: IO[bytes],
    left: memoryview,
    kept: Mapping[IO[bytes], bytearray],
    last: IO[bytes],
    left_time: Callable[[], timedelta],
) -> bool:
    """Writes and reads until the `last` stream ends. Whether that was in time."""
    with selectors.DefaultSelector() as selector:
        selector.register(stdin, selectors.EVENT_WRITE, stdin)
        for pipe in kept:
            selector.register(pipe, selectors.EVENT_READ, pipe)
        while True:
            ready = selector.select(max(0.0, left_time().total_seconds()))
            if not ready:
                return False
            for key, _ in ready:
                pipe = key.data
                if pipe is stdin:
                    left = _written(stdin, left)
                if bool(left) if pipe is stdin else _more(pipe, kept[pipe]):
                    continue
                selector.unregister(pipe)
                if pipe is stdin:
                    stdin.close()
                elif pipe is last:
                    return True


def _written(pipe: IO[bytes], left: memoryview) -> memoryview:
    """What is still to be written. Nothing, where nobody reads it any more."""
    try:
        return left[os.write(pipe.fileno(), left[:_BLOCK]) :]
    except BlockingIOError:
        return left
    except OSError:
        return left[:0]


def _more(pipe: IO[bytes], kept: bytearray) -> bool:
    """Reads what is there. Whether more may come."""
    try:
        block = os.read(pipe.fileno(), _BLOCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    kept += block[: MAX_OUTPUT - len(kept)]
    return bool(block)
