"""A switch decides share by share, moves all routes together, and goes back for every reason there is."""

from dataclasses import replace

import pytest
from tests.unit.given import written
from tests.unit.switched import (
    NEW,
    ROUTES,
    SWITCH,
    at,
    changed,
    gate,
    health,
    moved_to,
    observed,
    plan,
    rollout,
)

from katakei.domain import events as e
from katakei.domain import traffic as t
from katakei.domain.actions import Action, SetWeights, Wait
from katakei.domain.errors import ExitCode
from katakei.domain.freezes import Freeze
from katakei.domain.leases import Owner
from katakei.domain.observation import Observation
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, result
from katakei.reconcile.decide import decide, next_turn_due, still_valid, waiting_reason
from katakei.reconcile.observe import observation_request
from katakei.reconcile.outcome import taken_back, verdict
from katakei.reconcile.traffic_shift import decide_switch

ME = Owner("kim", "here", 1, 1, "boot")
WHY = reason(ReasonCode.ABORTED, by="kim")
BACK = t.ShareDecided(at(60), None, WHY)


def calls(actions: tuple[Action, ...]) -> list[tuple[str, t.Share]]:
    return [(action.route.name, action.share) for action in actions if isinstance(action, SetWeights)]


def waits(actions: tuple[Action, ...]) -> list[str]:
    return [action.reason.code for action in actions if isinstance(action, Wait)]


def decided(state: Rollout, seen: Observation, seconds: float) -> tuple[Action, ...]:
    return decide(state, seen, at(seconds))


def test_a_rollout_of_targets_is_no_switch() -> None:
    with pytest.raises(ValueError, match="moves no traffic"):
        decide_switch(replace(rollout(), traffic=None), Observation(), at(0))


def test_first_share_is_decided_once_everything_was_observed() -> None:
    assert written(decided(rollout(), observed(1), 2)) == [t.ShareDecided(at(2), 0)]
    assert waits(decided(rollout(), Observation(freezes=observed(1).freezes), 2)) == ["routes_not_observed"]


def test_routes_move_together_and_the_calls_rest_on_the_oldest_observation() -> None:
    state = rollout(t.ShareDecided(at(0), 25))
    actions = decided(state, observed(1), 2)
    assert calls(actions) == [("HTTP:1", 25), ("HTTP:2", 25)]
    assert {act.observed for act in actions if isinstance(act, SetWeights)} == {at(1)}
    assert waits(actions) == ["weights_moving"]
    assert waiting_reason(state, actions).code == "weights_moving"
    assert next_turn_due(actions, at(2)) == at(2.25)
    assert still_valid(actions, state, state) == {}


def test_nothing_is_called_without_an_observation() -> None:
    state = rollout(t.ShareDecided(at(0), 25))
    assert calls(decided(state, observed(1), 30)) == []
    blind = replace(observed(1), groups={})
    assert (calls(decided(state, blind, 2)), waits(decided(state, blind, 2))) == ([], ["routes_not_observed"])
    half = replace(observed(1), routes={ROUTES[0].arn: observed(1).routes[ROUTES[0].arn]})
    assert calls(decided(state, half, 2)) == [("HTTP:1", 25)]


def test_weight_zero_needs_no_serving_target() -> None:
    state = rollout(t.ShareDecided(at(0), 0))
    assert calls(decided(state, replace(observed(1), groups={}), 2)) == [("HTTP:1", 0), ("HTTP:2", 0)]


def test_share_counts_as_reached_by_an_observation_after_the_last_call() -> None:
    called = t.WeightsSet(at(5), ROUTES[0].arn, 25)
    state = rollout(t.ShareDecided(at(0), 25), called)
    assert waits(decided(state, observed(4, 25), 6)) == ["weights_moving"]
    assert written(decided(state, observed(5, 25), 6)) == [t.ShareObserved(at(6), 25)]


def test_the_soak_is_awaited_and_promoted() -> None:
    state = rollout(*moved_to(25))
    assert waits(decided(state, observed(9, 25), 10)) == ["share_soaking"]
    promoted = rollout(*moved_to(25), e.PromoteAsked(at(9), "kim"))
    assert written(decided(promoted, observed(9, 25), 10)) == [t.ShareDecided(at(10), 100)]
    assert written(decided(state, observed(33, 25), 34)) == [t.ShareDecided(at(34), 100)]


def test_next_share_needs_a_second_observation() -> None:
    state = rollout(*moved_to(0))
    assert waits(decided(state, observed(4, 0), 4)) == ["weights_confirming"]
    assert waits(decided(state, observed(4, 0), 10)) == ["weights_confirming"]
    assert written(decided(state, observed(7, 0), 8)) == [t.ShareDecided(at(8), 25)]


def test_a_lost_call_is_waited_for_longer() -> None:
    state = rollout(t.ShareDecided(at(0), 0), t.WeightsUnanswered(at(1), ROUTES[0].arn), t.ShareObserved(at(2), 0))
    assert waits(decided(state, observed(15, 0), 16)) == ["weights_confirming"]
    assert written(decided(state, observed(22, 0), 23)) == [t.ShareDecided(at(23), 25)]


def test_a_route_that_slips_back_late_is_written_again() -> None:
    state = rollout(*moved_to(25))
    late = observed(5, 25, routes=changed(ROUTES[0], 5))
    assert calls(decided(state, late, 6)) == [("HTTP:1", 25)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"frame": None}, "route_deleted"),
        ({"frame": "other"}, "route_actions_changed"),
        ({"weights": t.Weights(1, 1)}, "route_weights_changed"),
        ({}, "route_weights_changed"),
    ],
    ids=["deleted", "actions", "weights", "back to an earlier share"],
)
def test_a_change_by_somebody_else_is_recorded(change: dict[str, object], code: str) -> None:
    state = rollout(*moved_to(25))
    [event] = written(decided(state, observed(30, 25, routes=changed(ROUTES[1], 30, **change)), 31))
    assert isinstance(event, t.RouteChanged)
    assert (event.route, event.reason.code) == (ROUTES[1].arn, code)


def test_after_a_foreign_change_the_others_go_back() -> None:
    why = reason(ReasonCode.ROUTE_DELETED, route="HTTP:2")
    events = (*moved_to(25), t.RouteChanged(at(30), ROUTES[1].arn, why))
    state = rollout(*events)
    assert written(decided(state, observed(30, 25), 31)) == [t.ShareDecided(at(31), None, why)]
    going = rollout(*events, t.ShareDecided(at(31), None, why))
    assert calls(decided(going, observed(31, 25), 32)) == [("HTTP:1", None)]
    assert verdict(going) is ExitCode.REFUSED
    done = rollout(*events, t.ShareDecided(at(31), None, why), t.ShareObserved(at(35), None), e.Finished(at(41)))
    assert (verdict(done), result(done)) == (ExitCode.REFUSED, Result.FAILED)
    assert done.traffic
    assert done.traffic.zero == {}


def test_a_refusal_by_aws_brings_all_back() -> None:
    state = rollout(t.ShareDecided(at(0), 25), t.WeightsRejected(at(1), ROUTES[1].arn, "TooManyTargetGroups"))
    [event] = written(decided(state, observed(1), 2))
    assert isinstance(event, t.ShareDecided)
    assert event.reason == reason(ReasonCode.ROUTE_REJECTED, route="HTTP:2", text="TooManyTargetGroups")


def test_a_new_group_that_falls_short_loses_the_requests() -> None:
    state = rollout(*moved_to(25), *moved_to(100, 40))
    [event] = written(decided(state, observed(50, 100, new=1), 51))
    assert isinstance(event, t.ShareDecided)
    assert event.reason
    assert (event.share, event.reason.code) == (None, "new_group_too_small")
    with_one = rollout(*moved_to(25))
    assert written(decided(with_one, observed(9, 25, new=1), 10)) == []


def test_requests_stay_where_the_old_group_is_down_too() -> None:
    state = rollout(t.ShareDecided(at(0), 100))
    actions = decided(state, observed(1, old=0, new=1), 2)
    assert (written(actions), calls(actions), waits(actions)) == ([], [], ["old_group_down_too"])


def test_next_share_waits_for_more_targets_and_not_for_ever() -> None:
    state = rollout(*moved_to(25))
    actions = decided(state, observed(59, 25, new=1), 60)
    assert waits(actions) == ["share_waits"]
    [late] = written(decided(state, observed(3000, 25, new=1), 3001))
    assert isinstance(late, t.ShareDecided)
    assert (late.share, late.reason and late.reason.code) == (None, "new_group_too_small")
    first = rollout(*moved_to(0))
    [early] = written(decided(first, observed(400, 0, new=0), 401))
    assert isinstance(early, t.ShareDecided)
    assert early.reason
    blind = replace(observed(59, 25), groups={})
    assert waits(decided(state, blind, 60)) == ["routes_not_observed"]


@pytest.mark.parametrize("told", [e.AbortAsked(at(50), "kim"), e.RevertAsked(at(50), "kim")], ids=["abort", "revert"])
def test_a_person_takes_the_way_back(told: e.Event) -> None:
    [event, *_] = written(decided(rollout(*moved_to(25), told), observed(50, 25), 51))
    assert isinstance(event, t.ShareDecided)
    assert event.share is None
    untouched = rollout(told)
    assert [type(each) for each in written(decided(untouched, observed(50), 51))] == [t.ShareDecided]
    back = rollout(told, t.ShareDecided(at(51), None, WHY))
    assert written(decided(back, observed(51), 52)) == [e.Finished(at(52))]


def test_the_way_back_needs_no_observation_and_repeats_refused_calls() -> None:
    state = rollout(*moved_to(25), BACK)
    assert calls(decided(state, Observation(), 61)) == [("HTTP:1", None), ("HTTP:2", None)]
    refused = rollout(*moved_to(25), BACK, t.WeightsRejected(at(61), ROUTES[0].arn, "no"))
    assert calls(decided(refused, observed(61, 25), 62)) == [("HTTP:2", None)]
    assert calls(decided(refused, observed(80, 25), 81)) == [("HTTP:1", None), ("HTTP:2", None)]
    taken = rollout(*moved_to(25), BACK, t.WeightsRejected(at(61), ROUTES[0].arn, "no"), e.OwnerChanged(at(62), ME))
    assert calls(decided(taken, observed(62, 25), 63)) == [("HTTP:1", None), ("HTTP:2", None)]


def test_a_route_that_cannot_be_put_back_does_not_hold_up_the_end_for_ever() -> None:
    state = rollout(*moved_to(25), BACK)
    assert written(decided(state, observed(1000, 25), 1001)) == [e.Finished(at(1001))]
    ended = rollout(*moved_to(25), BACK, e.Finished(at(1001)))
    assert (verdict(ended), result(ended)) == (ExitCode.LEFT_OUT, Result.FAILED)


def test_the_end_of_the_way_back_is_proven() -> None:
    state = rollout(*moved_to(25), BACK, t.ShareObserved(at(62), None))
    assert waits(decided(state, observed(64), 65)) == ["weights_confirming"]
    assert written(decided(state, observed(67), 68)) == [e.Finished(at(68))]


def test_all_requests_moved_waits_for_a_person() -> None:
    state = rollout(*moved_to(100))
    assert written(decided(state, observed(33, 100), 34)) == [t.TrafficMoved(at(34))]
    moved = rollout(*moved_to(100), t.TrafficMoved(at(34)))
    assert waits(decided(moved, observed(40, 100), 41)) == ["traffic_moved"]
    assert waits(decided(moved, observed(40, 100, new=0), 41)) == ["traffic_moved"]
    assert (moved.rests, verdict(moved), result(moved)) == (True, ExitCode.DONE, None)
    finishing = rollout(*moved_to(100), t.TrafficMoved(at(34)), t.FinishAsked(at(50), "kim"))
    assert not finishing.rests
    assert waits(decided(finishing, observed(30, 100), 51)) == ["routes_not_observed"]
    assert written(decided(finishing, observed(50, 100), 51)) == [e.Finished(at(51))]
    ended = rollout(*moved_to(100), t.TrafficMoved(at(34)), t.FinishAsked(at(50), "kim"), e.Finished(at(51)))
    assert (verdict(ended), result(ended)) == (ExitCode.DONE, Result.DONE)
    assert decided(ended, observed(60, 100), 61) == ()


def test_pause_interrupt_freeze_and_gate_hold_the_next_share() -> None:
    moved = moved_to(25)
    paused = rollout(*moved, e.PauseAsked(at(30), "kim"), e.CommandAcknowledged(at(31)))
    assert waits(decided(paused, observed(59, 25), 60)) == ["paused"]
    unread = rollout(*moved, e.PauseAsked(at(30), "kim"))
    assert written(decided(unread, observed(59, 25), 60)) == [e.CommandAcknowledged(at(60))]
    interrupted = rollout(*moved, e.Interrupted(at(30), "kim"))
    assert decided(interrupted, observed(59, 25), 60) == ()
    assert interrupted.rests
    assert not rollout(t.ShareDecided(at(0), 25), e.Interrupted(at(30), "kim")).rests
    frozen = Freeze(NEW.arn, "kim", "sale", at(0), None)
    assert waits(decided(rollout(*moved), observed(59, 25, freeze=frozen), 60)) == ["frozen"]
    unknown = replace(observed(59, 25), freezes=None)
    assert waits(decided(rollout(*moved), unknown, 60)) == ["freezes_not_read"]
    gated = rollout(*moved, of=plan(gate(25)))
    [asked] = written(decided(gated, observed(59, 25), 60))
    assert isinstance(asked, e.ApprovalAsked)
    later = rollout(*moved, of=plan(gate(50)))
    assert written(decided(later, observed(59, 25), 60)) == [t.ShareDecided(at(60), 100)]


def test_an_approval_that_nobody_gives_expires() -> None:
    asked = e.ApprovalAsked(at(40), "25%", at(50))
    state = rollout(*moved_to(25), asked, of=plan(gate(25)))
    assert written(decided(state, observed(59, 25), 60)) == [e.ApprovalExpired(at(60), "25%")]


def test_what_is_observed_when() -> None:
    state = rollout(*moved_to(25))
    first = observation_request(state, Observation(), at(5))
    assert (set(first.groups), first.routes, first.freezes) == ({SWITCH.old, SWITCH.new}, True, True)
    soon = observation_request(state, observed(5, 25), at(6))
    assert (dict(soon.groups), soon.routes, soon.freezes) == ({}, False, False)
    moving = observation_request(rollout(t.ShareDecided(at(0), 25)), observed(5), at(8))
    assert (set(moving.groups), moving.routes) == ({SWITCH.old, SWITCH.new}, True)
    back = observation_request(rollout(*moved_to(25), BACK), observed(60, 25), at(61))
    assert (dict(back.groups), back.routes) == ({}, True)
    assert health(SWITCH.new, 1, 1, at(0)).serving == 1


def test_results_of_a_switch_that_went_back() -> None:
    ends = (BACK, t.ShareObserved(at(62), None), e.Finished(at(68)))
    aborted = rollout(*moved_to(25), e.AbortAsked(at(59), "kim"), *ends)
    assert (result(aborted), verdict(aborted), taken_back(aborted)) == (
        Result.ABORTED,
        ExitCode.FAILED,
        ExitCode.FAILED,
    )
    reverted = rollout(*moved_to(25), e.RevertAsked(at(59), "kim"), *ends)
    assert (result(reverted), taken_back(reverted)) == (Result.REVERTED, ExitCode.DONE)
    failed = rollout(*moved_to(25), *ends)
    assert (result(failed), verdict(failed)) == (Result.FAILED, ExitCode.FAILED)
    assert verdict(rollout(*moved_to(25))) is ExitCode.INTERRUPTED
