"""The questions before a target is taken out: whether it can be reached and whether work could begin there."""

import base64
import binascii
from collections.abc import Sequence

from katakei.adapters.executors import mark
from katakei.adapters.executors.program_paths import lacking, needed_programs, search_lines
from katakei.adapters.executors.ssh.client import Answer
from katakei.adapters.executors.ssh.programs import hello_program
from katakei.domain.model import Target, TargetId
from katakei.domain.outside_text import one_line
from katakei.domain.spec import Command

LEAST_FREE = 1024
"""KiB that must be free for marks, and for the output that they keep."""

_FIELDS = 8


def program() -> str:
    """The program of the first question. It changes nothing."""
    return hello_program()


def unready(target: Target, answer: Answer | None) -> str:
    """Why no work could begin on a target; '' when it could.

    Args:
        target: The target.
        answer: Its answer to `program`; None where its turn did not come in time.
    """
    if answer is None:
        return "its turn to be reached by ssh did not come in time: try again"
    if answer.failure:
        return answer.failure.why
    words = next((line.split(" ") for line in answer.out.splitlines() if line.startswith("katakei-hello ")), [])
    return _problem(target, words) if len(words) == _FIELDS else "its answer by ssh was incomplete"


def is_another(target: TargetId, place: str) -> bool:
    """Whether a place, or the name of a machine, is of another instance than the target."""
    machine = place.partition("@")[0]
    return machine.startswith("i-") and target.startswith("i-") and machine != target


def needs(command: Command) -> str:
    """Lines of a program that name what the command lacks on a target."""
    return "\n".join((*search_lines(_programs(command)), ""))


def unproved(command: Command, answer: Answer) -> str:
    """Why the command cannot begin on a target; '' where it can, or where nothing is known."""
    if why := lacking(_programs(command), answer.out):
        return why
    found = mark.read(answer.out).marks
    if found and (not found[0].place or found[0].place.endswith("@-")):
        return "the state folder cannot be written, or the disk is full"
    return ""


def _programs(command: Command) -> tuple[str, ...]:
    return (command.shell, *needed_programs(command))


def _problem(target: Target, words: Sequence[str]) -> str:
    _, machine, system, lacking, writable, free, kills, root = words
    try:
        folder = one_line(base64.b64decode(root, validate=True).decode(errors="replace"))
    except binascii.Error:
        folder = "its state folder"
    if is_another(target.id, machine):
        return f"ssh reaches {machine} and not {target.id}: correct what names its host"
    if system != "Linux":
        return f"it runs {one_line(system)}; work by ssh needs Linux"
    if lacking != "-":
        return f"{one_line(lacking).replace(',', ', ')} is missing on this machine"
    if writable != "yes":
        return f"its user may not write {folder}, where the marks of the work are kept"
    if free.isdigit() and int(free) < LEAST_FREE:
        return f"its disk is full: {free} KiB are free for {folder}"
    if kills == "yes":
        return "its login manager ends the work with the connection: set KillUserProcesses=no in logind.conf"
    return ""
