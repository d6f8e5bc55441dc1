"""Rights are proved after the confirmation and before anything is recorded; what is missing changes nothing."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from tests.unit.app.fakes import OTHER, REQUEST, Stage, started

from katakei.app.manual_steps import manual_step
from katakei.app.rollouts import Rollouts
from katakei.domain.errors import KatakeiError, NoAnswerError, TemporarilyUnavailableError, UnreachableError
from katakei.domain.model import RolloutId, Target, TargetId
from katakei.domain.plan import PlanKind
from katakei.domain.ports import ProbedTarget
from katakei.domain.spec import Command
from katakei.runtime.session import RolloutSession


@pytest.fixture
def stage() -> Stage:
    return Stage()


def kinds(stage: Stage) -> list[str]:
    return [call.kind for call in stage.aws.log.calls]


def test_rights_are_proved_by_start_and_by_no_plan(stage: Stage) -> None:
    Rollouts(stage.drivers).plan(REQUEST)
    assert "prove" not in kinds(stage)
    assert isinstance(started(stage), RolloutSession)
    assert kinds(stage)[-1] == "prove"


def test_manual_steps_prove_nothing(stage: Stage) -> None:
    assert isinstance(started(stage, manual_step(PlanKind.DEREGISTER, "web", ("web0",))), RolloutSession)
    assert "prove" not in kinds(stage)


@pytest.mark.parametrize("fault", [UnreachableError("allow it"), TemporarilyUnavailableError("allow it")])
def test_missing_right_changes_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch, fault: KatakeiError) -> None:
    def denied(*_: object) -> None:
        raise fault

    monkeypatch.setattr(stage.drivers.balancer, "prove_rights", denied)
    with pytest.raises(type(fault), match=r"^allow it\. Nothing was changed$"):
        started(stage)
    assert (stage.events(), stage.changes) == ([], [])
    stage.store.take(stage.groups, OTHER, RolloutId("r-rival"), frozenset(), stage.aws.clock.time)


def test_missing_program_is_named_with_its_targets(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def prove(command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del command, by
        return {target.id: "there is no program /opt/deploy" for target in targets}

    monkeypatch.setattr(stage.drivers.only_executor, "prove", prove)
    with pytest.raises(UnreachableError, match=r"no program /opt/deploy on i-00000000000000000 \(web0\), i-0"):
        started(stage)
    assert (stage.events(), stage.changes) == ([], [])


def test_probe_that_cannot_run_is_refused_with_what_to_do(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unable:
        def unable(self, targets: Sequence[ProbedTarget], by: timedelta) -> Mapping[TargetId, str]:
            del by
            return {each.target.id: "it needs root" for each in targets[:1]}

        def last_look(self, targets: Sequence[ProbedTarget]) -> str:
            return f"echo {len(targets)}\n"

    monkeypatch.setattr(type(stage.drivers), "probe", lambda *_: Unable())
    said = (
        "cannot be probed: it needs root on i-00000000000000000 (web0); correct that, or write until: [requests, proof]"
    )
    with pytest.raises(UnreachableError, match=rf"{re.escape(said)}\. Nothing was changed$"):
        started(stage)
    assert (stage.events(), stage.changes) == ([], [])


def test_unanswered_proof_is_repeated_then_ends_the_start(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def unanswered(*words: object) -> None:
        asked.append(words)
        raise NoAnswerError("no answer")

    monkeypatch.setattr(stage.drivers.balancer, "prove_rights", unanswered)
    with pytest.raises(NoAnswerError):
        started(stage)
    assert (len(asked), stage.events()) == (5, [])
