"""The one way to print and to ask: output that nobody reads any more, and questions that are not answered in time.

A reader that has gone (`| head`) is no error. An output that cannot be written is one. After either, that output leads
nowhere, so that nothing fails on it a second time, not even at the very end.

Whatever is printed here is harmless for the terminal and for the CI system that shows it, wherever its text came from.
"""

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from katakei.cli.language import reader
from katakei.domain.errors import RefusedError, UnreachableError
from katakei.domain.outside_text import escaped_json, harmless

if TYPE_CHECKING:
    from katakei.cli.output import Output

_output: "Output | None" = None


def say(text: str, *, err: bool = False) -> None:
    """Prints one line or more. Raises UnreachableError: the disk is full, or the terminal is lost."""
    _print(harmless(text), err=err)


def say_json(value: object) -> None:
    """Prints a value as one line of JSON. Raises UnreachableError, as `say`."""
    import json

    _print(escaped_json(json.dumps(value, ensure_ascii=False)))


def say_command(text: str, *, err: bool = False) -> None:
    """Prints lines that are commands to a CI system, made by `render.ci` only. Raises UnreachableError, as `say`."""
    _print(text, err=err)


def say_log(text: str) -> None:
    """Writes one line to standard error, whatever becomes of it."""
    with suppress(UnreachableError, ValueError):  # ValueError: the stream is closed
        _print(text, err=True)


def _print(text: str, *, err: bool = False) -> None:
    if _output is not None:
        _output.write(f"{text}\n", err=err)
        return
    from katakei.cli.output import silence

    try:
        click.echo(text, err=err)
    except BrokenPipeError:
        silence(2 if err else 1)
    except OSError as fault:
        silence(2 if err else 1)
        raise UnreachableError(f"the output cannot be written ({fault.strerror}); nothing else is wrong") from fault


@contextmanager
def unblocked(note: Callable[[int], str]) -> "Iterator[Output]":
    """Output that never holds this process up, until the end of the block. Inside another such block: that one's.

    Args:
        note: The line that says that this many pieces of output are missing.
    """
    from katakei.cli.output import PATIENCE, Output

    global _output  # noqa: PLW0603 - standard output exists once in a process, too
    if _output is not None:
        yield _output
        return
    patience = PATIENCE
    _output = output = Output(note)
    try:
        yield output
    except KeyboardInterrupt:
        patience = timedelta(seconds=1)
        raise
    finally:
        output.close(patience)
        _output = None


def on_terminal(descriptor: int) -> bool:
    """Whether a person sits there. A stream that was closed before this program began is no terminal."""
    stream = (sys.stdin, sys.stdout)[descriptor]
    return stream is not None and stream.isatty()


YES, NO = frozenset({"y", "yes", "はい"}), frozenset({"", "n", "no", "いいえ"})
"""The answers to a question, in every language."""


def ask(question: str, within: timedelta) -> bool:
    """Asks on the terminal, yes or no.

    Args:
        question: Printed with ` [y/N]: ` after it.
        within: How long to wait for an answer.

    Raises:
        RefusedError: No answer came in time.
        click.Abort: The terminal is closed, or Ctrl-D was pressed.
    """
    tr = reader()
    while True:
        _ask(f"{question} [y/N]: ")
        ready, _, _ = select.select([0], [], [], within.total_seconds())
        if not ready:
            say("", err=True)
            raise RefusedError(f"not confirmed within {within.seconds // 60}m; nothing was changed")
        typed = os.read(0, 4096)  # one line; sys.stdin would keep further lines in a buffer that select cannot see
        if not typed:
            raise click.Abort
        answer = typed.decode(errors="replace").strip().lower()
        if answer in YES | NO:
            return answer in YES
        say(tr("Error: invalid input"), err=True)


def _ask(text: str) -> None:
    """Prints a question without a line end, after everything that was printed before it."""
    if _output is None:
        click.echo(harmless(text), nl=False, err=True)
        return
    _output.write(harmless(text), err=True)
    _output.drain()


def internal_error(fault: Exception) -> str:
    """The sentence for an error that the program does not expect."""
    return reader()(
        "internal error: {kind}: {fault} (KATAKEI_DEBUG=1 shows where)", kind=type(fault).__name__, fault=fault
    )
