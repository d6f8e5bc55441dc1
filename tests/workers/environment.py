"""A small AWS that several processes share: target groups, machines with marks, and a log of every act.

It runs in the process of the tests, in real time, and is reached over loopback. It judges each act when it arrives.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.managers import BaseManager
from typing import Any

from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId
from katakei.domain.observation import (
    GroupObservation,
    HealthState,
    RegistrationHealth,
    WorkState,
    WorkStatus,
)
from katakei.domain.plan import Plan
from katakei.domain.ports import CheckRequest, Clock, GroupMember
from katakei.domain.spec import Command

DELAY, INITIAL, WORK = 4.0, 1.0, 2.0
"""Seconds that a target drains, is initial, and is worked on."""


@dataclass(frozen=True)
class Act:
    """One call that changes something, when it arrived.

    Attributes:
        at: Seconds of the clock of the tests.
        pid: The process that made it.
    """

    at: float
    pid: int
    kind: str
    rollout: RolloutId
    target: TargetId


class Environment:
    """The truth."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: dict[Arn, Plan] = {}
        self._states: dict[Registration, tuple[HealthState, float]] = {}
        self._marks: dict[WorkKey, float] = {}
        self.acts: list[Act] = []
        self.faults: list[str] = []

    # -- for the tests

    def add(self, plan: Plan) -> None:
        with self._lock:
            for group in plan.groups:
                self._plans[group.arn] = plan
            for target in plan.targets:
                self._states |= dict.fromkeys(target.registrations, (HealthState.HEALTHY, 0.0))

    def acts_of(self, rollout: RolloutId, pid: int | None = None, since: float = 0.0) -> list[Act]:
        with self._lock:
            return [a for a in self.acts if a.rollout == rollout and pid in {None, a.pid} and a.at >= since]

    def judge(self, plans: Sequence[Plan]) -> list[str]:
        """What is wrong once these rollouts have ended."""
        with self._lock:
            faults = list(self.faults)
            for plan in plans:
                for target in plan.targets:
                    works = [key for key in self._marks if key.rollout == plan.rollout and key.target == target.id]
                    faults += (
                        [] if len(works) == 1 else [f"{target.id} of {plan.rollout}: work began {len(works)} times"]
                    )
                    faults += [
                        f"{place} is {self._now(place).value}"
                        for place in target.registrations
                        if self._now(place) is not HealthState.HEALTHY
                    ]
            return faults

    # -- for the processes

    def look(self, arn: Arn) -> Mapping[Registration, HealthState]:
        with self._lock:
            return {place: self._now(place) for place in self._states if place.group == arn}

    def change(self, pid: int, kind: str, places: frozenset[Registration]) -> None:
        with self._lock:
            for place in sorted(places, key=repr):
                plan = self._plans[place.group]
                self.acts.append(Act(time.monotonic(), pid, kind, plan.rollout, TargetId(place.id)))
                if kind == "register":
                    if self._now(place) in {HealthState.DRAINING, HealthState.ABSENT}:
                        self._states[place] = (HealthState.INITIAL, time.monotonic())
                elif self._now(place) not in {HealthState.DRAINING, HealthState.ABSENT}:
                    self._states[place] = (HealthState.DRAINING, time.monotonic())
                    serving = [
                        p for p in self._states if p.group == place.group and self._now(p) is HealthState.HEALTHY
                    ]
                    if len(serving) < plan.floors[place.group].count:
                        self.faults.append(f"{plan.rollout}: {len(serving)} targets serve after {place.id} left")

    def start(self, pid: int, keys: Sequence[WorkKey]) -> None:
        with self._lock:
            for key in keys:
                self.acts.append(Act(time.monotonic(), pid, "start", key.rollout, key.target))
                if key in self._marks:
                    continue  # the mark on the target refuses a second start
                self._marks[key] = time.monotonic()
                for place in [place for place in self._states if place.id == key.target]:
                    if self._now(place) not in {HealthState.DRAINING, HealthState.ABSENT}:
                        self.faults.append(f"{key.target} is worked on while it is {self._now(place).value}")

    def works(self, keys: Sequence[WorkKey]) -> Mapping[WorkKey, float | None]:
        """How long ago the work of each key began; None: it did not."""
        with self._lock:
            now = time.monotonic()
            return {key: now - self._marks[key] if key in self._marks else None for key in keys}

    def _now(self, place: Registration) -> HealthState:
        state, since = self._states[place]
        age = time.monotonic() - since
        if state is HealthState.DRAINING and age >= DELAY:
            return HealthState.ABSENT
        if state is HealthState.INITIAL and age >= INITIAL:
            return HealthState.HEALTHY
        return state


class _Manager(BaseManager):
    pass


@contextmanager
def served(environment: Environment) -> Iterator[tuple[str, int, str]]:
    """The environment for other processes: host, port and key."""
    key = "environment of these tests"

    class Manager(BaseManager):
        pass

    Manager.register("environment", callable=lambda: environment, exposed=("look", "change", "start", "works"))
    server = Manager(("127.0.0.1", 0), key.encode()).get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address: Any = server.address
    try:
        yield address[0], address[1], key
    finally:
        server.listener.close()  # type: ignore[attr-defined]  # the typeshed does not know it


def reached(host: str, port: int, key: str) -> Any:
    """The environment, from another process."""
    _Manager.register("environment")
    manager = _Manager((host, port), key.encode())
    manager.connect()
    return manager.environment()  # type: ignore[attr-defined]  # registered above


class SharedBalancer:
    """The load balancer, as one process reaches it."""

    def __init__(self, environment: Any, plan: Plan, clock: Clock, pid: int) -> None:
        self._environment, self._plan, self._clock, self._pid = environment, plan, clock, pid

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        return [group for group in self._plan.groups if group.arn in names or group.name in names]

    def members(self, group: Group) -> Sequence[GroupMember]:
        begun = self._clock.now()
        listed = self._environment.look(group.arn)
        owners = {place: target for target in self._plan.targets for place in target.registrations}
        return [
            GroupMember(place, RegistrationHealth(state, begun, begun), o.id, o.name, o.address, o.zone, {})
            for place, state in listed.items()
            if state is not HealthState.ABSENT
            for o in [owners[place]]
        ]

    def elsewhere(self, targets: Sequence[Target]) -> Sequence[Registration]:
        del targets
        return []

    def look(self, group: Arn, only: frozenset[Registration] | None) -> GroupObservation:
        begun = self._clock.now()
        states = self._environment.look(group)
        ended = self._clock.now()
        seen = {
            place: RegistrationHealth(state, begun, ended)
            for place, state in states.items()
            if (place in only if only is not None else state is not HealthState.ABSENT)
        }
        return GroupObservation(seen, begun if only is None else None)

    def deregister(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        del group, by
        self._environment.change(self._pid, "deregister", what)

    def register(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        del group, by
        self._environment.change(self._pid, "register", what)

    def prove_rights(self, group: Arn, listed: Sequence[Registration], by: timedelta) -> None:
        del group, listed, by

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        return [str(place) for place in registrations]


class SharedExecutor:
    """Work on the machines, as one process reaches it."""

    marks = ""
    lacks = None

    def __init__(self, environment: Any, pid: int) -> None:
        self._environment, self._pid = environment, pid

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del targets, by
        return {}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        del jobs

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del command, targets, by
        return {}

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del by
        return {target.id: f"{target.id}@1" for target in targets}

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        del by
        self._environment.start(self._pid, list(jobs))
        return {key: job.marks or "ticket" for key, (_, job) in jobs.items()}

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        del by
        return {key: _status(age) for key, age in self._environment.works(list(tickets)).items()}

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        raise NotImplementedError

    cancel = forbid


class NoChecks:
    """No health check is asked from here."""

    def reachable(self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta) -> Mapping[TargetId, str]:
        del questions, by
        return {}

    def ask(self, questions: object, by: timedelta) -> Mapping[TargetId, Any]:
        del questions, by
        return {}


def _status(age: float | None) -> WorkStatus:
    if age is None:
        return WorkStatus(WorkState.NOT_STARTED)
    return WorkStatus(WorkState.ENDED, exit=0, out="done") if age >= WORK else WorkStatus(WorkState.RUNNING)


def renamed(plan: Plan, number: int) -> Plan:
    """The same plan for another rollout over another group with other machines."""
    [group] = plan.groups
    arn = Arn(group.arn.replace("/web0/", f"/web{number}/"))
    targets = []
    for side, target in enumerate(plan.targets):
        name = TargetId(f"i-{100 * number + side:017x}")
        place = Registration(arn, name, 80)
        targets.append(replace(target, id=name, name=f"web{number}-{side}", registrations=(place,)))
    return replace(
        plan,
        rollout=RolloutId(f"r-{number}"),
        groups=(replace(group, arn=arn, name=f"web{number}"),),
        targets=tuple(targets),
        floors={arn: plan.floors[group.arn]},
    )
