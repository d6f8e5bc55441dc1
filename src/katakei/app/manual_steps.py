"""One step by hand: the same guards, lease, journal, waiting and read-back as in a rollout, for named targets only."""

from dataclasses import dataclass

from katakei.app import history, preflight
from katakei.domain.errors import Refused
from katakei.domain.model import Group, RolloutId
from katakei.domain.plan import Kind
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, Selection, Spec
from katakei.planning import planner as planning
from katakei.planning.survey import NOTHING_ALLOWED, Allowed, Asked, Survey
from katakei.planning.target_refs import where
from katakei.runtime import session
from katakei.runtime.drivers import Kit, patient
from katakei.runtime.lease_keeper import Hold
from katakei.runtime.session import Confirm, Drive


@dataclass(frozen=True, slots=True)
class Hand:
    """What a person named: a group, targets as typed, the risks accepted, and whether to wait."""

    group: str
    targets: tuple[str, ...]
    allowed: Allowed = NOTHING_ALLOWED
    waits: bool = True


def deregister(kit: Kit, hand: Hand, confirm: Confirm) -> Drive:
    """Out of the group, drained, and left out. An unfinished step of the same kind is carried on."""
    group = patient(kit.clock, lambda: kit.balancer.groups((hand.group,)))[0]
    earlier = _same(kit, group, hand, Kind.DEREGISTER)
    if earlier:
        return session.carry_on(kit, earlier)
    asked, survey = _read(kit, group, hand, Kind.DEREGISTER)
    hold = take(kit, (group,), asked.rollout)
    return session.begin(kit, hold, lambda: planning.make(asked, survey, hand.allowed), confirm)


def register(kit: Kit, hand: Hand, confirm: Confirm) -> Drive:
    """Back into the group: with the port given, else the recorded one, else the group's, said aloud."""
    group = patient(kit.clock, lambda: kit.balancer.groups((hand.group,)))[0]
    earlier = _same(kit, group, hand, Kind.REGISTER)
    if earlier:
        return session.carry_on(kit, earlier)
    asked, survey = _read(kit, group, hand, Kind.REGISTER)
    members = survey.members[group.arn]
    held = history.held_out(kit.journal, group.arn)
    found = [
        where(group, members, lambda name: history.recorded(kit.journal, group.arn, name), held, typed)
        for typed in hand.targets
    ]
    targets, said = tuple(target for target, _ in found), tuple(why for _, why in found if why)
    hold = take(kit, (group,), asked.rollout)
    return session.begin(kit, hold, lambda: planning.register(asked, survey, hand.allowed, targets, said), confirm)


def _read(kit: Kit, group: Group, hand: Hand, kind: Kind) -> tuple[Asked, Survey]:
    site = patient(kit.clock, lambda: kit.site)
    spec = Spec(group.name, (group.arn,), Command("manual"), Selection(only=hand.targets))
    members = patient(kit.clock, lambda: preflight.members(kit.balancer, (group,), kit.pool))
    survey = Survey((group,), members, lab=site.lab)
    who, versions = str(kit.owner), session.VERSIONS
    return Asked(kit.name(), kind, spec, "", site.account, site.region, who, versions, hand.waits), survey


def take(kit: Kit, groups: tuple[Group, ...], rollout: RolloutId) -> Hold:
    """The lease for a new rollout. Raises Refused: another one was begun while its holder was watched."""
    hold = session.take(kit, groups, rollout)
    earlier = history.unfinished(kit.journal, [group.arn for group in groups])
    if earlier is None:
        return hold
    hold.release()
    raise Refused(f"rollout {earlier.rollout} was begun meanwhile and is not finished: give the same command again")


def _same(kit: Kit, group: Group, hand: Hand, kind: Kind) -> Rollout | None:
    """An unfinished step by hand on the same targets; any other unfinished rollout must be ended first."""
    header = history.unfinished(kit.journal, [group.arn])
    if header is None:
        return None
    state = history.find(kit.journal, header.rollout)
    if state.plan.kind is kind and state.plan.spec.targets.only == hand.targets:
        return state
    raise Refused(f"{unfinished(state)}, or end it by `katakei abort {header.rollout}`")


def unfinished(state: Rollout) -> str:
    """Which rollout stands in the way, and the command that carries it on."""
    plan = state.plan
    if plan.kind is Kind.ROLL:
        again = "`katakei roll`, as it was begun"
    else:
        again = f"`katakei {plan.kind.value} {plan.spec.service} {' '.join(plan.spec.targets.only)}`"
    return f"rollout {plan.rollout} of {plan.spec.service} is not finished: carry it on by {again}"
