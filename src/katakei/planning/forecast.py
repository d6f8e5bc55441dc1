"""How long a plan will take and which settings cost the time: arithmetic over the plan, honest about what it omits."""

from dataclasses import dataclass
from datetime import timedelta

from katakei.domain.plan import Plan, PlanKind
from katakei.domain.spec import DrainUntil
from katakei.domain.words import span
from katakei.reconcile.context import PROOF_INTERVAL

PROPAGATION = timedelta(seconds=5)  # "seconds" between the call and the first check (docs/aws.md 7)


@dataclass(frozen=True, slots=True)
class Part:
    """One share of a target's time, and the setting that decides it."""

    name: str
    length: timedelta
    setting: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """The parts of one target's time, how many follow one another, and the whole without the work itself."""

    parts: tuple[Part, ...]
    rounds: int

    @property
    def per_target(self) -> timedelta:
        """Out of service and back, without the work."""
        return sum((part.length for part in self.parts), timedelta())

    @property
    def total(self) -> timedelta:
        """The whole rollout, without the work."""
        return self.per_target * self.rounds


def forecast(plan: Plan) -> Forecast:
    """The prediction. The time of the work itself is not known and not in it."""
    delay = max(group.delay for group in plan.groups)
    interval = max(group.check.interval for group in plan.groups)
    settle = plan.spec.drain.settle
    if plan.spec.drain.until is not DrainUntil.DELAY:
        drain = Part("drain", settle, f"drain.settle; up to the delay of {span(delay)} where something may be pending")
    elif delay >= settle:
        drain = Part("drain", delay, "the group's deregistration delay")
    else:
        drain = Part("drain", settle, "drain.settle")
    out = (drain,)
    back = (Part("first health check", PROPAGATION + interval, "the group's health check interval"),)
    second = (Part("second look", PROOF_INTERVAL, "fixed"),)
    soak = (Part("soak", plan.spec.soak, "warm.soak"),)
    last = (
        soak if plan.spec.soak >= PROOF_INTERVAL else second
    )  # both are counted from the first look that shows it serving
    parts = {PlanKind.ROLL: out + back + last, PlanKind.DEREGISTER: out, PlanKind.REGISTER: back + second}[plan.kind]
    return Forecast(parts, -(-len(plan.targets) // plan.window))
