"""Tests of making a draft: what is read decides the settings, and nothing is changed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from tests.unit.app.fakes import Stage

from katakei.app.drafts import REHEARSAL, draft
from katakei.domain.errors import RefusedError, UnreachableError
from katakei.domain.model import Target, TargetId
from katakei.domain.spec import Command, DrainUntil, Share


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_draft_of_targets_with_agents_runs_a_command_that_changes_nothing(stage: Stage) -> None:
    made = draft(stage.drivers, ("web",), None)
    assert made.spec.work == Command("ssm", REHEARSAL)
    assert made.spec.drain.until is DrainUntil.PROOF
    assert (made.spec.service, made.spec.groups, made.spec.window.floor) == ("web", ("web",), Share(percent=50))
    assert (made.given, made.refused, made.unready) == (False, None, {})
    assert (stage.events(), stage.changes) == ([], [])


def test_draft_takes_the_command_given(stage: Stage) -> None:
    made = draft(stage.drivers, ("web",), "./a\r\n./b")
    assert made.spec.work == Command("ssm", "./a\n./b", errexit=True)
    assert made.given


@pytest.mark.parametrize("denied", [False, True])
def test_draft_without_an_agent_leaves_the_work_to_a_person(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, denied: bool
) -> None:
    def ready(targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del by
        if denied:
            raise UnreachableError("no right")
        return {targets[0].id: "no agent"}

    monkeypatch.setattr(stage.drivers.only_executor, "ready", ready)
    made = draft(stage.drivers, ("web",), "./deploy")
    assert (made.spec.work, made.spec.drain.until) == (Command("manual"), DrainUntil.DELAY)
    assert set(made.unready.values()) == ({"no right"} if denied else {"no agent"})
    assert not made.given


def test_draft_says_why_a_plan_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise RefusedError("cross-zone is off")

    monkeypatch.setattr("katakei.app.rollouts.Rollouts.plan", refused)
    made = draft(stage.drivers, ("web",), None)
    assert str(made.refused) == "cross-zone is off"
