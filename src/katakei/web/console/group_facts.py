"""Facts about target groups that the console shows beside their health: attributes, floor, freezes, running rollout.

Attributes cost a call for each group, so one answer serves every page for a minute.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from katakei.app.fleet_groups import FleetGroups
from katakei.domain.errors import KatakeiError
from katakei.domain.freezes import Freeze
from katakei.domain.model import Arn, Group, RolloutId
from katakei.domain.ports import ListedGroup, RolloutHeader
from katakei.domain.spec import Window
from katakei.web.server_context import ServerContext

LASTS = timedelta(minutes=1)
MOST_ATTRIBUTES = 50
"""Groups whose attributes one page asks for."""
MOST_STATES = 50_000


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What is known of one group.

    Attributes:
        services: The services that name it.
        floor: How many of its targets must serve.
        attributes: The group with its attributes; None: they could not be read.
        running: The newest unfinished rollout that works on it.
        freezes: The freezes of the group and of its services, the oldest first.
    """

    services: tuple[str, ...]
    floor: int
    attributes: Group | None
    running: RolloutHeader | None
    freezes: tuple[Freeze, ...]

    @property
    def delay(self) -> timedelta | None:
        """The deregistration delay."""
        return self.attributes.delay if self.attributes else None


@dataclass
class _Known:
    at: datetime
    group: Group | None


@dataclass
class FactReader:
    """Reads facts for the pages of one server. Safe for threads."""

    context: ServerContext
    _known: dict[Arn, _Known] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, group: ListedGroup) -> GroupFacts:
        """The facts of one group."""
        return self.of_all([group])[group.arn]

    def of_all(self, groups: Sequence[ListedGroup]) -> Mapping[Arn, GroupFacts]:
        """The facts of these groups."""
        running: dict[Arn, RolloutHeader] = {}
        for header in self.context.journal.find(unfinished=True):
            for arn in header.groups:
                running.setdefault(arn, header)
        freezes = self.context.freezes.active()
        return {
            group.arn: self._facts(group, running.get(group.arn), freezes, asks=number < MOST_ATTRIBUTES)
            for number, group in enumerate(groups)
        }

    def _facts(
        self, group: ListedGroup, running: RolloutHeader | None, freezes: Sequence[Freeze], *, asks: bool
    ) -> GroupFacts:
        subject = self.context.subjects.of_group(group.region, group.name)
        names = set(subject.services)
        windows = [each.spec.window for each in self.context.fleet.services() if each.spec and each.name in names]
        floor = max((window.floor.up(len(group.members)) for window in windows or [Window()]), default=0)
        its_freezes = tuple(each for each in freezes if each.name == group.arn or each.name in names)
        return GroupFacts(subject.services, floor, self._attributes(group, asks=asks), running, its_freezes)

    def _attributes(self, group: ListedGroup, *, asks: bool) -> Group | None:
        now = self.context.clock.now()
        with self._lock:
            known = self._known.get(group.arn)
        if known and now - known.at < LASTS:
            return known.group
        if not asks:
            return known.group if known else None
        try:
            fleet = self.context.fleet
            drivers = fleet.drivers(FleetGroups(fleet).place_of(group.region, group.name))
            read: Group | None = drivers.balancer.groups((group.name,))[0]
        except KatakeiError:
            read = known.group if known else None
        with self._lock:
            self._known[group.arn] = _Known(now, read)
        return read


class StateTimes:
    """Since when each registration is in its state, as far as this server has seen it.

    AWS does not tell. The journal does for a target that a rollout holds out; for the others the first observation by
    this server counts, so the time shown is a minimum.
    """

    def __init__(self, most: int = MOST_STATES) -> None:
        self._most = most
        self._seen: OrderedDict[tuple[str, str, int], tuple[str, datetime, bool]] = OrderedDict()
        self._groups: set[str] = set()
        self._lock = threading.Lock()

    def since(self, arn: Arn, door: tuple[str, int], state: str, at: datetime) -> tuple[datetime, bool]:
        """When the state was first seen, and whether the change itself was seen."""
        key = (str(arn), *door)
        with self._lock:
            before = self._seen.get(key)
            if before is None or before[0] != state:
                self._seen[key] = before = (state, at, before is not None)
                while len(self._seen) > self._most:
                    self._seen.popitem(last=False)
            return before[1], before[2]


def step_of(context: ServerContext, group: ListedGroup) -> RolloutId | None:
    """The newest unfinished rollout or manual step of a group."""
    headers = context.journal.find(group=group.arn, unfinished=True)
    return headers[0].rollout if headers else None
