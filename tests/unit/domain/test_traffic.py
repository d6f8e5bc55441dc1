"""The status of a switch after its events: what was decided, what is sure, and since when a group has weight 0."""

from dataclasses import replace

from tests.unit.switched import NEW, OLD, ROUTES, SWITCH, at, moved_to, rollout

from katakei.domain import events as e
from katakei.domain import traffic as t
from katakei.domain.leases import Owner
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout, replay

ME = Owner("kim", "here", 1, 1, "boot")


def status(state: Rollout) -> t.TrafficStatus:
    assert state.traffic
    return state.traffic


def test_needed_targets_are_rounded_up() -> None:
    five = replace(SWITCH, needed=5)
    assert [five.needs(share) for share in (None, 0, 1, 20, 21, 100)] == [0, 0, 1, 1, 2, 5]


def test_steps_follow_each_other() -> None:
    assert [SWITCH.after(share) for share in (None, 0, 10, 25, 100)] == [0, 25, 25, 100, None]


def test_moment_of_weight_zero_is_kept_until_the_group_gets_weight_again() -> None:
    assert status(rollout(*moved_to(0))).zero == {NEW.arn: at(2)}
    assert status(rollout(*moved_to(0), *moved_to(25, 10))).zero == {}
    moved = rollout(*moved_to(100, 20), e.OwnerChanged(at(60), ME))
    assert status(moved).zero == {OLD.arn: at(22)}
    back = rollout(*moved_to(100, 20), *moved_to(None, 70))
    assert status(back).zero == {NEW.arn: at(72)}


def test_a_new_process_measures_again_and_trusts_no_call_under_way() -> None:
    moving = status(rollout(t.ShareDecided(at(0), 25), e.OwnerChanged(at(5), ME)))
    assert (moving.since, moving.unsure, moving.observed) == (at(5), at(5), None)
    resting = status(rollout(*moved_to(25), e.OwnerChanged(at(5), ME)))
    assert (resting.observed, resting.unsure, resting.moved) == (at(5), None, None)
    moved = status(rollout(*moved_to(100), t.TrafficMoved(at(40)), e.OwnerChanged(at(50), ME)))
    assert moved.moved == at(50)
    lost = status(rollout(t.WeightsUnanswered(at(1), ROUTES[0].arn), e.OwnerChanged(at(50), ME)))
    assert lost.unsure == at(50)


def test_a_call_that_succeeds_clears_its_refusal() -> None:
    refused = (t.ShareDecided(at(0), 25), t.WeightsRejected(at(1), ROUTES[0].arn, "no"))
    assert status(rollout(*refused)).rejected == {ROUTES[0].arn: "no"}
    assert status(rollout(*refused, t.WeightsSet(at(2), ROUTES[0].arn, 25))).rejected == {}
    assert status(rollout(*refused, t.ShareDecided(at(2), None))).rejected == {}


def test_first_reason_to_go_back_is_kept() -> None:
    first, second = (reason(ReasonCode.ABORTED, by=who) for who in ("kim", "sam"))
    state = rollout(t.ShareDecided(at(0), None, first), t.ShareDecided(at(1), None, second))
    assert status(state).back == first


def test_promotion_counts_only_where_a_share_was_reached() -> None:
    assert not status(rollout(t.ShareDecided(at(0), 25), e.PromoteAsked(at(1), "kim"))).promoted
    assert status(rollout(*moved_to(25), e.PromoteAsked(at(9), "kim"))).promoted


def test_events_of_a_switch_change_no_rollout_of_targets() -> None:
    state = replace(rollout(), traffic=None)
    draft = e.Planned(at(0), replace(state.plan, switch=None))

    assert replay([draft, t.ShareDecided(at(1), 25)]).traffic is None


def test_a_rollout_rests_where_only_a_person_can_go_on() -> None:
    moving, moved = rollout(t.ShareDecided(at(0), 25)), rollout(*moved_to(100), t.TrafficMoved(at(40)))
    interrupted = e.Interrupted(at(50), "kim")
    assert not moving.rests
    assert not rollout(t.ShareDecided(at(0), 25), interrupted).rests
    assert rollout(*moved_to(25), interrupted).rests
    assert moved.rests
    assert not rollout(*moved_to(100), t.TrafficMoved(at(40)), e.AbortAsked(at(50), "kim")).rests
    assert rollout(*moved_to(100), e.Finished(at(60))).rests
    targets = replace(rollout().plan, switch=None)
    assert not rollout(of=targets).rests
    assert rollout(interrupted, of=targets).rests


def test_difference_names_what_is_not_as_planned() -> None:
    seen = t.RouteObservation(at(0), ROUTES[0].frame, t.Weights(75, 25))
    assert t.difference(ROUTES[0], seen, (25, None)) is None
    found = t.difference(ROUTES[0], seen, (50, None))
    assert found
    assert dict(found.data) == {"route": "HTTP:1", "old": 75, "new": 25}
