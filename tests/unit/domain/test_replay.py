"""Tests of replay: the events of a journal give the same rollout, in one part or in many."""

import pytest
from tests.unit.given import NOON, a_plan, brought, facts, given, later, standing, t

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.observation import SILENT, Baseline, Blind, Visible
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.reasons import ReasonCode, reason, recorded_text
from katakei.domain.replay import evolve, replay

OWNER = Owner("deploy", "host", 7, 7, "boot")
PLAN = a_plan(3, window=2)
WHO = t(PLAN)


def test_replay_requires_planned_first_and_once() -> None:
    for story in ([], [e.Finished(NOON)]):
        with pytest.raises(ValueError, match="begins with Planned"):
            replay(story)
    with pytest.raises(ValueError, match="Planned is only the first event"):
        replay([e.Planned(NOON, PLAN), e.Planned(NOON, PLAN)])


def test_evolve_in_parts_equals_replay() -> None:
    story = [*brought(PLAN, Phase.DONE), *brought(PLAN, Phase.LEFT_OUT, 1), e.Interrupted(NOON, "kim")]
    whole, pieces = given(PLAN, story), given(PLAN)
    for event in story:
        pieces = evolve(pieces, [event])
    assert pieces == whole
    assert whole.number == len(story) + 1


def test_evolve_leaves_the_earlier_rollout_unchanged() -> None:
    before = given(PLAN)
    evolve(before, brought(PLAN, Phase.DONE))
    assert before == given(PLAN)


def test_rollout_lists_targets_by_phase_in_order() -> None:
    rollout = given(PLAN, brought(PLAN, Phase.DRAINING, 2), brought(PLAN, Phase.DRAINING, 0))
    assert rollout.at(Phase.WAITING) == [t(PLAN, 1)]
    assert rollout.at(Phase.DRAINING, Phase.WAITING) == [t(PLAN, 2), t(PLAN, 0), t(PLAN, 1)]


def test_window_counts_soaking_but_not_left_out() -> None:
    assert standing(PLAN, Phase.SOAKING).in_progress == 1
    assert standing(PLAN, Phase.LEFT_OUT).in_progress == 0


def test_out_of_service_lists_targets_not_known_to_serve() -> None:
    left, warms = brought(PLAN, Phase.LEFT_OUT, 0), brought(PLAN, Phase.WARMING, 1)
    rollout = given(PLAN, left, warms, brought(PLAN, Phase.SOAKING, 2))
    assert rollout.out_of_service == [t(PLAN, 1), t(PLAN, 0)]


def test_replay_records_calls_per_group() -> None:
    plan = a_plan(groups=2)
    one, other = (group.arn for group in plan.groups)
    rollout = standing(plan, Phase.DRAINING, e.Deregistered(later(1), one, (WHO,)), bare=True)
    assert rollout.statuses[WHO].deregistered == {one}
    both = evolve(rollout, [e.Deregistered(later(2), other, (WHO,))]).statuses[WHO]
    assert (both.deregistered, both.called) == (frozenset({one, other}), later(2))
    back = standing(plan, Phase.WARMING, e.Registered(later(3), other, (WHO,)), bare=True).statuses[WHO]
    assert (back.registered, back.called) == (frozenset({other}), later(3))


def test_takeover_restarts_spans_and_keeps_facts() -> None:
    before = standing(PLAN, Phase.WORKING, e.Interrupted(NOON, "kim"))
    after = evolve(before, [e.OwnerChanged(later(99), OWNER)])
    standing_after = after.statuses[WHO]
    assert (standing_after.since, standing_after.called, standing_after.out_since) == (later(99), later(99), None)
    assert standing_after.ticket == "ticket"
    assert (after.owner, after.interrupted, after.moved) == (OWNER, False, later(99))


def test_takeover_adds_no_returned_call() -> None:
    rollout = standing(PLAN, Phase.DRAINING, e.OwnerChanged(later(9), OWNER), bare=True)
    assert rollout.statuses[WHO].called is None


def test_takeover_ignores_targets_not_in_progress() -> None:
    rollout = standing(PLAN, Phase.DONE, e.OwnerChanged(later(9), OWNER))
    assert rollout.statuses[WHO].since == NOON


def test_owner_text_names_user_host_and_pid() -> None:
    assert str(OWNER) == "deploy@host (pid 7)"


def test_found_serving_resets_out_and_counts() -> None:
    found = standing(PLAN, Phase.OUT, e.FoundServing(later(1), WHO)).statuses[WHO]
    assert (found.found_serving, found.out_since, found.deregistered, found.called) == (1, None, frozenset(), None)


def test_replay_keeps_work_and_its_end() -> None:
    key = standing(PLAN, Phase.WORKING).key(WHO)
    story: list[e.Event] = [e.Started(NOON, key, "command-1"), e.WorkEnded(NOON, key, 7, "no space left")]
    after = standing(PLAN, Phase.WORKING, *story, bare=True).statuses[WHO]
    assert (after.ticket, after.exit, after.out, after.may_run) == ("command-1", 7, "no space left", False)
    assert after.touched


def test_next_attempt_resets_status_and_key() -> None:
    again = e.PhaseChanged(later(1), WHO, Phase.DRAINING, intent=Intent.UPDATE)
    before, after = standing(PLAN, Phase.DONE), standing(PLAN, Phase.DONE, again)
    assert before.key(WHO) != after.key(WHO)
    now = after.statuses[WHO]
    assert (now.attempt, now.ticket, now.out_since, now.deregistered) == (2, None, None, frozenset())
    assert now.touched


def test_keeping_out_requires_new_deregistration() -> None:
    kept = standing(PLAN, Phase.WARMING, e.PhaseChanged(later(1), WHO, Phase.DRAINING, "", Intent.KEEP_OUT)).statuses[
        WHO
    ]
    assert (kept.deregistered, kept.called, kept.out_since, kept.attempt) == (frozenset(), None, None, 1)


def test_return_requires_new_registration_and_proof() -> None:
    for phase in (Phase.WARMING, Phase.RETURNING):
        back = standing(PLAN, phase, bare=True).statuses[WHO]
        assert (back.registered, back.called, back.serving_since) == (frozenset(), None, None)


def test_soak_ignores_unhealthy_count_of_warming() -> None:
    fell = e.BecameUnhealthy(NOON, WHO, "unhealthy")
    assert standing(PLAN, Phase.WARMING, fell).statuses[WHO].unhealthy_count == 1
    assert (
        standing(PLAN, Phase.WARMING, fell, e.PhaseChanged(NOON, WHO, Phase.SOAKING)).statuses[WHO].unhealthy_count == 0
    )


def test_recorded_text_and_reason_are_read_alike() -> None:
    why = reason(ReasonCode.RECORDED_TEXT, text="exit code 7")
    old = e.PhaseChanged(NOON, WHO, Phase.LEFT_OUT, "exit code 7", cause=Cause.FAILED)
    new = e.PhaseChanged(NOON, WHO, Phase.LEFT_OUT, cause=Cause.FAILED, reason=why)
    one, other = standing(PLAN, Phase.WORKING, old), standing(PLAN, Phase.WORKING, new)
    assert one.statuses[WHO] == other.statuses[WHO]
    assert one.statuses[WHO].reason == why


def test_recorded_late_failure_has_a_reason() -> None:
    unhealthy = e.BecameUnhealthy(NOON, WHO, "unhealthy")
    failed = e.FailedAfterDone(NOON, WHO, "left service: unhealthy")
    assert standing(PLAN, Phase.DONE, unhealthy, failed).statuses[WHO].reason == recorded_text(
        "left service: unhealthy"
    )


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (e.BaselineTaken(NOON, WHO, ""), Visible()),
        (e.BaselineTaken(NOON, WHO, "no data"), Blind(reason(ReasonCode.PROBE_BLIND, text="no data"))),
        (e.BaselineTaken(NOON, WHO, "probe_silent", SILENT.why), SILENT),
    ],
)
def test_recorded_baseline_is_visible_or_blind(event: e.BaselineTaken, wanted: Baseline) -> None:
    assert standing(PLAN, Phase.WAITING).statuses[WHO].baseline is None
    assert standing(PLAN, Phase.WAITING, event).statuses[WHO].baseline == wanted


def test_failures_are_counted_once_each() -> None:
    failed = [e.PhaseChanged(NOON, WHO, Phase.DRAINING, "", Intent.KEEP_OUT, Cause.FAILED)]
    rollout = standing(
        PLAN, Phase.WARMING, *failed, *facts(PLAN, Phase.DRAINING), e.PhaseChanged(NOON, WHO, Phase.LEFT_OUT)
    )
    assert rollout.failures == 1
    assert rollout.statuses[WHO].cause is Cause.FAILED
    lost = [e.PhaseChanged(NOON, WHO, Phase.RETURNING, "", Intent.RETURN, Cause.FLOOR_LOST)]
    assert standing(PLAN, Phase.DRAINING, *lost).failures == 0


def test_approval_without_target_approves_all_waiting() -> None:
    two = [*brought(PLAN, Phase.WORKING, 0), *brought(PLAN, Phase.WORKING, 1)]
    rollout = given(PLAN, two, [e.Approved(NOON, "kim", None)])
    assert [rollout.statuses[t(PLAN, n)].approved for n in range(3)] == [True, True, False]


def test_early_approval_approves_nothing() -> None:
    rollout = standing(PLAN, Phase.OUT, e.Approved(NOON, "kim", WHO), e.PhaseChanged(NOON, WHO, Phase.WORKING))
    assert not rollout.statuses[WHO].approved


def test_abort_after_the_end_is_ignored() -> None:
    rollout = given(PLAN, [e.Finished(NOON), e.AbortAsked(NOON, "kim")])
    assert not rollout.aborting


def test_revert_and_retry_reopen_a_finished_rollout() -> None:
    for word in (e.RevertAsked(NOON, "kim"), e.RetryAsked(NOON, "kim", (WHO,))):
        assert given(PLAN, [e.Finished(NOON), word]).finished is None


def test_second_revert_retries_unreverted_targets() -> None:
    back = e.PhaseChanged(NOON, WHO, Phase.DRAINING, intent=Intent.REVERT)
    ask = e.RevertAsked(NOON, "kim")
    assert standing(PLAN, Phase.DONE, ask, back).statuses[WHO].reverted
    assert standing(PLAN, Phase.DONE, ask, back, ask).statuses[WHO].reverted  # it is in progress
    out = e.PhaseChanged(NOON, WHO, Phase.LEFT_OUT)
    assert not standing(PLAN, Phase.DONE, ask, back, out, ask).statuses[WHO].reverted


def test_work_of_a_revert_goes_where_its_target_was_found() -> None:
    back = e.PhaseChanged(NOON, WHO, Phase.DRAINING, intent=Intent.REVERT, place="i-1@9f61")
    way = [e.PhaseChanged(NOON, WHO, phase) for phase in (Phase.OUT, Phase.WORKING)]
    assert standing(PLAN, Phase.DONE, e.RevertAsked(NOON, "kim"), back, *way).statuses[WHO].marks == "i-1@9f61"


def test_register_step_begins_out_with_return_intent() -> None:
    plan = a_plan(1, kind=PlanKind.REGISTER, begin=Phase.OUT)
    assert given(plan).statuses[WHO].intent is Intent.RETURN


def test_requests_counted_by_every_owner_are_added() -> None:
    story: list[e.Event] = []
    for _ in range(2):
        story += [e.RequestsAfterQuiet(later(5), WHO, 3), e.OwnerChanged(later(9), OWNER)]
    status = standing(PLAN, Phase.WORKING, *story).statuses[WHO]
    assert (status.arrived, status.arrived_before) == (0, 6)


def test_failure_of_the_update_does_not_count_in_the_revert() -> None:
    failed = e.PhaseChanged(later(1), WHO, Phase.LEFT_OUT, cause=Cause.FAILED)
    assert standing(PLAN, Phase.WORKING, failed).failures == 1
    assert standing(PLAN, Phase.WORKING, e.RevertAsked(NOON, "kim"), failed).failures == 0
