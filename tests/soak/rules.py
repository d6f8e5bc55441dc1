"""What must be so among the processes while they run, whatever else happens: one works, the others are refused soon."""

import os
from collections.abc import Sequence

from tests.soak.crew import Member

REFUSED_WITHIN = 2.0
"""Seconds, on a machine with a processor for everyone."""


def patience() -> float:
    """As much longer as there are more processes than processors for them."""
    return REFUSED_WITHIN * max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def together(living: Sequence[Member], now: float) -> list[str]:
    """Who has been beside another one for too long; trouble may hold anybody up."""
    calm = [member for member in living if not member.troubled]
    latest = max((member.born for member in calm), default=now)
    if len(calm) < 2 or now - latest <= patience():
        return []
    names = " and ".join(f"{member.words[0]} (pid {member.pid})" for member in calm)
    return [f"{names} have both been at work for {now - latest:.1f} s"]


def refusals(members: Sequence[Member]) -> list[float]:
    """Seconds that those took which were refused although nothing was wrong."""
    calm = [member for member in members if member.code == 4 and not member.troubled and not member.told]
    return [member.ended - member.born for member in calm if member.ended]
