"""The one way to print and to ask: output that nobody reads any more, and questions that are not answered in time.

A reader that has gone (`| head`) is no error. An output that cannot be written is one. After either, that output leads
nowhere, so that nothing fails on it a second time, not even at the very end.
"""

import os
import select
import sys
from contextlib import suppress
from datetime import timedelta

import click

from katakei.domain.errors import RefusedError, UnreachableError


def say(text: str, *, err: bool = False) -> None:
    """Prints one line or more. Raises UnreachableError: the disk is full, or the terminal is lost."""
    try:
        click.echo(text, err=err)
    except BrokenPipeError:
        silence(2 if err else 1)
    except OSError as fault:
        silence(2 if err else 1)
        raise UnreachableError(f"the output cannot be written ({fault.strerror}); nothing else is wrong") from fault


def silence(*descriptors: int) -> None:
    """Makes these file descriptors lead nowhere from now on."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in descriptors:
            os.dup2(nowhere, descriptor)
        os.close(nowhere)


def on_terminal(descriptor: int) -> bool:
    """Whether a person sits there. A stream that was closed before this program began is no terminal."""
    stream = (sys.stdin, sys.stdout)[descriptor]
    return stream is not None and stream.isatty()


def ask(question: str, within: timedelta) -> bool:
    """Asks on the terminal, yes or no.

    Args:
        question: Printed with ` [y/N]: ` after it.
        within: How long to wait for an answer.

    Raises:
        RefusedError: No answer came in time.
        click.Abort: The terminal is closed, or Ctrl-D was pressed.
    """
    while True:
        click.echo(f"{question} [y/N]: ", nl=False, err=True)
        ready, _, _ = select.select([0], [], [], within.total_seconds())
        if not ready:
            say("", err=True)
            raise RefusedError(f"not confirmed within {within.seconds // 60}m; nothing was changed")
        typed = os.read(0, 4096)  # one line; sys.stdin would keep further lines in a buffer that select cannot see
        if not typed:
            raise click.Abort
        answer = typed.decode(errors="replace").strip().lower()
        if answer in {"", "n", "no", "y", "yes"}:
            return answer.startswith("y")
        say("Error: invalid input", err=True)


def internal_error(fault: Exception) -> str:
    """The sentence for an error that the program does not expect."""
    return f"internal error: {type(fault).__name__}: {fault} (KATAKEI_DEBUG=1 shows where)"
