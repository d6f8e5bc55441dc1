"""A target group through time: the present value, and the past as far as lag and stale answers reach back."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katakei.lab.elb.group import Group

REACH = timedelta(hours=1)
ENTRIES = 20_000


class Timeline:
    """Values of one group with the time each began. Not thread-safe; its owner holds a lock."""

    def __init__(self, group: Group, at: datetime) -> None:
        self._times = [at]
        self._groups = [group]

    @property
    def now(self) -> Group:
        """The present value."""
        return self._groups[-1]

    def put(self, group: Group, at: datetime) -> None:
        """The group is this from now on; what no view can reach any more is forgotten."""
        self._times.append(max(at, self._times[-1]))
        self._groups.append(group)
        # The newest entry older than the reach still tells how things were then.
        old = max(bisect_right(self._times, at - REACH) - 1, len(self._times) - ENTRIES)
        if old > 0:
            del self._times[:old], self._groups[:old]

    def amend(self, group: Group) -> None:
        """The present value, but for what nobody can see: counters of checks would fill the past with equal views."""
        self._groups[-1] = group

    def then(self, at: datetime) -> Group:
        """The value at that time, the first one for times before it."""
        return self._groups[max(0, bisect_right(self._times, at) - 1)]
