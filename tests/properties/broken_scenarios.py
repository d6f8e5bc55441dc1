"""Scenarios in which the judge finds broken code: each has the misfortunes that this code is there for."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.properties.adversary import Adversary
from tests.properties.builders import seconds
from tests.properties.scenarios import UNDO, Scenario, spec_of
from tests.properties.simulated_aws import NOON, SimulatedAws

from katakei.domain.model import Registration
from katakei.domain.observation import HealthState
from katakei.domain.spec import (
    AfterFailure,
    Drain,
    DrainUntil,
    FailedTargetPolicy,
    LatePolicy,
    Limits,
    OnFailure,
)

Worlds = Callable[[int], Scenario]


def runs(**adversary: float) -> Worlds:
    """Rollouts of three targets with a floor of two, and this adversary."""
    return lambda seed: Scenario(
        seed, Adversary(**adversary), targets=3, floor=2, delay=5, spec=spec_of(soak=seconds(0))
    )


def slow(seed: int) -> Scenario:
    """A wide window, so that a target may leave while another one is still in its slow start."""
    given = replace(runs()(seed), targets=4, window=3, slow_start=60)
    return replace(given, spec=replace(given.spec, soak=seconds(60)))


def abroad(seed: int) -> Scenario:
    return replace(runs()(seed), groups=2)


def blinded(seed: int) -> Scenario:
    spec = spec_of(on_failure=OnFailure(max_failures=5))
    return replace(runs(bad_work=1)(seed), targets=4, script=_two_fall_unseen_while_a_third_is_worked_on, spec=spec)


def probed(seed: int) -> Scenario:
    spec = spec_of(drain=Drain(settle=seconds(10), until=DrainUntil.PROOF))
    return replace(runs(unseeable=0.5, mute=0.1)(seed), delay=60, probe=True, spec=spec)


def read(seed: int) -> Scenario:
    """Readers of requests that die, and targets that they cannot see."""
    spec = spec_of(drain=Drain(settle=seconds(10), until=DrainUntil.REQUESTS))
    return replace(runs(unseeable=0.2, mute=0.1)(seed), delay=60, probe=True, spec=spec)


def cut_off(seed: int) -> Scenario:
    return replace(runs()(seed), script=_the_first_take_out_is_lost_and_two_fall_unseen)


def aborted_among_lies(seed: int) -> Scenario:
    return replace(runs(lies=0.5)(seed), abort=10 + seed)


def of_many_words(seed: int) -> Scenario:
    return replace(long_settle(seed), users=0.5)


def twins(seed: int) -> Scenario:
    return replace(runs(pause=0.03)(seed), twins=True)


def lingering(seed: int) -> Scenario:
    return replace(runs(lingers=1)(seed), delay=40)


def maddened(until: DrainUntil) -> Worlds:
    """One of three targets is mad, and every question about it fails."""
    spec = spec_of(soak=seconds(0), drain=Drain(settle=seconds(10), until=until), on_failure=OnFailure(5))
    given = Scenario(0, Adversary(mad=0.3), targets=3, window=3, floor=0, delay=60, spec=spec)
    return lambda seed: replace(given, seed=seed, probe=until is DrainUntil.PROOF)


def always_maddened(seed: int) -> Scenario:
    return replace(maddened(DrainUntil.DELAY)(seed), script=_always_mad)


def _always_mad(aws: SimulatedAws) -> None:
    aws.fails = 1.0


def _two_fall_unseen_while_a_third_is_worked_on(aws: SimulatedAws) -> None:
    """The work of this target takes half a minute and fails."""
    for mark in aws.marks.values():
        if aws.clock.time < mark.asked + seconds(4):
            mark.ends = mark.begins + seconds(30)
            aws.blind |= dict.fromkeys(aws.group_of, mark.ends + seconds(30))
            _fall_for_long(aws, list(aws.past)[2:])


def _the_first_take_out_is_lost_and_two_fall_unseen(aws: SimulatedAws) -> None:
    """For half a minute no call is answered, and for another half no observation."""
    passed = (aws.clock.time - NOON).total_seconds()
    if len(aws.log.calls) == 2:
        _fall_for_long(aws, list(aws.past)[1:])
    aws.adversary = Adversary(lost=1.0 if len(aws.log.calls) >= 2 and passed < 30 else 0.0)
    if 30 <= passed < 60:
        aws.blind |= dict.fromkeys(aws.group_of, NOON + seconds(60))


def _fall_for_long(aws: SimulatedAws, places: Sequence[Registration]) -> None:
    for place in places:
        aws.fall(place)
        aws.next[place] = (aws.clock.time + seconds(90), HealthState.HEALTHY)


def failing(seed: int) -> Scenario:
    return replace(runs(bad_work=0.8)(seed), targets=4, window=2)


def tight(seed: int) -> Scenario:
    return replace(runs(falls=0.04)(seed), targets=4, floor=3)


def aborted(seed: int) -> Scenario:
    return replace(runs()(seed), abort=50 + seed)


def far_away(seed: int) -> Scenario:
    return replace(runs(pause=0.03, crash=0.02)(seed), delay=40)


def interrupted(seed: int) -> Scenario:
    return replace(runs()(seed), interrupts=0.05, targets=6, window=2, floor=3)


def of_addresses(seed: int) -> Scenario:
    return replace(runs(falls=0.02)(seed), ip=True, delay=40)


def late(policy: LatePolicy) -> Worlds:
    return lambda seed: replace(runs(born=0.05)(seed), spec=spec_of(soak=seconds(0), late=policy))


def broken_late(seed: int) -> Scenario:
    return replace(runs()(seed), script=_what_was_done_first_falls_for_good)


def deleted(seed: int) -> Scenario:
    return replace(runs()(seed), script=_the_group_is_deleted_at_80_s)


def _what_was_done_first_falls_for_good(aws: SimulatedAws) -> None:
    """As soon as the next target is worked on."""
    done = list(aws.marks)[:1] if len(aws.marks) > 1 else []
    for place in [place for key in done for place in aws.targets[key.target].registrations]:
        aws.fall(place, lasting=10_000)


def _the_group_is_deleted_at_80_s(aws: SimulatedAws) -> None:
    if aws.clock.time - NOON > seconds(80) and not aws.log.deleted:
        aws._delete(next(iter(aws.group_of)))


def taken_back(seed: int) -> Scenario:
    spec = spec_of(soak=seconds(0), revert=UNDO, on_failure=OnFailure(5))
    return replace(runs()(seed), spec=spec, reverts=(20.0 + 10 * seed,), wrong_clocks=False)


def failing_back(seed: int) -> Scenario:
    limits = Limits(working=seconds(30), warming=seconds(60), waiting=seconds(60))
    spec = spec_of(
        revert=UNDO, limits=limits, on_failure=OnFailure(0, FailedTargetPolicy.KEEP_OUT, AfterFailure.REVERT)
    )
    return replace(runs(hangs=1, mute=1)(seed), spec=spec)


def paused(seed: int) -> Scenario:
    return replace(long_settle(seed), pauses=0.1)


def long_settle(seed: int) -> Scenario:
    return replace(runs(crash=0.02)(seed), spec=spec_of(drain=Drain(settle=seconds(60))))
