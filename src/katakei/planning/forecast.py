"""The forecast of a plan: how long it will take, and which setting decides each part of that time.

The forecast is arithmetic over the plan. It leaves out the work itself, whose duration is not known, and the time that
observations take.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from katakei.domain.plan import Plan, PlanKind
from katakei.domain.reasons import Reason
from katakei.domain.spec import DrainUntil, Overlap
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.schedule import schedule
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
    """The parts of one target's time, and how long all targets take. The work itself is left out.

    Attributes:
        parts: In order.
        rounds: How many times the work itself comes on top of `total`.
        total: The time of the whole rollout, without the work.
        at_once: How many targets are out at a time, at most.
        limited_by: Which floor makes that fewer than the window allows; None where the window decides.
        saved: How much longer it would take with `warm.overlap: never`.
    """

    parts: tuple[Part, ...]
    rounds: int
    total: timedelta
    at_once: int = 1
    limited_by: Reason | None = None
    saved: timedelta = timedelta()

    @property
    def per_target(self) -> timedelta:
        """The time from the take-out of one target to the end of its soak, without the work."""
        return sum((part.length for part in self.parts), timedelta())

    @property
    def covered(self) -> timedelta:
        """How much of that time the next round covers, on average: it begins so much earlier."""
        if self.rounds < 2:
            return timedelta()
        return max(timedelta(), (self.per_target * self.rounds - self.total) / (self.rounds - 1))


def forecast(plan: Plan) -> Forecast:
    """Predicts how long a plan takes, without the work itself.

    A switch takes its soaks. With several groups the longest delay and the longest health check interval count.
    """
    delay = max(group.delay for group in plan.groups)
    interval = max(group.check.interval for group in plan.groups)
    out = _drain(plan, delay)
    back = _part(PartName.FIRST_HEALTH_CHECK, PROPAGATION + interval, PlanCode.SETTING_HEALTH_CHECK_INTERVAL)
    second = _part(PartName.SECOND_OBSERVATION, PROOF_INTERVAL, PlanCode.SETTING_FIXED)
    soak = _part(PartName.SOAK, plan.spec.soak, PlanCode.SETTING_SOAK)
    # The second observation and the soak both count from the first observation that shows the target serving.
    last = soak if plan.spec.soak >= PROOF_INTERVAL else second
    parts = {
        PlanKind.ROLL: (out, back, last),
        PlanKind.DEREGISTER: (out,),
        PlanKind.REGISTER: (back, second),
        PlanKind.SWITCH: (soak,),
    }[plan.kind]
    if plan.kind is not PlanKind.ROLL:  # a manual step takes all of its targets at once
        times = sum(step > 0 for step in plan.switch.steps) if plan.switch else min(1, len(plan.targets))
        total = times * sum((part.length for part in parts), timedelta())
        return Forecast(parts, min(1, len(plan.targets)), total, len(plan.targets))
    planned = schedule(plan, out.length, back.length)
    never = schedule(plan, out.length, back.length, Overlap.NEVER)
    return Forecast(
        parts=parts,
        rounds=_rounds(plan, planned.length, out.length, back.length),
        total=planned.length,
        at_once=planned.at_once,
        limited_by=_limit(plan, planned.at_once),
        saved=never.length - planned.length,
    )


def _rounds(plan: Plan, total: timedelta, drain: timedelta, back: timedelta) -> int:
    """How many times the work comes on top of the total, at most: as often as where it takes longer than all the rest.

    Where it is short, fewer times may do: a window that waits for soaks can let the work of several targets pass
    meanwhile, one after the other.
    """
    work = 3 * total
    return round(schedule(plan, drain, back + work).length / work) if work else 0


def _limit(plan: Plan, at_once: int) -> Reason | None:
    """The floor that keeps the window from being used."""
    waves = plan.waves or (len(plan.targets),)
    largest = max(end - begin for begin, end in zip((0, *waves), waves, strict=False))
    if at_once >= min(plan.window, largest, plan.limit or largest):
        return None
    in_zones = schedule(plan, timedelta(), timedelta(), Overlap.NEVER, zones=False).at_once > at_once
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
