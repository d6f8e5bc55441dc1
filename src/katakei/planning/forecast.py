"""The forecast of a plan: how long it will take, and which setting decides each part of that time.

The forecast is arithmetic over the plan. It leaves out the work itself, whose duration is not known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from katakei.domain.model import Arn, Target
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.reasons import Reason
from katakei.domain.spec import DrainUntil
from katakei.planning.reasons import PlanCode, reason
from katakei.reconcile.context import PROOF_INTERVAL

PROPAGATION = timedelta(seconds=5)  # "seconds" between the call and the first check (docs/aws.md 7)


class PartName(StrEnum):
    """The parts of the time that one target is out of service."""

    DRAIN = "drain"
    FIRST_HEALTH_CHECK = "first_health_check"
    SECOND_OBSERVATION = "second_observation"
    SOAK = "soak"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a target's time, and the setting that decides it (a code `setting_*`)."""

    name: PartName
    length: timedelta
    setting: Reason


@dataclass(frozen=True, slots=True)
class Forecast:
    """The parts of one target's time, and how many rounds follow one another. The work itself is left out.

    Attributes:
        parts: In order.
        rounds: How many rounds the targets take.
        at_once: How many targets are out at a time, at most.
        limited_by: Which floor makes that fewer than the window allows; None where the window decides.
    """

    parts: tuple[Part, ...]
    rounds: int
    at_once: int = 1
    limited_by: Reason | None = None

    @property
    def per_target(self) -> timedelta:
        """The time that one target is out of service, without the work."""
        return sum((part.length for part in self.parts), timedelta())

    @property
    def total(self) -> timedelta:
        """The time of the whole rollout, without the work."""
        return self.per_target * self.rounds


def forecast(plan: Plan) -> Forecast:
    """Predicts how long a plan takes, without the work itself.

    With several groups the longest delay and the longest health check interval count.
    """
    delay = max(group.delay for group in plan.groups)
    interval = max(group.check.interval for group in plan.groups)
    out = (_drain(plan, delay),)
    back = (_part(PartName.FIRST_HEALTH_CHECK, PROPAGATION + interval, PlanCode.SETTING_HEALTH_CHECK_INTERVAL),)
    second = (_part(PartName.SECOND_OBSERVATION, PROOF_INTERVAL, PlanCode.SETTING_FIXED),)
    soak = (_part(PartName.SOAK, plan.spec.soak, PlanCode.SETTING_SOAK),)
    # The second observation and the soak both count from the first observation that shows the target serving.
    last = soak if plan.spec.soak >= PROOF_INTERVAL else second
    parts = {PlanKind.ROLL: out + back + last, PlanKind.DEREGISTER: out, PlanKind.REGISTER: back + second}[plan.kind]
    if plan.kind is not PlanKind.ROLL:  # a manual step takes all of its targets at once
        return Forecast(parts, 1 if plan.targets else 0, len(plan.targets))
    sizes = _rounds(plan)
    at_once = max(sizes, default=0)
    return Forecast(parts, len(sizes), at_once, _limit(plan, at_once))


def _rounds(plan: Plan, *, zones: bool = True) -> list[int]:
    """How many targets each round has, as far as window and floors allow.

    Args:
        plan: The plan; every registration of it is taken to serve in the end.
        zones: False leaves the floors of the zones out.
    """
    held = {each.target for each in plan.held}
    floors = _Slack.of(plan, zones=zones)
    waiting, sizes = list(plan.targets), []
    while waiting:
        out = floors
        for target in waiting:  # until what is out already is done, no floor counts it
            out = out.without(target) if target.id in held else out
        now: list[Target] = []
        for target in waiting:
            if len(now) == max(1, plan.window):
                break
            if target.id in held or out.allows(target):
                out = out if target.id in held else out.without(target)
                now.append(target)
        now = now or waiting[:1]  # the checks refuse a plan in which nothing could ever leave
        taken = {target.id for target in now}
        waiting = [target for target in waiting if target.id not in taken]
        sizes.append(len(now))
    return sizes


@dataclass(frozen=True, slots=True)
class _Slack:
    """How many more registrations may be out, in each group and in each zone of a group."""

    free: Mapping[tuple[Arn, str], int]

    @classmethod
    def of(cls, plan: Plan, *, zones: bool) -> "_Slack":
        free = {(arn, ""): floor.base - floor.count for arn, floor in plan.floors.items()}
        for target in (*plan.targets, *plan.bystanders) if zones else ():
            for place in target.registrations:
                floor = plan.floors[place.group]
                if floor.per_zone:
                    where = (place.group, target.zone)
                    free[where] = free.get(where, -floor.per_zone) + 1
        return cls(free)

    def allows(self, target: Target) -> bool:
        """Whether the target may leave service, too."""
        left = self.without(target).free
        return all(left[where] >= 0 for where in _places(target) if where in left)

    def without(self, target: Target) -> "_Slack":
        free = dict(self.free)
        for where in _places(target):
            if where in free:
                free[where] -= 1
        return _Slack(free)


def _places(target: Target) -> Iterator[tuple[Arn, str]]:
    """Where each of its registrations counts: in the whole group, and in its zone there."""
    for place in target.registrations:
        yield place.group, ""
        if target.zone:
            yield place.group, target.zone


def _limit(plan: Plan, at_once: int) -> Reason | None:
    """The floor that keeps the window from being used."""
    if at_once >= min(plan.window, len(plan.targets)):
        return None
    in_zones = max(_rounds(plan, zones=False), default=0) > at_once
    floors = {group.name: plan.floors[group.arn] for group in plan.groups}
    if in_zones:
        name = max(floors, key=lambda name: floors[name].per_zone)
        return reason(PlanCode.LIMITED_BY_ZONE_FLOOR, group=name, floor=floors[name].per_zone, window=plan.window)
    name = min(floors, key=lambda name: floors[name].base - floors[name].count)
    return reason(PlanCode.LIMITED_BY_FLOOR, group=name, floor=floors[name].count, window=plan.window)


def _drain(plan: Plan, delay: timedelta) -> Part:
    settle = plan.spec.drain.settle
    if plan.spec.drain.until is not DrainUntil.DELAY:
        return Part(PartName.DRAIN, settle, reason(PlanCode.SETTING_SETTLE_UP_TO_DELAY, delay=delay.total_seconds()))
    if delay >= settle:
        return _part(PartName.DRAIN, delay, PlanCode.SETTING_DEREGISTRATION_DELAY)
    return _part(PartName.DRAIN, settle, PlanCode.SETTING_SETTLE)


def _part(name: PartName, length: timedelta, setting: PlanCode) -> Part:
    return Part(name, length, reason(setting))
