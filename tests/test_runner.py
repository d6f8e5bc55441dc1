"""How long a world that cannot be reached is borne."""

from collections.abc import Iterator
from itertools import cycle

import pytest
from tests.properties.play import Play, Process
from tests.properties.settings import Setting

from katakei.core.errors import KatakeiError, Unreachable, Unseen
from katakei.runner import PATIENCE


def turn(process: Process) -> None:
    turned = process.runner.turn()
    process.clock.sleep(turned.due - process.clock.now())


def with_a_target_draining() -> Process:
    process = Play(Setting(seed=1))._take_up()
    while not any(standing.deregistered for standing in process.runner.rollout.standings.values()):
        turn(process)
    return process


def until_it_gives_up(process: Process) -> None:
    end = process.clock.now() + 2 * PATIENCE
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

    answering(process, cycle([Unreachable("nobody listens"), Unseen("timed out")]), monkeypatch)

    with pytest.raises(Unreachable, match="nobody listens"):
        until_it_gives_up(process)
    assert process.clock.now() - begun >= PATIENCE
