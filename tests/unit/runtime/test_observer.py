"""Tests of the observer: what it forgets of a group, and that no question is asked twice at once."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from tests.properties.builders import seconds
from tests.properties.scenarios import Scenario
from tests.properties.simulation import Process, Simulation

from katakei.domain.errors import KatakeiError, NoAnswerError, UnknownGroupError
from katakei.domain.observation import Observation
from katakei.reconcile.observe import observation_request


def observed(process: Process, answers: Iterator[KatakeiError | None], monkeypatch: pytest.MonkeyPatch) -> Observation:
    """The observation after one question to each group for each of these errors; None: it answers."""
    observer, seen = process.runner._observer, Observation()
    look = observer._balancer.look
    for error in answers:

        def answered(*given: object, error: KatakeiError | None = error) -> object:
            if error:
                raise error
            return look(*given)  # type: ignore[arg-type]  # as it came

        monkeypatch.setattr(observer._balancer, "look", answered)
        rollout = process.runner.rollout
        seen = observer.look(rollout, observation_request(rollout, seen, process.clock.now()), seen)
        process.clock.sleep(seconds(10))
    return seen


def test_group_that_is_found_again_can_fall_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Simulation(Scenario(seed=1))._take_up()
    silence = NoAnswerError("AWS throttled DescribeTargetHealth")
    seen = observed(process, iter([UnknownGroupError("gone"), None, silence]), monkeypatch)
    assert seen.deleted == frozenset()
    since, why = process.runner._observer.silent(process.clock.now())
    assert why == "AWS throttled DescribeTargetHealth"
    assert since < process.clock.now()


def test_question_without_an_answer_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    observer = Simulation(Scenario(seed=1))._take_up().runner._observer
    asked: list[Future[object]] = []

    def submit(*_: object) -> Future[object]:
        asked.append(Future())
        return asked[-1]

    monkeypatch.setattr(observer._pool, "submit", submit)
    assert [observer._ask("works", dict), observer._ask("works", dict)] == [asked[0], None]
    asked[0].set_result({})
    assert observer._ask("works", dict) is asked[-1]
    assert len(asked) == 2
