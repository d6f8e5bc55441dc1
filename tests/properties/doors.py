"""The world as one process meets it: every port of the core, by its own wrong clock, with the adversary in between.

Nothing here judges, and nothing here knows what the core thinks.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from tests.properties.things import seconds
from tests.properties.world import OUT, SLOW, STALE, WIRE, By, Call, Mark, SmallWorld

from katakei.domain.actions import Job
from katakei.domain.errors import NoAnswerError, RejectedError
from katakei.domain.events import WorkKey
from katakei.domain.model import Arn, Group, Registration, Target, TargetId
from katakei.domain.observation import (
    CheckResult,
    GroupObservation,
    HealthState,
    RegistrationHealth,
    WorkState,
    WorkStatus,
)
from katakei.domain.ports import CheckRequest, GroupMember

T = TypeVar("T")
HEEDS = 0.5  # of the work that hangs and is told to end
DELIVERY = 10.0  # seconds an agent may take to begin


class WrongClock:
    """The true time and an error that is this process's own."""

    def __init__(self, world: SmallWorld, error: timedelta) -> None:
        self._world = world
        self._error = error

    def now(self) -> datetime:
        return self._world.clock.time + self._error

    def sleep(self, span: timedelta) -> None:
        self._world.clock.sleep(span)

    def wake(self) -> None:
        """Nobody sleeps in another thread here."""


class Late(Future[T]):
    """Work that waits for its thread until it is due."""

    def __init__(self, world: SmallWorld, work: Callable[[], T], due: datetime) -> None:
        super().__init__()
        self._world = world
        self._work = work
        self._due = due
        self._begun = False

    def done(self) -> bool:
        if not self._begun and self._world.clock.time >= self._due:
            self._begun = True
            _settle(self, self._work)
        return super().done()


class SmallPool:
    """Runs the work at once, or now and then (acts only) later; a crash goes straight through."""

    def __init__(self, world: SmallWorld) -> None:
        self._world = world
        self._late: list[Callable[[], bool]] = []

    def submit(self, work: Callable[[], T], /) -> Future[T]:
        if work.__module__ == "katakei.runtime.dispatcher" and self._world.roll(self._world.wicked.slow):
            late = Late(self._world, work, self._world.clock.time + seconds(self._world.dice.uniform(0, SLOW)))
            self._late.append(late.done)
            return late
        future: Future[T] = Future()
        _settle(future, work)
        return future

    def run_what_is_due(self) -> None:
        """The threads go on by themselves, whether or not anybody asks what came of it."""
        for done in self._late:
            done()


def _settle(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - exactly what a pool does
        future.set_exception(error)


class Door:
    """What all doors of one process share. `pause` is where a process may stand still."""

    def __init__(self, world: SmallWorld, who: int, clock: WrongClock, pause: Callable[[], None]) -> None:
        self.world = world
        self.who = who
        self.clock = clock
        self.pause = pause

    def call(self, kind: str, arn: Arn | None = None, what: frozenset[Registration] = frozenset()) -> bool:
        return self.world.begin(Call(self.world.clock.time, kind, self.who, arn, what))

    def answered(self) -> None:
        self.pause()
        self.world.answer()


class BalancerDoor(Door):
    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        for name in names:
            self.call("groups", Arn(name))
        groups = [self.world.group_of[Arn(name)] for name in names]
        edited = [replace(it, delay=it.delay + seconds(60)) if it.arn in self.world.log.edits else it for it in groups]
        self.answered()
        return edited

    def members(self, group: Group) -> Sequence[GroupMember]:
        self.call("members", group.arn)
        begun = self.clock.now()
        listed = {place: was[-1].state for place, was in self.world.past.items() if place.group == group.arn}
        self.answered()
        return [
            GroupMember(
                place, RegistrationHealth(state, begun, begun), owner.id, owner.name, owner.address, owner.zone, {}
            )
            for place, state in listed.items()
            for owner in [self.world.owner_of[place]]
            if state is not HealthState.ABSENT
        ]

    def elsewhere(self, targets: Sequence[Target]) -> Sequence[Registration]:
        del targets
        self.call("elsewhere")
        return []

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        raise NotImplementedError

    def look(self, group: Arn, only: frozenset[Registration] | None) -> GroupObservation:
        world, begun = self.world, self.clock.now()
        world.begin(Call(world.clock.time, "look", self.who, group, whole=only is None))
        if world.roll(world.wicked.unseen):
            raise NoAnswerError("HealthUnavailable")
        if world.roll(world.wicked.blind):
            world.blind[group] = world.clock.time + seconds(world.dice.uniform(10, 60))
        if world.clock.time < world.blind.get(group, world.clock.time) and not world.frozen:
            raise NoAnswerError("HealthUnavailable")
        old = seconds(world.dice.uniform(0, STALE)) if world.roll(world.wicked.stale) else seconds(0)
        wanted = [place for place in world.past if place.group == group and (only is None or place in only)]
        then = {place: world.was(place, world.clock.time - old) for place in wanted}
        self.answered()
        ended = self.clock.now()
        seen = {
            place: RegistrationHealth(
                HealthState.HEALTHY if was.shifted else was.state, begun, ended, overridden=was.shifted
            )
            for place, was in then.items()
            if only is not None or was.state is not HealthState.ABSENT
        }
        return GroupObservation(seen, begun if only is None else None)

    def deregister(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        del by
        lie = self.call("deregister", group, what)
        if not lie:
            self._on_the_wire(lambda: self.world.take_out(what, By.US))
        self.answered()

    def register(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        del by
        lie = self.call("register", group, what)
        refused = {p: "not running" for p in sorted(what, key=repr) if self._refuses(p)}
        if not lie:
            self._on_the_wire(lambda: self.world.put_in(what - set(refused), By.US))
        self.answered()
        if refused:
            raise RejectedError("InvalidTarget", refused)

    def _refuses(self, place: Registration) -> bool:
        return self.world.owner_of[place].id in self.world.unwanted and self.world.now(place).state in OUT

    def _on_the_wire(self, effect: Callable[[], None]) -> None:
        """Now; or the call times out here and lands there a little later."""
        if self.world.roll(self.world.wicked.wire):
            self.world.wire.append((self.world.clock.time + seconds(self.world.dice.uniform(0.5, WIRE)), effect))
            raise NoAnswerError("timed out")
        effect()


class ExecutorDoor(Door):
    """Systems Manager and marks, or (`by_hand`) a person."""

    by_hand = False
    marks = ""
    lacks = ""

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del targets, by
        return {}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        del jobs

    def prepare(self, targets: Sequence[Target], by: timedelta) -> None:
        del targets, by

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        del by
        self.world.begin(Call(self.world.clock.time, "start", self.who, keys=tuple(jobs)))
        taken = [key for key in jobs if not self.world.roll(self.world.wicked.lost)]
        for key in taken:
            lost = self.world.roll(self.world.wicked.undelivered) or key.target in self.world.dead
            if key not in self.world.marks and (self.by_hand or not lost):
                self.world.marks[key] = self._mark(jobs[key][1].run)
        self.answered()
        return dict.fromkeys(taken, "ticket")

    def _mark(self, run: str) -> Mark:
        wicked, asked = self.world.wicked, self.world.clock.time
        fates = ("bad", "hangs", "interrupted", "refused")
        shares = (wicked.bad_work, wicked.hangs, wicked.interrupted, wicked.refused)
        fate = self.world.dice.choices((*fates, "good"), (*shares, max(0.0, 1 - sum(shares))))[0]
        begins = asked + seconds(0 if self.by_hand else self.world.dice.choice((0.5, 1, DELIVERY)))
        ends = None if fate == "hangs" or self.by_hand else begins + seconds(self.world.dice.uniform(1, 8))
        return Mark(asked, begins, ends, "good" if self.by_hand else fate, run)

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        del by
        self.call("works")
        heard = [key for key in tickets if key.target not in self.world.dead]
        works = {key: self._work(key) for key in heard if not self.world.roll(self.world.wicked.mute)}
        self.answered()
        return works

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        del by
        self.call("forbid")
        now = self.world.clock.time
        for key in tickets:
            mark = self.world.marks.setdefault(key, Mark(now, now, now, "refused"))
            if now < mark.begins:
                mark.fate, mark.begins = "refused", now
        self.answered()

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        del by
        self.call("cancel")
        for key in tickets:
            mark = self.world.marks[key]
            if mark.fate == "hangs" and self.world.dice.random() < HEEDS:
                mark.fate, mark.ends = "bad", self.world.clock.time
        self.answered()

    def _work(self, key: WorkKey) -> WorkStatus:
        mark, now = self.world.marks.get(key), self.world.clock.time
        if self.by_hand:
            return WorkStatus(WorkState.AWAITS_APPROVAL)
        if mark is None:
            return WorkStatus(WorkState.NOT_STARTED)
        if now < mark.begins:
            return WorkStatus(WorkState.UNKNOWN, why="not begun yet")
        if mark.fate == "refused":
            return WorkStatus(WorkState.REFUSED)
        if mark.ends is None or now < mark.ends:
            return WorkStatus(WorkState.RUNNING)
        if mark.fate == "interrupted":
            return WorkStatus(WorkState.INTERRUPTED)
        return WorkStatus(WorkState.ENDED, exit=int(mark.fate == "bad"), out="said")


class CheckerDoor(Door):
    def ask(
        self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta
    ) -> Mapping[TargetId, CheckResult]:
        del by
        begun = self.clock.now()
        self.call("ask")
        asked = [target for target in questions if not self.world.roll(self.world.wicked.mute)]
        answers = {target: CheckResult(self._well(target), begun, "503") for target in asked}
        self.answered()
        return answers

    def _well(self, target: TargetId) -> bool:
        if target in self.world.dead:
            return False
        return target not in self.world.bad or not self.world.touched_by_work(target)

    def reachable(self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta) -> Mapping[TargetId, str]:
        raise NotImplementedError
