"""Fake ports of one process: each reads the simulated AWS by the skewed clock of the process, through the adversary.

Nothing here judges, and nothing here knows what the code under test thinks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from tests.properties.builders import seconds
from tests.properties.holds import CONDITION, not_met_for
from tests.properties.simulated_aws import LINGER, OUT, SLOW, STALE, WIRE, By, Call, Mark, SimulatedAws

from katakei.domain.actions import Job
from katakei.domain.errors import NoAnswerError, RejectedError
from katakei.domain.events import WorkKey
from katakei.domain.leases import ACT_WINDOW
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
from katakei.domain.spec import Command

T = TypeVar("T")
HEEDS = 0.5  # of the work that hangs and is told to end
DELIVERY = 10.0  # seconds an agent may take to begin


class SkewedClock:
    """The true time with the error of one process. A machine that its hypervisor stops stops this clock too."""

    def __init__(self, aws: SimulatedAws, error: timedelta) -> None:
        self._aws = aws
        self._error = error
        self._set_right = False
        self.jumped: datetime | None = None

    def now(self) -> datetime:
        return self._aws.clock.time + self._error

    def stood_still(self, span: timedelta) -> None:
        """This clock did not run for that long. Then the wall clock was set right, which `last_jump` sees."""
        self._error -= span
        self._set_right = True

    def sleep(self, span: timedelta) -> None:
        self._aws.clock.sleep(span)

    def last_jump(self) -> datetime | None:
        self.jumped, self._set_right = self.now() if self._set_right else self.jumped, False
        return self.jumped

    def wake(self) -> None:
        """Nothing sleeps in another thread here."""


class Late(Future[T]):
    """Work that waits for its thread until it is due: a future."""

    def __init__(self, aws: SimulatedAws, work: Callable[[], T], due: datetime) -> None:
        super().__init__()
        self._aws = aws
        self._work = work
        self._due = due
        self._begun = False

    def done(self) -> bool:
        if not self._begun and self._aws.clock.time >= self._due:
            self._begun = True
            _settle(self, self._work)
        return super().done()


class FakePool:
    """Runs work at once, or sometimes (acts only) later. A crash is raised in the caller."""

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws
        self._late: list[Callable[[], bool]] = []

    def submit(self, work: Callable[[], T], /) -> Future[T]:
        if work.__module__ == "katakei.runtime.dispatcher" and self._aws.roll(self._aws.adversary.slow):
            late = Late(self._aws, work, self._aws.clock.time + seconds(self._aws.rng.uniform(0, SLOW)))
            self._late.append(late.done)
            return late
        future: Future[T] = Future()
        _settle(future, work)
        return future

    def run_what_is_due(self) -> None:
        """Run what is due: threads continue whether or not anything waits for their result."""
        for done in self._late:
            done()


def _settle(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - exactly what a pool does
        future.set_exception(error)


class FakePort:
    """What all fake ports of one process share. `pause` is where the process may be suspended."""

    def __init__(self, aws: SimulatedAws, who: int, clock: SkewedClock, pause: Callable[[], None]) -> None:
        self.aws = aws
        self.who = who
        self.clock = clock
        self.pause = pause

    def fail_for_the_mad(self, asked: Iterable[TargetId]) -> None:
        """Raise what no adapter translated, when one of these targets is mad."""
        if any(self.nonsense(target) for target in asked):
            raise OverflowError("date value out of range")

    def nonsense(self, target: TargetId) -> bool:
        """Whether it is mad, and fails this time."""
        return not self.aws.frozen and target in self.aws.mad and self.aws.rng.random() < self.aws.fails

    def call(self, kind: str, arn: Arn | None = None, what: frozenset[Registration] = frozenset()) -> bool:
        return self.aws.begin(Call(self.aws.clock.time, kind, self.who, arn, what))

    def leave(self, by: timedelta) -> None:
        """As every driver of AWS: no act leaves when its lease was confirmed before a jump of the clock."""
        until, jump = self.clock.now() + by, self.clock.last_jump()
        if jump is not None and until < jump + ACT_WINDOW:
            raise NoAnswerError("the clock of this machine jumped")

    def answered(self) -> None:
        self.pause()
        self.aws.answer()


class FakeBalancer(FakePort):
    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        for name in names:
            self.call("groups", Arn(name))
        groups = [self.aws.group_of[Arn(name)] for name in names]
        edited = [replace(it, delay=it.delay + seconds(60)) if it.arn in self.aws.log.edits else it for it in groups]
        self.answered()
        return edited

    def members(self, group: Group) -> Sequence[GroupMember]:
        self.call("members", group.arn)
        begun = self.clock.now()
        listed = {place: was[-1].state for place, was in self.aws.past.items() if place.group == group.arn}
        self.answered()
        return [
            GroupMember(
                place, RegistrationHealth(state, begun, begun), owner.id, owner.name, owner.address, owner.zone, {}
            )
            for place, state in listed.items()
            for owner in [self.aws.owner_of[place]]
            if state is not HealthState.ABSENT
        ]

    def elsewhere(self, targets: Sequence[Target]) -> Sequence[Registration]:
        del targets
        self.call("elsewhere")
        return []

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        raise NotImplementedError

    def look(self, group: Arn, only: frozenset[Registration] | None) -> GroupObservation:
        aws, begun = self.aws, self.clock.now()
        aws.begin(Call(aws.clock.time, "look", self.who, group, whole=only is None))
        if aws.roll(aws.adversary.unseen):
            raise NoAnswerError("HealthUnavailable")
        if aws.roll(aws.adversary.blind):
            aws.blind[group] = aws.clock.time + seconds(aws.rng.uniform(10, 60))
        if aws.clock.time < aws.blind.get(group, aws.clock.time) and not aws.frozen:
            raise NoAnswerError("HealthUnavailable")
        old = seconds(aws.rng.uniform(0, STALE)) if aws.roll(aws.adversary.stale) else seconds(0)
        wanted = [place for place in aws.past if place.group == group and (only is None or place in only)]
        then = {place: aws.was(place, aws.clock.time - old) for place in wanted}
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

    def prove_rights(self, group: Arn, listed: Sequence[Registration], by: timedelta) -> None:
        del listed, by
        self.call("prove", group)
        self.answered()

    def deregister(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        self.leave(by)
        lie = self.call("deregister", group, what)
        if not lie:
            self._on_the_wire(lambda: self.aws.take_out(what, By.US))
        self.answered()

    def register(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        self.leave(by)
        lie = self.call("register", group, what)
        refused = {p: "not running" for p in sorted(what, key=repr) if self._refuses(p)}
        if not lie:
            self._on_the_wire(lambda: self.aws.put_in(what - set(refused), By.US))
        self.answered()
        if refused:
            raise RejectedError("InvalidTarget", refused)

    def _refuses(self, place: Registration) -> bool:
        owner, now = self.aws.owner_of[place].id, self.aws.now(place)
        lingers = owner in self.aws.lingering and self.aws.clock.time - now.at < seconds(LINGER)
        return now.state in OUT and (owner in self.aws.unwanted or lingers)

    def _on_the_wire(self, effect: Callable[[], None]) -> None:
        """Apply it now; or the call times out here and takes effect a little later."""
        if self.aws.roll(self.aws.adversary.wire):
            self.aws.wire.append((self.aws.clock.time + seconds(self.aws.rng.uniform(0.5, WIRE)), effect))
            raise NoAnswerError("timed out")
        effect()


class FakeExecutor(FakePort):
    """Systems Manager and marks, or (`by_hand`) a person."""

    by_hand = False
    marks = ""
    lacks = None

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del targets, by
        return {}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        del jobs

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del command, targets, by
        return {}

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del by
        return {each.id: "" if self.by_hand else self.aws.place(each.id) for each in targets}

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        self.leave(by)
        self.fail_for_the_mad(key.target for key in jobs)
        self.aws.begin(Call(self.aws.clock.time, "start", self.who, keys=tuple(jobs)))
        taken = [key for key in jobs if not self.aws.roll(self.aws.adversary.lost)]
        for key in taken:
            lost = self.aws.roll(self.aws.adversary.undelivered) or key.target in self.aws.dead
            if self._finds_none(key, jobs[key][1].marks) and (self.by_hand or not lost):
                self._begin(key, jobs[key][1].run)
        self.answered()
        return {key: jobs[key][1].marks or "ticket" for key in taken}

    def _finds_none(self, key: WorkKey, recorded: str) -> bool:
        """Whether the program of the start finds no mark, and nothing says that there may have been one.

        Where a place was recorded, another place proves nothing, and its ledger names a mark that was deleted.
        """
        if key not in self.aws.marks:
            return self.by_hand or not self._elsewhere(key, recorded)
        return not self.by_hand and key in self.aws.hidden and not self._placed(recorded)

    @staticmethod
    def _placed(recorded: str) -> bool:
        return "@" in recorded

    def _elsewhere(self, key: WorkKey, recorded: str) -> bool:
        return self._placed(recorded) and recorded != self.aws.place(key.target)

    def _begin(self, key: WorkKey, run: str) -> None:
        if key in self.aws.marks:
            self.aws.log.begun_again.append((self.aws.clock.time, key))
        self.aws.hidden.discard(key)
        self.aws.marks[key] = self._mark(run)

    def _mark(self, run: str) -> Mark:
        adversary, asked = self.aws.adversary, self.aws.clock.time
        fates = ("bad", "hangs", "interrupted", "refused")
        shares = (adversary.bad_work, adversary.hangs, adversary.interrupted, adversary.refused)
        fate = self.aws.rng.choices((*fates, "good"), (*shares, max(0.0, 1 - sum(shares))))[0]
        begins = asked + seconds(0 if self.by_hand else self.aws.rng.choice((0.5, 1, DELIVERY)))
        ends = None if fate == "hangs" or self.by_hand else begins + seconds(self.aws.rng.uniform(1, 8))
        return Mark(asked, begins, ends, "good" if self.by_hand else fate, run)

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        del by
        self.fail_for_the_mad(key.target for key in tickets)
        self.call("works")
        heard = [key for key in tickets if key.target not in self.aws.dead]
        works = {key: self._work(key, tickets[key][1]) for key in heard if not self.aws.roll(self.aws.adversary.mute)}
        self.answered()
        return works

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        self.leave(by)
        self.call("forbid")
        now = self.aws.clock.time
        for key, (_, recorded) in tickets.items():
            if key in self.aws.hidden or (key not in self.aws.marks and self._elsewhere(key, recorded)):
                continue
            mark = self.aws.marks.setdefault(key, Mark(now, now, now, "refused"))
            if now < mark.begins:
                mark.fate, mark.begins = "refused", now
        self.answered()

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        self.leave(by)
        self.call("cancel")
        for key in tickets:
            mark = self.aws.marks[key]
            if key not in self.aws.hidden and mark.fate == "hangs" and self.aws.rng.random() < HEEDS:
                mark.fate, mark.ends = "bad", self.aws.clock.time
        self.answered()

    def _work(self, key: WorkKey, recorded: str) -> WorkStatus:
        mark, now = self.aws.marks.get(key), self.aws.clock.time
        if self.nonsense(key.target):
            return WorkStatus(WorkState.ENDED, exit=10**20)
        if self.by_hand:
            return WorkStatus(WorkState.AWAITS_APPROVAL)
        if mark is None or key in self.aws.hidden:
            none = self._finds_none(key, recorded)
            return WorkStatus(WorkState.NOT_STARTED if none else WorkState.UNKNOWN, why="" if none else "no mark")
        if now < mark.begins:
            return WorkStatus(WorkState.UNKNOWN, why="not begun yet")
        if mark.fate == "refused":
            return WorkStatus(WorkState.REFUSED)
        if mark.ends is None or now < mark.ends:
            return WorkStatus(WorkState.RUNNING)
        if mark.fate == "interrupted":
            return WorkStatus(WorkState.INTERRUPTED)
        return WorkStatus(WorkState.ENDED, exit=int(mark.fate == "bad"), out="said")


class FakeHealthChecker(FakePort):
    def ask(
        self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta
    ) -> Mapping[TargetId, CheckResult]:
        del by
        begun = self.clock.now()
        self.fail_for_the_mad(questions)
        self.call("ask")
        asked = [target for target in questions if not self.aws.roll(self.aws.adversary.mute)]
        answers = {target: CheckResult(self._well(target), begun, "503") for target in asked}
        self.answered()
        return answers

    def _well(self, target: TargetId) -> bool:
        if target == CONDITION:
            return self.aws.frozen or not not_met_for(self.aws.clock.time)
        if target in self.aws.dead:
            return False
        return target not in self.aws.bad or not self.aws.touched_by_work(target)

    def reachable(self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta) -> Mapping[TargetId, str]:
        raise NotImplementedError
