"""A rollout is what its events tell, however often and in however many pieces they are read."""

import pytest
from tests.unit.given import NOON, a_plan, brought, facts, given, later, standing, t

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.replay import evolve, replay

OWNER = Owner("deploy", "host", 7, 7, "boot")
PLAN = a_plan(3, window=2)
WHO = t(PLAN)


def test_a_rollout_begins_with_its_plan_and_with_nothing_else() -> None:
    for story in ([], [e.Finished(NOON)]):
        with pytest.raises(ValueError, match="begins with Planned"):
            replay(story)
    with pytest.raises(ValueError, match="Planned is only the first event"):
        replay([e.Planned(NOON, PLAN), e.Planned(NOON, PLAN)])


def test_reading_in_pieces_tells_the_same_as_reading_at_once() -> None:
    story = [*brought(PLAN, Phase.DONE), *brought(PLAN, Phase.LEFT_OUT, 1), e.Interrupted(NOON, "kim")]
    whole, pieces = given(PLAN, story), given(PLAN)
    for event in story:
        pieces = evolve(pieces, [event])
    assert pieces == whole
    assert whole.number == len(story) + 1


def test_what_was_read_before_is_not_changed_by_what_is_read_later() -> None:
    before = given(PLAN)
    evolve(before, brought(PLAN, Phase.DONE))
    assert before == given(PLAN)


def test_targets_are_found_by_phase_in_the_order_they_came_there() -> None:
    rollout = given(PLAN, brought(PLAN, Phase.DRAINING, 2), brought(PLAN, Phase.DRAINING, 0))
    assert rollout.at(Phase.WAITING) == [t(PLAN, 1)]
    assert rollout.at(Phase.DRAINING, Phase.WAITING) == [t(PLAN, 2), t(PLAN, 0), t(PLAN, 1)]


def test_a_soaking_target_takes_a_place_in_the_window_and_one_left_out_does_not() -> None:
    assert standing(PLAN, Phase.SOAKING).in_progress == 1
    assert standing(PLAN, Phase.LEFT_OUT).in_progress == 0


def test_out_of_service_is_what_was_touched_and_is_not_known_to_serve() -> None:
    left, warms = brought(PLAN, Phase.LEFT_OUT, 0), brought(PLAN, Phase.WARMING, 1)
    rollout = given(PLAN, left, warms, brought(PLAN, Phase.SOAKING, 2))
    assert rollout.out_of_service == [t(PLAN, 1), t(PLAN, 0)]


def test_calls_are_remembered_group_by_group() -> None:
    plan = a_plan(groups=2)
    one, other = (group.arn for group in plan.groups)
    rollout = standing(plan, Phase.DRAINING, e.Deregistered(later(1), one, (WHO,)), bare=True)
    assert rollout.statuses[WHO].deregistered == {one}
    both = evolve(rollout, [e.Deregistered(later(2), other, (WHO,))]).statuses[WHO]
    assert (both.deregistered, both.called) == (frozenset({one, other}), later(2))
    back = standing(plan, Phase.WARMING, e.Registered(later(3), other, (WHO,)), bare=True).statuses[WHO]
    assert (back.registered, back.called) == (frozenset({other}), later(3))


def test_a_takeover_measures_every_span_anew_and_keeps_what_is_known() -> None:
    before = standing(PLAN, Phase.WORKING, e.Interrupted(NOON, "kim"))
    after = evolve(before, [e.OwnerChanged(later(99), OWNER)])
    standing_after = after.statuses[WHO]
    assert (standing_after.since, standing_after.called, standing_after.out_since) == (later(99), later(99), None)
    assert standing_after.ticket == "ticket"
    assert (after.owner, after.interrupted, after.moved) == (OWNER, False, later(99))


def test_a_takeover_invents_no_call_that_never_returned() -> None:
    rollout = standing(PLAN, Phase.DRAINING, e.OwnerChanged(later(9), OWNER), bare=True)
    assert rollout.statuses[WHO].called is None


def test_a_takeover_leaves_alone_who_is_not_in_hand() -> None:
    rollout = standing(PLAN, Phase.DONE, e.OwnerChanged(later(9), OWNER))
    assert rollout.statuses[WHO].since == NOON


def test_an_owner_is_named_so_that_a_person_finds_the_process() -> None:
    assert str(OWNER) == "deploy@host (pid 7)"


def test_found_serving_forgets_that_it_was_out_and_counts() -> None:
    found = standing(PLAN, Phase.OUT, e.FoundServing(later(1), WHO)).statuses[WHO]
    assert (found.found_serving, found.out_since, found.deregistered, found.called) == (1, None, frozenset(), None)


def test_the_work_and_its_end_are_kept() -> None:
    key = standing(PLAN, Phase.WORKING).key(WHO)
    story: list[e.Event] = [e.Started(NOON, key, "command-1"), e.WorkEnded(NOON, key, 7, "no space left")]
    after = standing(PLAN, Phase.WORKING, *story, bare=True).statuses[WHO]
    assert (after.ticket, after.exit, after.out, after.may_run) == ("command-1", 7, "no space left", False)
    assert after.touched


def test_the_next_attempt_begins_with_a_clean_sheet_and_another_key() -> None:
    again = e.PhaseChanged(later(1), WHO, Phase.DRAINING, intent=Intent.UPDATE)
    before, after = standing(PLAN, Phase.DONE), standing(PLAN, Phase.DONE, again)
    assert before.key(WHO) != after.key(WHO)
    now = after.statuses[WHO]
    assert (now.attempt, now.ticket, now.out_since, now.deregistered) == (2, None, None, frozenset())
    assert now.touched


def test_to_be_kept_out_a_target_must_be_taken_out_anew() -> None:
    kept = standing(PLAN, Phase.WARMING, e.PhaseChanged(later(1), WHO, Phase.DRAINING, "", Intent.KEEP_OUT)).statuses[
        WHO
    ]
    assert (kept.deregistered, kept.called, kept.out_since, kept.attempt) == (frozenset(), None, None, 1)


def test_to_be_put_back_a_target_must_be_registered_and_proven_anew() -> None:
    for phase in (Phase.WARMING, Phase.RETURNING):
        back = standing(PLAN, phase, bare=True).statuses[WHO]
        assert (back.registered, back.called, back.serving_since) == (frozenset(), None, None)


def test_falls_while_it_warms_do_not_count_in_the_soak() -> None:
    fell = e.BecameUnhealthy(NOON, WHO, "unhealthy")
    assert standing(PLAN, Phase.WARMING, fell).statuses[WHO].unhealthy_count == 1
    assert (
        standing(PLAN, Phase.WARMING, fell, e.PhaseChanged(NOON, WHO, Phase.SOAKING)).statuses[WHO].unhealthy_count == 0
    )


def test_only_failures_are_counted_and_each_once() -> None:
    failed = [e.PhaseChanged(NOON, WHO, Phase.DRAINING, "", Intent.KEEP_OUT, Cause.FAILED)]
    rollout = standing(
        PLAN, Phase.WARMING, *failed, *facts(PLAN, Phase.DRAINING), e.PhaseChanged(NOON, WHO, Phase.LEFT_OUT)
    )
    assert rollout.failures == 1
    assert rollout.statuses[WHO].cause is Cause.FAILED
    lost = [e.PhaseChanged(NOON, WHO, Phase.RETURNING, "", Intent.RETURN, Cause.FLOOR_LOST)]
    assert standing(PLAN, Phase.DRAINING, *lost).failures == 0


def test_an_approval_without_a_name_is_for_all_who_wait_for_one() -> None:
    two = [*brought(PLAN, Phase.WORKING, 0), *brought(PLAN, Phase.WORKING, 1)]
    rollout = given(PLAN, two, [e.Approved(NOON, "kim", None)])
    assert [rollout.statuses[t(PLAN, n)].approved for n in range(3)] == [True, True, False]


def test_an_approval_given_too_early_approves_nothing() -> None:
    rollout = standing(PLAN, Phase.OUT, e.Approved(NOON, "kim", WHO), e.PhaseChanged(NOON, WHO, Phase.WORKING))
    assert not rollout.statuses[WHO].approved


def test_an_abort_after_the_end_changes_nothing() -> None:
    rollout = given(PLAN, [e.Finished(NOON), e.AbortAsked(NOON, "kim")])
    assert not rollout.aborting


def test_a_revert_and_a_retry_open_a_finished_rollout_again() -> None:
    for word in (e.RevertAsked(NOON, "kim"), e.RetryAsked(NOON, "kim", (WHO,))):
        assert given(PLAN, [e.Finished(NOON), word]).finished is None


def test_a_revert_asked_again_tries_again_what_could_not_be_reverted() -> None:
    back = e.PhaseChanged(NOON, WHO, Phase.DRAINING, intent=Intent.REVERT)
    ask = e.RevertAsked(NOON, "kim")
    assert standing(PLAN, Phase.DONE, ask, back).statuses[WHO].reverted
    assert standing(PLAN, Phase.DONE, ask, back, ask).statuses[WHO].reverted  # it is in hand
    out = e.PhaseChanged(NOON, WHO, Phase.LEFT_OUT)
    assert not standing(PLAN, Phase.DONE, ask, back, out, ask).statuses[WHO].reverted


def test_a_step_that_only_registers_begins_outside_with_the_wish_to_return() -> None:
    plan = a_plan(1, kind=PlanKind.REGISTER, begin=Phase.OUT)
    assert given(plan).statuses[WHO].intent is Intent.RETURN
