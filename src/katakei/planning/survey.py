"""The survey: what was read before planning. Also the request for a plan, and the risks that the person accepted.

A survey is read without changing anything (promise 8).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from katakei.domain.instances import InstanceSurvey
from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.overview import Knowledge
from katakei.domain.plan import PlanKind
from katakei.domain.ports import GroupMember
from katakei.domain.reasons import Reason
from katakei.domain.spec import Spec


class LeftAlone(Enum):
    """Why a target that is out of service is never taken, only named.

    BY_HAND: a person deregistered it. MAY_RUN: its earlier work may still run. OTHER_GROUPS: the rollout that left it
    out worked on other target groups.
    """

    BY_HAND = "by hand"
    MAY_RUN = "may run"
    OTHER_GROUPS = "other groups"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A target that a finished rollout of this journal left out of service.

    Attributes:
        target: With the registrations that were recorded, in all groups of that rollout.
        out: Those that the groups of the request do not have in service now.
        rollout: The rollout that left it out.
        ended: How that rollout ended (a value of `Result`), and its release or ''.
        tags: The tags by which that rollout selected its targets: the target had them.
        left_alone: Why it is never taken; None when a rollout takes it.
    """

    target: Target
    out: frozenset[Registration]
    rollout: RolloutId
    ended: tuple[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    left_alone: LeftAlone | None = None

    @property
    def counts(self) -> bool:
        """Whether it belongs to the registrations that a floor is a share of."""
        return self.left_alone in {None, LeftAlone.MAY_RUN}

    def is_out_of(self, group: Arn) -> bool:
        """Whether it is missing in this group."""
        return any(place.group == group for place in self.out)


@dataclass(frozen=True, slots=True)
class PastWork:
    """What the journal tells about the earlier work on one target.

    Attributes:
        release: The release that it carries; None where none is known.
        how: How sure that is.
        rollouts_ago: How many rollouts of the service are newer than the one that last did it; None where no recent
            rollout of the service did it.
    """

    release: str | None
    how: Knowledge
    rollouts_ago: int | None

    @property
    def failed(self) -> bool:
        """Its last work was begun and is not known to have ended well."""
        return self.how is Knowledge.UNCONFIRMED

    def carries(self, release: str) -> bool:
        """Whether it is known to carry this release: not after a revert, nor after work that failed."""
        return self.release == release and self.how is Knowledge.CONFIRMED


@dataclass(frozen=True, slots=True)
class Survey:
    """The groups with everything they list, and what else is known of the machines.

    Attributes:
        groups: The target groups of the request.
        members: Every registration that each group lists.
        elsewhere: Registrations of the same machines in other groups.
        ours_out: Targets that a rollout of this journal took out, with that rollout.
        held: What finished rollouts of this journal left out of service.
        unready: Targets that the executor cannot work on now, with the error text.
        unreachable: Targets whose check cannot be sent from this machine, with the error text.
        lab: True when the endpoint of the load balancer's API is on this machine.
        past: The earlier work on each target that a recent rollout worked on; read only where the request needs it.
        instances: What EC2 tells about the machines; None where no work stops them.
    """

    groups: tuple[Group, ...]
    members: Mapping[Arn, tuple[GroupMember, ...]]
    elsewhere: tuple[Registration, ...] = ()
    ours_out: Mapping[TargetId, RolloutId] = field(default_factory=dict)
    unready: Mapping[TargetId, str] = field(default_factory=dict)
    unreachable: Mapping[TargetId, str] = field(default_factory=dict)
    lab: bool = False
    held: tuple[HeldOut, ...] = ()
    past: Mapping[TargetId, PastWork] = field(default_factory=dict)
    instances: InstanceSurvey | None = None


@dataclass(frozen=True, slots=True)
class AcceptedRisks:
    """The risks that a person accepted. The plan shows a notice for each.

    Attributes:
        force: Fewer targets may serve than the floor (manual steps), and `drain.settle` may be short.
        only_these_groups: The targets may stay registered in groups that the rollout does not touch.
        ignore_draining: Targets that somebody else is draining are left alone.
    """

    force: bool = False
    only_these_groups: bool = False
    ignore_draining: bool = False


NO_ACCEPTED_RISKS = AcceptedRisks()


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plan is requested for.

    Attributes:
        waits: False when a manual step returns without waiting for its effect.
        limit: How many targets are taken at most, in the order of the plan; None: all.
        only_outdated: Targets that are known to carry the release are left alone.
    """

    rollout: RolloutId
    kind: PlanKind
    spec: Spec
    release: str
    account: str
    region: str
    who: str
    versions: Mapping[str, str]
    waits: bool = True
    limit: int | None = None
    only_outdated: bool = False

    @property
    def needs_past(self) -> bool:
        """Whether the plan depends on what earlier rollouts did."""
        return self.limit is not None or self.only_outdated


def machines(survey: Survey) -> tuple[Target, ...]:
    """The members of all groups as machines, in the order listed. One machine may be registered in several groups."""
    found: dict[TargetId, list[GroupMember]] = {}
    for group in survey.groups:
        for member in survey.members[group.arn]:
            found.setdefault(member.machine, []).append(member)
    return tuple(_machine(members) for members in found.values())


def states(survey: Survey, target: TargetId) -> tuple[HealthState, ...]:
    """The health state of each registration of this machine."""
    return tuple(m.seen.state for here in survey.members.values() for m in here if m.machine == target)


def tags(survey: Survey, target: TargetId) -> Mapping[str, str]:
    """The EC2 tags of this machine; of one that is out of service, those that are recorded."""
    listed = (m.tags for here in survey.members.values() for m in here if m.machine == target)
    return next(listed, next((held.tags for held in survey.held if held.target.id == target), {}))


def _machine(members: list[GroupMember]) -> Target:
    first = members[0]
    registrations = tuple(member.registration for member in members)
    return Target(first.machine, first.name, first.address, first.zone, registrations)


@dataclass(frozen=True, slots=True)
class Departure:
    """Whether targets may leave service now.

    Attributes:
        targets: The targets.
        reasons: Why not; empty: they may.
        serving: By group, how many registrations would serve without them.
        floors: By group, how many must.
    """

    targets: tuple[Target, ...]
    reasons: tuple[Reason, ...]
    serving: Mapping[str, int]
    floors: Mapping[str, int]

    @property
    def ok(self) -> bool:
        """Whether they may."""
        return not self.reasons
