"""Simulated AWS with many targets and a manual clock, and a fake ELBv2 client for it.

There are no faults. Every duration is drawn from one seed. Answers take no time; only waiting does.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

from katakei.domain.model import Arn, Group, HealthCheck, Registration, Target, TargetId, TargetType

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAX_TARGETS = 1000  # targets in one group: the default quota "Targets per target group"
LB = Arn("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/lb/1")
CHECK = HealthCheck("HTTP", None, "/health", "200", timedelta(seconds=10), timedelta(seconds=5), 2, 2)
ACCOUNTS = count()  # each simulation is an account with its own token buckets


@dataclass(frozen=True, slots=True)
class Shape:
    """Size and work times: log-normal; `sigma` 1 has a heavy tail, 0 has none.

    The first passed check comes one to ten seconds after registration, evenly distributed (`first_check`).
    """

    targets: int
    seed: int = 1
    median: timedelta = timedelta(seconds=60)
    sigma: float = 1.0
    members: int = MAX_TARGETS  # of one group
    first_check: tuple[float, float] = (1, 10)


class ManualClock:
    """A clock that advances only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        """Returns the current simulated time."""
        return self.time

    def sleep(self, span: timedelta) -> None:
        """Advance the clock."""
        self.time += max(span, timedelta())

    def last_jump(self) -> datetime | None:
        """This clock never jumps."""
        return None

    def wake(self) -> None:
        """No other thread sleeps here."""


@dataclass(slots=True)
class TargetLife:
    """One target: durations of its work and of its first check, and when it left and came back."""

    work: timedelta
    warmup: timedelta
    zone: str
    left: datetime | None = None
    back: datetime | None = None

    def state(self, now: datetime, delay: timedelta) -> tuple[str, str]:
        """Returns ELBv2's state and reason at a time. Later requests are not visible yet."""
        if self.back is not None and now >= self.back:
            return ("healthy", "") if now >= self.back + self.warmup else ("initial", "Elb.RegistrationInProgress")
        if self.left is not None and now >= self.left:
            draining = now < self.left + delay
            return ("draining", "Target.DeregistrationInProgress") if draining else ("unused", "Target.NotRegistered")
        return "healthy", ""


@dataclass
class SimulatedAws:
    """The simulation. `calls` counts calls by kind; `changing_calls` holds the time of each changing call."""

    shape: Shape
    clock: ManualClock = field(default_factory=ManualClock)
    calls: Counter[str] = field(default_factory=Counter)
    observations: Counter[tuple[Arn, int]] = field(default_factory=Counter)  # per group and minute
    changing_calls: list[datetime] = field(default_factory=list)
    groups: tuple[Group, ...] = ()
    targets: tuple[Target, ...] = ()
    lives: dict[str, TargetLife] = field(default_factory=dict)
    delays: Mapping[Arn, timedelta] = field(default_factory=dict)
    members: Mapping[Arn, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Draw all durations in a fixed order, so that a seed determines everything."""
        rng = random.Random(self.shape.seed)  # noqa: S311 - a game, not a secret
        most = self.shape.members
        self.groups = tuple(_group(number) for number in range(-(-self.shape.targets // most)))
        self.targets = tuple(_target(number, self.groups[number // most]) for number in range(self.shape.targets))
        for target in self.targets:
            work = self.shape.median * rng.lognormvariate(0, self.shape.sigma)
            self.lives[target.id] = TargetLife(
                work, timedelta(seconds=rng.uniform(*self.shape.first_check)), target.zone
            )
        self.delays = {group.arn: group.delay for group in self.groups}
        self.members = {
            group.arn: [target.id for target in self.targets if target.registrations[0].group == group.arn]
            for group in self.groups
        }

    def work_ends(self, target: TargetId, begun: datetime) -> datetime:
        """Returns when work that started at `begun` ends."""
        return begun + self.lives[target].work


class FakeElbClient:
    """The three ELBv2 calls that a turn needs, counted."""

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws
        self.meta = SimpleNamespace(endpoint_url=f"https://account-{next(ACCOUNTS)}.invalid")

    def describe_target_health(self, TargetGroupArn: Arn, Targets: Sequence[Any] | None = None) -> Any:  # noqa: N803 - AWS's names
        """Describe all targets of the group, or the given ones."""
        aws, now, delay = self._aws, self._aws.clock.time, self._aws.delays[TargetGroupArn]
        aws.calls["DescribeTargetHealth"] += 1
        aws.observations[TargetGroupArn, int((now - NOON).total_seconds() // 60)] += 1
        calls = aws.members[TargetGroupArn] if Targets is None else [one["Id"] for one in Targets]
        states = ((name, *aws.lives[name].state(now, delay)) for name in calls)
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": name, "Port": 80}, "TargetHealth": {"State": state, "Reason": reason}}
                for name, state, reason in states
                if Targets is not None or state != "unused"
            ]
        }

    def deregister_targets(self, TargetGroupArn: Arn, Targets: Iterable[Any]) -> None:  # noqa: ARG002, N803 - AWS's names
        """Start to drain the targets."""
        self._count("DeregisterTargets")
        for one in Targets:
            life = self._aws.lives[one["Id"]]
            if life.left is None or life.back is not None:
                life.left, life.back = self._aws.clock.time, None

    def register_targets(self, TargetGroupArn: Arn, Targets: Iterable[Any]) -> None:  # noqa: ARG002, N803 - AWS's names
        """Register the targets; they become healthy at their first check."""
        self._count("RegisterTargets")
        for one in Targets:
            life = self._aws.lives[one["Id"]]
            life.back = life.back or self._aws.clock.time

    def _count(self, action: str) -> None:
        self._aws.calls[action] += 1
        self._aws.changing_calls.append(self._aws.clock.time)


def _group(number: int) -> Group:
    name = f"web{number}"
    return Group(
        arn=Arn(f"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/{name}/0123456789abcdef"),
        name=name,
        port=80,
        protocol="HTTP",
        protocol_version="HTTP1",
        target_type=TargetType.INSTANCE,
        delay=timedelta(seconds=300),
        idle_timeout=timedelta(seconds=60),
        check=CHECK,
        cross_zone=True,
        slow_start=timedelta(),
        minima=(),
        load_balancers=(LB,),
        balancer_type="application",
    )


def _target(number: int, group: Group) -> Target:
    name = TargetId(f"i-{number:017x}")
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    return Target(name, f"web{number}", address, "ac"[number % 2], (Registration(group.arn, name, 80),))
