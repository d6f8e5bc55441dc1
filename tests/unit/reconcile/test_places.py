"""Tests of the place of the mark: it is known before a target leaves service, recorded with that, and kept after."""

from dataclasses import replace
from datetime import timedelta

from tests.unit.given import (
    NOON,
    a_plan,
    decided,
    deregistered,
    given,
    later,
    moved,
    moves,
    seen,
    standing,
    started,
    t,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import StartWork
from katakei.domain.model import TargetId
from katakei.domain.observation import HealthState, Observation
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout, evolve
from katakei.reconcile.observe import SPARE_PLACES, observation_request

PLAN = a_plan()
FIRST, SECOND = t(PLAN), t(PLAN, 1)
PLACE = "i-1@9f61"


def _seen(rollout: Rollout, at: float = 1, *answered: TargetId) -> Observation:
    return replace(seen(rollout, later(at)), places=dict.fromkeys(answered, PLACE))


def test_target_whose_place_is_unknown_stays_in_service() -> None:
    rollout = given(PLAN)
    actions = decided(rollout, _seen(rollout), later(1))
    assert (deregistered(actions), moves(actions)) == ([], {})
    assert "it has not answered yet where it keeps the record of its work" in whys(actions)


def test_another_target_is_taken_meanwhile() -> None:
    rollout = given(PLAN)
    assert deregistered(decided(rollout, _seen(rollout, 1, SECOND), later(1))) == [SECOND]


def test_silent_target_is_skipped_as_failed_in_the_end() -> None:
    rollout = given(PLAN)
    after = 60 * 30 + 1
    assert moves(decided(rollout, _seen(rollout, after), later(after)))[FIRST] is Phase.SKIPPED


def test_place_is_recorded_with_the_take_out() -> None:
    rollout = given(PLAN)
    [event] = moved(decided(rollout, _seen(rollout, 1, FIRST), later(1)))
    assert (event.to, event.place) == (Phase.DRAINING, PLACE)
    assert evolve(rollout, [event]).statuses[FIRST].place == PLACE


def test_start_and_looks_get_the_recorded_place() -> None:
    taken = e.PhaseChanged(NOON, FIRST, Phase.DRAINING, intent=Intent.UPDATE, place=PLACE)
    rollout = given(PLAN, [taken, e.PhaseChanged(NOON, FIRST, Phase.OUT), e.PhaseChanged(NOON, FIRST, Phase.WORKING)])
    assert rollout.statuses[FIRST].marks == PLACE
    late = later(60 * 60)
    request = observation_request(rollout, _seen(rollout), late)
    assert request.works == {rollout.key(FIRST): PLACE}


def test_work_starts_in_the_recorded_place() -> None:
    taken = e.PhaseChanged(NOON, FIRST, Phase.DRAINING, intent=Intent.UPDATE, place=PLACE)
    before = given(PLAN, [taken, *standing_events(Phase.OUT), e.PhaseChanged(NOON, FIRST, Phase.WORKING)])
    assert before.statuses[FIRST].marks == PLACE
    at = later(50)
    observation = replace(seen(before, at, {0: HealthState.ABSENT}), works={})
    [start] = [action for action in decided(before, observation, at) if isinstance(action, StartWork)]
    assert (start.job.marks, started([start])) == (PLACE, [before.key(FIRST)])


def standing_events(phase: Phase) -> list[e.Event]:
    """The first target out since noon, after its take-out."""
    called = [e.Deregistered(NOON, group.arn, (FIRST,)) for group in PLAN.groups]
    return [*called, e.ObservedOut(NOON, FIRST), e.PhaseChanged(NOON, FIRST, phase)]


def test_marks_of_an_executor_that_keeps_them_itself_come_first() -> None:
    taken = e.PhaseChanged(NOON, FIRST, Phase.DRAINING, intent=Intent.UPDATE, place=PLACE)
    rollout = replace(given(PLAN, [taken, *standing_events(Phase.OUT)]), marks="laptop first - name -")
    rollout = evolve(rollout, [e.PhaseChanged(NOON, FIRST, Phase.WORKING)])
    assert rollout.statuses[FIRST].marks == "laptop first - name -"


def test_next_attempt_forgets_the_place() -> None:
    rollout = standing(PLAN, Phase.LEFT_OUT)
    again = e.PhaseChanged(later(1), FIRST, Phase.DRAINING, intent=Intent.UPDATE)
    assert evolve(rollout, [again]).statuses[FIRST].place == ""


def test_places_are_asked_of_the_next_targets_only() -> None:
    plan = a_plan(40)
    rollout = given(plan)
    asked = observation_request(rollout, Observation(), NOON).places
    assert asked == tuple(target.id for target in plan.targets[: plan.window + SPARE_PLACES])
    known = Observation(places=dict.fromkeys(asked, PLACE))
    assert not set(asked) & set(observation_request(rollout, known, NOON).places)


def test_manual_step_needs_no_place() -> None:
    plan = replace(PLAN, kind=PlanKind.DEREGISTER)
    rollout = given(plan)
    assert observation_request(rollout, Observation(), NOON + timedelta(1)).places == ()
    assert deregistered(decided(rollout, _seen(rollout), later(1))) == [FIRST]
