"""Two executors as one: each key goes to the executor of its intent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from tests.contracts.workshops import BY, key, target

from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.phases import Intent, Step
from katakei.domain.spec import Command
from katakei.runtime.routing import IntentRouter, StepRouter, routed

WHO = target(1)
UPDATE, REVERT = key(WHO), key(WHO, 2, Intent.REVERT)
JOBS = {each: (WHO, Job("true", (), 60)) for each in (UPDATE, REVERT)}
TICKETS = dict.fromkeys((UPDATE, REVERT), (WHO, ""))


class Place:
    """An executor that remembers what it was asked."""

    def __init__(self, name: str, lacks: str | None = None) -> None:
        self.marks, self.lacks = name, lacks
        self.came: list[WorkKey] = []
        self.prepared = 0
        self.places = ""

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del by
        return {each.id: f"not by {self.marks}" for each in targets}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        self.came += jobs

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del command, by
        return {each.id: f"not by {self.marks}" for each in targets}

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del by
        self.prepared += len(targets)
        return {each.id: self.places for each in targets}

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        del by
        self.came += jobs
        return dict.fromkeys(jobs, self.marks)

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        del by
        return dict.fromkeys(tickets, WorkStatus(WorkState.RUNNING, why=self.marks))

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        del by
        self.came += tickets

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        del by
        self.came += tickets


def test_router_sends_each_key_to_its_executor() -> None:
    here, there = Place("here"), Place("there")
    both = IntentRouter(here, there)
    assert both.start(JOBS, BY) == {UPDATE: "here", REVERT: "there"}
    assert {each: work.why for each, work in both.look(TICKETS, BY).items()} == {UPDATE: "here", REVERT: "there"}
    both.forbid(TICKETS, BY)
    both.cancel({REVERT: TICKETS[REVERT]}, BY)
    assert (here.came, there.came) == ([UPDATE] * 2, [REVERT] * 3)


def test_router_is_ready_only_when_both_executors_are() -> None:
    here, there = Place("here"), Place("there", lacks="no secret")
    both = IntentRouter(here, there)
    both.prepare([WHO], BY)
    assert (both.ready([WHO], BY), both.lacks, both.marks) == ({WHO.id: "not by here"}, "no secret", "here")
    assert (here.prepared, there.prepared) == (1, 1)


def test_router_checks_each_job_with_its_executor() -> None:
    here, there = Place("here"), Place("there")
    routed(here, there).fits(JOBS)
    assert (here.came, there.came) == ([UPDATE], [REVERT])
    routed(here, here).fits(JOBS)
    assert here.came == [UPDATE, UPDATE, REVERT]


def test_router_proves_by_the_executor_of_the_update() -> None:
    both = IntentRouter(Place("here"), Place("there"))
    assert both.prove(Command("ssm", "true"), [WHO], BY) == {WHO.id: "not by here"}


BEFORE = replace(UPDATE, step=Step.BEFORE)
STEPS = dict.fromkeys((UPDATE, BEFORE), JOBS[UPDATE])


def test_steps_beside_the_work_go_to_their_own_executor() -> None:
    work, beside = Place("work"), Place("beside")
    both = StepRouter(work, {Step.BEFORE: beside})
    tickets = dict.fromkeys(STEPS, (WHO, ""))
    both.fits(STEPS)
    assert both.start(STEPS, BY) == {UPDATE: "work", BEFORE: "beside"}
    assert {each: found.why for each, found in both.look(tickets, BY).items()} == {UPDATE: "work", BEFORE: "beside"}
    both.forbid({BEFORE: (WHO, "")}, BY)
    both.cancel(tickets, BY)
    assert (work.came, beside.came) == ([UPDATE] * 3, [BEFORE] * 4)


def test_steps_are_prepared_with_the_work() -> None:
    work, beside = Place("work"), Place("beside", lacks="no secret")
    both = StepRouter(work, {Step.AFTER: beside})
    beside.places = "machine@folder"
    assert both.prepare([WHO], BY) == {WHO.id: "machine@folder"}
    assert (both.ready([WHO], BY), both.lacks, both.marks) == ({WHO.id: "not by beside"}, "no secret", "work")
    assert both.prove(Command("ssm", "true"), [WHO], BY) == {WHO.id: "not by work"}
