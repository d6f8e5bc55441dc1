"""The request for a rollout, and what is read for it before planning: only questions, nothing is changed (promise 8).

Independent questions run in parallel. `rollouts` calls `preflight`; the planner turns its answer into a plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from katakei.app.held_targets import held_targets
from katakei.app.releases import past_work
from katakei.domain.errors import KatakeiError, UsageError
from katakei.domain.instances import InstanceSurvey
from katakei.domain.jobs import planned
from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import GroupMember, HealthChecker, InstanceReader, ProbedTarget
from katakei.domain.releases import release_id
from katakei.domain.rollout import groups_of
from katakei.domain.spec import Spec
from katakei.planning import planner
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, PastWork, PlanRequest, Survey, states
from katakei.planning.switching import SwitchRequest
from katakei.reconcile.health_checks import of_target
from katakei.runtime.drivers import Drivers, with_retries
from katakei.runtime.routing import executor_of
from katakei.runtime.session import VERSIONS

QUESTION_LIMIT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """What a user asks for, before anything was read from AWS.

    Attributes:
        spec: The configuration. For a manual step: see `manual_steps.manual_step`.
        release: The name of what is rolled out; '' for none.
        accepted: Risks that the user accepted.
        as_recorded: Carry an unfinished rollout on although configuration or release differ by now.
        kind: A whole rollout, or one manual step.
        waits: False: a manual step ends as soon as the load balancer shows that it accepted the call.
        all_groups: A manual deregistration takes the targets out of every group that sends requests to them.
        accept_others: Carry an unfinished rollout on although somebody else recorded it with other commands.
        limit: How many targets are taken at most; None: all.
        only_outdated: Leave targets alone that are known to carry the release.
        lock_wait: How long to wait while a freeze, or another owner's lease, stands in the way.
        who: The person who asks, as the plan records it; '': the owner of this process.
        switch: What a switch moves, and how; None for every other kind.
    """

    spec: Spec
    release: str = ""
    accepted: AcceptedRisks = NO_ACCEPTED_RISKS
    as_recorded: bool = False
    kind: PlanKind = PlanKind.ROLL
    waits: bool = True
    all_groups: bool = False
    accept_others: bool = False
    who: str = ""
    lock_wait: timedelta = timedelta()
    limit: int | None = None
    only_outdated: bool = False
    switch: SwitchRequest | None = None


@dataclass(frozen=True, slots=True)
class Preflight:
    """What is known before planning.

    Attributes:
        asked: The request, with the names and versions that the plan records.
        survey: The groups and what they list.
        accepted: Risks that the user accepted.
        surveyed: When the last answer came.
    """

    asked: PlanRequest
    survey: Survey
    accepted: AcceptedRisks
    surveyed: datetime


def find_groups(drivers: Drivers, request: RolloutRequest) -> tuple[Group, ...]:
    """The target groups of a request, with their attributes. Raises UnknownGroupError."""
    groups = tuple(with_retries(drivers.clock, lambda: drivers.balancer.groups(request.spec.groups)))
    if not request.all_groups:
        return groups
    others = with_retries(drivers.clock, lambda: _sending_elsewhere(drivers, request, _manual_survey(drivers, groups)))
    arns = tuple(dict.fromkeys([*(group.arn for group in groups), *(place.group for place in others)]))
    return tuple(with_retries(drivers.clock, lambda: drivers.balancer.groups(arns)))


def preflight(drivers: Drivers, request: RolloutRequest, groups: tuple[Group, ...], rollout: RolloutId) -> Preflight:
    """Reads everything that a plan needs.

    Args:
        drivers: Asked; nothing is changed.
        request: What the user asks for.
        groups: The answer of `find_groups`.
        rollout: The id that the plan gets.
    """
    site = with_retries(drivers.clock, lambda: drivers.site)
    if request.kind is PlanKind.ROLL:
        spec = request.spec
        _check_release(request)
        survey = with_retries(drivers.clock, lambda: _survey(drivers, groups, spec))
    else:
        spec = replace(request.spec, service=groups[0].name, groups=tuple(group.arn for group in groups))
        survey = with_retries(drivers.clock, lambda: _manual_survey(drivers, groups))
        if request.kind is PlanKind.DEREGISTER:
            others = with_retries(drivers.clock, lambda: _sending_elsewhere(drivers, request, survey))
            survey = replace(survey, elsewhere=others)
    asked = PlanRequest(
        rollout=rollout,
        kind=request.kind,
        spec=spec,
        release=request.release,
        account=site.account,
        region=site.region,
        who=request.who or str(drivers.owner),
        versions=VERSIONS,
        waits=request.waits,
        limit=request.limit,
        only_outdated=request.only_outdated,
    )
    survey = replace(survey, lab=site.lab, past=_past(drivers, asked, groups))
    return Preflight(asked, survey, request.accepted, drivers.clock.now())


def _past(drivers: Drivers, asked: PlanRequest, groups: tuple[Group, ...]) -> Mapping[TargetId, PastWork]:
    """The earlier work on each target, where the plan depends on it."""
    if not asked.needs_past:
        return {}
    arns = [group.arn for group in groups]
    return with_retries(drivers.clock, lambda: past_work(drivers.journal, arns, asked.spec.service))


def _check_release(request: RolloutRequest) -> None:
    if request.spec.work.release:
        release_id(request.release)
    if request.only_outdated and not request.release:
        raise UsageError("which targets are outdated depends on the release: name it")


def members_of(drivers: Drivers, groups: Sequence[Group]) -> Mapping[Arn, tuple[GroupMember, ...]]:
    """Everything these groups list now."""
    asked = {
        group.arn: drivers.pool.submit(lambda group=group: tuple(drivers.balancer.members(group)))  # type: ignore[misc]  # binds each group
        for group in groups
    }
    return {arn: future.result() for arn, future in asked.items()}


def _manual_survey(drivers: Drivers, groups: tuple[Group, ...]) -> Survey:
    members = members_of(drivers, groups)
    return Survey(groups, members, held=held_targets(drivers.journal, groups, members))


def _sending_elsewhere(drivers: Drivers, request: RolloutRequest, survey: Survey) -> tuple[Registration, ...]:
    """Where the targets of a manual step are registered in other groups that a load balancer uses, and not draining."""
    targets = _selected(request.kind, request.spec, survey)
    places = tuple(drivers.balancer.elsewhere(targets)) if targets else ()
    arns = tuple(dict.fromkeys(place.group for place in places))
    used = {group.arn for group in drivers.balancer.groups(arns) if group.load_balancers} if arns else set()
    found: list[Registration] = []
    for arn in used:
        here = frozenset(place for place in places if place.group == arn)
        health = drivers.balancer.look(arn, here).seen
        found += [place for place in here if place not in health or not health[place].out]
    return tuple(sorted(found, key=places.index))


def _selected(kind: PlanKind, spec: Spec, survey: Survey) -> tuple[Target, ...]:
    """The targets of the request; none where the planner refuses it, which it does with every reason at once."""
    try:
        return planner.selected(kind, spec, survey)
    except KatakeiError:
        return ()


def _survey(drivers: Drivers, groups: tuple[Group, ...], spec: Spec) -> Survey:
    """Members, and what else decides whether their machines can be rolled."""
    members = members_of(drivers, groups)
    held = held_targets(drivers.journal, groups, members)
    read = Survey(groups, members, ours_out={each.target.id: each.rollout for each in held}, held=held)
    targets = _selected(PlanKind.ROLL, spec, read)
    executors = dict.fromkeys(drivers.executor(command) for command in spec.commands)
    elsewhere = drivers.pool.submit(lambda: tuple(drivers.balancer.elsewhere(targets)))
    ready = [drivers.pool.submit(lambda by=by: by.ready(targets, QUESTION_LIMIT)) for by in executors]  # type: ignore[misc]  # binds each
    unreachable = drivers.pool.submit(lambda: _unreachable(drivers.health_checker, read, targets, spec))
    unready = {target: why for each in ready for target, why in each.result().items()}
    return replace(
        read,
        elsewhere=elsewhere.result(),
        unready=unready,
        unreachable=unreachable.result(),
        instances=_instances(drivers, targets, spec),
    )


def _instances(drivers: Drivers, targets: Sequence[Target], spec: Spec) -> InstanceSurvey | None:
    """What EC2 tells about machines that are stopped; of the work and the revert, where both stop them."""
    readers = [drivers.executor(command) for command in spec.commands if command.stops]
    read = [each.survey(targets) for each in dict.fromkeys(readers) if isinstance(each, InstanceReader)]
    types = {name: facts for each in read for name, facts in each.types.items()}
    return replace(read[0], types=types) if read else None


def _unreachable(
    health_checker: HealthChecker, survey: Survey, targets: Sequence[Target], spec: Spec
) -> Mapping[TargetId, str]:
    """Targets that serve, and whose health check cannot be asked from this machine; others could not tell."""
    if not spec.check.asked:
        return {}
    groups = {group.arn: group for group in survey.groups if group.protocol_version != "GRPC"}
    well = [target for target in targets if set(states(survey, target.id)) == {HealthState.HEALTHY}]
    checks = {
        target.id: of_target(target, groups, spec.check.http)
        for target in well
        if all(place.group in groups for place in target.registrations)
    }
    return health_checker.reachable(checks, QUESTION_LIMIT) if checks else {}


def probed_targets(plan: Plan) -> list[ProbedTarget]:
    """The targets of a plan as a probe needs them before it has asked any of them."""
    return [ProbedTarget(target, groups_of(plan, target), "", plan.rollout) for target in plan.targets]


def check_fits(drivers: Drivers, plan: Plan) -> None:
    """Finds work that the executor could never accept, before a target is taken out for it.

    The last probe that goes with the work counts too: one program for as many targets as may begin together.

    Raises:
        UsageError: The command is too long, for example.
    """
    from katakei.runtime.dispatcher import TOGETHER, last_looks  # noqa: PLC0415 - after the first call to AWS

    spec, probe = plan.spec, drivers.probe(plan.spec)
    programs = last_looks(probe, probed_targets(plan), min(TOGETHER, plan.window)) if probe else {}
    executor_of(drivers, spec).fits(
        {
            key: (target, replace(job, probe=programs.get(target.id, "")))
            if spec.command_of(key.intent, key.step).executor == spec.carrier
            else (target, job)
            for key, (target, job) in planned(plan).items()
        }
    )
