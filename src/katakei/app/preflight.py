"""How the world is read before planning: only questions, in parallel where they are independent (promise 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from katakei.domain.jobs import planned
from katakei.domain.model import Arn, Group, RolloutId, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Intent
from katakei.domain.plan import Plan
from katakei.domain.ports import Balancer, Executor, GroupMember, HealthChecker, Pool, ProbedTarget
from katakei.domain.rollout import groups_of
from katakei.domain.spec import Spec
from katakei.planning.survey import Survey, machines, states
from katakei.reconcile.health_checks import of_target
from katakei.runtime.drivers import Drivers
from katakei.runtime.last_looks import TOGETHER, last_looks
from katakei.runtime.routing import routed

PREFLIGHT = timedelta(seconds=10)


def members(balancer: Balancer, groups: Sequence[Group], pool: Pool) -> Mapping[Arn, tuple[GroupMember, ...]]:
    """Everything these groups list now."""
    listed = {group.arn: pool.submit(lambda group=group: tuple(balancer.members(group))) for group in groups}  # type: ignore[misc]  # binds each group
    return {arn: future.result() for arn, future in listed.items()}


@dataclass(frozen=True, slots=True)
class Preflight:
    """The drivers that are asked before a rollout is planned."""

    balancer: Balancer
    executors: Sequence[Executor]
    health_checker: HealthChecker
    pool: Pool

    def survey(
        self, groups: tuple[Group, ...], spec: Spec, ours_out: Mapping[TargetId, RolloutId], *, lab: bool
    ) -> Survey:
        """Everything a rollout's plan wants to know."""
        listed = members(self.balancer, groups, self.pool)
        read = Survey(groups, listed, ours_out=ours_out, lab=lab)
        targets = machines(read)
        elsewhere = self.pool.submit(lambda: tuple(self.balancer.elsewhere(targets)))
        ready = [self.pool.submit(lambda by=by: by.ready(targets, PREFLIGHT)) for by in dict.fromkeys(self.executors)]  # type: ignore[misc]  # binds each
        unreachable = self.pool.submit(lambda: _unreachable(self.health_checker, read, targets, spec))
        unready = {target: why for each in ready for target, why in each.result().items()}
        return replace(read, elsewhere=elsewhere.result(), unready=unready, unreachable=unreachable.result())


def _unreachable(
    health_checker: HealthChecker, survey: Survey, targets: Sequence[Target], spec: Spec
) -> Mapping[TargetId, str]:
    """Only targets that serve now can tell whether this machine reaches their doors."""
    if not spec.check.asked:
        return {}
    groups = {group.arn: group for group in survey.groups if group.protocol_version != "GRPC"}
    well = [target for target in targets if set(states(survey, target.id)) == {HealthState.HEALTHY}]
    doors = {
        target.id: of_target(target, groups, spec.check.http)
        for target in well
        if all(place.group in groups for place in target.registrations)
    }
    return health_checker.reachable(doors, PREFLIGHT) if doors else {}


def fits(drivers: Drivers, plan: Plan) -> None:
    """Raises UsageFault: work that could never be handed over, found before anything is taken out for it.

    With the last look that goes along with it, in one program for as many targets as may begin together.
    """
    spec, probe = plan.spec, drivers.probe(plan.spec)
    watched = [ProbedTarget(target, groups_of(plan, target)) for target in plan.targets]
    looks = last_looks(probe, watched, min(TOGETHER, plan.window)) if probe else {}
    commands = {intent: spec.command(back=intent is Intent.REVERT) for intent in (Intent.UPDATE, Intent.REVERT)}
    routed(*map(drivers.executor, commands.values())).fits(
        {
            key: (target, replace(job, probe=looks.get(target.id, "")))
            if commands[key.intent].executor == spec.carrier
            else (target, job)
            for key, (target, job) in planned(plan).items()
        }
    )
