"""Rollouts whose `katakei roll` is killed at random moments and run again until it ends.

Several kills may hit one rollout. Only the command is killed, never the lab. Every rollout is judged.
"""

import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from tests.acceptance.evidence import EvidenceCollector
from tests.acceptance.judge import Requirements, Verdict, judge
from tests.acceptance.load_test import RollCommand, Scale

from katakei.lab import clock
from katakei.lab.process import Lab
from katakei.lab.traffic import Traffic

SCALE = Scale(2, delay=3, lag=1, settle=2, interval=1, soak=1, rate=30, least=25)
FIRST, LAST = 0.2, 14.0
"""Range of the seconds between a start of the command and its kill: from before its first call to late in a target."""
TIMEOUT = timedelta(minutes=3)
REQUIREMENTS = Requirements(floor=1, rate=SCALE.least, observations=60, changing_calls=None)
"""A lost answer may cause a repeated call, which is harmless; each start begins with observations of its own."""


def kill_moments(seed: int) -> Iterator[timedelta]:
    """Yields the times until the next kill, counted from each start of the command, without end."""
    rng = random.Random(seed)  # noqa: S311 - dice, not secrets
    while True:
        yield timedelta(seconds=round(rng.uniform(FIRST, LAST), 2))


def roll_once(lab: Lab, folder: Path, release: str, kills: Iterator[timedelta], count: int) -> tuple[Verdict, int]:
    """Run one rollout with at most `count` kills, then let it end.

    Returns:
        The verdict and the number of kills.
    """
    roll, collector = RollCommand(folder, lab.env, release), EvidenceCollector(lab)
    traffic = Traffic(lab.url, SCALE.rate)
    traffic.start()
    killed: list[timedelta] = []
    try:
        code = None
        while code is None:
            moment = next(kills) if len(killed) < count else None
            code = roll.run_and_kill(moment) if moment else roll.run_to_end(TIMEOUT)
            killed += [moment] if moment and code is None else []
        clock.sleep(SCALE.lag + 1)
    finally:
        figures = traffic.stop()
    verdict = judge(collector.end(release, (code,), figures), REQUIREMENTS)
    sys.stdout.write(f"\n{release}: killed after {[each.total_seconds() for each in killed]} s\n{verdict.text()}\n")
    assert verdict.faults == (), roll.output.read_text()
    return verdict, len(killed)


def roll_with_kills(folder: Path, seed: int, kills: int, each: int, scale: Scale = SCALE) -> None:
    """Run as many rollouts as are needed for this many kills of running processes.

    The first kill of a rollout always hits: no rollout ends within the first seconds.
    """
    sys.stdout.write(f"\nseed {seed}\n")
    (folder / "katakei.yml").write_text(scale.configuration())
    when, hit, requests, number = kill_moments(seed), 0, 0, 1
    with scale.lab() as lab:
        while hit < kills:
            number += 1
            verdict, more = roll_once(lab, folder, f"v{number}", when, min(each, kills - hit))
            hit, requests = hit + more, requests + verdict.measured.requests
    sys.stdout.write(f"\n{hit} kills in {number - 1} rollouts, {requests} requests\n")
