"""What holds a rollout, or lets it go on, in one simulation: freezes, approval gates and promotions.

All of it is drawn from a generator of its own, so that a seed without any of it behaves as it did before.
"""

import random
from dataclasses import dataclass
from datetime import datetime

from tests.properties.builders import seconds

from katakei.domain.gate_conditions import GateMoment, GateOutcome, GateProbe
from katakei.domain.spec import Approval, ExpiryDefault, Gate

SHARE = 0.35
"""The share of simulations in which a rollout is held."""


@dataclass(frozen=True)
class Holds:
    """How often users do each of these, as fractions of moments."""

    freezes: float = 0.0
    promotes: float = 0.0
    answers: float = 0.0
    gates: tuple[Gate, ...] = ()


@dataclass
class FrozenSpan:
    """A freeze of this rollout as it really was: from when until when; None while nobody lifted it."""

    since: datetime
    ended: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether it was active at this moment."""
        return self.since <= at and (self.ended is None or at < self.ended)


def holds_of(seed: int) -> Holds | None:
    """What holds the rollout of this seed; None in the simulations without it."""
    rng = random.Random(f"holds {seed}")  # noqa: S311 - a game, not a secret
    if rng.random() >= SHARE:
        return None
    return Holds(
        freezes=0.03 if rng.random() < 0.6 else 0.0,
        promotes=0.05 if rng.random() < 0.5 else 0.0,
        answers=0.1,
        gates=_gates(rng) if rng.random() < 0.6 else (),
    )


CONDITION = "gate of a condition"
CYCLE, BEGINS, CLOSED = 400, 20, 250
"""Seconds: how often the condition is not met again, from when on, and for how long."""


def conditions_of(seed: int, *, reverts: bool) -> tuple[Gate, ...]:
    """A gate with a condition, in two of five of these simulations; mostly it holds, else it stops or reverts."""
    rng = random.Random(f"conditions {seed}")  # noqa: S311 - a game, not a secret
    if rng.random() >= 0.4:
        return ()
    moments = tuple(moment for moment in GateMoment if moment is GateMoment.BEFORE or rng.random() < 0.3)
    outcomes = [GateOutcome.HOLD] * 6 + [GateOutcome.STOP] + [GateOutcome.REVERT] * reverts
    probe = GateProbe("http://127.0.0.1/quiet")
    return (Gate(CONDITION, rng.choice((0, 0, 1)), probe=probe, moments=moments, outcome=rng.choice(outcomes)),)


def not_met_for(at: datetime) -> float:
    """For how many seconds the condition has not been met at this moment of true time; 0 where it is met."""
    since = (at.timestamp() - BEGINS) % CYCLE
    return since if since < CLOSED else 0.0


def _gates(rng: random.Random) -> tuple[Gate, ...]:
    return tuple(
        Gate(
            f"gate {number}",
            rng.choice((0, 1, 1, 2)),
            Approval(seconds(rng.choice((15, 60, 600))), rng.choice(list(ExpiryDefault))),
        )
        for number in range(rng.choice((1, 1, 2)))
    )
