"""The answer to other tools: whether targets may leave now without breaking a floor. Nothing is changed or held.

The rule is that of a rollout (`katakei.reconcile.capacity`): it counts by a fresh observation, and believes the worse
of it and of the journal.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from katakei.app import preflight, queries
from katakei.app.preflight import RolloutRequest
from katakei.domain.events import Planned
from katakei.domain.freezes import freeze_of
from katakei.domain.model import Arn, RolloutId, Target
from katakei.domain.observation import Observation
from katakei.domain.plan import PlanKind
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Check, Command, Drain, LatePolicy, Selection, Spec
from katakei.planning import planner
from katakei.planning.survey import Departure
from katakei.reconcile.capacity import count_serving, floor_violation
from katakei.reconcile.gating import frozen
from katakei.runtime.drivers import Drivers, with_retries


def ok_to_stop(drivers: Drivers, spec: Spec, names: Sequence[str]) -> Departure:
    """Asks now.

    Args:
        drivers: Asked; nothing is changed.
        spec: Says which floors hold.
        names: The targets: ids, addresses or names, as a person writes them.

    Raises:
        UsageError: One of them is no target of the groups.
        RefusedError: A rollout of the groups would be refused.
        UnreachableError: AWS or the journal cannot be read.
    """
    floors_only = replace(
        spec, work=Command("manual"), revert=None, drain=Drain(spec.drain.settle), check=Check(asked=False), gates=()
    )
    groups = preflight.find_groups(drivers, RolloutRequest(floors_only))
    ready = preflight.preflight(drivers, RolloutRequest(floors_only), groups, RolloutId("ok-to-stop"))
    named = replace(floors_only, targets=Selection(only=tuple(names)), late=LatePolicy.LEAVE)
    leaving = planner.selected(PlanKind.DEREGISTER, named, ready.survey)
    plan = planner.make(ready.asked, ready.survey, ready.accepted)
    rollouts = [replay([Planned(drivers.clock.now(), plan)]), *_unfinished(drivers, tuple(plan.floors))]
    observation = Observation(
        {arn: with_retries(drivers.clock, partial(drivers.balancer.look, arn, None)) for arn in _arns(rollouts)}
    )
    found = [each for rollout in rollouts for each in _violations(drivers, rollout, observation, leaving)]
    freeze = freeze_of(with_retries(drivers.clock, drivers.freezes.active), spec.service, list(plan.floors))
    reasons = (*([frozen(freeze)] if freeze else []), *dict.fromkeys(found))
    left = count_serving(rollouts[0], observation, drivers.clock.now()).without(*leaving)
    serving = {group.name: left.groups[group.arn] for group in plan.groups if group.arn in left.groups}
    return Departure(leaving, reasons, serving, {group.name: plan.floors[group.arn].count for group in plan.groups})


def _unfinished(drivers: Drivers, groups: Sequence[Arn]) -> list[Rollout]:
    """The unfinished rollouts of these groups: what they took out does not serve, whatever AWS shows."""
    headers = {header.rollout for arn in groups for header in drivers.journal.find(group=arn, unfinished=True)}
    return [queries.find(drivers.journal, rollout) for rollout in sorted(headers)]


def _arns(rollouts: Sequence[Rollout]) -> list[Arn]:
    return list(dict.fromkeys(group.arn for rollout in rollouts for group in rollout.plan.groups))


def _violations(
    drivers: Drivers, rollout: Rollout, observation: Observation, leaving: Sequence[Target]
) -> list[Reason]:
    """The floors of a rollout that would break."""
    known = {place for target in (*rollout.plan.targets, *rollout.plan.bystanders) for place in target.registrations}
    out = [replace(t, registrations=tuple(place for place in t.registrations if place in known)) for t in leaving]
    left = count_serving(rollout, observation, drivers.clock.now()).without(*out)
    return [found for target in out if (found := floor_violation(rollout, left, target))]
