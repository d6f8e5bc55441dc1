"""The engine of one process: turn after turn, here and now, until nothing is left for this process."""

from collections.abc import Callable

from katakei.domain.ports import Clock
from katakei.domain.replay import Rollout
from katakei.runtime.runner import Runner, Turn


def drive(runner: Runner, clock: Clock, told: Callable[[Turn], None]) -> Rollout:
    """Calls `told` after every turn. Returns when the rollout is finished, or interrupted with nothing in hand."""
    while True:
        turn = runner.turn()
        told(turn)
        if turn.over:
            return turn.rollout
        clock.sleep(turn.due - clock.now())
