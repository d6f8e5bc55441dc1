"""Tests of still_valid: within a turn only targets for which something changed are decided again."""

import pytest
from tests.unit.given import NOON, a_plan, brought, given, seen, standing, t, text

from katakei.domain import events as e
from katakei.domain.actions import Action, CancelWork, Deregister, Record, Wait
from katakei.domain.leases import Owner
from katakei.domain.phases import Cause, Phase
from katakei.domain.replay import evolve
from katakei.reconcile.decide import decide, still_valid


def test_still_valid_keeps_unchanged_targets() -> None:
    plan = a_plan(2, window=2)
    then = given(plan, brought(plan, Phase.WORKING), brought(plan, Phase.WORKING, 1))
    actions = (
        Wait(NOON, text("it works"), t(plan)),
        Wait(NOON, text("so does it"), t(plan, 1)),
        Wait(NOON, text("on the whole")),
    )
    now = evolve(then, [e.WorkEnded(NOON, then.key(t(plan, 1)), 0, "")])
    assert still_valid(actions, then, now) == {t(plan): [actions[0]]}


def test_decide_reuses_known_answers() -> None:
    plan = a_plan(1)
    rollout = standing(plan, Phase.WORKING)
    before = (Wait(NOON, text("as it was said"), t(plan)),)
    assert decide(rollout, seen(rollout, NOON), NOON, {t(plan): before}) == before


@pytest.mark.parametrize(
    "word",
    [
        e.AbortAsked(NOON, "anna"),
        e.PauseAsked(NOON, "anna"),
        e.RevertAsked(NOON, "anna"),
        e.Interrupted(NOON, "anna"),
        e.OwnerChanged(NOON, Owner("deploy", "host", 7, 7, "boot"), "elsewhere"),
    ],
)
def test_still_valid_is_empty_after_command(word: e.Event) -> None:
    plan = a_plan(1)
    then = standing(plan, Phase.WORKING)
    assert not still_valid([Wait(NOON, text("it works"), t(plan))], then, evolve(then, [word]))


def test_still_valid_is_empty_after_stop() -> None:
    plan = a_plan(2, window=2)
    then = given(plan, brought(plan, Phase.WORKING), brought(plan, Phase.WORKING, 1))
    failed = e.PhaseChanged(NOON, t(plan, 1), Phase.LEFT_OUT, cause=Cause.FAILED)
    assert not still_valid([Wait(NOON, text("it works"), t(plan))], then, evolve(then, [failed]))


def test_still_valid_groups_actions_by_target() -> None:
    plan = a_plan(1)
    rollout = standing(plan, Phase.WORKING)
    key, target = rollout.key(t(plan)), plan.targets[0]
    acts: list[Action] = [CancelWork(key, target, "ticket"), Deregister(t(plan), target.registrations, NOON)]
    assert still_valid([Record(e.Finished(NOON)), *acts], rollout, rollout) == {t(plan): acts}
