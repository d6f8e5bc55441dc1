"""Where a target that a person names is to be registered: as it is listed, as it was recorded, or by the group's port.

Nothing is asked of the world or of the journal here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from katakei.domain.errors import UsageError
from katakei.domain.model import Group, Registration, RolloutId, Target, TargetId, TargetType
from katakei.domain.ports import GroupMember
from katakei.domain.replay import Rollout
from katakei.domain.words import label, listed
from katakei.planning.naming import is_address, is_instance, split

Recorded = Callable[[str], tuple[RolloutId, Target] | None]
"""The newest rollout that knew a target of this id, address or name in the group, and how it was registered there."""

HeldTarget = Mapping[Registration, Rollout]
"""What a rollout took out of the group and none has brought back since, each with that rollout."""

WRITTEN = {TargetType.INSTANCE: (is_instance, "instance id"), TargetType.IP: (is_address, "IP address")}


def resolve_target(
    group: Group, members: Sequence[GroupMember], recorded: Recorded, held: HeldTarget, typed: str
) -> tuple[Target, str]:
    """The target as it is to be registered, and what to say aloud. Raises UsageFault: it can be no target here.

    What is held out of it goes back with the rest of it, however much is listed or was recorded since.
    """
    name, port = split(typed)
    listed_now = _there(members, name)
    rollout, target = (None, listed_now) if listed_now else recorded(name) or (None, None)
    if target is None:
        return _stranger(group, name, port)
    known = {place.door for place in target.registrations}
    more = {place: by for place, by in held.items() if by.owners[place] == target.id and place.door not in known}
    whole = replace(target, registrations=(*target.registrations, *more))
    if port is not None:
        return _with_port(whole, port)
    who = label(target)
    said = [f"{who} goes back as rollout {rollout} recorded it"] if rollout else []
    said += [f"{who} goes back at port {p.port} too: rollout {by.plan.rollout} took it out" for p, by in more.items()]
    return whole, "; ".join(said)


def _there(members: Sequence[GroupMember], name: str) -> Target | None:
    here = [one for one in members if name in {one.registration.id, one.machine, one.address}]
    here = here or [one for one in members if one.name == name]
    if not here:
        return None
    machines = dict.fromkeys(one.machine for one in here)
    if len(machines) > 1:
        raise UsageError(f"{name} is the name of {listed(machines)}: give an id")
    first = here[0]
    places = tuple(one.registration for one in here)
    return Target(first.machine, first.name, first.address, first.zone, places)


def _stranger(group: Group, name: str, port: int | None) -> tuple[Target, str]:
    fits, what = WRITTEN.get(group.target_type, (None, ""))
    if fits and not fits(name):
        raise UsageError(
            f"{name} is not known in {group.name}, and is no {what}; that is how its targets are registered"
        )
    said = "" if port else f"no port is recorded for {name}: the group's own port {group.port} is taken"
    return Target(TargetId(name), "", "", "", (Registration(group.arn, name, port or group.port),)), said


def _with_port(target: Target, port: int) -> tuple[Target, str]:
    same = tuple(place for place in target.registrations if place.port == port)
    if same:
        return replace(target, registrations=same), ""
    ports = listed(sorted({str(place.port) for place in target.registrations}))
    other = replace(target.registrations[0], port=port)
    return replace(target, registrations=(other,)), f"{label(target)} is known with port {ports} here, not with {port}"
