"""The verbs that only ask, and change nothing, not even the journal.

They must stay cheap to import: nothing here knows how a rollout is planned or driven.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from katakei.app import history
from katakei.domain.events import Event, WorkEnded
from katakei.domain.model import Registration, RolloutId
from katakei.domain.plan import restorable
from katakei.domain.ports import Clock, GroupReader, Journal, ListedGroup, RolloutHeader
from katakei.domain.replay import Rollout
from katakei.runtime.drivers import with_retries

POLL_INTERVAL = timedelta(seconds=2)


class Sources(Protocol):
    """Who is asked."""

    @property
    def lister(self) -> GroupReader:
        """The load balancer, for whoever only looks."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def journal(self) -> Journal:
        """Where events are kept."""
        ...


@dataclass(frozen=True, slots=True)
class Status:
    """A group with what it lists; `held` tells which rollout holds which registration out."""

    group: ListedGroup
    held: Mapping[Registration, Rollout]


class Queries:
    """The verbs, over whoever can answer."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def groups(self) -> Sequence[ListedGroup]:
        """Every group of the account and region with what it lists."""
        return with_retries(self._sources.clock, lambda: self._sources.lister.listed(()))

    def status(self, name: str) -> Status:
        """One group: every member, and who holds out what is missing."""
        group = with_retries(self._sources.clock, lambda: self._sources.lister.listed((name,)))[0]
        return Status(group, history.held_out(self._sources.journal, group.arn))

    def rollouts(self, service: str | None = None) -> Sequence[RolloutHeader]:
        """Rollouts, newest first."""
        return self._sources.journal.find(service=service)

    def show(self, rollout: RolloutId) -> Rollout:
        """One rollout as the journal tells it. UsageFault when there is none of this name."""
        return history.find(self._sources.journal, rollout)

    def wait(self, rollout: RolloutId, within: timedelta) -> Rollout:
        """Until it is finished, or this long; whoever drives it is not disturbed."""
        until = self._sources.clock.now() + within
        state = with_retries(self._sources.clock, lambda: self.show(rollout))
        while state.finished is None and self._sources.clock.now() < until:
            self._sources.clock.sleep(POLL_INTERVAL)
            state = with_retries(self._sources.clock, lambda: self.show(rollout))
        return state

    def restore_lines(self, rollout: Rollout) -> Sequence[str]:
        """The commands that put everything back as the plan had recorded it; nothing is asked of AWS for them."""
        return self._sources.lister.restore_lines(restorable(rollout.plan))

    def now(self) -> datetime:
        """The time."""
        return self._sources.clock.now()

    def work(self, rollout: RolloutId, names: Sequence[str]) -> Sequence[WorkEnded]:
        """What the work printed on these targets (none given: on all), in the order in which it ended."""
        state = self.show(rollout)
        wanted = {target.id for target in (history.named(state, names) if names else state.targets.values())}
        return [each for each in self.events(rollout) if isinstance(each, WorkEnded) and each.key.target in wanted]

    def events(self, rollout: RolloutId) -> Sequence[Event]:
        """Its events, in order."""
        return self._sources.journal.read(rollout, 0)
