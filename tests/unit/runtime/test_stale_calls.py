"""Tests of calls whose observation is too old when they are about to leave."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.properties.adversary import Adversary
from tests.properties.builders import group, seconds, target
from tests.properties.fake_ports import FakeBalancer, FakeExecutor, FakePool, SkewedClock
from tests.properties.scenarios import spec_of
from tests.properties.simulated_aws import SimulatedAws
from tests.properties.simulation import plan_of

from katakei.domain import events as e
from katakei.domain.actions import Action, CancelWork, Deregister, ForbidWork, Register, StartWork
from katakei.domain.jobs import job
from katakei.domain.model import Target
from katakei.domain.phases import Intent
from katakei.runtime.dispatcher import Dispatcher


class Calls:
    """A dispatcher over a simulated AWS, and what was called there."""

    def __init__(self, adversary: Adversary | None = None) -> None:
        groups = [group("web0"), group("web1")]
        self.targets = [target(number, groups) for number in range(4)]
        self.aws = SimulatedAws(1, groups, self.targets, adversary or Adversary())
        self.clock = SkewedClock(self.aws, timedelta())
        self.pool = FakePool(self.aws)
        ports = [kind(self.aws, 1, self.clock, lambda: None) for kind in (FakeBalancer, FakeExecutor)]
        self.dispatcher = Dispatcher(ports[0], ports[1], self.clock, self.pool)  # type: ignore[arg-type]  # as made
        self.plan = plan_of(self.aws, window=1, floor=1, spec=spec_of())

    def submit(self, *actions: Action) -> Sequence[e.Event]:
        self.dispatcher.begin()
        self.dispatcher.submit(actions, self.clock.now() + seconds(10))
        return self.dispatcher.facts()

    @property
    def kinds(self) -> list[str]:
        return [call.kind for call in self.aws.log.calls]

    def take_out(self, number: int, age: float) -> Deregister:
        one = self.targets[number]
        return Deregister(one.id, one.registrations[:1], self.clock.now() - seconds(age))

    def start(self, number: int, age: float) -> StartWork:
        one = self.targets[number]
        given = job(self.plan, one, self.plan.spec.work, 1)
        return StartWork(self.key(one), one, given, self.clock.now() - seconds(age))

    def key(self, one: Target) -> e.WorkKey:
        return e.WorkKey(self.plan.rollout, one.id, 1, Intent.UPDATE)


@pytest.mark.parametrize(("age", "sent"), [(9, ["deregister"]), (10.5, [])])
def test_take_out_is_sent_only_within_10_seconds(age: float, sent: list[str]) -> None:
    calls = Calls()
    calls.submit(calls.take_out(0, age))
    assert calls.kinds == sent


@pytest.mark.parametrize(("age", "sent"), [(14, ["start"]), (15.5, [])])
def test_start_is_sent_only_within_15_seconds(age: float, sent: list[str]) -> None:
    calls = Calls()
    calls.submit(calls.start(0, age))
    assert calls.kinds == sent


def test_take_out_is_not_sent_after_a_wait_for_its_thread() -> None:
    calls = Calls(Adversary(slow=1.0))
    calls.submit(calls.take_out(0, 0))
    calls.clock.sleep(seconds(9))
    calls.dispatcher._flying[0][1]._due = calls.clock.now() + seconds(2)  # type: ignore[attr-defined]  # Late
    calls.clock.sleep(seconds(2))
    calls.pool.run_what_is_due()
    assert calls.kinds == []


def test_register_forbid_and_cancel_are_never_dropped() -> None:
    calls = Calls()
    one, other, third = calls.targets[:3]
    calls.submit(calls.start(2, 0))
    calls.submit(
        Register(one.id, one.registrations[:1]),
        ForbidWork(calls.key(other), other, ""),
        CancelWork(calls.key(third), third, ""),
    )
    assert calls.kinds == ["start", "register", "forbid", "cancel"]


def test_nearly_stale_call_leaves_alone() -> None:
    calls = Calls()
    facts = calls.submit(calls.take_out(0, 1), calls.take_out(1, 2), calls.take_out(2, 9), calls.take_out(3, 11))
    groups = [fact.targets for fact in facts if isinstance(fact, e.Deregistered)]
    assert groups == [(calls.targets[0].id, calls.targets[1].id)]
    facts = calls.submit(calls.take_out(2, 9))
    assert [fact.targets for fact in facts if isinstance(fact, e.Deregistered)] == [(calls.targets[2].id,)]


def test_dropped_calls_are_counted_until_one_is_sent() -> None:
    calls = Calls()
    first = calls.targets[0].id
    begun = calls.clock.now()
    for _ in range(3):
        calls.submit(calls.take_out(0, 11))
        calls.clock.sleep(seconds(1))
    assert (calls.dispatcher.dropped[first].times, calls.dispatcher.dropped[first].since) == (3, begun)
    calls.submit(calls.take_out(0, 1))
    assert calls.dispatcher.dropped == {}
