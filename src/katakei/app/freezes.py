"""The use cases of freezes: list, freeze, unfreeze; and the refusal of what a freeze holds up.

A freeze of a group holds every rollout and every manual deregistration in that group. A freeze of a service holds the
rollouts of that service.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from katakei.app import queries
from katakei.domain import events as e
from katakei.domain.errors import FrozenError, LeaseHeldError, UsageError
from katakei.domain.freezes import Freeze, freeze_of
from katakei.domain.model import Arn, RolloutId
from katakei.domain.outside_text import one_line
from katakei.domain.wire import EVENTS
from katakei.reconcile.gating import frozen
from katakei.render.reasons import group_name, sentence
from katakei.render.text import listed, span
from katakei.runtime.drivers import Drivers, with_retries

T = TypeVar("T")
LONGEST_REASON = 500
"""Characters of a reason: it is shown in one line."""

POLL_INTERVAL = timedelta(seconds=5)
"""How often `when_free` reads the freezes."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a freeze holds up.

    Attributes:
        freeze: The freeze as recorded.
        rollouts: The unfinished rollouts that it holds up.
        ignored_by: Those of them whose process is of a version that reads no freezes.
    """

    freeze: Freeze
    rollouts: tuple[RolloutId, ...] = ()
    ignored_by: tuple[RolloutId, ...] = ()


class Freezing:
    """Freezes over these drivers."""

    def __init__(self, drivers: Drivers, *, who: str = "") -> None:
        """Over these drivers.

        Args:
            drivers: Freezes, journal and load balancer.
            who: The person who freezes; '': the user of this process.
        """
        self._drivers = drivers
        self._who = who or drivers.owner.user

    def active(self) -> Sequence[Freeze]:
        """The active freezes, the oldest first."""
        return with_retries(self._drivers.clock, self._drivers.freezes.active)

    def freeze_group(self, group: str, why: str = "", until: datetime | timedelta | None = None) -> Frozen:
        """Freezes a target group.

        Args:
            group: Its name or ARN.
            why: The reason in the person's words.
            until: When the freeze ends by itself, as a moment or from now on; None: when somebody lifts it.

        Raises:
            UnknownGroupError: There is no such group.
            UsageError: The moment is over by the journal's clock, or the reason is too long.
        """
        drivers = self._drivers
        arn = with_retries(drivers.clock, lambda: drivers.balancer.groups((group,)))[0].arn
        return self._freeze(arn, why, until)

    def freeze_service(self, service: str, why: str = "", until: datetime | timedelta | None = None) -> Frozen:
        """Freezes a service, as `freeze_group`."""
        return self._freeze(service, why, until)

    def unfreeze(self, name: str) -> Freeze:
        """Lifts the freeze of a group, by name or ARN, or of a service. It does not lift a pause.

        Raises:
            UsageError: The name is not frozen, or fits several freezes.
        """
        active = self.active()
        exact = [freeze for freeze in active if freeze.name == name]
        fitting = exact or [freeze for freeze in active if group_name(freeze.name) == name]
        if len(fitting) > 1:
            raise UsageError(f"{name} fits several freezes: give the ARN, of {listed(each.name for each in fitting)}")
        lifted = self._drivers.freezes.unfreeze(fitting[0].name, self._who) if fitting else None
        if lifted is None:
            known = listed(group_name(each.name) for each in active)
            raise UsageError(f"{one_line(name)} is not frozen; frozen: {known or 'nothing'}")
        return lifted

    def _freeze(self, name: str, why: str, until: datetime | timedelta | None) -> Frozen:
        if len(why) > LONGEST_REASON:
            raise UsageError(f"the reason has {len(why)} characters: write at most {LONGEST_REASON}")
        if isinstance(until, timedelta):
            until = with_retries(self._drivers.clock, self._drivers.freezes.read)[0] + until
        made = self._drivers.freezes.freeze(name, self._who, one_line(why), until)
        return self._held_by(made)

    def _held_by(self, made: Freeze) -> Frozen:
        journal = self._drivers.journal
        headers = [
            each for each in journal.find(unfinished=True) if made.name == each.service or made.name in each.groups
        ]
        states = [queries.find(journal, header.rollout) for header in headers]
        needed = EVENTS[e.FreezeObserved].since
        older = (each.plan.rollout for each in states if each.owner and each.owner_version < needed)
        return Frozen(made, tuple(header.rollout for header in headers), tuple(older))


def check_not_frozen(drivers: Drivers, service: str, groups: Collection[Arn]) -> None:
    """Raises FrozenError: no target of these groups, or of this service, may be taken out now."""
    active = with_retries(drivers.clock, drivers.freezes.active)
    if freeze := freeze_of(active, service, groups):
        raise FrozenError(f"{sentence(frozen(freeze))}. To lift it, run: katakei unfreeze {group_name(freeze.name)}")


def when_free(drivers: Drivers, act: Callable[[], T], within: timedelta) -> T:
    """What `act` returns, once neither a freeze nor another owner's lease stands in the way.

    Args:
        drivers: The clock, and the function that tells the user about the wait.
        act: Tried again while it raises FrozenError or LeaseHeldError.
        within: How long to wait at most; zero tries once.

    Raises:
        FrozenError: A freeze still stood in the way at the end.
        LeaseHeldError: A lease still stood in the way at the end.
    """
    told, until = "", drivers.clock.now() + within
    while True:
        try:
            return act()
        except (FrozenError, LeaseHeldError) as held:
            if drivers.clock.now() >= until:
                raise
            if not told:
                told = str(held)
                drivers.tell(f"{told}; waiting for at most {span(within)}")
        drivers.clock.sleep(POLL_INTERVAL)
