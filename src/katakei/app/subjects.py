"""The subject of a request on a server: which services it concerns, and who started the rollout in question.

Rights belong to services. A target group belongs to every service that names it: a person may see the group when one
of its services lets them, and may change it only when all of them do. A group that belongs to no service needs a role
for every service.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from katakei.app.access import READING, Access, Wish
from katakei.app.fleet import Fleet
from katakei.domain.access import ServicePolicy
from katakei.domain.errors import ForbiddenError, UsageError
from katakei.domain.events import Planned
from katakei.domain.model import Arn, RolloutId
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import Journal, RolloutHeader
from katakei.domain.principals import Act, Principal

MOST_REMEMBERED = 2000


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request concerns.

    Attributes:
        services: The names of the services; empty: it belongs to no service.
        rollout: The rollout; ''.
        started_by: Who started it.
    """

    services: tuple[str, ...] = ()
    rollout: str = ""
    started_by: str = ""


NOTHING = Subject()


class Subjects:
    """Finds subjects, and asks `Access` about each of their services. Safe for threads."""

    def __init__(self, fleet: Fleet, access: Access, journal: Journal) -> None:
        self._fleet = fleet
        self._access = access
        self._journal = journal
        self._lock = threading.Lock()
        self._plans: OrderedDict[str, Plan] = OrderedDict()  # what a rollout is about never changes

    def of_service(self, name: str) -> Subject:
        """The subject of a request about a service, also one that does not exist."""
        return Subject((name,))

    def of_group(self, region: str, name: str) -> Subject:
        """The subject of a request about a target group, by its name."""
        return Subject(tuple(sorted(self._owners(region, name))))

    def of_rollout(self, rollout: str) -> Subject | None:
        """The subject of a request about a rollout; None: there is none of this id."""
        plan = self._plan(rollout)
        return None if plan is None else self._of(plan.spec.service, plan.kind, plan, rollout)

    def of_header(self, header: RolloutHeader) -> Subject:
        """The subject of a rollout that is listed."""
        if any(header.service == service.name for service in self._fleet.services()):
            return Subject((header.service,), header.rollout, header.who)
        owners = {owner for arn in header.groups for owner in self._owners_of(arn)}
        return Subject(tuple(sorted(owners)) or (header.service,), header.rollout, header.who)

    def require(self, principal: Principal, act: Act, subject: Subject, address: str = "") -> None:
        """Goes on only if the principal may do it. A refusal is recorded, except one to read.

        Raises:
            ForbiddenError: They may not; the reason says why.
        """
        wishes = self._wishes(act, subject)
        if act not in READING:
            for wish in wishes:
                self._access.require(principal, wish, address)
            return
        if not any(self._access.decide(principal, wish).allowed for wish in wishes):
            self._access.require(principal, wishes[0], address)

    def allows(self, principal: Principal, act: Act, subject: Subject) -> bool:
        """Whether the principal may do it, for a list or a button. Records nothing."""
        decided = (self._access.decide(principal, wish).allowed for wish in self._wishes(act, subject))
        return any(decided) if act in READING else all(decided)

    def may_read_something(self, principal: Principal) -> bool:
        """Whether the principal may read at least one service; lists then show what they may see."""
        names: Sequence[str | None] = [None, *principal.roles]
        return any(self._access.decide(principal, Wish(Act.READ, name)).allowed for name in names)

    def require_some(self, principal: Principal) -> None:
        """Raises ForbiddenError: the principal may read nothing at all."""
        if not self.may_read_something(principal):
            decision = self._access.decide(principal, Wish(Act.READ))
            raise ForbiddenError(reasons=(decision.reason,) if decision.reason else ())

    def _wishes(self, act: Act, subject: Subject) -> Sequence[Wish]:
        names: Sequence[str | None] = subject.services or (None,)
        return [Wish(act, name, self._policy(name), subject.rollout, subject.started_by) for name in names]

    def _policy(self, name: str | None) -> ServicePolicy | None:
        if name is None:
            return None
        try:
            return self._fleet.service(name).policy
        except UsageError:  # the service was removed; roles still count
            return None

    def _plan(self, rollout: str) -> Plan | None:
        with self._lock:
            if rollout in self._plans:
                self._plans.move_to_end(rollout)
                return self._plans[rollout]
        first = self._journal.read(RolloutId(rollout), 0)[:1]
        if not first or not isinstance(first[0], Planned):
            return None
        plan = first[0].plan
        with self._lock:
            self._plans[rollout] = plan
            while len(self._plans) > MOST_REMEMBERED:
                self._plans.popitem(last=False)
        return plan

    def _of(self, service: str, kind: PlanKind, plan: Plan, rollout: str) -> Subject:
        if kind is PlanKind.ROLL:
            return Subject((service,), rollout, plan.who)
        owners = {owner for group in plan.groups for owner in self._owners(plan.region, group.name)}
        return Subject(tuple(sorted(owners)), rollout, plan.who)

    def _owners_of(self, arn: Arn) -> set[str]:
        return self._owners(arn.split(":")[3] if arn.count(":") > 3 else "", _name(arn))

    def _owners(self, region: str, name: str) -> set[str]:
        """The services that name this group in this region; a service without a region counts for every one."""
        return {
            service.name
            for service in self._fleet.services()
            if service.spec is not None
            and any(name == _name(each) for each in service.spec.groups)
            and region in {"", self._fleet.place_of(service).region or region}
        }


def _name(group: str) -> str:
    """The name of a target group that is given by its name or ARN."""
    return group.partition(":targetgroup/")[2].partition("/")[0] or group
