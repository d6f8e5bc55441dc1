"""The lab's own log: every change of state of every target, with how many of its group served right after it.

For judges from outside. Entries are plain JSON; nothing is ever decided from them.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from katakei.lab.elb import states
from katakei.lab.elb.words import State
from katakei.lab.picture import Traffic

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.elb.group import Group, Key, Registration
    from katakei.lab.elb.switches import Switches
    from katakei.lab.elb.words import Health

KEPT = 200_000
ABSENT = "absent"


class History:
    """Compares each look at a group with the one before. Not thread-safe; its owner holds a lock."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._health: dict[str, dict[Key, tuple[Registration, Health]]] = {}
        self._traffic: dict[str, dict[Key, Traffic]] = {}

    def entries(self) -> list[dict[str, Any]]:
        """All that happened, oldest first. `kind` is `state` (the API's view) or `traffic` (the data plane's)."""
        return list(self._entries)

    def look(self, group: Group, at: datetime, switches: Switches) -> None:
        """Note what changed in the API's view."""
        before = self._health.get(group.arn, {})
        after = {r.key: (r, h) for r, h in states.listing(group, at, switches)}
        if {k: h for k, (_, h) in before.items()} == {k: h for k, (_, h) in after.items()}:
            return
        self._health[group.arn] = after
        serving = [r for r, h in after.values() if h.state is State.HEALTHY]
        counts = {"serving": len(serving), "zones": dict(Counter(r.zone or "" for r in serving))}
        for key in [*before, *(k for k in after if k not in before)]:
            old, new = before.get(key), after.get(key)
            if old is None or new is None or old[1] != new[1]:
                self._entries.append(self._state(group, at, new or old, gone=new is None) | counts)

    def applied(self, arn: str, traffic: dict[Key, Traffic], at: datetime) -> None:
        """Note what the data plane does from now on."""
        before = self._traffic.get(arn, {})
        if before == traffic:
            return
        self._traffic[arn] = traffic
        serving = sum(t is Traffic.IN_SERVICE for t in traffic.values())
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
