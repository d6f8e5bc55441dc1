"""Past values of target groups, and the log of changes that tests and benchmarks read."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from katakei.lab.desired_config import TrafficState
from katakei.lab.elb import states
from katakei.lab.elb.health_codes import State

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.elb.health_codes import Health
    from katakei.lab.elb.model import Group, Registration, TargetKey
    from katakei.lab.elb.switches import Switches

REACH = timedelta(hours=1)
ENTRIES = 20_000


class Timeline:
    """The values of one group with the time at which each began. Not thread-safe; its owner holds a lock."""

    def __init__(self, group: Group, at: datetime) -> None:
        self._times = [at]
        self._groups = [group]

    @property
    def now(self) -> Group:
        """The current value."""
        return self._groups[-1]

    def put(self, group: Group, at: datetime) -> None:
        """Add a value. Values older than the reach of lag and stale answers are dropped."""
        self._times.append(max(at, self._times[-1]))
        self._groups.append(group)
        # Keep the newest entry that is older than the reach: it is the value at that time.
        old = max(bisect_right(self._times, at - REACH) - 1, len(self._times) - ENTRIES)
        if old > 0:
            del self._times[:old], self._groups[:old]

    def amend(self, group: Group) -> None:
        """Replace the current value without a new entry, for changes that no reader can see, such as counters of
        checks.
        """
        self._groups[-1] = group

    def as_of(self, at: datetime) -> Group:
        """Returns the value at a time; the first value for earlier times."""
        return self._groups[max(0, bisect_right(self._times, at) - 1)]


MAX_ENTRIES = 200_000
ABSENT = "absent"


class ChangeLog:
    """Log of all changes of health and traffic. Not thread-safe; its owner holds a lock."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=MAX_ENTRIES)
        self._health: dict[str, dict[TargetKey, tuple[Registration, Health]]] = {}
        self._traffic: dict[str, dict[TargetKey, TrafficState]] = {}

    def entries(self) -> list[dict[str, Any]]:
        """Returns all changes, oldest first. `kind` is `state` (the API's view) or `traffic` (the data plane's)."""
        return list(self._entries)

    def record_health(self, group: Group, at: datetime, switches: Switches) -> None:
        """Log what changed in the API's view since the last call."""
        before = self._health.get(group.arn, {})
        after = {r.key: (r, h) for r, h in states.list_health(group, at, switches)}
        if {k: h for k, (_, h) in before.items()} == {k: h for k, (_, h) in after.items()}:
            return
        self._health[group.arn] = after
        serving = [r for r, h in after.values() if h.state is State.HEALTHY]
        counts = {"serving": len(serving), "zones": dict(Counter(r.zone or "" for r in serving))}
        for key in [*before, *(k for k in after if k not in before)]:
            old, new = before.get(key), after.get(key)
            if old is None or new is None or old[1] != new[1]:
                self._entries.append(self._state(group, at, new or old, gone=new is None) | counts)

    def record_traffic(self, arn: str, traffic: dict[TargetKey, TrafficState], at: datetime) -> None:
        """Log the traffic that the data plane sends from now on."""
        before = self._traffic.get(arn, {})
        if before == traffic:
            return
        self._traffic[arn] = traffic
        serving = sum(t is TrafficState.IN_SERVICE for t in traffic.values())
        for key in [*before, *(k for k in traffic if k not in before)]:
            if before.get(key) is not traffic.get(key):
                does = traffic[key].value if key in traffic else ABSENT
                entry = {"kind": "traffic", "at": at.isoformat(), "group": arn, "id": key.id, "port": key.port}
                self._entries.append(entry | {"traffic": does, "serving": serving})

    @staticmethod
    def _state(group: Group, at: datetime, seen: tuple[Registration, Health] | None, *, gone: bool) -> dict[str, Any]:
        if seen is None:
            return {}
        r, h = seen
        return {
            "kind": "state",
            "at": at.isoformat(),
            "group": group.arn,
            "id": r.key.id,
            "port": r.key.port,
            "zone": r.zone,
            "state": ABSENT if gone else h.state.value,
            "reason": None if gone else h.reason,
        }
