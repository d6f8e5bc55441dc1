"""Tests of jobs: what an executor runs is known when the rollout is planned."""

from dataclasses import replace

from tests.unit.given import a_plan, standing, t, turn

from katakei.domain.actions import StartWork
from katakei.domain.events import WorkKey
from katakei.domain.jobs import job, planned
from katakei.domain.observation import HealthState
from katakei.domain.phases import Intent, Phase
from katakei.domain.spec import Command, Variable

WORK = Command("ssm", "do", env=(Variable("A", "plain"), Variable("B", ssm_parameter="/b")))


def test_planned_jobs_hold_work_and_revert() -> None:
    plan = a_plan(2, work=WORK, revert=Command("local", "undo"))
    runs = {(key.target, key.intent): (target.id, job.run) for key, (target, job) in planned(plan).items()}
    assert runs == {
        (t(plan, number), intent): (t(plan, number), run)
        for number in (0, 1)
        for intent, run in ((Intent.UPDATE, "do"), (Intent.REVERT, "undo"))
    }


def test_planned_jobs_without_revert_hold_work_only() -> None:
    assert {key.intent for key in planned(a_plan(work=WORK))} == {Intent.UPDATE}


def test_planned_jobs_match_started_jobs() -> None:
    plan = a_plan(work=WORK)
    [start] = [
        action for action in turn(standing(plan, Phase.OUT), 45, HealthState.ABSENT) if isinstance(action, StartWork)
    ]
    assert planned(plan)[WorkKey(plan.rollout, t(plan), 1, Intent.UPDATE)] == (plan.targets[0], start.job)
    assert ("A", "plain") in start.job.env
    assert start.job.fetched == (("B", "/b"),)


def test_shell_words_name_the_option() -> None:
    given = job(a_plan(), a_plan().targets[0], Command("ssm", "true", shell="bash", errexit=True), 1)  # noqa: S604 - the name of a shell
    assert given.shell_words == "bash -e"
    assert replace(given, errexit=False).shell_words == "bash"
