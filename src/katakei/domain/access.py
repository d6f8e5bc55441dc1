"""Who may do what on a server: the table of rights, the policy of a service, and the one decision about rights.

`RIGHTS` is the only table of rights; `make docs` draws it into docs/access.md. `decide_access` is pure: interfaces call
it through `katakei.app.access`, and no handler holds a rule of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.ci_identity import CiBinding
from katakei.domain.principals import EVERY_SERVICE, PEOPLE, Act, Principal, PrincipalKind, Role
from katakei.domain.reasons import Reason

__all__ = [
    "ALLOWED",
    "EVERY_SERVICE",
    "PEOPLE",
    "RIGHTS",
    "AccessDecision",
    "Act",
    "PolicyList",
    "Principal",
    "PrincipalKind",
    "Right",
    "Role",
    "ServicePolicy",
    "decide_access",
    "lowest_role",
]


class PolicyList(StrEnum):
    """The lists of a service's policy."""

    START = "start"
    APPROVE = "approve"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Right:
    """One row of the table of rights.

    Attributes:
        role: The lowest role that includes the act.
        limited_by: The list of the service's policy that may limit it further; None: no policy limits it.
        ci: Whether the policy of a service may give the act to a CI job.
        meaning: The act in plain words, for the documentation.
    """

    role: Role
    limited_by: PolicyList | None
    ci: bool
    meaning: str


RIGHTS: Mapping[Act, Right] = MappingProxyType(
    {
        Act.READ: Right(Role.VIEWER, None, True, "see groups, services, rollouts and plans"),
        Act.LOGS: Right(Role.VIEWER, None, True, "read the output of the work"),
        Act.PLAN: Right(Role.VIEWER, None, True, "make a plan, which changes nothing"),
        Act.START: Right(Role.OPERATOR, PolicyList.START, True, "start a rollout"),
        Act.CONFIRM_WORK: Right(Role.OPERATOR, None, False, "say that manual work on a target is done"),
        Act.PAUSE: Right(Role.OPERATOR, None, True, "pause a rollout"),
        Act.RESUME: Right(Role.OPERATOR, PolicyList.START, True, "resume a paused rollout"),
        Act.APPROVE: Right(Role.APPROVER, PolicyList.APPROVE, False, "approve or deny an approval gate"),
        Act.PROMOTE: Right(Role.OPERATOR, PolicyList.START, True, "end a soak, a bake or a pause between waves early"),
        Act.SKIP_GATE: Right(Role.APPROVER, PolicyList.APPROVE, False, "skip a gate that holds the rollout"),
        Act.ABORT: Right(Role.OPERATOR, PolicyList.ABORT, True, "abort a rollout"),
        Act.RETRY: Right(Role.OPERATOR, PolicyList.START, True, "try failed targets once more"),
        Act.REVERT: Right(Role.OPERATOR, PolicyList.ABORT, True, "take the touched targets back to the old release"),
        Act.FREEZE: Right(Role.OPERATOR, None, False, "freeze a service or a group"),
        Act.UNFREEZE: Right(Role.APPROVER, None, False, "lift a freeze"),
        Act.DEREGISTER: Right(Role.OPERATOR, PolicyList.START, False, "deregister a target by hand"),
        Act.REGISTER: Right(Role.OPERATOR, None, False, "register a target by hand"),
        Act.READ_AUDIT: Right(Role.APPROVER, None, False, "read the audit log"),
        Act.MANAGE_TOKENS: Right(Role.ADMIN, None, False, "issue and revoke tokens, end sessions"),
    }
)


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """The further limits of one service. An empty list limits nothing.

    An entry is the name of a person, `role:ROLE` (that role or a higher one), `token:NAME` (a program with a deploy
    token), or `ci:NAME` (a CI binding of this policy). A list only limits: it never gives a right that the role does
    not include. An admin may always abort and revert.

    Attributes:
        start: Who may start, resume, retry, promote and deregister.
        approve: Who may answer and skip gates.
        abort: Who may abort and revert.
        four_eyes: Whether a gate must be answered by another person than the one who started, admins included.
        ci: The CI jobs that may use this service.
    """

    start: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    abort: tuple[str, ...] = ()
    four_eyes: bool = False
    ci: tuple[CiBinding, ...] = ()

    def names(self, which: PolicyList) -> tuple[str, ...]:
        """The entries of one list."""
        return {PolicyList.START: self.start, PolicyList.APPROVE: self.approve, PolicyList.ABORT: self.abort}[which]


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """Whether an act is allowed, and if not, why."""

    allowed: bool
    reason: Reason | None = None


ALLOWED = AccessDecision(allowed=True)


def decide_access(
    principal: Principal,
    act: Act,
    service: str | None,
    policy: ServicePolicy | None = None,
    *,
    started_by: frozenset[str] = frozenset(),
) -> AccessDecision:
    """Whether a principal may do something. The one place of rights.

    Args:
        principal: Who asks.
        act: What is asked.
        service: The service that it concerns. None: something that belongs to no service, or to all of them; only a
            role for every service counts then, and a token that is limited to services may not do it.
        policy: The policy of the service; None: it has none.
        started_by: The names that answer for the start of the rollout, for the four-eyes rule.
    """
    right, facts = RIGHTS[act], {"who": principal.name, "act": act.value, "service": service}
    if principal.services is not None and service not in principal.services:
        return _refused(AccessCode.SERVICE_NOT_IN_TOKEN, **facts)
    if principal.acts is not None and act not in principal.acts:
        return _refused(AccessCode.ACT_NOT_IN_TOKEN, **facts)
    role = principal.role(service)
    if role is None or role.rank < right.role.rank:
        return _refused(AccessCode.ROLE_TOO_LOW, **facts, needed=right.role.value)
    if principal.kind is PrincipalKind.CI and not right.ci:
        return _refused(AccessCode.NOT_FOR_CI, **facts)
    if policy is None or right.limited_by is None:
        return ALLOWED
    if not _listed(principal, role, policy, right.limited_by):
        return _refused(AccessCode.NOT_IN_POLICY, **facts)
    if policy.four_eyes and right.limited_by is PolicyList.APPROVE:
        return _second_person(principal, started_by, facts)
    return ALLOWED


def lowest_role(acts: Iterable[Act]) -> Role:
    """The lowest role that includes all of these acts."""
    return max((RIGHTS[act].role for act in acts), key=lambda role: role.rank, default=Role.VIEWER)


def _listed(principal: Principal, role: Role, policy: ServicePolicy, which: PolicyList) -> bool:
    names = policy.names(which)
    if not names or (which is PolicyList.ABORT and role is Role.ADMIN):
        return True
    return principal.name in names or any(f"role:{each.value}" in names for each in Role if each.rank <= role.rank)


def _second_person(principal: Principal, started_by: frozenset[str], facts: Mapping[str, str | None]) -> AccessDecision:
    if principal.kind not in PEOPLE:
        return _refused(AccessCode.FOUR_EYES_PERSON, **facts)
    if principal.name in started_by:
        return _refused(AccessCode.FOUR_EYES, **facts)
    return ALLOWED


def _refused(code: AccessCode, **facts: str | None) -> AccessDecision:
    return AccessDecision(allowed=False, reason=access_reason(code, **facts))
