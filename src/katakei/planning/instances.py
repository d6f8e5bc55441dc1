"""The rules of plans whose work acts on the machines themselves: the ceiling of `disruption`, and what EC2 can stop."""

from collections.abc import Iterator

from katakei.domain.model import Target
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.reasons import Reason
from katakei.domain.spec import Spec
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.survey import AcceptedRisks, Survey, tags
from katakei.planning.target_refs import is_instance

AUTO_SCALING = "aws:autoscaling:groupName"
"""The tag that Auto Scaling gives its instances. Only AWS may write tags of this kind."""


def stopping(spec: Spec) -> bool:
    """Whether the work or the revert stops the machines."""
    return any(command.stops for command in spec.commands)


def disruption(plan: Plan, _survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """A command that may disturb a machine more than the configuration allows."""
    most = plan.spec.disruption
    if plan.kind is not PlanKind.ROLL or most is None:
        return
    for command in plan.spec.commands:
        if command.disruption.exceeds(most):
            yield reason(
                PlanCode.TOO_DISRUPTIVE,
                command=str(command),
                disruption=command.disruption.value,
                most=most.value,
            )


def machines_to_stop(plan: Plan, survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """Targets on which EC2 cannot act, or that would be replaced or could not be started again."""
    if plan.kind is not PlanKind.ROLL or not any(command.instance for command in plan.spec.commands):
        return
    if strange := tuple(str(target.id) for target in plan.targets if not is_instance(target.id)):
        yield reason(PlanCode.NOT_AN_INSTANCE, targets=strange)
    if not stopping(plan.spec):
        return
    if scaled := tuple(str(target.id) for target in plan.targets if AUTO_SCALING in tags(survey, target.id)):
        yield reason(PlanCode.STOP_IN_AUTO_SCALING, targets=scaled)
    wanted = {command.instance.instance_type for command in plan.spec.commands if command.instance} - {""}
    for target in plan.targets:
        yield from _cannot_stop(target, survey)
    for instance_type in sorted(wanted):
        yield from _cannot_become(plan, survey, instance_type)


def _cannot_stop(target: Target, survey: Survey) -> Iterator[Reason]:
    facts = survey.instances.instances.get(target.id) if survey.instances else None
    if facts and facts.spot:
        yield reason(PlanCode.CANNOT_BE_STOPPED, target=str(target.id), text="spot")
    if facts and facts.root_on_instance_store:
        yield reason(PlanCode.CANNOT_BE_STOPPED, target=str(target.id), text="instance_store")


def _cannot_become(plan: Plan, survey: Survey, instance_type: str) -> Iterator[Reason]:
    """An instance type that does not exist, or whose processor cannot run the image of a target."""
    if survey.instances is None:
        return
    facts = survey.instances.types.get(instance_type)
    if facts is None:
        yield reason(PlanCode.UNKNOWN_INSTANCE_TYPE, type=instance_type)
        return
    for target in plan.targets:
        found = survey.instances.instances.get(target.id)
        if found and found.architecture and found.architecture not in facts.architectures:
            yield reason(
                PlanCode.WRONG_ARCHITECTURE,
                target=str(target.id),
                type=instance_type,
                architecture=found.architecture,
                architectures=facts.architectures,
            )


def lost_by_stopping(plan: Plan, survey: Survey) -> Iterator[Reason]:
    """What a stop takes away: data on instance stores, and public addresses."""
    read = survey.instances
    if plan.kind is not PlanKind.ROLL or read is None or not stopping(plan.spec):
        return
    chosen = {str(target.id): facts for target in plan.targets if (facts := read.instances.get(target.id))}
    stores = {name for name, facts in read.types.items() if facts.instance_store}
    if on_store := tuple(each for each, facts in chosen.items() if facts.instance_type in stores):
        yield reason(PlanCode.INSTANCE_STORE_LOST, targets=on_store)
    if addressed := tuple(each for each, facts in chosen.items() if facts.public_address_changes):
        yield reason(PlanCode.PUBLIC_ADDRESS_CHANGES, targets=addressed)
