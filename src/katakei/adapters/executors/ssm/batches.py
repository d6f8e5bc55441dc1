"""Which starts may share one command, and the text of it. Nothing is sent here."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from katakei.adapters.executors import mark
from katakei.adapters.executors.ssm.asks import SELF
from katakei.adapters.executors.ssm.door import BATCH
from katakei.domain.actions import Job
from katakei.domain.errors import UsageError
from katakei.domain.events import WorkKey

ROOM = 56_000
"""Characters of one command as JSON. A document and its parameters together are bound to 64 KB (CreateDocument)."""

SPARE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Ready:
    """A job whose target's clock is known. `alone`: the target does not know its own name among several."""

    key: WorkKey
    line: mark.Line
    job: Job
    alone: bool


def text(some: Sequence[Ready]) -> str:
    """The command for all of them. Their work is the same; each machine finds its own values in its own line."""
    return mark.start_text([one.line for one in some], some[0].job, follow(some), SELF)


def follow(some: Sequence[Ready]) -> timedelta:
    """How long the command stays to tell the end of the work: a little longer than the work may take."""
    return timedelta(seconds=some[0].job.seconds) + SPARE


def batches(ready: Sequence[Ready]) -> Iterator[list[Ready]]:
    """What may share one command: the same work and limit, each machine once, 50 at most, and within its size.

    Raises UsageFault for work that no command could carry, once all the rest was told.
    """
    groups: dict[tuple[object, ...], list[Ready]] = {}
    for one in ready:
        seat = sum(other.line.machine == one.line.machine for other in ready[: ready.index(one)])
        apart = one.line.machine if one.alone else ""
        groups.setdefault((one.job.run, one.job.argv, one.job.probe, one.job.seconds, seat, apart), []).append(one)
    too_long: list[Ready] = []
    for group in groups.values():
        while group:
            number = next((n for n in range(min(BATCH, len(group)), 0, -1) if size(group[:n]) <= ROOM), 0)
            if number:
                yield group[:number]
            else:
                too_long.append(group[0])
            group = group[max(1, number) :]  # noqa: PLW2901 - what is left of it
    for one in too_long:
        fits(one)


def fits(one: Ready) -> None:
    """Raises UsageFault for work that no command could carry."""
    if (whole := size([one])) > ROOM:
        raise UsageError(
            f"the command takes {whole} characters with its values and what is sent beside it, more than Run Command"
            f" carries ({ROOM}): put it into a script on the target and call that"
        )


def size(some: Sequence[Ready]) -> int:
    """Characters of the command as it is sent."""
    return len(json.dumps(text(some)))
