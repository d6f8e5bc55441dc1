"""Targets that somebody registers during the rollout: taken in at the end or left, and counted honestly either way."""

from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, a_target, brought, decided, given, later, moves, notes, seen, t

from katakei.domain import events as e
from katakei.domain.actions import Action, Record
from katakei.domain.model import Registration, Target
from katakei.domain.observation import HealthState, Observation, UnplannedRegistration
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import Plan, PlanKind, restorable
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import LatePolicy, Selection
from katakei.reconcile.capacity import count_serving, floor_violation
from katakei.reconcile.observe import observation_request

PLAN = a_plan(2, late=LatePolicy.ROLL)
ARN = PLAN.groups[0].arn
NEW = a_target(7, PLAN.groups)


def with_newcomer(rollout: Rollout, who: Target = NEW, trouble: Reason | None = None, **tags: str) -> Observation:
    observation = seen(rollout, NOON, places=dict.fromkeys(who.registrations, HealthState.HEALTHY))
    return replace(observation, newcomers=(UnplannedRegistration(who, tags, trouble),))


def joined(actions: tuple[Action, ...]) -> e.TargetAdded:
    [event] = [
        action.event for action in actions if isinstance(action, Record) and isinstance(action.event, e.TargetAdded)
    ]
    return event


def written(rollout: Rollout, observation: Observation) -> e.TargetAdded:
    return joined(decided(rollout, observation, NOON))


def test_what_nobody_knows_is_asked_for() -> None:
    rollout = given(PLAN)
    assert observation_request(rollout, with_newcomer(rollout), NOON).newcomers == (ARN,)
    assert observation_request(rollout, seen(rollout, NOON), NOON).newcomers == ()


def test_what_is_leaving_again_is_not_asked_for_nor_does_a_step_by_hand_ask() -> None:
    leaving = seen(given(PLAN), NOON, places={NEW.registrations[0]: HealthState.DRAINING})
    assert observation_request(given(PLAN), leaving, NOON).newcomers == ()
    by_hand = given(a_plan(2, kind=PlanKind.DEREGISTER))
    assert observation_request(by_hand, with_newcomer(by_hand), NOON).newcomers == ()


def test_it_is_written_down_whole_and_once() -> None:
    assert written(given(PLAN), with_newcomer(given(PLAN))) == e.TargetAdded(NOON, NEW, takes_part=True)
    after = given(PLAN, [e.TargetAdded(NOON, NEW, takes_part=True)])
    assert e.TargetAdded not in notes(decided(after, with_newcomer(after), NOON))


def test_it_is_rolled_at_the_end_and_can_be_put_back_by_hand() -> None:
    rollout = given(PLAN, [e.TargetAdded(NOON, NEW, takes_part=True)])
    assert rollout.at(Phase.WAITING) == [t(PLAN, 0), t(PLAN, 1), NEW.id]
    assert set(NEW.registrations) <= set(restorable(rollout.plan))
    alone = given(
        PLAN, [e.TargetAdded(NOON, NEW, takes_part=True)], brought(PLAN, Phase.DONE), brought(PLAN, Phase.DONE, 1)
    )
    assert moves(decided(alone, with_newcomer(alone), NOON)) == {NEW.id: Phase.DRAINING}


def tagged() -> Plan:
    return replace(PLAN, spec=replace(PLAN.spec, targets=Selection(tags=(("Role", "web"),))))


NO_AGENT = reason(ReasonCode.NOT_WORKABLE, text="no agent")
ABORTED = [e.AbortAsked(NOON, "kim")]
AGAIN = [*brought(PLAN, Phase.DONE), e.Finished(NOON), e.RetryAsked(NOON, "kim", (t(PLAN),))]
LATER = [*brought(PLAN, Phase.DONE), e.Finished(NOON), e.RevertAsked(NOON, "kim")]


@pytest.mark.parametrize(
    ("rollout", "trouble", "wanted"),
    [
        (given(a_plan(2)), None, reason(ReasonCode.LATE_TARGETS_LEFT)),
        (given(tagged()), None, reason(ReasonCode.TAGS_DIFFER)),
        (given(PLAN), NO_AGENT, NO_AGENT),
        (given(PLAN, ABORTED), None, reason(ReasonCode.ABORTED, by="kim")),
        (given(PLAN, AGAIN), None, reason(ReasonCode.CAME_AFTER_ROLLOUT)),
        (given(PLAN, LATER), None, reason(ReasonCode.CAME_AFTER_ROLLOUT)),
    ],
)
def test_it_is_left_alone_where_that_was_asked_for_or_must_be(
    rollout: Rollout, trouble: Reason | None, wanted: Reason
) -> None:
    event = written(rollout, with_newcomer(rollout, trouble=trouble, Role="db"))
    assert (event.takes_part, event.reason) == (False, wanted)


def test_its_tags_decide_where_targets_are_chosen_by_tags() -> None:
    rollout = given(tagged())
    assert written(rollout, with_newcomer(rollout, Role="web")).takes_part


@pytest.mark.parametrize("takes_part", [True, False])
def test_it_counts_for_the_floor_of_its_zone(takes_part: bool) -> None:  # noqa: FBT001 - one of two policies
    plan = a_plan(2, per_zone=1, late=LatePolicy.ROLL)
    new = replace(a_target(8, plan.groups), zone="a")
    before, after = given(plan), given(plan, [e.TargetAdded(NOON, new, takes_part=takes_part)])
    assert _zone_would_be_short(before, new)
    assert not _zone_would_be_short(after, new)


def _zone_would_be_short(rollout: Rollout, new: Target) -> Reason | None:
    first = rollout.plan.targets[0]
    return floor_violation(rollout, count_serving(rollout, with_newcomer(rollout, new), NOON).without(first), first)


def test_one_that_is_left_alone_is_never_touched() -> None:
    rollout = given(PLAN, [e.TargetAdded(NOON, NEW, takes_part=False)])
    assert NEW.id not in rollout.statuses
    assert not set(NEW.registrations) & set(restorable(rollout.plan))


MORE = replace(PLAN.targets[0], registrations=(Registration(ARN, PLAN.targets[0].id, 8080),))


def test_a_known_machine_gains_the_place_that_it_did_not_have() -> None:
    event = written(given(PLAN), with_newcomer(given(PLAN), MORE))
    rollout = given(PLAN, [event])
    assert event.takes_part
    assert rollout.targets[MORE.id].registrations == (*PLAN.targets[0].registrations, *MORE.registrations)
    assert rollout.at(Phase.WAITING) == [t(PLAN, 0), t(PLAN, 1)]


def test_work_does_not_begin_while_the_other_place_of_the_machine_serves() -> None:
    rollout = given(PLAN, brought(PLAN, Phase.OUT), [e.TargetAdded(NOON, MORE, takes_part=True)])
    [old], [new] = PLAN.targets[0].registrations, MORE.registrations
    actions = decided(
        rollout, seen(rollout, later(60), places={old: HealthState.ABSENT, new: HealthState.HEALTHY}), later(60)
    )
    assert notes(actions) == [e.FoundServing]


def test_a_bystander_that_gains_a_place_stays_one() -> None:
    other = a_target(5, PLAN.groups)
    rollout = given(replace(PLAN, bystanders=(other,)))
    more = replace(other, registrations=(Registration(ARN, other.id, 8080),))
    event = written(rollout, with_newcomer(rollout, more))
    assert (event.takes_part, event.reason) == (False, reason(ReasonCode.MACHINE_TAKES_NO_PART))
    after = given(rollout.plan, [event])
    assert after.owners[more.registrations[0]] == other.id
    assert other.id not in after.targets


def test_one_that_is_gone_before_its_turn_is_gone() -> None:
    story = [e.TargetAdded(NOON, NEW, takes_part=True)], brought(PLAN, Phase.DONE), brought(PLAN, Phase.DONE, 1)
    rollout = given(PLAN, *story)
    actions = decided(rollout, seen(rollout, NOON, {2: HealthState.ABSENT}), NOON)
    assert moves(actions) == {NEW.id: Phase.GONE}


def test_failures_that_stopped_the_rollout_leave_it_alone() -> None:
    failed = [*brought(PLAN, Phase.WORKING), e.PhaseChanged(NOON, t(PLAN), Phase.LEFT_OUT, cause=Cause.FAILED)]
    rollout = given(PLAN, failed)
    assert written(rollout, with_newcomer(rollout)).reason == reason(
        ReasonCode.TOO_MANY_FAILURES, failures=1, allowed=0
    )
