"""Tests of gates with a condition in a whole rollout: what is read, skipped, and what people see of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.properties.builders import seconds
from tests.unit.app.fakes import SPEC, Checker, Stage, started, until

from katakei.app import gate_answers
from katakei.app.control import Control
from katakei.app.preflight import RolloutRequest
from katakei.domain import events as e
from katakei.domain.errors import ExitCode, NoAnswerError, RefusedError, UsageError
from katakei.domain.gate_conditions import GateMoment, GateOutcome, GateProbe, Hours, OpenHours
from katakei.domain.gates import GateState
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.observation import CheckResult
from katakei.domain.phases import Phase
from katakei.domain.ports import CheckRequest
from katakei.domain.replay import replay
from katakei.domain.spec import Command, Gate
from katakei.reconcile.outcome import verdict
from katakei.render.events import summary_data
from katakei.render.holds import holds

ID = RolloutId("r-new")
ALL = tuple(GateMoment)


class Probed(Checker):
    """The URL of a gate, which answers as a test says; None: no answer, a number: the status."""

    status: int | None = 200
    silent = False

    def ask(
        self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta
    ) -> Mapping[TargetId, CheckResult]:
        del by
        if self.silent:
            raise NoAnswerError("no answer")
        answers = {} if self.status is None else dict.fromkeys(questions, self.status)
        return {
            name: CheckResult(passed=status == 200, begun=self.clock.now(), why=f"answered {status}")
            for name, status in answers.items()
        }


def quiet(*moments: GateMoment, outcome: GateOutcome = GateOutcome.HOLD) -> RolloutRequest:
    gate = Gate("quiet", probe=GateProbe("http://127.0.0.1/quiet"), moments=moments, outcome=outcome)
    return RolloutRequest(replace(SPEC, gates=(gate,), revert=Command("ssm", "undo")))


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.drivers.health_checker = Probed(made.aws, 1, made.clock, lambda: None)
    return made


def url(stage: Stage) -> Probed:
    assert isinstance(stage.drivers.health_checker, Probed)
    return stage.drivers.health_checker


def test_gate_holds_until_its_url_answers(stage: Stage) -> None:
    url(stage).status = 503
    with started(stage, quiet(*ALL)) as session:
        until(stage, session, e.GateHeld)
        assert "answered 503" in " ".join(holds(session.rollout))
        assert '"state": "holding"' in json.dumps(summary_data(session.rollout))
        assert stage.changes == []
        url(stage).status = 200
        until(stage, session, e.GateReleased)
        until(stage, session, e.Finished)
        assert verdict(session.rollout) is ExitCode.DONE


@pytest.mark.parametrize("silent", [False, True])
def test_silent_url_holds_and_is_no_success(stage: Stage, *, silent: bool) -> None:
    url(stage).status, url(stage).silent = None, silent
    with started(stage, quiet(GateMoment.BEFORE, outcome=GateOutcome.STOP)) as session:
        until(stage, session, e.GateHeld)
        with pytest.raises(AssertionError, match="was not written"):
            until(stage, session, e.Deregistered, turns=60)
        assert session.rollout.aborting is None


def test_url_that_falls_silent_makes_old_data(stage: Stage) -> None:
    with started(stage, quiet(GateMoment.SOAK)) as session:
        until(stage, session, e.Started)
        url(stage).silent = True
        until(stage, session, e.GateHeld)
        assert session.rollout.by_phase[Phase.SOAKING]
        url(stage).silent = False
        until(stage, session, e.Finished)


def test_gate_stops_after_a_bad_soak(stage: Stage) -> None:
    with started(stage, quiet(GateMoment.SOAK, outcome=GateOutcome.STOP)) as session:
        until(stage, session, e.Started)
        url(stage).status = 500
        until(stage, session, e.Finished)
        assert verdict(session.rollout) is ExitCode.FAILED
        assert session.rollout.aborting == "gate quiet"
        assert len(session.rollout.by_phase[Phase.SKIPPED]) == 1


def test_gate_reverts_at_the_end(stage: Stage) -> None:
    with started(stage, quiet(GateMoment.END, outcome=GateOutcome.REVERT)) as session:
        until(stage, session, e.Started)
        url(stage).status = 500
        until(stage, session, e.Finished)
        assert session.rollout.reverting == "gate quiet"
        assert {status.intent.value for status in session.rollout.statuses.values()} == {"revert"}


def test_person_skips_a_holding_gate_for_a_reason(stage: Stage) -> None:
    url(stage).status = 503
    with started(stage, quiet(GateMoment.BEFORE)) as session:
        control = Control(stage.drivers, who="ada")
        with pytest.raises(UsageError, match="not due yet"):
            control.skip_gate(ID, "quiet", "known")
        until(stage, session, e.GateHeld)
        with pytest.raises(UsageError, match="reads a condition: nobody answers it"):
            control.answer_gate(ID, "quiet", approved=True)
        with pytest.raises(UsageError, match="say it with --reason"):
            control.skip_gate(ID, "quiet", " ")
        control.skip_gate(ID, "quiet", "known")
        until(stage, session, e.Finished)
    status = replay(stage.events()).gates["quiet"]
    assert (status.state, status.by, status.why) == (GateState.SKIPPED, "ada", "known")


def test_nobody_skips_a_gate_that_stopped(stage: Stage) -> None:
    url(stage).status = 503
    with started(stage, quiet(GateMoment.BEFORE, outcome=GateOutcome.STOP)) as session:
        until(stage, session, e.GateStopped)
        with pytest.raises(RefusedError, match="nobody can change that"):
            gate_answers.check_skip(session.rollout, "quiet", "please", stage.clock.now())


def test_hours_hold_until_they_open(stage: Stage) -> None:
    now = datetime.fromtimestamp(stage.clock.now().timestamp(), UTC)
    minute = now.hour * 60 + now.minute + 3
    every_day = OpenHours(tuple(range(7)), minute, minute + 60)
    gate = Gate("hours", hours=Hours((every_day,), "UTC"))
    with started(stage, RolloutRequest(replace(SPEC, gates=(gate,)))) as session:
        until(stage, session, e.GateHeld)
        assert "outside of the hours in UTC until" in " ".join(holds(session.rollout))
        until(stage, session, e.Deregistered)
        assert seconds(120) <= stage.clock.now() - now <= seconds(200)
