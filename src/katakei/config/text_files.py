"""The text of a configuration file, with a limit on its size. `open` and `decode` errors become one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from katakei.domain.errors import UsageError

MAX_BYTES = 256 * 1024
"""Bytes of a configuration file. A thousand targets by name take 20 KiB, and Run Command carries 56,000 characters."""


def text_of(path: Path, advice: str) -> str:
    """The text of a file.

    Args:
        path: The file.
        advice: What the person should do when the file is too large.

    Raises:
        UsageError: It cannot be read, is no UTF-8 text, or is too large.
    """
    with explained(str(path), "the path"), path.open("rb") as file:
        return limited(file, str(path), advice)


def limited(file: BinaryIO, name: str, advice: str) -> str:
    """The text of an open file. Raises UsageError: it is too large; UnicodeDecodeError: it is no UTF-8 text."""
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name}: has more than {MAX_BYTES // 1024} KiB; {advice}")
    return data.decode()


@contextmanager
def explained(name: str, check: str) -> Iterator[None]:
    """Turns the errors of reading a file into a UsageError.

    Args:
        name: The file, as the person knows it.
        check: What the person should check when it cannot be read.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: the file is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({error.strerror}); check {check}") from error
