"""`katakei roll`, killed at random moments and run again until it ends; every rollout is judged from outside.

Several kills may fall into one rollout. Only the command is killed, never the lab.
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
"""Seconds after its start between which the command is killed: before its first call to late in a target's way."""
TIMEOUT = timedelta(minutes=3)
REQUIREMENTS = Requirements(floor=1, rate=SCALE.least, observations=60, changing_calls=None)
"""A lost answer may make an act be repeated, which harms nothing; and each start begins with looks of its own."""


def kill_moments(seed: int) -> Iterator[timedelta]:
    """When to kill, counted from each start of the command, without end."""
    rng = random.Random(seed)  # noqa: S311 - dice, not secrets
    while True:
        yield timedelta(seconds=round(rng.uniform(FIRST, LAST), 2))


def roll_once(lab: Lab, folder: Path, release: str, kills: Iterator[timedelta], count: int) -> tuple[Verdict, int]:
    """One rollout, killed at most `count` times on its way, then left alone until it ends; also the kills."""
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
    """As many rollouts as it takes for this many kills to have hit a living process.

    The first kill of each rollout always does: none is over within the first seconds.
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
