"""Tests of waves: who may be taken out in which, what ends one, the pause, and who ends the pause."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.given import (
    P,
    a_plan,
    brought,
    decided,
    deregistered,
    given,
    later,
    records,
    seconds,
    seen,
    t,
    taken,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import Action
from katakei.domain.model import RolloutId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import HeldTarget, Plan
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import Approval, Command, Gate, OnFailure, Overlap, Share, Window
from katakei.reconcile.decide import candidates


def in_waves(
    *ends: int, window: int = 3, pause: float = 0, targets: int = 0, gates: tuple[Gate, ...] = (), **more: Any
) -> Plan:
    rule = Window(waves=tuple(Share(count=end) for end in ends), pause_between=seconds(pause))
    plan = a_plan(targets or ends[-1], window=window, floor=0, gates=gates, revert=Command("ssm", "undo"), **more)
    return replace(plan, spec=replace(plan.spec, window=rule), waves=ends)


def finished(plan: Plan, *numbers: int) -> list[e.Event]:
    return [event for number in numbers for event in brought(plan, P.DONE, number)]


def turned(rollout: Rollout, at: float) -> Sequence[Action]:
    return decided(rollout, seen(rollout, later(at)), later(at))


def out(rollout: Rollout, at: float) -> list[int]:
    """The numbers of the targets that are taken out at this moment."""
    calls = deregistered(turned(rollout, at))
    return [number for number, target in enumerate(rollout.plan.targets) if target.id in calls]


ENDED, BEGUN = e.WaveEnded(later(60), 1), e.WaveBegun(later(60), 2)


@pytest.mark.parametrize(
    ("shares", "targets", "ends"),
    [
        (("1", "10%", "50%", "100%"), 100, (1, 10, 50, 100)),
        (("1", "10%", "50%", "100%"), 20, (1, 2, 10, 20)),
        (("1", "10%", "50%", "100%"), 3, (1, 2, 3)),
        (("1", "10%", "50%", "100%"), 2, (1, 2)),
        (("1", "10%", "50%", "100%"), 1, (1,)),
        (("33%", "100%"), 10, (4, 10)),
        (("1", "50%"), 4, (1, 2, 4)),
        (("3",), 2, (2,)),
        (("10", "20%"), 20, (10, 11, 20)),
        (("1", "100%"), 0, ()),
        ((), 5, ()),
    ],
)
def test_waves_are_cumulative_and_rounded_up(shares: tuple[str, ...], targets: int, ends: tuple[int, ...]) -> None:
    written = tuple(Share(percent=int(text[:-1])) if text.endswith("%") else Share(count=int(text)) for text in shares)
    assert Window(waves=written).wave_ends(targets) == ends


def test_first_wave_takes_no_target_of_the_next() -> None:
    plan = in_waves(1, 3)
    assert out(given(plan), 60) == [0]
    assert out(given(plan, brought(plan, P.WORKING)), 60) == []
    assert candidates(given(plan, brought(plan, P.WORKING))) == []


def test_wave_ends_when_all_in_it_are_done() -> None:
    plan = in_waves(2, 4)
    assert records(turned(given(plan, finished(plan, 0), brought(plan, P.SOAKING, 1)), 1)) == []
    rollout = given(plan, finished(plan, 0, 1))
    assert records(turned(rollout, 60)) == [ENDED]
    assert records(turned(given(plan, finished(plan, 0, 1), [ENDED]), 60)) == [BEGUN]
    assert out(given(plan, finished(plan, 0, 1), [ENDED, BEGUN]), 60) == [2, 3]


def test_last_wave_ends_with_the_rollout() -> None:
    plan = in_waves(1, 2)
    rollout = given(plan, finished(plan, 0), [ENDED, BEGUN], finished(plan, 1))
    assert records(turned(rollout, 60)) == [e.Finished(later(60))]


@pytest.mark.parametrize("phase", [P.LEFT_OUT, P.SKIPPED, P.GONE, P.FAILED_SERVING])
def test_wave_is_over_without_targets_that_ended_otherwise(phase: Phase) -> None:
    plan = in_waves(2, 4, on_failure=OnFailure(max_failures=3))
    rollout = given(plan, finished(plan, 0), brought(plan, phase, 1))
    states = {1: HealthState.ABSENT} if phase is not P.FAILED_SERVING else {}
    assert records(decided(rollout, seen(rollout, later(60), states), later(60))) == [ENDED]


def test_failures_count_over_all_waves() -> None:
    plan = in_waves(1, 3, on_failure=OnFailure(max_failures=1))
    fails = [e.PhaseChanged(later(3), t(plan, 1), P.LEFT_OUT, cause=Cause.FAILED)]
    first = [*brought(plan, P.WORKING), e.PhaseChanged(later(2), t(plan), P.LEFT_OUT, cause=Cause.FAILED)]
    rollout = given(plan, first, [ENDED, BEGUN], brought(plan, P.WORKING, 1), fails)
    assert rollout.failed
    [skipped] = records(turned(rollout, 60))
    assert isinstance(skipped, e.PhaseChanged)
    assert (skipped.target, skipped.to) == (t(plan, 2), P.SKIPPED)


def test_target_that_gets_another_attempt_keeps_its_wave_open() -> None:
    plan = in_waves(1, 2)
    back: list[e.Event] = [
        e.PhaseChanged(later(1), t(plan), Phase.RETURNING, intent=Intent.RETURN, cause=Cause.FROZEN),
        e.PhaseChanged(later(2), t(plan), Phase.RETURNED),
    ]
    assert out(given(plan, brought(plan, P.DRAINING), back), 60) == [0]


def test_pause_between_waves_is_waited_for() -> None:
    plan = in_waves(1, 3, pause=300)
    rollout = given(plan, finished(plan, 0), [ENDED])
    actions = turned(rollout, 160)
    assert (records(actions), deregistered(actions)) == ([], [])
    assert whys(actions) == (
        "wave 1 of 2 has been over for 1m 40s; the next one begins in 3m 20s, or at once by: katakei promote r-test"
    )
    assert records(turned(rollout, 359.9)) == []
    assert records(turned(rollout, 360)) == [e.WaveBegun(later(360), 2)]


def test_pause_counts_anew_under_another_process() -> None:
    plan = in_waves(1, 3, pause=300)
    rollout = given(plan, finished(plan, 0), [ENDED, taken(200)])
    assert records(turned(rollout, 499)) == []
    assert records(turned(rollout, 500)) == [e.WaveBegun(later(500), 2)]
    assert given(plan, [taken(200)]).wave_ended is None


def test_person_ends_the_pause() -> None:
    plan = in_waves(1, 3, pause=300)
    rollout = given(plan, finished(plan, 0), [ENDED, e.PromoteAsked(later(61), "kim")])
    assert records(turned(rollout, 62)) == [e.WaveBegun(later(62), 2)]
    after = given(plan, finished(plan, 0), [ENDED, e.PromoteAsked(later(61), "kim"), BEGUN])
    assert (after.wave, after.wave_ended, after.wave_promoted) == (2, None, False)


def test_promotion_of_a_soak_is_none_of_the_next_pause() -> None:
    plan = in_waves(1, 3, pause=300)
    rollout = given(plan, brought(plan, P.SOAKING), [e.PromoteAsked(later(1), "kim")], [])
    assert not rollout.wave_promoted
    done = given(
        plan, brought(plan, P.SOAKING), [e.PromoteAsked(later(1), "kim"), e.PhaseChanged(later(2), t(plan), P.DONE)]
    )
    assert records(turned(done, 60)) == [ENDED]


def test_pause_of_a_person_holds_the_next_wave() -> None:
    plan = in_waves(1, 3)
    rollout = given(plan, finished(plan, 0), [ENDED, e.PauseAsked(later(61), "kim")])
    actions = turned(rollout, 62)
    assert records(actions) == []
    assert "paused by kim" in whys(actions)


def test_gate_is_asked_during_the_pause() -> None:
    plan = in_waves(1, 3, pause=300, gates=(Gate("canary", 1, Approval()),))
    actions = turned(given(plan, finished(plan, 0), [ENDED]), 62)
    assert [type(event) for event in records(actions)] == [e.ApprovalAsked]
    passed: list[e.Event] = [
        e.ApprovalAsked(later(62), "canary", later(5000)),
        e.GateAnswered(later(63), "kim", "canary", approved=True),
    ]
    actions = turned(given(plan, finished(plan, 0), [ENDED], passed), 70)
    assert "wave 1 of 2" in whys(actions)


def test_long_pause_is_no_waiting() -> None:
    """Neither the pause nor unread freezes in it count against limits.waiting."""
    plan = in_waves(1, 3, pause=9000)
    rollout = given(plan, finished(plan, 0), [ENDED])
    unread = replace(seen(rollout, later(8000)), freezes=None)
    actions = decided(rollout, unread, later(8000))
    assert (records(actions), "wave 1 of 2" in whys(actions)) == ([], True)
    begun = replace(seen(rollout, later(9060)), freezes=None)
    assert records(decided(rollout, begun, later(9060))) == [e.WaveBegun(later(9060), 2)]
    after = given(plan, finished(plan, 0), [ENDED, e.WaveBegun(later(9060), 2)])
    held = decided(after, replace(seen(after, later(9061)), freezes=None), later(9061))
    assert (records(held), "have not been read" in whys(held)) == ([], True)


def test_interrupted_rollout_is_not_finished_between_waves() -> None:
    plan = in_waves(1, 3)
    for story in ([], [ENDED]):
        rollout = given(plan, finished(plan, 0), story, [e.Interrupted(later(61), "kim")])
        assert records(turned(rollout, 62)) == []


def test_target_of_the_next_wave_never_overlaps() -> None:
    def soaked(*ends: int) -> Plan:
        return in_waves(*ends, window=1, soak=seconds(30), overlap=Overlap.AUTO)

    one, two = soaked(4), soaked(1, 4)
    for plan, numbers in ((one, [1]), (two, [])):
        rollout = given(plan, brought(plan, P.SOAKING))
        observation = replace(seen(rollout, later(10)), watched={group.arn: later(-100) for group in plan.groups})
        calls = deregistered(decided(rollout, observation, later(10)))
        assert calls == [t(plan, number) for number in numbers]


def test_revert_knows_no_waves() -> None:
    plan = in_waves(1, 2, 4)
    story = [*finished(plan, 0), ENDED, BEGUN, *finished(plan, 1), e.WaveEnded(later(60), 2)]
    rollout = given(plan, story, [e.RevertAsked(later(61), "kim")])
    assert rollout.wave_ended is None
    gone = [e.PhaseChanged(later(62), t(plan, n), P.SKIPPED) for n in (2, 3)]
    assert out(given(plan, story, [e.RevertAsked(later(61), "kim")], gone), 63) == [0, 1]


def test_retry_in_an_earlier_wave_is_taken_at_once() -> None:
    plan = in_waves(1, 2, 3, pause=300)
    left = [*brought(plan, P.WORKING), e.PhaseChanged(later(2), t(plan), P.LEFT_OUT)]
    rollout = given(plan, left, [ENDED, e.RetryAsked(later(61), "kim", (t(plan),))])
    assert (rollout.wave, rollout.wave_ended) == (1, None)
    assert candidates(rollout) == [t(plan)]


def test_held_target_belongs_to_its_wave() -> None:
    plan = in_waves(1, 3)
    plan = replace(plan, held=(HeldTarget(t(plan, 0), RolloutId("r-0")), HeldTarget(t(plan, 1), RolloutId("r-0"))))
    assert candidates(given(plan)) == [t(plan)]


def test_reached_limit_ends_the_waves() -> None:
    plan = replace(in_waves(1, 2, 4, pause=300), limit=1)
    rollout = given(plan, finished(plan, 0))
    assert {getattr(event, "cause", None) for event in records(turned(rollout, 60))} == {Cause.LIMIT}
    skipped = given(plan, finished(plan, 0), [e.PhaseChanged(later(61), t(plan, n), P.SKIPPED) for n in (1, 2, 3)])
    assert records(turned(skipped, 62)) == [e.Finished(later(62))]


def test_late_target_belongs_to_the_last_wave() -> None:
    plan = in_waves(1, 2)
    more = in_waves(3).targets[2]
    added = e.TargetAdded(later(1), more, True, "")
    assert candidates(given(plan, [added])) == [t(plan)]
    last = given(plan, [added], finished(plan, 0), [ENDED, BEGUN])
    assert candidates(last) == [t(plan, 1), more.id]


def test_wave_reason_is_about_the_whole_rollout() -> None:
    plan = in_waves(1, 3, pause=300)
    [wait] = turned(given(plan, finished(plan, 0), [ENDED]), 62)
    assert isinstance(getattr(wait, "reason", None), Reason)
    assert getattr(wait, "target", "x") is None
