"""Target references: how a person writes a target, and where a target that they name is to be registered.

A reference is an instance id, an IP address or a name, with or without a port. Nothing is read from AWS or from the
journal here.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from katakei.domain.errors import UsageError
from katakei.domain.model import Group, Registration, RolloutId, Target, TargetId, TargetType
from katakei.domain.ports import GroupMember
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout
from katakei.planning.reasons import PlanCode, named, reason

INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")

Recorded = Callable[[str], tuple[RolloutId, Target] | None]
"""The newest rollout that knew a target of this id, address or name in the group, and how it was registered there."""

HeldTarget = Mapping[Registration, Rollout]
"""Registrations that a rollout took out of the group and that nothing has brought back since, with that rollout."""


def is_instance(text: str) -> bool:
    """Whether the text has the form of an instance id."""
    return INSTANCE.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def split(text: str) -> tuple[str, int | None]:
    """Splits a reference into the target and its port. An IPv6 address contains colons of its own.

    Returns:
        The target as written, and the port, or None where none is written.

    Raises:
        UsageError: The port is not between 1 and 65535.
    """
    bare, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or is_address(text):
        return text, None
    if not 1 <= int(port) <= 65535:
        raise UsageError(reasons=(reason(PlanCode.PORT_OUT_OF_RANGE, port=int(port)),))
    return bare, int(port)


WRITTEN = {TargetType.INSTANCE: (is_instance, "instance id"), TargetType.IP: (is_address, "IP address")}


def resolve_target(
    group: Group, members: Sequence[GroupMember], recorded: Recorded, held: HeldTarget, typed: str
) -> tuple[Target, tuple[Reason, ...]]:
    """Finds the registrations that a named target is to have: as listed, as recorded, or at the group's own port.

    Registrations that a rollout still holds out go back together with the others.

    Args:
        group: The target group.
        members: What the group lists now.
        recorded: Finds a target in earlier rollouts.
        held: What rollouts took out of the group and have not brought back.
        typed: The target as the person wrote it.

    Returns:
        The target as it is to be registered, and the notices for the person.

    Raises:
        UsageError: The name is ambiguous, or it cannot be a target of this group.
    """
    name, port = split(typed)
    listed_now = _listed(members, name)
    rollout, target = (None, listed_now) if listed_now else recorded(name) or (None, None)
    if target is None:
        return _unknown(group, name, port)
    known = {registration.door for registration in target.registrations}
    more = {place: by for place, by in held.items() if by.owners[place] == target.id and place.door not in known}
    whole = replace(target, registrations=(*target.registrations, *more))
    if port is not None:
        return _with_port(whole, port)
    who = named(target)
    notices = [reason(PlanCode.REGISTERED_AS_RECORDED, target=who, rollout=rollout)] if rollout else []
    notices += [
        reason(PlanCode.REGISTERED_WHERE_HELD, target=who, port=place.port, rollout=by.plan.rollout)
        for place, by in more.items()
    ]
    return whole, tuple(notices)


def _listed(members: Sequence[GroupMember], name: str) -> Target | None:
    here = [one for one in members if name in {one.registration.id, one.machine, one.address}]
    here = here or [one for one in members if one.name == name]
    if not here:
        return None
    machines = tuple(dict.fromkeys(str(one.machine) for one in here))
    if len(machines) > 1:
        raise UsageError(reasons=(reason(PlanCode.NAME_AMBIGUOUS, name=name, targets=machines),))
    first = here[0]
    registrations = tuple(one.registration for one in here)
    return Target(first.machine, first.name, first.address, first.zone, registrations)


def _unknown(group: Group, name: str, port: int | None) -> tuple[Target, tuple[Reason, ...]]:
    """A target that neither the group nor a rollout knows. Other types of groups are refused by the checks."""
    fits, expected = WRITTEN.get(group.target_type, (None, ""))
    if fits and not fits(name):
        raise UsageError(reasons=(reason(PlanCode.NOT_A_TARGET, name=name, group=group.name, expected=expected),))
    notices = () if port else (reason(PlanCode.GROUP_PORT_USED, target=name, port=group.port),)
    return Target(TargetId(name), "", "", "", (Registration(group.arn, name, port or group.port),)), notices


def _with_port(target: Target, port: int) -> tuple[Target, tuple[Reason, ...]]:
    same = tuple(registration for registration in target.registrations if registration.port == port)
    if same:
        return replace(target, registrations=same), ()
    ports = tuple(sorted({registration.port for registration in target.registrations}))
    other = replace(target.registrations[0], port=port)
    notice = reason(PlanCode.UNKNOWN_PORT_USED, target=named(target), ports=ports, port=port)
    return replace(target, registrations=(other,)), (notice,)
