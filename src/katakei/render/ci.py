"""Commands to the CI system that shows the output: folded sections and annotations. Only this module makes any.

GitHub Actions reads workflow commands (`::group::`), GitLab reads section markers. Other systems get plain lines. Text
from outside reaches a command only as escaped data.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from katakei.render.text import harmless, one_line

MAX_ERRORS = 9  # GitHub shows at most 10 annotations of one kind for each step
_KEY = re.compile(r"[^A-Za-z0-9_.-]")


class CiSystem(Enum):
    """The CI system in whose job this process runs."""

    NONE = "none"
    GITHUB = "github"
    GITLAB = "gitlab"


def ci_system(env: Mapping[str, str]) -> CiSystem:
    """The CI system, as its own variable says."""
    if env.get("GITHUB_ACTIONS") == "true":
        return CiSystem.GITHUB
    return CiSystem.GITLAB if env.get("GITLAB_CI") == "true" else CiSystem.NONE


def folded(system: CiSystem, title: str, text: str, key: str, at: datetime) -> str:
    """Lines that the log of a job shows as one folded section; '' where the system has no such sections.

    Args:
        system: The CI system.
        title: The line that stays visible.
        text: The lines inside, made harmless here.
        key: Names the section, once in a job.
        at: When it is written; GitLab shows durations.
    """
    body, head = harmless(text).rstrip("\n"), one_line(title)
    if system is CiSystem.GITHUB:
        return f"::group::{_data(head)}\n{body}\n::endgroup::"
    if system is CiSystem.GITLAB:
        mark, moment = f"{_KEY.sub('_', key)}", int(at.timestamp())
        begin = f"\x1b[0Ksection_start:{moment}:{mark}[collapsed=true]\r\x1b[0K{head}"
        return f"{begin}\n{body}\n\x1b[0Ksection_end:{moment}:{mark}\r\x1b[0K"
    return ""


def error(system: CiSystem, title: str, text: str) -> str:
    """An annotation that the page of the run shows; '' where the system has none."""
    if system is not CiSystem.GITHUB:
        return ""
    return f"::error title={_property(title)}::{_data(one_line(text))}"


def file_error(system: CiSystem, file: str, place: tuple[int, int], text: str) -> str:
    """An annotation at a line and column of a file, each 0 for the whole file; '' where the system has none."""
    if system is not CiSystem.GITHUB:
        return ""
    line, column = place
    where = f",line={line},col={column}" if line else ""
    return f"::error file={_property(file)}{where}::{_data(one_line(text))}"


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")


def _data(text: str) -> str:
    """Escaped as GitHub's toolkit does for the data of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
