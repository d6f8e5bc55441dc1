"""Who stands behind a registration that the plan did not know, and why it may have to be left alone."""

from collections.abc import Sequence

import pytest
from tests.properties.builders import seconds, target
from tests.properties.fake_ports import FakeBalancer, FakeExecutor
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulation import ID, Simulation

from katakei.domain import events as e
from katakei.domain.errors import NoAnswerError
from katakei.domain.model import Arn, Registration, Target
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.spec import LatePolicy
from katakei.runtime.observer import UnplannedTargetReader


def joined(simulate: Simulation, turns: int = 12) -> e.TargetAdded:
    """What is written once somebody has registered one more machine."""
    process = simulate._take_up()
    simulate.aws.be_born(target(100, simulate.aws.group_of.values()))
    for _ in range(turns):
        process.runner.turn()
        process.clock.sleep(seconds(3))
    [event] = [event for event in simulate.store.events[ID] if isinstance(event, e.TargetAdded)]
    return event


def a_simulation() -> Simulation:
    return Simulation(Scenario(seed=1, groups=2, spec=spec_of(late=LatePolicy.ROLL)))


def test_unplanned_target_is_read_with_all_its_groups() -> None:
    event = joined(a_simulation())
    assert event.takes_part
    assert (event.target.name, event.target.address, event.target.zone) == ("web100", "10.0.0.100", "a")
    assert len(event.target.registrations) == 2


def test_unplanned_target_in_other_groups_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(_self: FakeBalancer, targets: Sequence[Target]) -> Sequence[Registration]:
        return [Registration(Arn("arn:other"), targets[0].id, 80)]

    monkeypatch.setattr(FakeBalancer, "elsewhere", elsewhere)
    assert joined(a_simulation()).reason == reason(ReasonCode.IN_OTHER_GROUPS, groups=("arn:other",))


def test_unplanned_target_without_an_agent_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeExecutor, "ready", lambda _self, targets, _by: {targets[0].id: "no agent"})
    assert joined(a_simulation()).reason == reason(ReasonCode.NOT_WORKABLE, text="no agent")


def test_unplanned_target_question_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([NoAnswerError("throttled"), None])
    members = FakeBalancer.members

    def throttled(self: FakeBalancer, group: object) -> object:
        if error := next(answers, None):
            raise error
        return members(self, group)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(FakeBalancer, "members", throttled)
    assert joined(a_simulation()).takes_part


def test_unplanned_target_is_read_beside_a_deleted_group() -> None:
    simulate = a_simulation()
    gone, _ = simulate.aws.group_of
    simulate.aws._delete(gone)
    simulate.aws.be_born(target(100, simulate.aws.group_of.values()))
    runner = simulate._take_up().runner
    drivers = runner._drivers
    executor = drivers.executor(runner.rollout.plan.spec.work)
    newcomers = UnplannedTargetReader(drivers.balancer, executor, drivers.clock, drivers.pool)
    assert newcomers.look(runner.rollout, wanted=True) == ()
    (found,) = newcomers.look(runner.rollout, wanted=True)
    assert [place.group == gone for place in found.target.registrations] == [False]


def test_unplanned_target_reader_hides_no_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise TypeError("a mistake")

    monkeypatch.setattr(FakeBalancer, "members", wrong)
    with pytest.raises(TypeError, match="a mistake"):
        joined(a_simulation())
