"""From what was asked and what was read to a plan: who, in which order, how many at once, and what is promised.

A plan that may not be carried out is refused with every reason in one go. Nothing is changed by planning.
"""

from collections.abc import Iterable
from dataclasses import replace

from katakei.domain.errors import RefusedError, UnreachableError, UsageError
from katakei.domain.model import Arn, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Phase
from katakei.domain.plan import Floor, Plan, PlanKind, with_places
from katakei.domain.spec import TargetOrder
from katakei.domain.words import label, listed
from katakei.planning.checks import reasons_against, short_settle, unreachable, unused
from katakei.planning.survey import AcceptedRisks, PlanRequest, Survey, machines, states, tags


def make(asked: PlanRequest, survey: Survey, allowed: AcceptedRisks) -> Plan:
    """The plan. Raises UsageFault (nothing to roll, unknown target), Refused, or Unreachable (no way to work there)."""
    for group in survey.groups:
        if not survey.members[group.arn]:
            raise UsageError(f"{group.name} has no targets: nothing to do; register some first")
    everyone = machines(survey)
    chosen = _chosen(asked, survey, everyone)
    if asked.kind is PlanKind.ROLL:
        chosen = tuple(target for target in chosen if HealthState.DRAINING not in states(survey, target.id))
    return _checked(_draw(asked, survey, allowed, everyone, _ordered(asked, survey, chosen)), survey, allowed)


def register(
    asked: PlanRequest, survey: Survey, allowed: AcceptedRisks, targets: tuple[Target, ...], said: tuple[str, ...]
) -> Plan:
    """The plan of a step by hand that only registers: its targets begin out of service."""
    plan = _draw(asked, survey, allowed, machines(survey), _joined(targets))
    return _checked(replace(plan, begin=Phase.OUT, said=(*said, *plan.said)), survey, allowed)


def _draw(
    asked: PlanRequest, survey: Survey, allowed: AcceptedRisks, everyone: tuple[Target, ...], chosen: tuple[Target, ...]
) -> Plan:
    floors = {group.arn: _floor(asked, survey, group.arn, force=allowed.force) for group in survey.groups}
    smallest = min(floor.base for floor in floors.values())
    by_hand = asked.kind is not PlanKind.ROLL
    taking_part = {target.id for target in chosen}
    plan = Plan(
        rollout=asked.rollout,
        kind=asked.kind,
        spec=asked.spec,
        release=asked.release,
        account=asked.account,
        region=asked.region,
        groups=survey.groups,
        targets=chosen,
        bystanders=tuple(target for target in everyone if target.id not in taking_part),
        window=len(chosen) if by_hand else max(1, asked.spec.window.max_unavailable.down(smallest)),
        floors=floors,
        who=asked.who,
        versions=asked.versions,
        waits=asked.waits,
    )
    return replace(_without_check(plan, survey), said=_said(plan, survey, allowed))


def _floor(asked: PlanRequest, survey: Survey, group: Arn, *, force: bool) -> Floor:
    """Percentages are of the registrations that are not draining now; a floor is rounded up."""
    base = sum(not member.seen.out for member in survey.members[group])
    if force and asked.kind is not PlanKind.ROLL:
        return Floor(0, base)
    return Floor(asked.spec.window.floor.up(base), base, asked.spec.window.floor_per_zone)


def _chosen(asked: PlanRequest, survey: Survey, everyone: tuple[Target, ...]) -> tuple[Target, ...]:
    wanted = asked.spec.targets
    if wanted.tags:
        return tuple(t for t in everyone if set(wanted.tags) <= set(tags(survey, t.id).items()))
    if not wanted.only:
        return everyone
    found = {name: _named(name, everyone) for name in wanted.only}
    unknown = [name for name, targets in found.items() if not targets]
    if unknown:
        there = listed(label(target) for target in everyone)
        raise UsageError(f"{listed(unknown)} is not registered in {_names(survey)}; registered are {there}")
    named = _joined(target for targets in found.values() for target in targets)
    if asked.kind is PlanKind.ROLL:  # it works on the machine, whichever of its ports was named
        whole = {target.id: target for target in everyone}
        return tuple(whole[target.id] for target in named)
    return named


def _joined(named: Iterable[Target]) -> tuple[Target, ...]:
    """Each machine once, with every place at which it was named."""
    found: dict[TargetId, Target] = {}
    for target in named:
        found[target.id] = with_places(found.get(target.id, target), target)
    return tuple(found.values())


def _named(name: str, everyone: tuple[Target, ...]) -> list[Target]:
    """By id, name, address, or one of them with the port it is registered with: then with what it has at that port.

    An IPv6 address has colons too.
    """
    ids = [t for t in everyone if name in {t.id, t.address, *(place.id for place in t.registrations)}]
    targets = ids or [target for target in everyone if target.name == name]
    bare, colon, port = name.rpartition(":")
    if not targets and colon and port.isdecimal():
        targets = [_at(int(port), target, bare) for target in _named(bare, everyone)]
    return targets


def _at(port: int, target: Target, named: str) -> Target:
    places = tuple(place for place in target.registrations if place.port == port)
    if not places:
        ports = listed(sorted({place.port for place in target.registrations}))
        raise UsageError(f"{named} is registered with port {ports}, not {port}; nothing was changed")
    return replace(target, registrations=places)


def _ordered(asked: PlanRequest, survey: Survey, chosen: tuple[Target, ...]) -> tuple[Target, ...]:
    """Zone by zone where asked; targets that do not serve now go last, so that the first proof is on a sound one."""
    by_zone = asked.spec.window.order is TargetOrder.ZONE and asked.kind is PlanKind.ROLL
    zones = {target.id: target.zone if by_zone else "" for target in chosen}
    return tuple(sorted(chosen, key=lambda t: (set(states(survey, t.id)) != {HealthState.HEALTHY}, zones[t.id])))


def _checked(plan: Plan, survey: Survey, allowed: AcceptedRisks) -> Plan:
    reasons = reasons_against(plan, survey, allowed)
    if reasons:
        raise RefusedError(reasons[0] if len(reasons) == 1 else "\n".join(f"- {reason}" for reason in reasons))
    if plan.kind is PlanKind.ROLL and not plan.targets:
        raise UsageError(f"no target of {_names(survey)} is chosen: see `targets` in the configuration, or --only")
    for target, why in survey.unready.items():
        if target in {t.id for t in plan.targets}:
            raise UnreachableError(f"{target} cannot be worked on: {why}")
    return plan


def _without_check(plan: Plan, survey: Survey) -> Plan:
    """The group's own check, by default: where it cannot be asked from here, the load balancer alone judges, aloud."""
    check = plan.spec.check
    if check.http is None and check.asked and unreachable(plan, survey):
        return replace(plan, spec=replace(plan.spec, check=replace(check, asked=False)))
    return plan


def _said(plan: Plan, survey: Survey, allowed: AcceptedRisks) -> tuple[str, ...]:
    said = [why for group in plan.groups if (why := unused(group))]
    if allowed.force and (why := short_settle(plan, survey)):
        said.append(why)
    if plan.spec.check.http is None and plan.spec.check.asked and (why := unreachable(plan, survey)):
        said.append(
            f"the targets cannot be asked from this machine ({why}): no check is made before a target is"
            " registered again, the load balancer's own check alone judges"
        )
    said += [
        f"the floor of {group.name} is 0: an outage is accepted"
        for group in plan.groups
        if plan.kind is not PlanKind.REGISTER and not plan.floors[group.arn].count
    ]
    out = [m.machine for here in survey.members.values() for m in here if m.seen.out and plan.kind is PlanKind.ROLL]
    if out:
        said.append(f"{listed(dict.fromkeys(out))} is draining and left alone")
    if allowed.only_these_groups and survey.elsewhere:
        said.append(f"registrations in other groups are left as they are: {listed(p.group for p in survey.elsewhere)}")
    return tuple(said)


def _names(survey: Survey) -> str:
    return listed(group.name for group in survey.groups)
