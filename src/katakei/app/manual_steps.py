"""One step by hand: the same guards, lease, journal, waiting and read-back as in a rollout, for named targets only."""

from dataclasses import dataclass

from katakei.app import history, preflight
from katakei.domain.errors import RefusedError
from katakei.domain.model import Group, RolloutId
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, Selection, Spec
from katakei.planning import planner as planning
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, PlanRequest, Survey
from katakei.planning.target_refs import resolve_target
from katakei.runtime import session
from katakei.runtime.drivers import Drivers, with_retries
from katakei.runtime.lease_keeper import LeaseKeeper
from katakei.runtime.session import Confirm, RolloutSession


@dataclass(frozen=True, slots=True)
class ManualStepRequest:
    """What a person named: a group, targets as typed, the risks accepted, and whether to wait."""

    group: str
    targets: tuple[str, ...]
    allowed: AcceptedRisks = NO_ACCEPTED_RISKS
    waits: bool = True


def deregister(drivers: Drivers, hand: ManualStepRequest, confirm: Confirm) -> RolloutSession:
    """Out of the group, drained, and left out. An unfinished step of the same kind is carried on."""
    group = with_retries(drivers.clock, lambda: drivers.balancer.groups((hand.group,)))[0]
    earlier = _same(drivers, group, hand, PlanKind.DEREGISTER)
    if earlier:
        return session.carry_on(drivers, earlier)
    asked, survey = _read(drivers, group, hand, PlanKind.DEREGISTER)
    hold = take(drivers, (group,), asked.rollout)
    return session.begin(drivers, hold, lambda: planning.make(asked, survey, hand.allowed), confirm)


def register(drivers: Drivers, hand: ManualStepRequest, confirm: Confirm) -> RolloutSession:
    """Back into the group: with the port given, else the recorded one, else the group's, said aloud."""
    group = with_retries(drivers.clock, lambda: drivers.balancer.groups((hand.group,)))[0]
    earlier = _same(drivers, group, hand, PlanKind.REGISTER)
    if earlier:
        return session.carry_on(drivers, earlier)
    asked, survey = _read(drivers, group, hand, PlanKind.REGISTER)
    members = survey.members[group.arn]
    held = history.held_out(drivers.journal, group.arn)
    found = [
        resolve_target(group, members, lambda name: history.recorded(drivers.journal, group.arn, name), held, typed)
        for typed in hand.targets
    ]
    targets = tuple(target for target, _ in found)
    notices = tuple(notice for _, told in found for notice in told)
    hold = take(drivers, (group,), asked.rollout)
    return session.begin(
        drivers, hold, lambda: planning.register(asked, survey, hand.allowed, targets, notices), confirm
    )


def _read(drivers: Drivers, group: Group, hand: ManualStepRequest, kind: PlanKind) -> tuple[PlanRequest, Survey]:
    site = with_retries(drivers.clock, lambda: drivers.site)
    spec = Spec(group.name, (group.arn,), Command("manual"), Selection(only=hand.targets))
    members = with_retries(drivers.clock, lambda: preflight.members(drivers.balancer, (group,), drivers.pool))
    survey = Survey((group,), members, lab=site.lab)
    who, versions = str(drivers.owner), session.VERSIONS
    return PlanRequest(drivers.name(), kind, spec, "", site.account, site.region, who, versions, hand.waits), survey


def take(drivers: Drivers, groups: tuple[Group, ...], rollout: RolloutId) -> LeaseKeeper:
    """The lease for a new rollout. Raises Refused: another one was begun while its holder was watched."""
    hold = session.acquire_lease(drivers, groups, rollout)
    earlier = history.unfinished(drivers.journal, [group.arn for group in groups])
    if earlier is None:
        return hold
    hold.release()
    raise RefusedError(
        f"rollout {earlier.rollout} was begun meanwhile and is not finished: give the same command again"
    )


def _same(drivers: Drivers, group: Group, hand: ManualStepRequest, kind: PlanKind) -> Rollout | None:
    """An unfinished step by hand on the same targets; any other unfinished rollout must be ended first."""
    header = history.unfinished(drivers.journal, [group.arn])
    if header is None:
        return None
    state = history.find(drivers.journal, header.rollout)
    if state.plan.kind is kind and state.plan.spec.targets.only == hand.targets:
        return state
    raise RefusedError(f"{unfinished(state)}, or end it by `katakei abort {header.rollout}`")


def unfinished(state: Rollout) -> str:
    """Which rollout stands in the way, and the command that carries it on."""
    plan = state.plan
    if plan.kind is PlanKind.ROLL:
        again = "`katakei roll`, as it was begun"
    else:
        again = f"`katakei {plan.kind.value} {plan.spec.service} {' '.join(plan.spec.targets.only)}`"
    return f"rollout {plan.rollout} of {plan.spec.service} is not finished: carry it on by {again}"
