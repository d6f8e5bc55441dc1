"""Output that never holds the program up: one thread writes it, behind a queue of limited size.

A reader that stands still (a full pipe, Ctrl-S, a stalled connection) stops only that thread. What comes while the
queue is full is dropped and counted, and a note says how much is missing. A rollout goes on meanwhile: its lease
never beats for a process that only waits for its terminal.

On a terminal a frame can stand below the lines: the thread draws it anew every second and after every line, so that
what it wrote last is always what it erases next.
"""

import io
import os
import queue
import select
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TextIO

MAX_BYTES = 8 * 2**20
"""Text that may wait to be written. What a rollout of 1,000 targets prints in a minute fits in."""
CHUNK = 4096
"""Bytes of one write. A slow reader is then seen to make progress."""
BATCH = 2**16
"""Characters that are written before the frame is drawn again."""
REDRAW = 1.0
"""Seconds between two drawings of the same frame, whose durations count on."""
PATIENCE = timedelta(seconds=5)
"""How long the end of the output is waited for while the reader takes nothing."""
MAX_WAITS = 12
"""A reader that always takes a little is waited for this many times as long."""
OUT, ERR = 1, 2


@dataclass(frozen=True, slots=True)
class FrameLine:
    """One line of a frame: the text with its colors, and how many columns it takes."""

    text: str
    cells: int


Frame = Callable[[int, int], Sequence[FrameLine]]
"""Draws a frame for a terminal of this many columns and rows. It is called in the thread of the output."""


@dataclass(frozen=True, slots=True)
class _Item:
    """Text for one descriptor, or something to be done once everything before it is written."""

    descriptor: int
    text: str
    done: threading.Event | None = None


class Output:
    """Standard output and standard error, written by a thread of their own. `close` ends it."""

    def __init__(self, note: Callable[[int], str]) -> None:
        """Begins to take text.

        Args:
            note: The line that says that this many pieces of output are missing.
        """
        self._note = note
        self._streams: dict[int, TextIO | None] = {OUT: sys.stdout, ERR: sys.stderr}
        for stream in self._streams.values():
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.flush()
        self._items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._lock = threading.RLock()  # a signal handler writes too, perhaps in the middle of another write
        self._waiting = 0
        self._dropped = 0
        self._progress = 0
        self._writing: int | None = None
        self._frame: Frame | None = None
        self._drawn: list[int] = []
        self._typed = 0
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    def write(self, text: str, *, err: bool = False) -> None:
        """Takes text, with its line end. Returns at once; may be called from any thread and any signal handler."""
        with self._lock:
            if self._waiting > MAX_BYTES:
                self._dropped += 1
                return
            self._waiting += len(text)
        self._items.put(_Item(ERR if err else OUT, text))

    def show(self, frame: Frame | None) -> None:
        """Draws this frame below the lines from now on; None erases it."""
        self._frame = frame
        self._items.put(_Item(OUT, ""))

    def line_typed(self) -> None:
        """A person pressed Enter on the terminal, which moved the cursor down by one line."""
        with self._lock:
            self._typed += 1

    def drain(self, patience: timedelta = PATIENCE) -> bool:
        """Waits until everything is written, as long as the reader takes some of it within `patience`."""
        done, seconds = threading.Event(), patience.total_seconds()
        self._items.put(_Item(OUT, "", done))
        for _ in range(MAX_WAITS):
            before = self._progress
            if done.wait(seconds):
                return True
            if self._progress == before:
                return False
        return False

    def close(self, patience: timedelta = PATIENCE) -> bool:
        """Erases the frame and writes the rest. An output that nobody reads then leads nowhere from now on.

        Returns:
            Whether everything was written.
        """
        self._frame = None
        self._ended = True
        with suppress(KeyboardInterrupt):  # a person who does not want to wait
            if self.drain(patience):
                self._thread.join(1)
                return True
        for descriptor in (OUT, ERR):
            if descriptor == self._writing or not self._writable(descriptor):
                self._give_up(descriptor)
        return False

    def _writable(self, descriptor: int) -> bool:
        file = self._file(descriptor)
        if file is None:
            return True
        with suppress(OSError, ValueError):
            return bool(select.select([], [file], [], 0)[1])
        return True

    def _file(self, descriptor: int) -> int | None:
        """The file descriptor behind a stream; None where there is none (a closed stream, a test)."""
        stream = self._streams[descriptor]
        if stream is None:
            return None
        try:
            return stream.fileno()
        except (OSError, ValueError, io.UnsupportedOperation):
            return None

    def _run(self) -> None:
        while not (self._ended and self._items.empty()):
            try:
                item: _Item | None = self._items.get(timeout=REDRAW if self._frame else None)
            except queue.Empty:
                self._draw("", OUT)
                continue
            while item is not None:
                item = self._next(item)

    def _next(self, item: _Item) -> _Item | None:
        """Writes one item and those behind it that go the same way. Returns the first that does not."""
        batch, text, other = [item], item.text, None
        with suppress(queue.Empty):
            while len(text) < BATCH and other is None:
                more = self._items.get_nowait()
                if more.descriptor == item.descriptor:
                    batch.append(more)
                    text += more.text
                else:
                    other = more
        with self._lock:
            self._waiting -= len(text)
            dropped, self._dropped = self._dropped, 0
        self._draw(f"{self._note(dropped)}\n{text}" if dropped else text, item.descriptor)
        for each in batch:
            if each.done:
                each.done.set()
        return other

    def _draw(self, text: str, descriptor: int) -> None:
        """Writes the text where the frame begins, and the frame below it."""
        frame = self._lines()
        if not frame and not self._drawn:
            self._put(descriptor, text)
            return
        above = self._erased(shutil.get_terminal_size().columns)
        below = "\n".join(line.text for line in frame)
        self._drawn = [line.cells for line in frame]
        if descriptor == OUT or (text and self._same_terminal()):
            self._put(OUT, above + text + below)
            return
        self._put(OUT, above)
        self._put(descriptor, text)
        self._put(OUT, below)

    def _lines(self) -> Sequence[FrameLine]:
        frame = self._frame
        if frame is None:
            return ()
        size = shutil.get_terminal_size()
        try:
            return frame(size.columns, size.lines)
        except Exception:
            import logging

            logging.getLogger(__name__).exception("the frame cannot be drawn")
            self._frame = None
            return ()

    def _erased(self, columns: int) -> str:
        """The escape sequence that removes the frame from the terminal, also when that is narrower now."""
        if not self._drawn:
            return ""
        with self._lock:
            typed, self._typed = self._typed, 0
        up = sum(max(1, -(-cells // max(1, columns))) for cells in self._drawn) - 1 + typed
        return "\r" + (f"\x1b[{up}A" if up else "") + "\x1b[J"

    def _same_terminal(self) -> bool:
        stream = self._streams[ERR]
        return stream is not None and stream.isatty()

    def _put(self, descriptor: int, text: str) -> None:
        stream = self._streams[descriptor]
        if stream is None or not text:
            return
        self._writing = descriptor
        try:
            self._write_all(stream, self._file(descriptor), text)
        except (OSError, ValueError):  # nobody reads it, the disk is full, or the terminal is lost
            self._give_up(descriptor)
        self._writing = None

    def _give_up(self, descriptor: int) -> None:
        """Nothing more is written there, by nobody in this process."""
        file = self._file(descriptor)
        self._streams[descriptor] = None
        if file is not None:
            silence(file)

    def _write_all(self, stream: TextIO, file: int | None, text: str) -> None:
        if file is None:
            stream.write(text)
            return
        data = text.encode(stream.encoding, "backslashreplace")
        while data:
            try:
                data = data[os.write(file, data[:CHUNK]) :]
            except BlockingIOError:  # the parent process made the descriptor non-blocking
                select.select([], [file], [], 1)
                continue
            self._progress += 1


def silence(*descriptors: int) -> None:
    """Makes these file descriptors lead nowhere from now on."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in descriptors:
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
