"""The limits of the operating system on the arguments and the environment of one program (execve(2), E2BIG).

Linux limits each string to 32 pages, and all of them together to a share of the stack. macOS has only the sum.
"""

import os
import sys
from collections.abc import Iterator, Mapping

from katakei.adapters.executors.mark import EXACTLY
from katakei.domain.actions import Job
from katakei.domain.errors import UsageError

PAGES_PER_STRING = 32
RESERVE = 4096
"""Bytes of the sum that stay free, as xargs(1) leaves them: the kernel adds the path of the program and a table."""

_POINTER = 8


def check_exec(job: Job, env: Mapping[str, str]) -> None:
    """Checks that this machine can start the work.

    Args:
        job: The command.
        env: The whole environment of the work.

    Raises:
        UsageError: A string or their sum is too long.
    """
    arguments = dict(_arguments(job))
    sizes = {name: len(os.fsencode(text)) + 1 for name, text in arguments.items()}
    sizes |= {f"the variable {name}": len(os.fsencode(f"{name}={value}")) + 1 for name, value in env.items()}
    most = os.sysconf("SC_PAGE_SIZE") * PAGES_PER_STRING
    longest = max(sizes, key=lambda name: sizes[name])
    if sys.platform == "linux" and sizes[longest] > most:
        raise UsageError(
            f"{longest} of the local work takes {sizes[longest]} bytes, and Linux passes at most {most} in one piece"
            " (execve): put it into a file and name that"
        )
    total, room = sum(sizes.values()) + _POINTER * len(sizes), os.sysconf("SC_ARG_MAX") - RESERVE
    if total > room:
        raise UsageError(
            f"the command and the environment of the local work take {total} bytes, and this machine passes at most"
            f" {room} to a program (ARG_MAX): put the command into a script"
        )


def _arguments(job: Job) -> Iterator[tuple[str, str]]:
    yield "the command", job.run or EXACTLY
    for number, word in enumerate(job.argv, start=1):
        yield f"word {number} of argv", word
