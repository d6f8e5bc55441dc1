"""What work on a target is told: the command as the user wrote it, and values as environment variables."""

from collections.abc import Mapping

from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.phases import Intent
from katakei.domain.plan import Plan
from katakei.domain.rollout import groups_of
from katakei.domain.spec import Command


def job(plan: Plan, target: Target, command: Command, attempt: int, marks: str = "") -> Job:
    """This command on this target, for the so many-eth time."""
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
        command.argv,
        marks=marks,
        fetched=tuple((variable.name, variable.ssm_parameter) for variable in command.env if variable.ssm_parameter),
    )


def planned(plan: Plan) -> Mapping[WorkKey, tuple[Target, Job]]:
    """The first work that each target of the plan may meet: what brings it the release, and what takes that back."""
    commands = {Intent.UPDATE: plan.spec.work} | ({Intent.REVERT: plan.spec.revert} if plan.spec.revert else {})
    return {
        WorkKey(plan.rollout, target.id, attempt, intent): (target, job(plan, target, command, attempt))
        for attempt, (intent, command) in enumerate(commands.items(), 1)
        for target in plan.targets
    }
