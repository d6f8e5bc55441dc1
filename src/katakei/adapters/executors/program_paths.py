"""The programs that a command needs, where that can be told with certainty: an absolute path of plain letters at its
beginning, and the tools of a release.

They are looked for before the first target is taken out. Only letters that no shell treats specially are accepted: they
can be put into a shell program as they are. Everything else is not proved: a name that the shell finds in PATH, a
path below the current folder, the argument of an interpreter, and every command but the first.
"""

import re
from collections.abc import Sequence

from katakei.domain.releases import ArtifactSource, SourceKind
from katakei.domain.spec import Command

_PLAIN = r"(/[A-Za-z0-9_.+-]+(?:/[A-Za-z0-9_.+-]+)*)"
_FIRST = re.compile(rf"\s*(?:(?:sudo|exec)[ \t]+)?{_PLAIN}(?=[\s;]|$)")

_MISSING = "katakei-missing"
_TOOLS = ("awk", "df", "find", "flock", "readlink")  # beside coreutils, which the mark needs too


def needed_programs(command: Command) -> tuple[str, ...]:
    """The programs without which this command cannot begin. Each is a word that means nothing else to a shell."""
    if command.release:
        return (*_TOOLS, *_tools_of(command.release.source))
    path = program_path(command)
    return (path,) if path else ()


def _tools_of(source: ArtifactSource | None) -> tuple[str, ...]:
    if source is None:
        return ()
    fetching = {SourceKind.GIT: "git", SourceKind.S3: "aws", SourceKind.URL: "curl"}[source.kind]
    return ("tar", *(() if source.place.startswith("file:") else (fetching,)))


def program_path(command: Command) -> str | None:
    """The absolute path of the program that this command runs first.

    Returns:
        None where no such path can be told.
    """
    if command.argv:
        return command.argv[0] if re.fullmatch(_PLAIN, command.argv[0]) else None
    found = _FIRST.match(command.run)
    return found.group(1) if found else None


def search_lines(programs: Sequence[str]) -> list[str]:
    """Lines of a shell program that print one line for each of these programs that a target lacks."""
    return [f"command -v {each} >/dev/null 2>&1 || echo {_MISSING} {each}" for each in programs]


def lacking(programs: Sequence[str], output: str) -> str:
    """Why a target cannot be worked on, by the first program that the search did not find; '' when it found all."""
    lines = output.splitlines()
    return next((missing(each) for each in programs if f"{_MISSING} {each}" in lines), "")


def missing(path: str) -> str:
    """Why a target cannot be worked on: its program is not there."""
    return f"there is no program {path}"
