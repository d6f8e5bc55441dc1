"""The jobs of a plan: what an executor runs on a target, with the values that the work finds in its environment."""

from collections.abc import Mapping

from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.phases import Intent
from katakei.domain.plan import Plan
from katakei.domain.rollout import groups_of
from katakei.domain.spec import Command


def job(plan: Plan, target: Target, command: Command, attempt: int, marks: str = "") -> Job:
    """The job that runs a command on a target.

    Args:
        plan: The plan, for the names and limits.
        target: The target.
        command: The work or the revert.
        attempt: The attempt number, from 1.
        marks: Where the executor that recorded the decision keeps its marks.
    """
    names = {
        "KATAKEI_TARGET": target.id,
        "KATAKEI_NAME": target.name,
        "KATAKEI_ADDRESS": target.address,
        "KATAKEI_PORT": str(target.registrations[0].port),
        "KATAKEI_ZONE": target.zone,
        "KATAKEI_GROUP": groups_of(plan, target)[0].name,
        "KATAKEI_ROLLOUT": plan.rollout,
        "KATAKEI_ATTEMPT": str(attempt),
        "KATAKEI_RELEASE": plan.release,
    }
    plain = {variable.name: variable.value for variable in command.env if variable.value is not None}
    return Job(
        command.run,
        tuple(sorted({**names, **plain}.items())),
        int(plan.spec.limits.working.total_seconds()),
        command.release.words(plan.release) if command.release else command.argv,
        marks=marks,
        fetched=tuple((variable.name, variable.ssm_parameter) for variable in command.env if variable.ssm_parameter),
        shell=command.shell,
        errexit=command.errexit,
        releases=command.release is not None,
    )


def planned(plan: Plan) -> Mapping[WorkKey, tuple[Target, Job]]:
    """The first jobs of each target of the plan, by their keys: each step of the work and of the revert."""
    intents = (Intent.UPDATE, Intent.REVERT) if plan.spec.revert else (Intent.UPDATE,)
    return {
        WorkKey(plan.rollout, target.id, attempt, intent, step): (
            target,
            job(plan, target, plan.spec.command_of(intent, step), attempt),
        )
        for attempt, intent in enumerate(intents, 1)
        for step in plan.spec.steps(intent)
        for target in plan.targets
    }
