"""Tests of the overlap: when a soaking target gives its place in the window to the next one, and to which one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.unit.given import (
    NOON,
    a_plan,
    a_target,
    brought,
    decided,
    deregistered,
    given,
    later,
    moved,
    seconds,
    seen,
    t,
    taken,
)

from katakei.domain import events as e
from katakei.domain.actions import Deregister
from katakei.domain.freezes import Freeze
from katakei.domain.model import Registration
from katakei.domain.observation import HealthState, Observation
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Approval, Gate, OnFailure, Overlap
from katakei.reconcile.observe import observation_request
from katakei.reconcile.overlap import could_offer

DOWN, INITIAL = HealthState.UNHEALTHY, HealthState.INITIAL
FREEZE = Freeze("shop", "fred", "", NOON, None)


def overlapping_plan(targets: int = 4, *, overlap: Overlap = Overlap.AUTO, soak: float = 30, **more: Any) -> Plan:
    return a_plan(targets, overlap=overlap, soak=seconds(soak), **more)


def soaking(plan: Plan, *extra: e.Event, number: int = 0) -> Rollout:
    """The first target has been observed serving at noon, and soaks."""
    return given(plan, brought(plan, Phase.SOAKING, number), extra)


def look(
    rollout: Rollout,
    at: float,
    states: Mapping[int, HealthState] | None = None,
    *,
    watched: float = -100,
    came: Iterable[int] = (),
    **more: Any,
) -> Observation:
    """An observation by a process that has watched all groups for long; `came` were registered a moment ago."""
    plan = rollout.plan
    since: dict[str, datetime] = {group.arn: later(watched) for group in plan.groups}
    moved = {place: later(at - 1) for number in came for place in plan.targets[number].registrations}
    return replace(seen(rollout, later(at), states, **more), watched=since, moved=moved)  # type: ignore[arg-type]  # by name


def take_outs(rollout: Rollout, at: float = 10, **more: Any) -> list[tuple[int, int | None]]:
    """Who is taken out, and whose place each takes, by number."""
    names = [target.id for target in rollout.plan.targets]
    actions = decided(rollout, look(rollout, at, **more), later(at))
    return [
        (names.index(event.target), names.index(event.overlaps) if event.overlaps else None)
        for event in moved(actions)
        if event.to is Phase.DRAINING
    ]


# -- whose place, and when


def test_soaking_target_gives_its_place_to_the_next() -> None:
    rollout = soaking(overlapping_plan())
    actions = decided(rollout, look(rollout, 10), later(10))
    assert take_outs(rollout) == [(1, 0)]
    assert deregistered(actions) == [t(rollout.plan, 1)]


@pytest.mark.parametrize("kind", [Overlap.NEVER, Overlap.AUTO])
def test_only_auto_overlaps(kind: Overlap) -> None:
    assert take_outs(soaking(overlapping_plan(overlap=kind))) == ([(1, 0)] if kind is Overlap.AUTO else [])


def test_plan_without_the_key_never_overlaps() -> None:
    assert take_outs(soaking(a_plan(4, soak=seconds(30)))) == []


@pytest.mark.parametrize(("at", "expected"), [(29, []), (30, [(1, 0)]), (59, [(1, 0)])])
def test_soak_has_at_most_settle_left(at: float, expected: list[tuple[int, int]]) -> None:
    assert take_outs(soaking(overlapping_plan(soak=60)), at) == expected


def test_what_is_left_to_soak_counts_from_the_observation() -> None:
    assert take_outs(soaking(overlapping_plan(soak=60)), 32, age=seconds(3)) == []


def test_soak_that_is_over_gives_no_place() -> None:
    """The target is done in this turn, and its place is free in the next."""
    assert take_outs(soaking(overlapping_plan()), 30) == []


def test_promoted_soak_gives_no_place() -> None:
    """It is over once two observations showed the target serving."""
    assert take_outs(soaking(overlapping_plan(), e.PromoteAsked(NOON, "kim")), 4) == []


def test_target_that_was_not_observed_serving_gives_no_place() -> None:
    assert take_outs(soaking(overlapping_plan(), taken(0))) == []


def test_unobserved_soak_gives_no_place() -> None:
    rollout = soaking(overlapping_plan(groups=2))
    place = rollout.plan.targets[0].registrations[1]
    observation = look(rollout, 10)
    blind = {**observation.groups[place.group].seen}
    del blind[place]
    groups = {**observation.groups, place.group: replace(observation.groups[place.group], seen=blind)}
    assert moved(decided(rollout, replace(observation, groups=groups), later(10))) == []


def test_unhealthy_soak_gives_no_place() -> None:
    assert take_outs(soaking(overlapping_plan()), states={0: DOWN}) == []


def test_target_that_fell_while_it_soaked_gives_no_place() -> None:
    plan = overlapping_plan()
    fell = (e.BecameUnhealthy(later(1), t(plan), ""), e.ObservedServing(later(2), t(plan)))
    assert take_outs(soaking(plan, *fell)) == []


@pytest.mark.parametrize("back", [{"intent": Intent.RETURN}, {"cause": Cause.FAILED}], ids=["returned", "failed"])
def test_target_that_is_put_back_gives_no_place(back: dict[str, Any]) -> None:
    plan = overlapping_plan(on_failure=OnFailure(max_failures=1))
    events = brought(plan, Phase.SOAKING)
    at = next(n for n, event in enumerate(events) if isinstance(event, e.PhaseChanged) and event.to is Phase.CHECKING)
    events[at] = replace(events[at], **back)
    assert take_outs(given(plan, events)) == []


def test_place_is_given_once() -> None:
    plan = overlapping_plan(5)
    out = e.PhaseChanged(later(5), t(plan, 1), Phase.DRAINING, overlaps=t(plan))
    assert take_outs(soaking(plan, out)) == []


def test_each_soak_gives_one_place_first_done_first() -> None:
    plan = overlapping_plan(9, window=2)
    first, second = brought(plan, Phase.SOAKING, 0, later(3)), brought(plan, Phase.SOAKING, 1)
    assert take_outs(given(plan, first, second)) == [(2, 1), (3, 0)]


def test_free_places_are_taken_first() -> None:
    assert take_outs(soaking(overlapping_plan(8, window=2))) == [(1, None), (2, 0)]


def test_manual_step_never_overlaps() -> None:
    plan = replace(overlapping_plan(), kind=PlanKind.DEREGISTER)
    assert not [pair for pair in take_outs(given(plan)) if pair[1] is not None]


def test_wide_window_waits_for_a_whole_batch() -> None:
    plan = overlapping_plan(220, window=100, floor=1)
    calls = [e.Deregistered(NOON, plan.groups[0].arn, (t(plan, n),)) for n in range(40)]
    some = given(plan, *(brought(plan, Phase.SOAKING, n) for n in range(7)), calls)
    full = [brought(plan, Phase.WORKING, n) for n in range(8, 101)]
    assert some.batch_size == 8
    assert take_outs(given(plan, *(brought(plan, Phase.SOAKING, n) for n in range(7)), *full, calls)) == []
    eight = given(plan, *(brought(plan, Phase.SOAKING, n) for n in range(8)), *full[:92], calls)
    assert len(take_outs(eight)) == 8


# -- what stands between


@pytest.mark.parametrize(
    "word",
    [
        e.PauseAsked(NOON, "kim"),
        e.AbortAsked(NOON, "kim"),
        e.Interrupted(NOON, "kim"),
        e.RevertAsked(NOON, "kim"),
    ],
    ids=["pause", "abort", "interrupt", "revert"],
)
def test_nothing_is_taken_out_when_a_person_stops_it(word: e.Event) -> None:
    assert take_outs(soaking(overlapping_plan(), word)) == []


def test_nothing_is_taken_out_while_frozen() -> None:
    assert take_outs(soaking(overlapping_plan()), freezes=(FREEZE,)) == []


@pytest.mark.parametrize(("after", "expected"), [(0, []), (1, []), (2, [(1, 0)])])
def test_gate_between_two_targets_holds(after: int, expected: list[tuple[int, int]]) -> None:
    gates = (Gate("rest", after, Approval()),)
    assert take_outs(soaking(overlapping_plan(gates=gates))) == expected


def test_revert_takes_no_place_of_a_soaking_target() -> None:
    plan = overlapping_plan(revert=a_plan().spec.work)
    back = brought(plan, Phase.SOAKING, 1)
    out = e.PhaseChanged(NOON, t(plan, 1), Phase.DRAINING, intent=Intent.REVERT)
    events = [*brought(plan, Phase.DONE, 0), *brought(plan, Phase.DONE, 1), e.RevertAsked(NOON, "kim"), out, *back[2:]]
    assert take_outs(given(plan, events)) == []
    asked = soaking(plan, e.RevertAsked(NOON, "kim"))
    assert could_offer(soaking(plan), later(10), Phase.SOAKING) == [t(plan)]
    assert could_offer(asked, later(10), Phase.SOAKING) == []


# -- who is proven


def test_two_targets_never_overlap() -> None:
    assert take_outs(soaking(overlapping_plan(2, floor=0))) == []


@pytest.mark.parametrize(("floor", "expected"), [(2, [(1, 0)]), (3, [])])
def test_floor_counts_only_the_proven(floor: int, expected: list[tuple[int, int]]) -> None:
    assert take_outs(soaking(overlapping_plan(floor=floor))) == expected


def test_each_zone_keeps_one_that_is_proven() -> None:
    assert take_outs(soaking(overlapping_plan(zones=("a", "a", "c", "c")))) == [
        (2, 0)
    ]  # 1 is the other one in its zone
    assert take_outs(soaking(overlapping_plan(3, floor=0, zones=("a", "b", "c")))) == []


@pytest.mark.parametrize(("per_zone", "expected"), [(1, [(1, 0)]), (2, [])])
def test_floor_of_a_zone_counts_only_the_proven(per_zone: int, expected: list[tuple[int, int]]) -> None:
    assert take_outs(soaking(overlapping_plan(5, per_zone=per_zone, zones=("a", "c")))) == expected


def test_unhealthy_targets_are_not_proven() -> None:
    assert take_outs(soaking(overlapping_plan(floor=2)), states={3: DOWN}) == [(3, 0)]


def test_other_soaking_targets_are_not_proven() -> None:
    plan = overlapping_plan(3, window=2, floor=0, zones=("a", "a"))
    assert take_outs(given(plan, brought(plan, Phase.SOAKING), brought(plan, Phase.SOAKING, 1))) == []


def test_failed_targets_are_not_proven() -> None:
    plan = overlapping_plan(3, floor=0, zones=("a", "a"))
    failed = brought(plan, Phase.SOAKING, 2)
    failed.append(e.PhaseChanged(NOON, t(plan, 2), Phase.FAILED_SERVING, cause=Cause.FAILED))
    plan = replace(plan, spec=replace(plan.spec, on_failure=replace(plan.spec.on_failure, max_failures=1)))
    assert take_outs(given(plan, brought(plan, Phase.SOAKING), failed)) == []


def test_newly_registered_targets_are_not_proven() -> None:
    rollout = soaking(overlapping_plan(3, floor=0, zones=("a", "a")))
    assert take_outs(rollout, came=[1]) == [(1, 0)]  # itself need not be proven
    assert take_outs(rollout, came=[2]) == [(2, 0)]
    assert take_outs(rollout, came=[1, 2]) == []


@pytest.mark.parametrize(("watched", "expected"), [(-19, []), (-20, [(1, 0)])])
def test_targets_that_were_not_watched_for_a_soak_are_not_proven(
    watched: float, expected: list[tuple[int, int]]
) -> None:
    assert take_outs(soaking(overlapping_plan()), watched=watched) == expected


@pytest.mark.parametrize("known", [False, True])
def test_bystanders_are_proven_unless_they_are_new(known: bool) -> None:  # noqa: FBT001 - a parameter
    plan = overlapping_plan(2, floor=0, zones=("a", "a"))
    stranger = a_target(7, plan.groups, ("a",))
    events = [] if known else [e.TargetAdded(later(5), stranger, takes_part=False)]
    plan = replace(plan, bystanders=(stranger,)) if known else plan
    rollout = soaking(plan, *events)
    states = dict.fromkeys(stranger.registrations, HealthState.HEALTHY)
    assert take_outs(rollout, places=states) == ([(1, 0)] if known else [])


def test_bystander_that_was_registered_again_is_not_proven() -> None:
    plan = overlapping_plan(2, floor=0, zones=("a", "a"))
    stranger = a_target(7, plan.groups, ("a",))
    rollout = soaking(replace(plan, bystanders=(stranger,)))
    (place,) = stranger.registrations
    observation = replace(look(rollout, 10, places={place: HealthState.HEALTHY}), moved={place: later(9)})
    assert moved(decided(rollout, observation, later(10))) == []


def test_another_owner_trusts_only_what_it_watched() -> None:
    plan = overlapping_plan()
    rollout = soaking(plan, e.TargetAdded(later(5), a_target(7, plan.groups), takes_part=False), taken(6))
    assert rollout.added == {}


def test_unknown_registrations_are_not_proven() -> None:
    plan = overlapping_plan(2, floor=0, zones=("a", "a"))
    unknown = Registration(plan.groups[0].arn, "i-9", 80)
    assert take_outs(soaking(plan), places={unknown: HealthState.HEALTHY}) == []


def test_every_group_of_the_target_counts() -> None:
    plan = overlapping_plan(3, groups=2, floor=1, zones=("a", "a"))
    second = {target.registrations[1]: DOWN for target in plan.targets[1:]}
    assert take_outs(soaking(plan), places=second) == []


@pytest.mark.parametrize("phase", [Phase.LEFT_OUT, Phase.DONE])
def test_only_a_target_in_service_takes_a_place(phase: Phase) -> None:
    plan = overlapping_plan(3, floor=0, zones=("a", "a"))
    story = [*brought(plan, phase, 1), *brought(plan, Phase.DONE, 2), e.RetryAsked(NOON, "kim", (t(plan, 1),))]
    assert take_outs(given(plan, story, brought(plan, Phase.SOAKING))) == []


# -- on what it rests


def test_take_out_rests_on_every_observation() -> None:
    rollout = soaking(overlapping_plan())
    place = rollout.plan.targets[0].registrations[0]
    observation = look(rollout, 12)
    group = observation.groups[place.group]
    early = replace(group.seen[place], begun=later(10))
    observation = replace(observation, groups={place.group: replace(group, seen={**group.seen, place: early})})
    (call,) = (action for action in decided(rollout, observation, later(12)) if isinstance(action, Deregister))
    assert call.observed == later(10)


def test_overlap_may_be_observed_in_time() -> None:
    """What a take-out rests on is read when the place is given, not only when it is free."""
    rollout = soaking(overlapping_plan(soak=60))
    last = look(rollout, 0)
    early, soon, due = (observation_request(rollout, last, later(at)) for at in (20, 26, 30))
    arn = rollout.plan.groups[0].arn
    assert (early.freezes, soon.freezes, due.freezes) == (False, True, True)
    assert due.groups == {arn: None}


def test_take_out_of_a_taker_is_no_new_attempt() -> None:
    plan = overlapping_plan()
    taker = t(plan, 1)
    events: list[e.Event] = [
        e.PhaseChanged(NOON, taker, Phase.DRAINING, overlaps=t(plan)),
        e.PhaseChanged(NOON, taker, Phase.RETURNING, intent=Intent.RETURN, cause=Cause.OVERLAP_ENDED),
        e.PhaseChanged(NOON, taker, Phase.RETURNED, cause=Cause.OVERLAP_ENDED),
        e.PhaseChanged(NOON, taker, Phase.DRAINING, intent=Intent.UPDATE),
    ]
    status = replay([e.Planned(NOON, plan), *events]).statuses[taker]
    assert (status.attempt, status.tries, status.overlaps, status.cause) == (1, 1, None, None)
