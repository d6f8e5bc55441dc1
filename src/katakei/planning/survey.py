"""What was read of the world before planning, and what the user allowed aloud.

A survey is read without changing anything (promise 8).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.plan import PlanKind
from katakei.domain.ports import GroupMember
from katakei.domain.spec import Spec


@dataclass(frozen=True, slots=True)
class Survey:
    """The groups and everything they list; what else is known of the machines.

    `ours_out` names, for targets that a rollout of this journal took out, that rollout. `unready` are targets the
    executor cannot work on now, `unreachable` those whose check cannot be asked from here, each with the reason.
    `lab` is true when the balancer's endpoint is on this very machine.
    """

    groups: tuple[Group, ...]
    members: Mapping[Arn, tuple[GroupMember, ...]]
    elsewhere: tuple[Registration, ...] = ()
    ours_out: Mapping[TargetId, RolloutId] = field(default_factory=dict)
    unready: Mapping[TargetId, str] = field(default_factory=dict)
    unreachable: Mapping[TargetId, str] = field(default_factory=dict)
    lab: bool = False


@dataclass(frozen=True, slots=True)
class AcceptedRisks:
    """Risks a person accepted by an option: each is said aloud in the plan."""

    force: bool = False
    only_these_groups: bool = False
    ignore_draining: bool = False


NO_ACCEPTED_RISKS = AcceptedRisks()


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plan is asked for; `waits` false is --no-wait."""

    rollout: RolloutId
    kind: PlanKind
    spec: Spec
    release: str
    account: str
    region: str
    who: str
    versions: Mapping[str, str]
    waits: bool = True


def machines(survey: Survey) -> tuple[Target, ...]:
    """The members of all groups as machines, in the order listed; one machine may stand in several groups."""
    found: dict[TargetId, list[GroupMember]] = {}
    for group in survey.groups:
        for member in survey.members[group.arn]:
            found.setdefault(member.machine, []).append(member)
    return tuple(_machine(members) for members in found.values())


def states(survey: Survey, target: TargetId) -> tuple[HealthState, ...]:
    """How the groups show this machine's registrations now."""
    return tuple(m.seen.state for here in survey.members.values() for m in here if m.machine == target)


def tags(survey: Survey, target: TargetId) -> Mapping[str, str]:
    """The machine's tags."""
    return next((m.tags for here in survey.members.values() for m in here if m.machine == target), {})


def _machine(members: list[GroupMember]) -> Target:
    first = members[0]
    places = tuple(member.registration for member in members)
    return Target(first.machine, first.name, first.address, first.zone, places)
