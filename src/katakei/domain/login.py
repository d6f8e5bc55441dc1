"""Sign-in of people by OpenID Connect, as values: the settings of a provider, and which roles its people have."""

from collections.abc import Sequence
from dataclasses import dataclass

from katakei.domain.outside_text import one_line
from katakei.domain.principals import Principal, PrincipalKind, Role

NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class RoleRule:
    """One rule that gives a role. Exactly one of `group` and `name` is set.

    Attributes:
        role: The role.
        service: For which service; `*`: for every service.
        group: Everybody in this group.
        name: The person with this name.
    """

    role: Role
    service: str
    group: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """The OpenID Connect provider of people.

    Attributes:
        issuer: Its issuer, exactly as its tokens name it.
        client_id: The id of this server there.
        secret_variable: The variable of the environment that holds the client secret; '' for a public client.
        name_claim: The claim that names the person. It must be one that people cannot choose themselves.
        groups_claim: The claim that lists the groups.
        scopes: What is asked for, beside `openid`.
        rules: Who has which role. Nobody else may sign in.
    """

    issuer: str
    client_id: str
    secret_variable: str
    name_claim: str
    groups_claim: str
    scopes: tuple[str, ...]
    rules: tuple[RoleRule, ...]


def valid_name(name: str) -> bool:
    """Whether a provider's name can be one here: short, harmless, and not in the form of a program's name."""
    return 0 < len(name) <= NAME_LENGTH and ":" not in name and one_line(name) == name


def person(name: str, groups: Sequence[str], rules: Sequence[RoleRule]) -> Principal | None:
    """The principal of a person with every role that a rule gives; None: no rule gives one."""
    roles: dict[str, Role] = {}
    for rule in rules:
        if rule.name == name or (rule.group and rule.group in groups):
            before = roles.get(rule.service, Role.VIEWER)
            roles[rule.service] = max(before, rule.role, key=lambda role: role.rank)
    return Principal(name, PrincipalKind.PERSON, roles) if roles else None
