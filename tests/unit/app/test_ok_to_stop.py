"""Tests of the answer whether targets may leave now, by the floor and by the worse of journal and observation."""

from dataclasses import replace

import pytest
from tests.unit.app.fakes import SPEC, Stage, started

from katakei.app.ok_to_stop import ok_to_stop
from katakei.app.rollouts import RolloutRequest
from katakei.domain.errors import UsageError
from katakei.domain.model import Arn, Registration
from katakei.domain.observation import GroupObservation
from katakei.domain.phases import Phase
from katakei.domain.reasons import ReasonCode
from katakei.domain.spec import Share, Spec, Window
from katakei.planning.survey import Departure


def asked(stage: Stage, *names: str, spec: Spec = SPEC) -> Departure:
    return ok_to_stop(stage.drivers, spec, names)


def codes(found: Departure) -> list[str]:
    return [str(why.code) for why in found.reasons]


def test_target_may_leave_while_the_floor_is_kept() -> None:
    stage = Stage(targets=4)
    found = asked(stage, "web0", "web1")
    assert found.ok
    assert (dict(found.serving), dict(found.floors)) == ({"web": 2}, {"web": 2})
    assert [target.name for target in found.targets] == ["web0", "web1"]
    assert (stage.events(), stage.changes) == ([], [])


def test_one_more_would_break_the_floor() -> None:
    found = asked(Stage(targets=4), "web0", "web1", "web2")
    assert codes(found) == [str(ReasonCode.GROUP_FLOOR)]
    assert dict(found.serving) == {"web": 1}


def test_floor_of_the_configuration_counts() -> None:
    spec = replace(SPEC, window=Window(floor=Share(count=3)))
    assert asked(Stage(targets=4), "web0", spec=spec).ok
    assert not asked(Stage(targets=4), "web0", "web1", spec=spec).ok


def test_unknown_target_is_a_fault_of_usage() -> None:
    with pytest.raises(UsageError):
        asked(Stage(), "web9")


def test_freeze_says_no() -> None:
    stage = Stage(targets=4)
    stage.drivers.freezes.freeze(SPEC.service, "kim", "the sale", None)
    found = asked(stage, "web0")
    assert not found.ok
    assert len(found.reasons) == 1


def test_target_that_a_rollout_takes_out_does_not_count_as_serving(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(targets=2)
    assert asked(stage, "web1").ok
    (arn,) = stage.groups
    healthy = stage.drivers.balancer.look(arn, None).seen
    with started(stage) as session:
        turn = next(turn for turn in session.turns() if turn.rollout.at(Phase.DRAINING))
        (out,) = turn.rollout.at(Phase.DRAINING)
        other = next(target for target in session.plan.targets if target.id != out)
        assert codes(asked(stage, str(other.id))) == [str(ReasonCode.GROUP_FLOOR)]

        def lags(_group: Arn, _only: frozenset[Registration] | None) -> GroupObservation:
            return GroupObservation(healthy, stage.clock.now())

        monkeypatch.setattr(stage.drivers.balancer, "look", lags)  # AWS does not show the take-out yet
        assert codes(asked(stage, str(other.id))) == [str(ReasonCode.GROUP_FLOOR)]


def test_floor_of_an_unfinished_rollout_counts_too() -> None:
    stage = Stage(targets=4)
    strict = replace(SPEC, window=Window(floor=Share(count=3)))
    with started(stage, RolloutRequest(strict, "v2")) as session:
        turn = next(turn for turn in session.turns() if turn.rollout.at(Phase.DRAINING))
        other = next(target for target in session.plan.targets if target.id not in turn.rollout.at(Phase.DRAINING))
        assert codes(asked(stage, str(other.id))) == [str(ReasonCode.GROUP_FLOOR)]
