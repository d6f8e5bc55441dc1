"""Tests of rollouts that take some targets at a time: waves with a pause, limits, and outdated targets only."""

from dataclasses import replace

import pytest
from tests.properties.builders import seconds
from tests.unit.app.fakes import SPEC, Stage, started, until

from katakei.app.control import Control
from katakei.app.preflight import RolloutRequest
from katakei.app.rollouts import NothingToDo, Rollouts, changes
from katakei.domain import events as e
from katakei.domain.errors import ExitCode, UsageError
from katakei.domain.model import RolloutId
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Share, Window
from katakei.planning.reasons import PlanCode
from katakei.reconcile.outcome import verdict
from katakei.render.answers import accepted

WAVES = replace(SPEC, window=Window(waves=(Share(count=1),), pause_between=seconds(1800)))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def rolled(stage: Stage, request: RolloutRequest, name: str) -> Rollout:
    with started(stage, request, name) as session:
        until(stage, session, e.Finished)
    return replay(stage.store.events[RolloutId(name)])


def test_person_promotes_the_pause_between_waves(stage: Stage) -> None:
    with started(stage, RolloutRequest(WAVES)) as session:
        until(stage, session, e.WaveEnded)
        begun = stage.clock.now()
        turn = session.step()
        assert turn.why.code == "wave_pause"
        assert Control(stage.drivers, who="kim").promote(session.plan.rollout) == []
        assert "the pause between two waves of rollout r-new is ended" in accepted("promote", turn.rollout, None)
        until(stage, session, e.WaveBegun)
        assert stage.clock.now() - begun < seconds(60)
        with pytest.raises(UsageError, match="nothing to promote"):
            Control(stage.drivers, who="kim").promote(session.plan.rollout)
        until(stage, session, e.Finished)
        assert verdict(session.rollout) is ExitCode.DONE


def test_each_run_with_a_limit_takes_the_next_targets(stage: Stage) -> None:
    taken = []
    for number in range(4):
        rollout = rolled(stage, RolloutRequest(SPEC, limit=1), f"r-{number}")
        assert verdict(rollout) is ExitCode.DONE
        taken += rollout.at(Phase.DONE)
    assert taken[:2] == taken[2:]
    assert len(set(taken)) == 2


def test_only_outdated_targets_are_taken_until_none_is_left(stage: Stage) -> None:
    first = rolled(stage, RolloutRequest(SPEC, "v2", limit=1), "r-1")
    second = rolled(stage, RolloutRequest(SPEC, "v2", only_outdated=True), "r-2")
    assert {*first.at(Phase.DONE), *second.statuses} == set(first.targets)
    assert len(second.statuses) == 1
    nothing = Rollouts(stage.drivers).open(RolloutRequest(SPEC, "v2", only_outdated=True))
    assert isinstance(nothing, NothingToDo)
    assert nothing.plan.notices[-1].code == PlanCode.CURRENT_LEFT_ALONE
    assert len(rolled(stage, RolloutRequest(SPEC, "v3", only_outdated=True), "r-3").at(Phase.DONE)) == 2


def test_only_outdated_without_a_release_is_refused(stage: Stage) -> None:
    with pytest.raises(UsageError, match="depends on the release"):
        Rollouts(stage.drivers).plan(RolloutRequest(SPEC, only_outdated=True))


def test_other_limit_is_a_difference(stage: Stage) -> None:
    plan = Rollouts(stage.drivers).plan(RolloutRequest(SPEC, limit=1))
    assert changes(plan, RolloutRequest(SPEC)) == ("limit 1, now none",)
    assert changes(plan, RolloutRequest(SPEC, limit=1)) == ()
