"""How long a world that cannot be reached is borne."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle, repeat

import pytest
from tests.properties.play import Play, Process
from tests.properties.settings import Setting
from tests.properties.things import seconds
from tests.properties.vices import Wickedness

from katakei.domain.errors import (
    KatakeiError,
    LeaseLostError,
    NoAnswerError,
    TemporarilyUnavailableError,
    UnreachableError,
)
from katakei.render.reasons import sentence
from katakei.runtime.runner import OUTAGE_LIMIT


def turn(process: Process) -> None:
    turned = process.runner.turn()
    process.clock.sleep(turned.due - process.clock.now())


def with_a_target_draining() -> Process:
    process = Play(Setting(seed=1))._take_up()
    while not any(standing.deregistered for standing in process.runner.rollout.statuses.values()):
        turn(process)
    return process


def until_it_gives_up(process: Process) -> None:
    end = process.clock.now() + 2 * OUTAGE_LIMIT
    while process.clock.now() < end:
        turn(process)


def answering(process: Process, errors: Iterator[KatakeiError], monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_args: object) -> None:
        raise next(errors)

    monkeypatch.setattr(process.runner._looks._balancer, "look", gone)
    monkeypatch.setattr(process.runner._looks._balancer, "groups", gone)
    monkeypatch.setattr(process.runner._looks._executor, "look", gone)


def test_a_call_without_an_answer_does_not_prolong_the_wait_for_a_world_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = with_a_target_draining()
    begun = process.clock.now()

    answering(process, cycle([UnreachableError("nobody listens"), NoAnswerError("timed out")]), monkeypatch)

    with pytest.raises(UnreachableError, match=r"nobody listens|timed out"):
        until_it_gives_up(process)
    assert process.clock.now() - begun >= OUTAGE_LIMIT


def test_a_group_that_never_answers_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    process = with_a_target_draining()
    begun = process.clock.now()

    answering(process, repeat(NoAnswerError("AWS throttled DescribeTargetHealth")), monkeypatch)

    with pytest.raises(UnreachableError, match=r"AWS throttled DescribeTargetHealth \(for 15m"):
        until_it_gives_up(process)
    assert OUTAGE_LIMIT <= process.clock.now() - begun < OUTAGE_LIMIT + timedelta(minutes=1)


def test_a_world_that_may_come_back_is_borne_also_while_nothing_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Play(Setting(seed=1))._take_up()
    begun = process.clock.now()

    answering(process, repeat(TemporarilyUnavailableError("the AWS credentials have expired: renew them")), monkeypatch)

    with pytest.raises(UnreachableError, match="renew them"):
        until_it_gives_up(process)
    assert process.clock.now() - begun >= OUTAGE_LIMIT


def test_what_no_waiting_mends_is_told_at_once_while_nothing_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Play(Setting(seed=1))._take_up()

    answering(process, repeat(UnreachableError("allow elasticloadbalancing:DescribeTargetHealth")), monkeypatch)

    with pytest.raises(UnreachableError, match="allow elasticloadbalancing"):
        turn(process)


def test_meanwhile_it_says_what_to_mend_and_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    process = with_a_target_draining()

    with monkeypatch.context() as patch:
        answering(process, repeat(TemporarilyUnavailableError("renew them")), patch)
        process.runner.turn()
        process.clock.sleep(timedelta(seconds=5))
        said = process.runner.turn().why
    process.clock.sleep(timedelta(seconds=5))

    assert sentence(said) == "renew them (retrying for 5s, at most 15m; it goes on by itself)"
    assert "renew" not in sentence(process.runner.turn().why)


def test_a_process_knows_whether_a_call_of_its_own_is_still_under_way() -> None:
    process = Play(Setting(seed=1, wicked=Wickedness(slow=1.0)))._take_up()
    process.runner.turn()
    assert not process.runner.settled(timedelta())

    process.clock.sleep(timedelta(seconds=10))
    process.pool.run_what_is_due()

    assert process.runner.settled(timedelta())


def silent_journal(process: Process, monkeypatch: pytest.MonkeyPatch, kind: type[KatakeiError] = NoAnswerError) -> None:
    def gone(*_args: object) -> None:
        raise kind("the journal did not answer")

    for question in ("renew", "read", "append"):
        monkeypatch.setattr(process.runner._world.journal, question, gone)


def test_a_journal_that_does_not_answer_is_waited_for_saying_so_and_nothing_is_done_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = with_a_target_draining()
    calls = len(process.clock._world.log.calls)
    with monkeypatch.context() as silence:
        silent_journal(process, silence)
        turned = process.runner.turn()
        process.clock.sleep(seconds(40))
        assert "the journal did not answer (" in sentence(process.runner.turn().why)
    assert (turned.due - turned.now, len(process.clock._world.log.calls)) == (seconds(2), calls)
    turn(process)
    assert len(process.clock._world.log.calls) > calls


@pytest.mark.parametrize("kind", [NoAnswerError, TemporarilyUnavailableError])
def test_a_journal_that_never_answers_again_is_given_up(
    kind: type[KatakeiError], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = with_a_target_draining()
    begun = process.clock.now()
    silent_journal(process, monkeypatch, kind)
    with pytest.raises(UnreachableError, match="the journal did not answer"):
        until_it_gives_up(process)
    assert process.clock.now() - begun >= OUTAGE_LIMIT


def test_whoever_was_taken_over_while_the_journal_was_silent_does_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    process = with_a_target_draining()
    with monkeypatch.context() as silence:
        silent_journal(process, silence)
        process.runner.turn()
    process.runner._hold.release()
    calls = len(process.clock._world.log.calls)
    with pytest.raises(LeaseLostError):
        process.runner.turn()
    assert len(process.clock._world.log.calls) == calls
