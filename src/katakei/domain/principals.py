"""Who acts on a server, as values: roles, acts, and principals. `katakei.domain.access` decides what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

EVERY_SERVICE = "*"
"""In the roles of a principal: the role for every service, and for what belongs to no service."""


class Role(StrEnum):
    """What a principal may do for a service. Each role includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """The place in the order: a higher rank includes the lower ones."""
        return list(Role).index(self)


class Act(StrEnum):
    """What can be asked of the server. The names are recorded in the audit log and never change."""

    READ = "read"
    LOGS = "logs"
    PLAN = "plan"
    START = "start"
    CONFIRM_WORK = "confirm_work"
    PAUSE = "pause"
    RESUME = "resume"
    APPROVE = "approve"
    PROMOTE = "promote"
    SKIP_GATE = "skip_gate"
    ABORT = "abort"
    RETRY = "retry"
    REVERT = "revert"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    DEREGISTER = "deregister"
    REGISTER = "register"
    READ_AUDIT = "read_audit"
    MANAGE_TOKENS = "manage_tokens"


class PrincipalKind(StrEnum):
    """How a principal proved who it is."""

    PERSON = "person"
    """A person, by a personal token or by OpenID Connect."""
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    """A program, by a deploy token."""
    CI = "ci"
    """A CI job, by the OpenID Connect token of its CI system."""
    LINK = "link"
    """The person who opened the one-time link of the first start."""


PEOPLE = frozenset({PrincipalKind.PERSON, PrincipalKind.LINK})


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody, or some program, whose identity was proved.

    Attributes:
        name: The name in rollouts and in the audit log: of a person as it is, `token:NAME` for a program and `ci:NAME`
            for a CI job, so that no person can have the name of a program.
        kind: How the identity was proved.
        roles: The role for each service by name; `EVERY_SERVICE` names all of them.
        acts: What the token is limited to; None: everything that the role includes.
        services: The services that the token is limited to; None: all.
        issued_by: Who issued the token of a program; '' for a person.
    """

    name: str
    kind: PrincipalKind
    roles: Mapping[str, Role]
    acts: frozenset[Act] | None = None
    services: frozenset[str] | None = None
    issued_by: str = ""

    def role(self, service: str | None) -> Role | None:
        """The highest role for a service; for None the role for everything."""
        found = {self.roles.get(EVERY_SERVICE), self.roles.get(service) if service else None} - {None}
        return max((role for role in found if role), key=lambda role: role.rank, default=None)
