"""Who stands behind a registration that the plan did not know, and why it may have to be left alone."""

from collections.abc import Sequence

import pytest
from tests.properties.doors import BalancerDoor, ExecutorDoor
from tests.properties.play import ID, Play
from tests.properties.settings import Setting, spec_of
from tests.properties.things import seconds, target

from katakei.domain import events as e
from katakei.domain.errors import NoAnswerError
from katakei.domain.model import Arn, Registration, Target
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.spec import LatePolicy
from katakei.runtime.observer import UnplannedTargetReader


def joined(play: Play, turns: int = 12) -> e.TargetAdded:
    """What is written once somebody has registered one more machine."""
    process = play._take_up()
    play.world.be_born(target(100, play.world.group_of.values()))
    for _ in range(turns):
        process.runner.turn()
        process.clock.sleep(seconds(3))
    [event] = [event for event in play.paper.events[ID] if isinstance(event, e.TargetAdded)]
    return event


def a_play() -> Play:
    return Play(Setting(seed=1, groups=2, spec=spec_of(late=LatePolicy.ROLL)))


def test_unplanned_target_is_read_with_all_its_groups() -> None:
    event = joined(a_play())
    assert event.takes_part
    assert (event.target.name, event.target.address, event.target.zone) == ("web100", "10.0.0.100", "a")
    assert len(event.target.registrations) == 2


def test_unplanned_target_in_other_groups_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(_self: BalancerDoor, targets: Sequence[Target]) -> Sequence[Registration]:
        return [Registration(Arn("arn:other"), targets[0].id, 80)]

    monkeypatch.setattr(BalancerDoor, "elsewhere", elsewhere)
    assert joined(a_play()).reason == reason(ReasonCode.IN_OTHER_GROUPS, groups=("arn:other",))


def test_unplanned_target_without_an_agent_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExecutorDoor, "ready", lambda _self, targets, _by: {targets[0].id: "no agent"})
    assert joined(a_play()).reason == reason(ReasonCode.NOT_WORKABLE, text="no agent")


def test_unplanned_target_question_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([NoAnswerError("throttled"), None])
    members = BalancerDoor.members

    def throttled(self: BalancerDoor, group: object) -> object:
        if error := next(answers, None):
            raise error
        return members(self, group)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(BalancerDoor, "members", throttled)
    assert joined(a_play()).takes_part


def test_unplanned_target_is_read_beside_a_deleted_group() -> None:
    play = a_play()
    gone, _ = play.world.group_of
    play.world._delete(gone)
    play.world.be_born(target(100, play.world.group_of.values()))
    runner = play._take_up().runner
    drivers = runner._drivers
    executor = drivers.executor(runner.rollout.plan.spec.work)
    newcomers = UnplannedTargetReader(drivers.balancer, executor, drivers.clock, drivers.pool)
    assert newcomers.look(runner.rollout, wanted=True) == ()
    (found,) = newcomers.look(runner.rollout, wanted=True)
    assert [place.group == gone for place in found.target.registrations] == [False]


def test_unplanned_target_reader_hides_no_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise TypeError("a mistake")

    monkeypatch.setattr(BalancerDoor, "members", wrong)
    with pytest.raises(TypeError, match="a mistake"):
        joined(a_play())
