"""The `/_lab/` API of the lab and the log of AWS calls. No AWS client calls this API."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import TYPE_CHECKING, Any

from katakei.lab.elb import states
from katakei.lab.elb.config_builder import build_desired_config
from katakei.lab.endpoint.wsgi import HttpResponse
from katakei.lab.faults import FaultError

if TYPE_CHECKING:
    from katakei.lab.elb.model import Listener
    from katakei.lab.elb.service import Elb
    from katakei.lab.elb.target_state import TargetState
    from katakei.lab.endpoint.wsgi import ApiCall, Environ
    from katakei.lab.faults import FaultInjector, FaultOutcome


@dataclass(frozen=True, slots=True)
class LabApi:
    """Handler of every path under `/_lab/`."""

    elb: Elb
    faults: FaultInjector
    log: CallLog

    def answer(self, environ: Environ, body: bytes) -> HttpResponse:
        """Answer a request: GET shows, POST to `faults` and `switches` changes."""
        path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "GET")
        if path in {"/_lab/faults", "/_lab/switches"} and method in {"POST", "PUT"}:
            return self._change(path, body)
        readers = {
            "/_lab/faults": self._faults_now,
            "/_lab/switches": self._switches_now,
            "/_lab/calls": self.log.entries,
            "/_lab/history": self._history,
            "/_lab/targets": self._targets,
            "/_lab/listeners": self._listeners,
        }
        if path not in readers:
            return _json("404 Not Found", {"error": f"there is no {path}; there are {', '.join(readers)}"})
        if method not in {"GET", "HEAD"}:
            return _json("405 Method Not Allowed", {"error": f"{path} can only be read"})
        return _json("200 OK", readers[path]())

    def _faults_now(self) -> dict[str, Any]:
        return self.faults.now.as_json()

    def _switches_now(self) -> dict[str, Any]:
        return self.elb.target_state.switches.as_json()

    def _change(self, path: str, body: bytes) -> HttpResponse:
        try:
            changes = json.loads(body or b"{}")
            if path == "/_lab/faults":
                return _json("200 OK", self.faults.change(changes).as_json())
            self.elb.change_switches(changes)
            return _json("200 OK", self._switches_now())
        except (FaultError, ValueError) as error:
            return _json("400 Bad Request", {"error": str(error)})

    def _history(self) -> list[dict[str, Any]]:
        """Returns the changes of all regions and accounts in order of time."""
        found: list[list[dict[str, Any]]] = []
        for state in self.elb.target_states():
            with state.locked():
                found.append(state.history.entries())
        return list(merge(*found, key=lambda entry: datetime.fromisoformat(entry["at"])))

    def _targets(self) -> list[dict[str, Any]]:
        """Returns every target as the API shows it, with the traffic that the data plane sends to it."""
        return [entry for state in self.elb.target_states() for entry in _shown(state)]

    def _listeners(self) -> list[dict[str, Any]]:
        found: list[Listener] = []
        for state in self.elb.target_states():
            with state.locked():
                found += state.listeners.values()
        return [
            {"arn": one.arn, "balancer": one.balancer, "port": one.port, "url": self.elb.url(one.arn)} for one in found
        ]


def _shown(target_state: TargetState) -> list[dict[str, Any]]:
    with target_state.locked() as now:
        _, flow = build_desired_config(target_state, now)
        return [
            {
                "group": group.arn,
                "id": r.key.id,
                "port": r.key.port,
                "zone": r.zone,
                "state": health.state.value,
                "reason": health.reason,
                "traffic": does.value if (does := flow.get(group.arn, {}).get(r.key)) else None,
            }
            for group in target_state.groups()
            for r, health in states.list_health(group, now, target_state.switches)
        ]


def _json(status: str, value: object) -> HttpResponse:
    return HttpResponse(status, (("Content-Type", "application/json"),), json.dumps(value).encode() + b"\n")


MAX_ENTRIES = 200_000
TARGET = re.compile(r"Targets\.member\.(\d+)\.(Id|Port|AvailabilityZone)")


class CallLog:
    """The log of all AWS calls, without signatures. Thread-safe; drops the oldest calls when full."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=MAX_ENTRIES)
        self._lock = threading.Lock()

    def add(self, call: ApiCall, at: datetime, status: int, outcome: FaultOutcome, answered: int = 0) -> None:
        """Add one call. `answered` is the size of the answer in bytes; status 0 means that no answer was sent."""
        entry = {
            "at": at.isoformat(),
            "service": call.service,
            "action": call.action,
            "agent": call.agent,
            "status": status,
            "fault": outcome.value,
            "group": call.form.get("TargetGroupArn"),
            "targets": _targets(call),
            "bytes_in": len(call.body),
            "bytes_out": answered,
        }
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        """Returns all calls, oldest first."""
        with self._lock:
            return list(self._entries)


def _targets(call: ApiCall) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for name, value in call.form.items():
        if match := TARGET.fullmatch(name):
            number = match[2] == "Port" and value.isdigit()
            found.setdefault(int(match[1]), {})[match[2].lower()] = int(value) if number else value
    return [found[number] for number in sorted(found)]
