"""Tests of one target whose drivers fail in an unforeseen way: it is unknown, and the rollout goes on."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.properties.builders import seconds
from tests.properties.fake_ports import FakeExecutor, FakeHealthChecker
from tests.properties.fake_probe import FakeProbe
from tests.properties.judge import judged
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulated_aws import NOON, SimulatedAws
from tests.properties.simulation import Outcome, simulate

from katakei.domain.errors import ExitCode
from katakei.domain.model import TargetId
from katakei.domain.observation import DrainEvidence, ProbeVerdict, WorkState, WorkStatus
from katakei.domain.phases import Cause, Phase
from katakei.domain.spec import Drain, DrainUntil, Limits, OnFailure
from katakei.reconcile.outcome import verdict

BAD = TargetId("i-" + "0" * 16 + "1")
LIMITS = Limits(working=seconds(60), warming=seconds(60), waiting=seconds(60))
PROOF = spec_of(drain=Drain(settle=seconds(10), until=DrainUntil.PROOF), limits=LIMITS, on_failure=OnFailure(5))
NAMED = {Phase.LEFT_OUT, Phase.RETURNED, Phase.FAILED_SERVING}
QUESTIONS = [
    (FakeProbe, "baseline"),
    (FakeProbe, "look"),
    (FakeProbe, "arrivals"),
    (FakeProbe, "last_look"),
    (FakeHealthChecker, "ask"),
    (FakeExecutor, "prepare"),
    (FakeExecutor, "start"),
    (FakeExecutor, "look"),
    (FakeExecutor, "forbid"),
    (FakeExecutor, "cancel"),
]


def nothing_happens(aws: SimulatedAws) -> None:
    del aws


def played() -> Outcome:
    return simulate(Scenario(1, targets=3, window=3, floor=0, probe=True, delay=60, script=nothing_happens, spec=PROOF))


def named(given: object) -> set[str]:
    """The targets of a question, whatever its form."""
    return {str(getattr(getattr(each, "target", each), "id", getattr(each, "target", each))) for each in given}  # type: ignore[attr-defined]  # a collection of targets or keys


def failing(kind: type, name: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    question = getattr(kind, name)

    def asked(self: object, given: object, *more: object) -> object:
        if BAD in named(given):
            raise type(error)(*error.args)
        return question(self, given, *more)

    monkeypatch.setattr(kind, name, asked)


def ends(outcome: Outcome) -> Mapping[TargetId, Phase]:
    return {target: standing.phase for target, standing in outcome.rollout.statuses.items()}


@pytest.mark.parametrize("error", [OverflowError("date value out of range"), KeyError(BAD), RecursionError()])
@pytest.mark.parametrize(("kind", "name"), QUESTIONS)
def test_target_with_a_failing_driver_is_alone(
    kind: type, name: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(kind, name, error, monkeypatch)
    outcome = played()
    assert outcome.rollout.finished
    assert [phase for target, phase in ends(outcome).items() if target != BAD] == [Phase.DONE] * 2
    assert judged(outcome) == []


@pytest.mark.parametrize(
    ("kind", "name"), [(FakeExecutor, "start"), (FakeExecutor, "look"), (FakeHealthChecker, "ask")]
)
def test_target_that_cannot_be_worked_on_is_named(kind: type, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(kind, name, OverflowError("date value out of range"), monkeypatch)
    outcome = played()
    assert ends(outcome)[BAD] in NAMED
    assert outcome.rollout.statuses[BAD].cause in {Cause.FAILED, Cause.REFUSED}
    assert any("OverflowError" in said for said in outcome.sentences)
    assert verdict(outcome.rollout) in {ExitCode.LEFT_OUT, ExitCode.FAILED}


def test_everything_of_one_target_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, name in QUESTIONS:
        failing(kind, name, OverflowError("date value out of range"), monkeypatch)
    outcome = played()
    assert [phase for target, phase in ends(outcome).items() if target != BAD] == [Phase.DONE] * 2
    assert ends(outcome)[BAD] is Phase.SKIPPED  # where it keeps its mark is not known, so it stays in service
    assert outcome.rollout.statuses[BAD].cause is Cause.FAILED
    assert judged(outcome) == []


def answering(kind: type, name: str, nonsense: Callable[[object], object], monkeypatch: pytest.MonkeyPatch) -> None:
    question = getattr(kind, name)

    def asked(self: object, given: object, *more: object) -> object:
        answer = dict(question(self, given, *more))
        return {key: nonsense(value) if BAD in named([key]) else value for key, value in answer.items()}

    monkeypatch.setattr(kind, name, asked)


FAR = NOON.replace(year=9999)
EVIDENCE = DrainEvidence(ProbeVerdict.QUIET, NOON, NOON)


@pytest.mark.parametrize(
    ("kind", "name", "nonsense"),
    [
        (FakeProbe, "look", lambda _: replace(EVIDENCE, begun=FAR, ended=FAR)),
        (FakeProbe, "look", lambda _: replace(EVIDENCE, begun=NOON.replace(year=1), ended=NOON.replace(year=1))),
        (FakeProbe, "look", lambda _: replace(EVIDENCE, begun=FAR, ended=NOON)),
        (FakeProbe, "look", lambda _: replace(EVIDENCE, ended=NOON.replace(tzinfo=None))),
        (FakeProbe, "look", lambda it: replace(it, verdict=ProbeVerdict.BUSY, open=10**20)),
        (FakeProbe, "look", lambda _: None),
        (FakeProbe, "baseline", lambda _: 7),
        (FakeProbe, "arrivals", lambda _: -1),
        (FakeProbe, "arrivals", lambda _: "many"),
        (FakeExecutor, "look", lambda it: replace(it, exit=10**20) if it.exit is not None else it),
        (FakeExecutor, "look", lambda it: replace(it, exit=None)),
        (FakeExecutor, "look", lambda _: "ended"),
        (FakeHealthChecker, "ask", lambda it: replace(it, begun=FAR)),
        (FakeHealthChecker, "ask", lambda _: True),
    ],
)
def test_nonsense_of_one_target_is_not_believed(
    kind: type, name: str, nonsense: Callable[[object], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(kind, name, nonsense, monkeypatch)
    outcome = played()
    assert [phase for target, phase in ends(outcome).items() if target != BAD] == [Phase.DONE] * 2
    assert judged(outcome) == []


def test_verdict_of_the_future_starts_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(FakeProbe, "look", lambda _: replace(EVIDENCE, begun=FAR, ended=FAR), monkeypatch)
    outcome = played()
    left = next(call.at for call in outcome.aws.log.calls if BAD in {place.id for place in call.places})
    started = next(call.at for call in outcome.aws.log.calls if BAD in {key.target for key in call.keys})
    assert started - left >= timedelta(seconds=60)


def test_work_that_ended_without_a_code_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(FakeExecutor, "look", lambda _: WorkStatus(WorkState.ENDED), monkeypatch)
    assert ends(played())[BAD] is Phase.LEFT_OUT
