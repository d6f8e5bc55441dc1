"""The program that a command starts with, where that can be told with certainty: an absolute path of plain letters.

It is looked for before the first target is taken out. Only letters that no shell treats specially are accepted, so that
the path can be put into a shell program as it is. Everything else is not proved: a name that the shell finds in PATH, a
path below the current folder, the argument of an interpreter, and every command but the first.
"""

import re

from katakei.domain.spec import Command

_PLAIN = r"(/[A-Za-z0-9_.+-]+(?:/[A-Za-z0-9_.+-]+)*)"
_FIRST = re.compile(rf"\s*(?:(?:sudo|exec)[ \t]+)?{_PLAIN}(?=[\s;]|$)")


def program_path(command: Command) -> str | None:
    """The absolute path of the program that this command runs first.

    Returns:
        None where no such path can be told.
    """
    if command.argv:
        return command.argv[0] if re.fullmatch(_PLAIN, command.argv[0]) else None
    found = _FIRST.match(command.run)
    return found.group(1) if found else None


def missing(path: str) -> str:
    """Why a target cannot be worked on: its program is not there."""
    return f"there is no program {path}"
