"""The forecast of a plan: how long it will take, and which setting decides each part of that time.

The forecast is arithmetic over the plan. It leaves out the work itself, whose duration is not known.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

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
    """The parts of one target's time, and how many rounds follow one another. The work itself is left out."""

    parts: tuple[Part, ...]
    rounds: int

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
    return Forecast(parts, -(-len(plan.targets) // max(1, plan.window)))


def _drain(plan: Plan, delay: timedelta) -> Part:
    settle = plan.spec.drain.settle
    if plan.spec.drain.until is not DrainUntil.DELAY:
        return Part(PartName.DRAIN, settle, reason(PlanCode.SETTING_SETTLE_UP_TO_DELAY, delay=delay.total_seconds()))
    if delay >= settle:
        return _part(PartName.DRAIN, delay, PlanCode.SETTING_DEREGISTRATION_DELAY)
    return _part(PartName.DRAIN, settle, PlanCode.SETTING_SETTLE)


def _part(name: PartName, length: timedelta, setting: PlanCode) -> Part:
    return Part(name, length, reason(setting))
