"""The one way to print: a reader that has gone (`| head`) is no error, an output that cannot be written is one of ours.

After either, that output leads nowhere, so that nothing fails on it a second time, not even at the very end.
"""

import os
import sys
from contextlib import suppress

import click

from katakei.domain.errors import UnreachableError


def say(text: str, *, err: bool = False) -> None:
    """One line or more. Raises Unreachable: the disk is full, the terminal is lost."""
    try:
        click.echo(text, err=err)
    except BrokenPipeError:
        silence(2 if err else 1)
    except OSError as fault:
        silence(2 if err else 1)
        raise UnreachableError(f"the output cannot be written ({fault.strerror}); nothing else is wrong") from fault


def silence(*descriptors: int) -> None:
    """From now on these lead nowhere."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in descriptors:
            os.dup2(nowhere, descriptor)
        os.close(nowhere)


def on_terminal(descriptor: int) -> bool:
    """Whether a person sits there. A stream that was closed before we began is no terminal."""
    stream = (sys.stdin, sys.stdout)[descriptor]
    return stream is not None and stream.isatty()


def our_fault(fault: Exception) -> str:
    """The sentence for what nobody foresaw."""
    return f"a fault of ours: {type(fault).__name__}: {fault} (KATAKEI_DEBUG=1 shows where)"
