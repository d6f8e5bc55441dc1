"""Tests of the check before a rollout: each planted fault has its row, a good environment has none, nothing changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.app.fakes import OTHER, SPEC, Stage, started

from katakei.app.doctor import diagnose
from katakei.app.rollouts import RolloutRequest
from katakei.domain.errors import KatakeiError, TemporarilyUnavailableError, UnreachableError, UsageError
from katakei.domain.model import RolloutId, Target, TargetId
from katakei.domain.reasons import Reason
from katakei.domain.spec import Selection, Share, Spec, Window
from katakei.planning.diagnosis import Finding, Level, Sign, Topic

ZERO = timedelta()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def rows(stage: Stage, spec: Spec = SPEC, offset: timedelta | None = ZERO) -> tuple[Finding, ...]:
    found = diagnose(stage.drivers, spec, lambda: offset)
    assert stage.changes == []
    return found


def bad(found: Sequence[Finding]) -> dict[Topic, Finding]:
    """The findings that are not ok, but for the delay of 5 s of the fake group."""
    return {row.topic: row for row in found if row.level is not Level.OK and row.cause is not Sign.DELAY_CUTS}


def failing(error: KatakeiError) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_good_environment_has_a_row_for_each_topic_and_no_finding(stage: Stage) -> None:
    found = rows(stage)
    assert bad(found) == {}
    assert {row.topic for row in found} == set(Topic) - {Topic.GROUPS, Topic.PROBE}
    assert stage.events() == []


def test_credentials_that_do_not_work_are_the_only_question(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        type(stage.drivers), "site", property(failing(UnreachableError("no credentials"))), raising=False
    )
    found = rows(stage)
    assert [(row.topic, row.level) for row in found] == [
        (Topic.CREDENTIALS, Level.FAULT),
        (Topic.JOURNAL, Level.OK),
    ]


def test_group_that_cannot_be_read_is_a_fault(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.drivers.balancer, "groups", failing(UnreachableError("denied")))
    found = bad(rows(stage))
    assert set(found) == {Topic.GROUPS}


def test_group_that_does_not_exist_is_a_fault_of_usage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.drivers.balancer, "groups", failing(UsageError("there is no target group")))
    with pytest.raises(UsageError):
        rows(stage)


def test_wrong_clock_is_found(stage: Stage) -> None:
    assert set(bad(rows(stage, offset=timedelta(minutes=6)))) == {Topic.CLOCK}


def test_every_reason_of_a_refused_plan_is_a_fault(stage: Stage) -> None:
    found = rows(stage, replace(SPEC, window=Window(floor=Share(count=2))))
    causes = [row.cause for row in found if row.topic is Topic.PLAN]
    assert causes
    assert all(isinstance(cause, Reason) for cause in causes)
    assert [row.cause for row in found if row.topic is Topic.RIGHTS] == [Sign.NOT_TRIED]


def test_notice_of_a_plan_is_a_warning(stage: Stage) -> None:
    found = bad(rows(stage, replace(SPEC, window=Window(floor=Share(count=0)))))
    assert found[Topic.PLAN].level is Level.WARNING


def test_every_target_without_an_agent_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def ready(targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del by
        return {target.id: "no agent" for target in targets}

    monkeypatch.setattr(stage.drivers.only_executor, "ready", ready)
    found = [row for row in rows(stage) if row.topic is Topic.AGENTS]
    assert [(row.level, row.cause) for row in found] == [(Level.FAULT, Sign.TARGET_NOT_READY)] * 2
    assert "web0" in str(dict(found[0].facts)["target"])


def test_target_that_takes_no_part_is_not_asked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ready(targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del by
        asked.extend(target.name for target in targets)
        return {}

    monkeypatch.setattr(stage.drivers.only_executor, "ready", ready)
    rows(stage, replace(SPEC, targets=Selection(only=("web1",))))
    assert set(asked) == {"web1"}
    found = rows(stage, replace(SPEC, targets=Selection(only=("web9",))))
    assert {row.topic for row in found if row.level is Level.FAULT} == {Topic.PLAN}


def test_missing_right_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        stage.drivers.balancer, "prove_rights", failing(UnreachableError("may not call RegisterTargets"))
    )
    monkeypatch.setattr(stage.drivers.only_executor, "prove", failing(UnreachableError("may not call SendCommand")))
    found = [str(row.cause) for row in rows(stage) if row.topic is Topic.RIGHTS]
    assert found == ["may not call RegisterTargets", "may not call SendCommand"]


def test_journal_that_cannot_be_read_is_a_fault(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(stage.drivers.freezes), "active", failing(TemporarilyUnavailableError("no answer")))
    assert Topic.JOURNAL in bad(rows(stage))


def test_freeze_is_a_warning(stage: Stage) -> None:
    stage.drivers.freezes.freeze(SPEC.service, "kim", "the sale", None)
    found = [row for row in rows(stage) if row.topic is Topic.LEASES]
    assert [row.level for row in found] == [Level.WARNING]


def test_lease_of_another_process_is_a_warning(stage: Stage) -> None:
    stage.store.take(stage.groups, OTHER, RolloutId("r-rival"), frozenset(), stage.aws.clock.time)
    (row,) = [row for row in rows(stage) if row.topic is Topic.LEASES]
    assert row.level is Level.WARNING
    assert row.cause in {Sign.LEASE_IN_USE, Sign.LEASE_SILENT}
    assert dict(row.facts)["rollout"] == "r-rival"


def test_rollout_that_nobody_drives_is_a_warning(stage: Stage) -> None:
    started(stage, RolloutRequest(SPEC)).close()
    (row,) = [row for row in diagnose(stage.drivers, SPEC, lambda: ZERO) if row.topic is Topic.LEASES]
    assert row.cause in {Sign.ROLLOUT_LEFT, Sign.LEASE_IN_USE, Sign.LEASE_SILENT}
