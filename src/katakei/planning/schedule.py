"""The schedule of a plan: when targets leave service, serve again and are done, if all take the same time.

It follows the rules of the engine (window, floors, gates, overlap). It takes it that nothing fails, that observations
take no time, and that a gate is passed as soon as it is due. Targets of the same groups and zone are alike, so the cost
grows with the number of targets and not with its square.
"""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

from katakei.domain.model import Arn, Target
from katakei.domain.plan import Plan
from katakei.domain.spec import Overlap
from katakei.reconcile.context import PROOF_INTERVAL

Where = tuple[Arn, str | None]
"""A group as a whole (None), or one zone of it."""
Places = tuple[tuple[Where, int], ...]
"""How many registrations a target has in each of them."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule.

    Attributes:
        length: The time from the first take-out until the last target is done.
        at_once: How many targets are out of service at a time, at most.
    """

    length: timedelta
    at_once: int


def schedule(
    plan: Plan, drain: timedelta, back: timedelta, overlap: Overlap | None = None, *, zones: bool = True
) -> Schedule:
    """The schedule of a rollout.

    Args:
        plan: The plan; every registration of it is taken to serve in the end.
        drain: How long a target drains.
        back: How long it takes from the end of its drain until it is first observed serving.
        overlap: Instead of what the plan says.
        zones: False leaves the floors of the zones out.
    """
    course = _Course(plan, drain, back, overlap or plan.spec.overlap, zones=zones)
    while course.goes_on():
        pass
    return Schedule(course.now, course.at_once)


class _Change(IntEnum):
    """What changes for a target. At the same moment the end of a soak comes before the beginning of another one."""

    DONE = 0
    SERVES = 1
    OFFERS = 2
    WAVE = 3


@dataclass(frozen=True, slots=True)
class _Capacity:
    """How many more registrations of each group and zone may leave before a floor is broken."""

    free: Counter[Where]

    @classmethod
    def of(cls, plan: Plan, least: int, *, zones: bool) -> "_Capacity":
        """The capacity before the first target leaves.

        Args:
            plan: The plan with its floors.
            least: What each group and each zone needs at least, even without a floor.
            zones: False leaves the floors of the zones out.
        """
        floors = plan.floors
        free: Counter[Where] = Counter()
        for arn, floor in floors.items():
            free[arn, None] = floor.base - max(least, floor.count)
        found: Counter[Where] = Counter()
        for target in (*plan.targets, *plan.bystanders):
            found.update((place.group, target.zone) for place in target.registrations)
        for where, size in found.items():
            needed = max(least, floors[where[0]].per_zone if zones else 0)
            if needed:
                free[where] = size - needed
        return cls(free)

    def allows(self, places: Places) -> bool:
        """Whether a target with these registrations may leave, too."""
        return all(self.free[where] >= number for where, number in places if where in self.free)

    def add(self, places: Places, sign: int) -> None:
        """Counts a target again (1), or no longer (-1)."""
        for where, number in places:
            if where in self.free:
                self.free[where] += sign * number


def _places(target: Target) -> Places:
    arns = [place.group for place in target.registrations]
    return tuple(Counter((arn, zone) for arn in arns for zone in (None, target.zone)).items())


class _Kind(NamedTuple):
    """What counts of a target: whether it is out of service already, and its registrations."""

    held: bool
    places: Places


class _Course:
    """The course of a rollout from moment to moment: `goes_on` until nothing changes any more."""

    def __init__(self, plan: Plan, drain: timedelta, back: timedelta, overlap: Overlap, *, zones: bool) -> None:
        spec = plan.spec
        self.now, self.at_once = timedelta(), 0
        self._drain, self._back = drain, back
        self._soak = max(PROOF_INTERVAL, spec.soak)
        self._offer = max(PROOF_INTERVAL, spec.soak - spec.drain.settle) if overlap is Overlap.AUTO else self._soak
        slow = any(group.slow_start for group in plan.groups)
        self._full = self._soak if slow else PROOF_INTERVAL  # from then on a target counts for the floors
        self._serving = _Capacity.of(plan, 0, zones=zones)
        self._proven = _Capacity.of(plan, 1, zones=zones)
        self._gates = [gate.after for gate in spec.gates if gate.approval]
        self._waves, self._pause = plan.waves[:-1], spec.window.pause_between  # the waves before the last one
        self._begun = 0  # how many of them are over, with the pause after them
        self._free = max(1, plan.window)
        self._most = len(plan.targets) if plan.limit is None else plan.limit
        self._taken = self._done = self._out = 0
        self._changes: dict[timedelta, list[tuple[_Change, int]]] = {}  # what changes at which moment
        self._ends: dict[int, timedelta] = {}  # when the soak of each target that was taken ends
        self._offers: list[int] = []  # soaking targets that may give their place away
        self._given: set[int] = set()  # soaking targets that gave it away
        held = {each.target for each in plan.held}
        self._kinds = [_Kind(target.id in held, _places(target)) for target in plan.targets]
        self._reserved = sum(kind.held for kind in self._kinds)  # places for those that are out already
        self._waiting: dict[_Kind, deque[int]] = {}
        for number, kind in enumerate(self._kinds):
            self._waiting.setdefault(kind, deque()).append(number)
            if kind.held:  # until it is done, no floor counts it
                self._leaves(kind)
        self._take()

    def goes_on(self) -> bool:
        """Goes to the next moment at which something changes, and takes out what may leave then."""
        if self._changes:
            self.now = min(self._changes)  # few moments are ahead at a time: targets leave together
            for change, number in sorted(self._changes.pop(self.now)):
                self._change(change, number)
        elif (heads := self._heads()) and self._taken < self._most:
            self._take_out(heads[0], None)  # the checks refuse a plan in which nothing could ever leave
        else:
            return False
        self._take()
        return True

    def _change(self, change: _Change, number: int) -> None:
        if change is _Change.WAVE:
            self._begun += 1
            return
        places = self._kinds[number].places
        if change is _Change.SERVES:
            self._serving.add(places, 1)
            self._out -= 1
        elif change is _Change.OFFERS:
            self._offers.append(number)
        else:
            self._proven.add(places, 1)
            self._done += 1
            if self._done in self._waves and self._taken < self._most:
                self._note(self.now + self._pause, _Change.WAVE, number)
            self._free += number not in self._given
            self._given.discard(number)
            self._offers = [each for each in self._offers if each != number]

    def _take(self) -> None:
        """Takes out as many as may leave: into free places first, then into those of soaking targets."""
        while (heads := self._heads()) and self._room():
            soaking = None if self._free else self._offers[0] if self._offers else None
            if soaking is None and not self._free:
                return
            kind = next((kind for kind in heads if self._allows(kind, soaking)), None)
            if kind is None:
                return
            self._take_out(kind, soaking)

    def _heads(self) -> list[_Kind]:
        """The kinds of which targets wait, in the order in which these are asked: those that are out already first."""
        kinds = [kind for kind, queue in self._waiting.items() if queue]
        return sorted(kinds, key=lambda kind: (not kind.held, self._waiting[kind][0]))

    def _room(self) -> bool:
        """Whether neither the limit, nor the end of a wave, nor a gate stands before the next target.

        A gate is passed once as many targets are done as it says.
        """
        if self._begun < len(self._waves) and self._taken >= self._waves[self._begun]:
            return False
        return self._taken < self._most and all(self._done >= after or self._taken < after for after in self._gates)

    def _allows(self, kind: _Kind, soaking: int | None) -> bool:
        """Whether a target of this kind may be taken out now, in a free place or in that of a soaking one."""
        if kind.held:
            return soaking is None
        if self._free + len(self._offers) <= self._reserved or not self._serving.allows(kind.places):
            return False
        return soaking is None or self._proven.allows(kind.places)

    def _take_out(self, kind: _Kind, soaking: int | None) -> None:
        number = self._waiting[kind].popleft()
        begins = self.now + self._drain
        if soaking is None:
            self._free -= 1
        else:
            self._offers.remove(soaking)
            self._given.add(soaking)
            begins = max(begins, self._ends[soaking])
        if kind.held:
            self._reserved -= 1
        else:
            self._leaves(kind)
        self._taken += 1
        self._out += 1
        self.at_once = max(self.at_once, self._out)
        serves = begins + self._back
        self._ends[number] = serves + self._soak
        self._note(serves + self._full, _Change.SERVES, number)
        self._note(self._ends[number], _Change.DONE, number)
        if self._offer < self._soak:
            self._note(serves + self._offer, _Change.OFFERS, number)

    def _note(self, moment: timedelta, change: _Change, number: int) -> None:
        self._changes.setdefault(moment, []).append((change, number))

    def _leaves(self, kind: _Kind) -> None:
        self._serving.add(kind.places, -1)
        self._proven.add(kind.places, -1)
