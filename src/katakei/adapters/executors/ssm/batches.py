"""The grouping of starts into commands, and the text of each command. Nothing is sent here."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from katakei.adapters.executors import mark
from katakei.adapters.executors.ssm.run_command import (
    INSTANCE_ID_VARIABLE,
    MAX_COMMAND_CHARACTERS,
    MAX_INSTANCES,
    MAX_RUN,
)
from katakei.domain.actions import Job
from katakei.domain.errors import UsageError
from katakei.domain.events import WorkKey
from katakei.domain.words import span

MARGIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Start:
    """A job whose target's clock is known. `alone`: the target does not know its id, so it needs its own command."""

    key: WorkKey
    line: mark.Line
    job: Job
    alone: bool


def command_text(starts: Sequence[Start]) -> str:
    """Returns the command for all of them. They share the work; each machine finds its own values in its own line."""
    return mark.start_text([one.line for one in starts], starts[0].job, follow_time(starts), INSTANCE_ID_VARIABLE)


def follow_time(starts: Sequence[Start]) -> timedelta:
    """Returns how long the command stays to report the end of the work: a little longer than the work may take."""
    return timedelta(seconds=starts[0].job.seconds) + MARGIN


def batches(starts: Sequence[Start]) -> Iterator[list[Start]]:
    """Yields starts that share one command: the same work and time limit, each machine once, within the limits.

    Raises:
        UsageError: no command can carry one of them. It is raised after all the others were yielded.

    """
    groups: dict[tuple[object, ...], list[Start]] = {}
    for number, one in enumerate(starts):
        turn = sum(other.line.machine == one.line.machine for other in starts[:number])
        apart = one.line.machine if one.alone else None
        groups.setdefault((replace(one.job, env=(), marks="", fetched=()), turn, apart), []).append(one)
    too_long: list[Start] = []
    for group in groups.values():
        left = group
        while left:
            number = _fitting(left)
            if number:
                yield left[:number]
            else:
                too_long.append(left[0])
            left = left[max(1, number) :]
    for one in too_long:
        check_size(one)


def check_size(one: Start) -> None:
    """Raises UsageError for a start that no command can carry."""
    if (characters := size([one])) > MAX_COMMAND_CHARACTERS:
        raise UsageError(
            f"the command takes {characters} characters with its values and what is sent with it, more than Run Command"
            f" carries ({MAX_COMMAND_CHARACTERS}): put it into a script on the target and call that"
        )


def check_time(job: Job) -> None:
    """Raises UsageError for work whose time limit no command can have."""
    most = MAX_RUN - 2 * MARGIN
    if timedelta(seconds=job.seconds) > most:
        raise UsageError(
            f"limits.working is longer than the {span(MAX_RUN)} that Run Command lets a command run: set it to"
            f" {span(most)} or less"
        )


def run_time(starts: Sequence[Start]) -> timedelta:
    """Returns how long the agent lets the command run before it ends it."""
    return follow_time(starts) + MARGIN


def size(starts: Sequence[Start]) -> int:
    """Returns the characters of the command as it is sent."""
    return len(json.dumps(command_text(starts)))


def _fitting(starts: Sequence[Start]) -> int:
    """Returns how many of the first starts fit into one command; 0 when not even the first one does."""
    numbers = range(min(MAX_INSTANCES, len(starts)), 0, -1)
    return next((number for number in numbers if size(starts[:number]) <= MAX_COMMAND_CHARACTERS), 0)
