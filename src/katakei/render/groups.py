"""Target groups and their members, as text for a person and as JSON for a program."""

from collections.abc import Sequence

from katakei.domain.model import Registration
from katakei.domain.ports import GroupMember, ListedGroup
from katakei.domain.replay import Rollout
from katakei.render.grid import grid
from katakei.render.json_data import Plain

Holder = tuple[Registration, Rollout]
Held = Sequence[Holder]


def serving(members: Sequence[GroupMember]) -> int:
    """How many registrations are healthy and not overridden."""
    return sum(member.seen.serving for member in members)


def groups_text(groups: Sequence[ListedGroup]) -> str:
    """One line a group."""
    lines = [
        (
            group.name,
            f"{serving(group.members)}/{len(group.members)}",
            group.protocol,
            str(group.port),
            group.target_type.value,
            group.arn,
        )
        for group in groups
    ]
    return grid(("GROUP", "SERVING", "PROTOCOL", "PORT", "TYPE", "ARN"), lines)


def groups_data(groups: Sequence[ListedGroup]) -> Plain:
    """The same for a program."""
    return {"groups": [_group(group) for group in groups]}


def status_text(group: ListedGroup, held: Held) -> str:
    """Every member with the load balancer's own words, and who holds out what is not in service."""
    head = f"{group.name}: {serving(group.members)} of {len(group.members)} serving ({group.arn})"
    heads = ("TARGET", "PORT", "ZONE", "NAME", "STATE", "REASON", "DESCRIPTION", "SINCE", "HELD OUT BY")
    keys = ("id", "port", "zone", "name", "state", "reason", "description", "since", "held_by")
    rows = [tuple(str(row[key] or "") for key in keys) for row in _rows(group.members, held)]
    return head + "\n" + (grid(heads, rows) if rows else "no targets are registered")


def status_data(group: ListedGroup, held: Held) -> Plain:
    """The same for a program."""
    targets: Plain = [row for row in _rows(group.members, held)]  # noqa: C416 - a list of this type, not of dicts
    return {**_group(group), "targets": targets}


def _group(group: ListedGroup) -> dict[str, Plain]:
    return {
        "name": group.name,
        "arn": group.arn,
        "protocol": group.protocol,
        "port": group.port,
        "target_type": group.target_type.value,
        "serving": serving(group.members),
        "total": len(group.members),
    }


def _rows(members: Sequence[GroupMember], held: Held) -> list[dict[str, Plain]]:
    holders = {holder[0].door: holder for holder in held}
    rows = [_row(member, holders.get(member.registration.door)) for member in members]
    listed = {member.registration.door for member in members}
    return rows + [_absent(holder) for door, holder in holders.items() if door not in listed]


def _row(member: GroupMember, holder: Holder | None) -> dict[str, Plain]:
    return {
        "id": member.registration.id,
        "port": member.registration.port,
        "zone": member.zone,
        "name": member.name,
        "state": member.seen.state.value,
        "reason": member.seen.reason,
        "description": member.seen.description,
        "since": _since(holder),
        "held_by": holder[1].plan.rollout if holder and not member.seen.serving else "",
    }


def _absent(holder: Holder) -> dict[str, Plain]:
    place, rollout = holder
    target = rollout.targets[rollout.owners[place]]
    return {
        "id": place.id,
        "port": place.port,
        "zone": target.zone,
        "name": target.name,
        "state": "absent",
        "reason": "Target.NotRegistered",
        "description": rollout.statuses[target.id].why,
        "since": _since(holder),
        "held_by": rollout.plan.rollout,
    }


def _since(holder: Holder | None) -> str:
    if holder is None:
        return ""
    place, rollout = holder
    return f"{rollout.statuses[rollout.owners[place]].since:%Y-%m-%dT%H:%M:%SZ}"
