"""The log of every AWS call, for judges from outside. It holds no secrets: no signatures."""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.endpoint_wsgi import Call
    from katakei.lab.faults import Fate

KEPT = 200_000
TARGET = re.compile(r"Targets\.member\.(\d+)\.(Id|Port|AvailabilityZone)")


class CallLog:
    """Thread-safe; the oldest calls are forgotten first."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def note(self, call: Call, at: datetime, status: int, fate: Fate, answered: int = 0) -> None:
        """One call has been answered with a body of so many bytes; status 0 means that it never was."""
        entry = {
            "at": at.isoformat(),
            "service": call.service,
            "action": call.action,
            "agent": call.agent,
            "status": status,
            "fault": fate.value,
            "group": call.form.get("TargetGroupArn"),
            "targets": _targets(call),
            "bytes_in": len(call.body),
            "bytes_out": answered,
        }
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        """All of them, oldest first."""
        with self._lock:
            return list(self._entries)


def _targets(call: Call) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for name, value in call.form.items():
        if match := TARGET.fullmatch(name):
            number = match[2] == "Port" and value.isdigit()
            found.setdefault(int(match[1]), {})[match[2].lower()] = int(value) if number else value
    return [found[number] for number in sorted(found)]
