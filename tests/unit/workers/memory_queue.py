"""The task queue in memory: jobs of rollouts that a test hands to workers in the order that it likes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from katakei.domain.leases import Heartbeat
from katakei.domain.model import RolloutId
from katakei.workers.job_queue import TurnJob


@dataclass
class MemoryQueue:
    """What `JobQueue` would write. A pending turn of a session is replaced; an offer is made once."""

    turns: dict[RolloutId, tuple[str, TurnJob, timedelta]] = field(default_factory=dict)
    offers: dict[RolloutId, frozenset[Heartbeat]] = field(default_factory=dict)
    offered: list[RolloutId] = field(default_factory=list)
    adopted_by: list[tuple[RolloutId, int]] = field(default_factory=list)
    hastened: list[RolloutId] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    lost: bool = False

    def schedule(self, queue: str, job: TurnJob, delay: timedelta) -> None:
        self.turns[job.rollout] = (queue, job, delay)

    def restore(self, queue: str, job: TurnJob) -> bool:
        if self.lost:
            self.schedule(queue, job, timedelta())
        return self.lost

    def hasten(self, rollout: RolloutId) -> None:
        self.hastened.append(rollout)

    def adopt(self, rollout: RolloutId, silent: Iterable[Heartbeat] = ()) -> None:
        self.offers[rollout] = frozenset(silent)
        self.offered.append(rollout)

    def adopted(self, rollout: RolloutId, epoch: int) -> None:
        self.adopted_by.append((rollout, epoch))

    def leave(self, queue: str) -> None:
        self.left.append(queue)
