"""Tests of drift: late registrations, changed attributes, deleted groups."""

from dataclasses import replace

import pytest
from tests.unit.given import (
    NOON,
    a_group,
    a_plan,
    a_target,
    brought,
    decided,
    given,
    later,
    moved,
    moves,
    notes,
    seconds,
    seen,
    standing,
    t,
    why,
)

from katakei.domain import events as e
from katakei.domain.actions import Action, Record
from katakei.domain.model import Arn, Group, Registration, Target
from katakei.domain.observation import HealthState, Observation, UnplannedRegistration, WorkState, WorkStatus
from katakei.domain.phases import IN_PROGRESS, Cause, Intent, Phase
from katakei.domain.plan import Plan, PlanKind, restorable
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import LatePolicy, Selection
from katakei.reconcile.capacity import count_serving, floor_violation
from katakei.reconcile.drift import attribute_changes as changed
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


def test_unknown_registration_is_requested() -> None:
    rollout = given(PLAN)
    assert observation_request(rollout, with_newcomer(rollout), NOON).newcomers == (ARN,)
    assert observation_request(rollout, seen(rollout, NOON), NOON).newcomers == ()


def test_leaving_registration_and_manual_step_request_none() -> None:
    leaving = seen(given(PLAN), NOON, places={NEW.registrations[0]: HealthState.DRAINING})
    assert observation_request(given(PLAN), leaving, NOON).newcomers == ()
    by_hand = given(a_plan(2, kind=PlanKind.DEREGISTER))
    assert observation_request(by_hand, with_newcomer(by_hand), NOON).newcomers == ()


def test_late_target_is_recorded_once() -> None:
    assert written(given(PLAN), with_newcomer(given(PLAN))) == e.TargetAdded(NOON, NEW, takes_part=True)
    after = given(PLAN, [e.TargetAdded(NOON, NEW, takes_part=True)])
    assert e.TargetAdded not in notes(decided(after, with_newcomer(after), NOON))


def test_late_target_is_updated_last_and_restorable() -> None:
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
def test_late_target_is_left_alone_for_a_reason(rollout: Rollout, trouble: Reason | None, wanted: Reason) -> None:
    event = written(rollout, with_newcomer(rollout, trouble=trouble, Role="db"))
    assert (event.takes_part, event.reason) == (False, wanted)


def test_late_target_takes_part_by_tags() -> None:
    rollout = given(tagged())
    assert written(rollout, with_newcomer(rollout, Role="web")).takes_part


@pytest.mark.parametrize("takes_part", [True, False])
def test_late_target_counts_for_zone_floor(takes_part: bool) -> None:  # noqa: FBT001 - one of two policies
    plan = a_plan(2, per_zone=1, late=LatePolicy.ROLL)
    new = replace(a_target(8, plan.groups), zone="a")
    before, after = given(plan), given(plan, [e.TargetAdded(NOON, new, takes_part=takes_part)])
    assert _zone_would_be_short(before, new)
    assert not _zone_would_be_short(after, new)


def _zone_would_be_short(rollout: Rollout, new: Target) -> Reason | None:
    first = rollout.plan.targets[0]
    return floor_violation(rollout, count_serving(rollout, with_newcomer(rollout, new), NOON).without(first), first)


def test_left_alone_target_is_never_touched() -> None:
    rollout = given(PLAN, [e.TargetAdded(NOON, NEW, takes_part=False)])
    assert NEW.id not in rollout.statuses
    assert not set(NEW.registrations) & set(restorable(rollout.plan))


MORE = replace(PLAN.targets[0], registrations=(Registration(ARN, PLAN.targets[0].id, 8080),))


def test_known_machine_gains_new_registration() -> None:
    event = written(given(PLAN), with_newcomer(given(PLAN), MORE))
    rollout = given(PLAN, [event])
    assert event.takes_part
    assert rollout.targets[MORE.id].registrations == (*PLAN.targets[0].registrations, *MORE.registrations)
    assert rollout.at(Phase.WAITING) == [t(PLAN, 0), t(PLAN, 1)]


def test_new_registration_in_service_blocks_work() -> None:
    rollout = given(PLAN, brought(PLAN, Phase.OUT), [e.TargetAdded(NOON, MORE, takes_part=True)])
    [old], [new] = PLAN.targets[0].registrations, MORE.registrations
    actions = decided(
        rollout, seen(rollout, later(60), places={old: HealthState.ABSENT, new: HealthState.HEALTHY}), later(60)
    )
    assert notes(actions) == [e.FoundServing]


def test_bystander_with_new_registration_stays_bystander() -> None:
    other = a_target(5, PLAN.groups)
    rollout = given(replace(PLAN, bystanders=(other,)))
    more = replace(other, registrations=(Registration(ARN, other.id, 8080),))
    event = written(rollout, with_newcomer(rollout, more))
    assert (event.takes_part, event.reason) == (False, reason(ReasonCode.MACHINE_TAKES_NO_PART))
    after = given(rollout.plan, [event])
    assert after.owners[more.registrations[0]] == other.id
    assert other.id not in after.targets


def test_absent_late_target_is_gone() -> None:
    story = [e.TargetAdded(NOON, NEW, takes_part=True)], brought(PLAN, Phase.DONE), brought(PLAN, Phase.DONE, 1)
    rollout = given(PLAN, *story)
    actions = decided(rollout, seen(rollout, NOON, {2: HealthState.ABSENT}), NOON)
    assert moves(actions) == {NEW.id: Phase.GONE}


def test_stopped_rollout_leaves_late_target_alone() -> None:
    failed = [*brought(PLAN, Phase.WORKING), e.PhaseChanged(NOON, t(PLAN), Phase.LEFT_OUT, cause=Cause.FAILED)]
    rollout = given(PLAN, failed)
    assert written(rollout, with_newcomer(rollout)).reason == reason(
        ReasonCode.TOO_MANY_FAILURES, failures=1, allowed=0
    )


def test_attribute_changes_is_empty_for_same_group() -> None:
    assert changed(a_group(), a_group()) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delay", seconds(0)),
        ("idle_timeout", seconds(600)),
        ("cross_zone", False),
        ("zonal_shift", ("a",)),
        ("autoscaling", ("asg",)),
    ],
)
def test_attribute_changes_compares_every_planned_attribute(name: str, value: object) -> None:
    group = a_group()
    [change] = changed(group, replace(group, **{name: value}))  # type: ignore[arg-type]  # by name
    was = str(getattr(group, name))
    assert change == reason(ReasonCode.ATTRIBUTE_CHANGED, attribute=name, was=was, now=str(value))


def test_attribute_changes_ignores_a_zonal_shift_that_ended() -> None:
    both = a_group(zonal_shift=("a", "c"))
    assert changed(both, a_group()) == changed(both, a_group(zonal_shift=("c",))) == ()
    [change] = changed(a_group(zonal_shift=("c",)), both)
    assert change.code == ReasonCode.ATTRIBUTE_CHANGED


@pytest.mark.parametrize("now", [a_group(sticky=seconds(60)), a_group(target_control=True)], ids=["sticky", "agent"])
def test_attribute_changes_ignores_what_older_plans_do_not_say(now: Group) -> None:
    assert changed(a_group(), now) == ()


def test_attribute_changes_reports_a_lost_listener_only() -> None:
    assert changed(a_group(), a_group(load_balancers=(Arn("arn:other"),))) == ()
    assert changed(a_group(), a_group(load_balancers=())) == (reason(ReasonCode.LISTENER_REMOVED),)
    assert changed(a_group(load_balancers=()), a_group(load_balancers=())) == ()


def without(rollout: Rollout, groups: int, work: WorkStatus | None = None) -> Observation:
    """An observation in which the first `groups` groups are deleted."""
    observation = seen(rollout, later(100), work=work)
    arns = frozenset(group.arn for group in rollout.plan.groups[:groups])
    return replace(
        observation, groups={arn: look for arn, look in observation.groups.items() if arn not in arns}, deleted=arns
    )


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase in IN_PROGRESS - {Phase.WORKING}])
def test_target_without_groups_is_gone(phase: Phase) -> None:
    rollout = standing(a_plan(1), phase)
    [move] = moved(decided(rollout, without(rollout, 1), later(100)))
    assert (move.to, move.cause) == (Phase.GONE, Cause.FAILED)
    assert "somebody deleted the target group web0" in why(move)
    assert move.reason == reason(ReasonCode.GROUP_DELETED, groups=("web0",))


@pytest.mark.parametrize(
    ("phase", "to"),
    [
        (Phase.WAITING, Phase.SKIPPED),
        (Phase.DRAINING, Phase.LEFT_OUT),
        (Phase.OUT, Phase.LEFT_OUT),
        (Phase.CHECKING, Phase.LEFT_OUT),
        (Phase.WARMING, Phase.DRAINING),
        (Phase.SOAKING, Phase.DRAINING),
        (Phase.RETURNING, Phase.LEFT_OUT),
    ],
)
def test_target_losing_one_group_is_left_out(phase: Phase, to: Phase) -> None:
    rollout = standing(a_plan(1, groups=2), phase)
    assert moves(decided(rollout, without(rollout, 1), later(100))) == {t(rollout.plan): to}


def test_failure_elsewhere_does_not_wait_for_deleted_group() -> None:
    plan = a_plan(3, groups=2)
    lone, *others = plan.targets
    others = [replace(target, registrations=target.registrations[1:]) for target in others]
    plan = replace(plan, targets=(lone, *others))
    falls = [e.BecameUnhealthy(NOON, t(plan, 1), "unhealthy")] * 3
    rollout = given(plan, brought(plan, Phase.SOAKING, 1), falls)
    observation = without(rollout, 1)
    bad = seen(rollout, later(100), {1: HealthState.UNHEALTHY}).groups[plan.groups[1].arn]
    actions = decided(rollout, replace(observation, groups={plan.groups[1].arn: bad}), later(100))
    assert moves(actions)[t(plan, 1)] is Phase.DRAINING


def test_soaking_target_losing_group_is_kept_out() -> None:
    rollout = standing(a_plan(1, groups=2), Phase.SOAKING)
    [move] = moved(decided(rollout, without(rollout, 1), later(100)))
    assert (move.intent, move.cause) == (Intent.KEEP_OUT, Cause.FAILED)


def test_waiting_target_without_groups_is_no_failure() -> None:
    rollout = standing(a_plan(2), Phase.WAITING)
    moves_ = moved(decided(rollout, without(rollout, 1), later(100)))
    assert {(move.to, move.cause) for move in moves_} == {(Phase.GONE, None)}


def test_work_is_followed_after_group_deletion() -> None:
    rollout = standing(a_plan(1), Phase.WORKING)
    running = without(rollout, 1, WorkStatus(WorkState.RUNNING))
    assert not moves(decided(rollout, running, later(30)))
    ended = without(rollout, 1, WorkStatus(WorkState.ENDED, exit=0))
    assert moves(decided(rollout, ended, later(30))) == {t(rollout.plan): Phase.CHECKING}


def test_done_target_fails_after_group_deletion() -> None:
    plan = a_plan(2)
    done = brought(plan, Phase.DONE)
    rollout = given(plan, done)
    assert notes(decided(rollout, without(rollout, 1), later(100))) == [e.BecameUnhealthy]
    fallen = given(plan, done, [e.BecameUnhealthy(later(100), t(plan), "deleted")])
    assert notes(decided(fallen, without(fallen, 1), later(100))) == [e.FailedAfterDone]
    lost = given(
        plan,
        done,
        [e.BecameUnhealthy(later(100), t(plan), "deleted"), e.FailedAfterDone(later(100), t(plan), "deleted")],
    )
    assert moves(decided(lost, without(lost, 1), later(100))) == {t(plan, 1): Phase.SKIPPED}
