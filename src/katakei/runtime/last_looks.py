"""The last look as the work itself carries it: one program for as many targets as may share a command."""

from collections.abc import Sequence

from katakei.domain.model import TargetId
from katakei.domain.ports import Probe, ProbedTarget

TOGETHER = 50  # targets whose last look shares one program, as many as share one command


def last_looks(probe: Probe, targets: Sequence[ProbedTarget], together: int = TOGETHER) -> dict[TargetId, str]:
    """The program of each."""
    looks: dict[TargetId, str] = {}
    for at in range(0, len(targets), together):
        some = targets[at : at + together]
        looks |= dict.fromkeys((each.target.id for each in some), probe.last_look(some))
    return looks
