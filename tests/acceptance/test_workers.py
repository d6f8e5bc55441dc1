"""Two workers, 20 rollouts over 20 groups, ten kills and a restart of PostgreSQL: every rollout ends as promised."""

import random
import statistics
import time

import pytest
from tests.workers.team import Team, team

ROLLOUTS, TARGETS, KILLS, RESTART_AFTER = 20, 30, 10, 5
MEDIAN, LONGEST = 40.0, 45.0
"""Seconds of a takeover as promised: heartbeat 5 + lease 20 + last call 10 + sweep 5 + one turn (docs/workers.md)."""


@pytest.mark.acceptance
def test_ten_kills_of_two_workers_lose_nothing() -> None:
    rng = random.Random(11)  # noqa: S311 - a test, not a secret
    with team() as running:
        running.ready(running.start("worker-1"), running.start("worker-2"))
        rollouts = {running.begin(number, TARGETS) for number in range(1, ROLLOUTS + 1)}
        running.until(lambda: set(running.owner_counts()) == rollouts)
        takeovers: list[float] = []
        for number in range(KILLS):
            time.sleep(rng.uniform(1, 6))
            takeovers += _kill_one(running, rng, f"worker-{number + 3}")
            if number + 1 == RESTART_AFTER:
                running.restart_database()
        running.until(lambda: not running.unfinished(), within=1200)
        faults = running.environment.judge(running.plans)
        moved = sum(running.owner_counts().values()) - ROLLOUTS
        median, longest = statistics.median(takeovers), max(takeovers)
        print(  # noqa: T201 - the figures
            f"\n{len(takeovers)} takeovers after {KILLS} kills and a restart of PostgreSQL:"
            f" median {median:.1f} s, max {longest:.1f} s; {moved} changes of owners;"
            f" {running.turns_taken()} jobs; {len(running.environment.acts)} acts; {len(faults)} promises broken"
        )
        assert faults == []
        assert takeovers, "no kill hit a worker that drove a rollout"
        assert median <= MEDIAN
        assert longest <= LONGEST


def _kill_one(running: Team, rng: random.Random, name: str) -> list[float]:
    """Kills a random worker and starts another. How long each of its rollouts took to go on."""
    running.until(lambda: bool(running.owner_counts()))
    victim = running.random_member(rng)
    before, theirs = running.owner_counts(), running.driven_by(victim)
    began = time.monotonic()
    running.kill(victim)
    running.start(name)
    took: list[float] = []
    left = theirs & running.unfinished()
    while left:
        now = running.owner_counts()
        gone_on = {rollout for rollout in left if now[rollout] > before[rollout]}
        took += [time.monotonic() - began] * len(gone_on)
        left -= gone_on
        assert time.monotonic() - began < 120, running.logs()
        time.sleep(0.2)
    return took
