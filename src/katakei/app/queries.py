"""The queries: questions about target groups and recorded rollouts, which change nothing, not even the journal.

`Queries` is what an interface calls. The functions below it read the journal for the other use cases. They must stay
cheap to import: nothing here knows how a rollout is planned or driven.
"""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from katakei.app import selection
from katakei.app.releases import carried_by, recent_rollouts
from katakei.domain.errors import KatakeiError, UsageError
from katakei.domain.events import Event, WorkEnded
from katakei.domain.freezes import Freeze
from katakei.domain.model import Arn, Registration, RolloutId, Target, TargetId
from katakei.domain.overview import CarriedRelease, Driver, ListedRollout
from katakei.domain.phases import IN_PROGRESS, Phase
from katakei.domain.plan import PlanKind, restorable
from katakei.domain.ports import Journal, Leases, ListedGroup, Liveness, RolloutHeader
from katakei.domain.replay import Rollout, replay
from katakei.domain.rollout import TargetStatus
from katakei.render.text import label, listed
from katakei.runtime.drivers import Drivers, with_retries

POLL_INTERVAL = timedelta(seconds=2)
HELD_OUT = (IN_PROGRESS - {Phase.SOAKING}) | {Phase.LEFT_OUT}


@dataclass(frozen=True, slots=True)
class Status:
    """A group with what it lists, and what the journal tells about its targets.

    Attributes:
        group: The group.
        held: Which rollout holds which registration out.
        carried: The release of each target that a recent rollout worked on.
        freezes: The active freezes of the group.
    """

    group: ListedGroup
    held: Mapping[Registration, Rollout]
    carried: Mapping[TargetId, CarriedRelease]
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupList:
    """Target groups, where they are, and what freezes them.

    Attributes:
        groups: The groups with what they list.
        region: Their region.
        account: Their account.
        freezes: The active freezes of these groups, or why they could not be read.
    """

    groups: Sequence[ListedGroup]
    region: str
    account: str
    freezes: tuple[Freeze, ...] | KatakeiError = ()


class Queries:
    """The questions that an interface asks."""

    def __init__(self, drivers: Drivers) -> None:
        self._drivers = drivers

    def groups(self, patterns: Sequence[str] = ()) -> GroupList:
        """The groups of the account and region with what they list. A journal that does not answer hides no group.

        Args:
            patterns: Names, also with `*`; none for every group. Only those that match cost a call each.

        Raises:
            UsageError: No group has such a name.
        """
        lister, names = self._drivers.lister, self._matching(patterns)
        groups = with_retries(self._drivers.clock, lambda: lister.listed(names))
        if groups:  # saves the calls that ask for the account
            return GroupList(groups, groups[0].region, groups[0].account, self._freezes_of(groups))
        site = with_retries(self._drivers.clock, lambda: self._drivers.site)
        return GroupList((), site.region, site.account)

    def _freezes_of(self, groups: Sequence[ListedGroup]) -> tuple[Freeze, ...] | KatakeiError:
        try:
            return freezes_of(self._drivers.freezes.active(), groups)
        except KatakeiError as error:
            return error

    def _matching(self, patterns: Sequence[str]) -> Sequence[str]:
        if not patterns:
            return ()
        known = with_retries(self._drivers.clock, self._drivers.lister.names)
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(name, pattern) for name in known):
                raise UsageError(f"no target group is named {pattern}; katakei groups lists those there are")
        return [name for name in known if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]

    def status(self, name: str) -> Status:
        """One group: every registration, and which rollout holds out what is missing. Raises UnknownGroupError."""
        group = with_retries(self._drivers.clock, lambda: self._drivers.lister.listed((name,)))[0]
        return status_of(self._drivers, group)

    def rollouts(self, service: str | None, newest: int) -> Sequence[ListedRollout]:
        """The rollouts of a service, or all, newest first.

        Args:
            service: Only rollouts of this service.
            newest: So many of them are read back, each with all its events; the others are only listed.
        """
        headers = self._drivers.journal.find(service=service)
        read = [self._drivers.pool.submit(partial(self._listed, header)) for header in headers[:newest]]
        return [*(each.result() for each in read), *(ListedRollout(each, None, None) for each in headers[newest:])]

    def _listed(self, header: RolloutHeader) -> ListedRollout:
        """One that cannot be read, because a newer version wrote it for example, must not hide the others."""
        with suppress(KatakeiError):
            if events := self._drivers.journal.read(header.rollout, 0):
                state = replay(events)
                return ListedRollout(header, state, self.driver(state))
        return ListedRollout(header, None, None)

    def show(self, rollout: RolloutId) -> Rollout:
        """One rollout as the journal tells it. Raises UsageError: there is none of this id."""
        return find(self._drivers.journal, rollout)

    def chosen(self, typed: str | None) -> RolloutId:
        """The rollout that a person means, to be shown (`selection.to_read`). Raises UsageError."""
        return selection.to_read(self._drivers.journal, typed)

    def chosen_with_targets(self, words: Sequence[str]) -> tuple[RolloutId, Sequence[str]]:
        """The rollout and the targets that a person means (`selection.with_targets`). Raises UsageError."""
        return selection.with_targets(self._drivers.journal, words, selection.to_read)

    def driver(self, rollout: Rollout) -> Driver:
        """Who drives this rollout now."""
        return driver_of(self._drivers.leases, rollout)

    def wait(self, rollout: RolloutId, within: timedelta) -> Rollout:
        """The rollout once it has ended, or after `within` as it is then. Its owner is not disturbed."""
        until = self._drivers.clock.now() + within
        state = with_retries(self._drivers.clock, lambda: self.show(rollout))
        while not _ended(state) and self._drivers.clock.now() < until:
            self._drivers.clock.sleep(POLL_INTERVAL)
            state = with_retries(self._drivers.clock, lambda: self.show(rollout))
        return state

    def restore_lines(self, rollout: Rollout) -> Sequence[str]:
        """The commands that put everything back as the plan recorded it. Makes no call to AWS."""
        if rollout.plan.switch:
            return self._drivers.router.restore_lines(rollout.plan.switch)
        return self._drivers.lister.restore_lines(restorable(rollout.plan))

    def now(self) -> datetime:
        """The time."""
        return self._drivers.clock.now()

    def sleep(self, pause: timedelta) -> None:
        """Waits."""
        self._drivers.clock.sleep(pause)

    def work(self, rollout: RolloutId, names: Sequence[str]) -> Sequence[WorkEnded]:
        """What the work printed on these targets (none given: on all), in the order in which it ended."""
        state = self.show(rollout)
        wanted = {target.id for target in (named(state, names) if names else state.targets.values())}
        return [each for each in self.events(rollout) if isinstance(each, WorkEnded) and each.key.target in wanted]

    def events(self, rollout: RolloutId) -> Sequence[Event]:
        """The events of a rollout, in order; empty for an unknown one."""
        return self._drivers.journal.read(rollout, 0)


def _ended(state: Rollout) -> bool:
    """Whether it is finished, or a switch whose requests have all moved: only a person's command ends that."""
    return state.finished is not None or (state.traffic is not None and state.traffic.moved is not None)


def freezes_of(active: Iterable[Freeze], groups: Sequence[ListedGroup]) -> tuple[Freeze, ...]:
    """Of these freezes, those of these groups."""
    arns = {group.arn for group in groups}
    return tuple(each for each in active if each.name in arns)


def find(journal: Journal, rollout: RolloutId) -> Rollout:
    """One rollout. Raises UsageError: the journal has none of this id."""
    events = journal.read(rollout, 0)
    if not events:
        newest = journal.find()[:3]
        known = f"; the newest are {', '.join(header.rollout for header in newest)}" if newest else ""
        raise UsageError(f"no rollout {rollout} in this journal{known} (see `katakei list`)")
    return replay(events)


def driver_of(leases: Leases, rollout: Rollout) -> Driver:
    """Who drives this rollout now, by the lease of one of its groups; its last owner where nobody does."""
    held = leases.holder(rollout.plan.groups[0].arn) if rollout.finished is None else None
    if held is None or held.rollout != rollout.plan.rollout:
        return Driver(rollout.owner, Liveness.GONE)
    return Driver(held.owner, held.liveness, held.silent_for)


def named(rollout: Rollout, names: Sequence[str]) -> Sequence[Target]:
    """Its targets with these ids, addresses or names, each once. Raises UsageError: unknown, or not unique."""
    found: dict[TargetId, Target] = {}
    for name in names:
        same = [target for target in rollout.targets.values() if name in {target.id, target.address, target.name}]
        if len(same) != 1:
            known = listed(label(target) for target in rollout.targets.values())
            problem = f"names {len(same)} targets" if same else "is no target"
            raise UsageError(f"{name!r} {problem} of rollout {rollout.plan.rollout}; there are: {known}")
        found[same[0].id] = same[0]
    return list(found.values())


def unfinished(journal: Journal, groups: Sequence[Arn]) -> RolloutHeader | None:
    """The newest unfinished rollout that touches one of these groups."""
    for arn in sorted(groups):
        headers = journal.find(group=arn, unfinished=True)
        if headers:
            return headers[0]
    return None


def held_out(journal: Journal, group: Arn) -> Mapping[Registration, Rollout]:
    """The registrations that a rollout took out of this group and that are not back yet, each with that rollout.

    A `register` step takes nothing out, even when it fails: the rollout before it still holds the target. A target may
    be back at one port and out at another.
    """
    return held_by(recent_rollouts(journal, (group,)), group)


def status_of(drivers: Drivers, group: ListedGroup) -> Status:
    """What the journal knows of a group, beside what AWS reports."""
    rollouts = list(recent_rollouts(drivers.journal, (group.arn,)))
    freezes = freezes_of(drivers.freezes.active(), [group])
    return Status(group, held_by(rollouts, group.arn), carried_by(rollouts), freezes)


def held_by(newest_first: Iterable[Rollout], group: Arn) -> Mapping[Registration, Rollout]:
    """As `held_out`, of rollouts that were read already."""
    decided: dict[tuple[str, int], tuple[Registration, Rollout] | None] = {}
    for rollout in newest_first:
        for place, target in rollout.owners.items():
            status = rollout.statuses.get(target)
            if place.group == group and status and _decided(rollout, status):
                held = status.phase in HELD_OUT
                decided.setdefault(place.door, (place, rollout) if held else None)
    return dict(filter(None, decided.values()))


def _decided(rollout: Rollout, status: TargetStatus) -> bool:
    """Whether the rollout did anything to the target that shows where it is now."""
    if rollout.plan.kind is PlanKind.REGISTER and status.phase is Phase.LEFT_OUT:
        return False
    if rollout.plan.kind is PlanKind.ROLL and status.attempt == 0:  # it was out before, and was never taken
        return False
    return status.phase not in {Phase.WAITING, Phase.SKIPPED, Phase.GONE}


def recorded(journal: Journal, group: Arn, name: str) -> tuple[RolloutId, Target] | None:
    """The target with this id, address or name, as the newest rollout of this group recorded its registrations.

    What a `register` step was asked to register counts only after it served.
    """
    for rollout in recent_rollouts(journal, (group,)):
        for target in rollout.targets.values():
            here = tuple(place for place in target.registrations if place.group == group)
            wished = rollout.plan.kind is PlanKind.REGISTER and rollout.statuses[target.id].phase is not Phase.RETURNED
            if here and not wished and name in {target.id, target.address, target.name, *(place.id for place in here)}:
                return rollout.plan.rollout, replace(target, registrations=here)
    return None
