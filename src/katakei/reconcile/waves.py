"""The waves of a rollout: growing shares of its targets, each of which begins when all targets before it are done.

A wave whose targets are all done is recorded, and the next one begins after `window.pause_between`, which a person may
end. Only targets of waves that have begun are taken out, so that no target drains during a soak of the wave before. A
revert knows no waves.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Record, Wait
from katakei.domain.model import TargetId
from katakei.domain.phases import FINAL_PHASES
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout

WAVE_INTERVAL = timedelta(seconds=5)
"""How often a rollout that pauses between two waves looks whether it still does."""


def in_waves(rollout: Rollout, targets: Iterable[TargetId]) -> list[TargetId]:
    """Those of these targets that belong to the waves that have begun, or that begin next once the last one is over."""
    begun = rollout.wave + (rollout.wave_ended is not None)
    if begun >= len(rollout.plan.waves) or rollout.reverting:
        return list(targets)
    among = {target.id for target in rollout.plan.targets[: rollout.plan.waves[begun - 1]]}
    return [target for target in targets if target in among]


def wave_over(rollout: Rollout, ahead: Iterable[TargetId], now: datetime) -> Record | None:
    """The record that the present wave is over, and that another one follows.

    Args:
        rollout: What was decided.
        ahead: The targets that may still be taken out, in whichever wave.
        now: The moment of the decision.
    """
    waves = rollout.plan.waves
    if rollout.wave >= len(waves) or rollout.wave_ended is not None or rollout.reverting:
        return None
    here, left = rollout.plan.targets[: waves[rollout.wave - 1]], set(ahead)
    ended = all(each.id not in left and rollout.statuses[each.id].phase in FINAL_PHASES for each in here)
    return Record(e.WaveEnded(now, rollout.wave)) if left and ended else None


def wave_begins(rollout: Rollout, now: datetime) -> Record | Wait | None:
    """What stands before the first take-out of the next wave: a pause, or the record that it begins.

    Returns:
        None in the middle of a wave.
    """
    if rollout.wave_ended is None or rollout.reverting:
        return None
    ends = rollout.wave_ended + rollout.plan.spec.window.pause_between
    if now >= ends or rollout.wave_promoted:
        return Record(e.WaveBegun(now, rollout.wave + 1))
    why = reason(
        ReasonCode.WAVE_PAUSE,
        wave=rollout.wave,
        waves=len(rollout.plan.waves),
        waited=now - rollout.wave_ended,
        left=ends - now,
        rollout=rollout.plan.rollout,
    )
    return Wait(min(ends, now + WAVE_INTERVAL), why)
