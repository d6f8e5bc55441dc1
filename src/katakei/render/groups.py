"""Target groups and their members: what `groups` and `status` print, for a person and for a program."""

from collections.abc import Sequence

from katakei.domain.model import Registration
from katakei.domain.ports import GroupMember, ListedGroup
from katakei.domain.replay import Rollout
from katakei.render.json_data import Plain, output
from katakei.render.reasons import sentence
from katakei.render.text import grid

Holder = tuple[Registration, Rollout]
"""A registration that a rollout took out of its group and has not brought back, with that rollout."""


def serving(members: Sequence[GroupMember]) -> int:
    """How many registrations are healthy without an administrative override."""
    return sum(member.seen.serving for member in members)


def groups_text(groups: Sequence[ListedGroup]) -> str:
    """A table with one line per group."""
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
    """The output `groups`."""
    return output("groups", groups=[output("group", **_group(group)) for group in groups])


def status_text(group: ListedGroup, held: Sequence[Holder]) -> str:
    """A table of every target: the load balancer's own words, and the rollout that holds a target out of service."""
    head = f"{group.name}: {serving(group.members)} of {len(group.members)} serving ({group.arn})"
    heads = ("TARGET", "PORT", "ZONE", "NAME", "STATE", "REASON", "DESCRIPTION", "SINCE", "HELD OUT BY")
    keys = ("id", "port", "zone", "name", "state", "reason", "description", "since", "held_by")
    rows = [tuple(str(row[key] or "") for key in keys) for row in _rows(group.members, held)]
    return head + "\n" + (grid(heads, rows) if rows else "no targets are registered")


def status_data(group: ListedGroup, held: Sequence[Holder]) -> Plain:
    """The output `status`."""
    targets: list[Plain] = [*_rows(group.members, held)]
    return output("status", **_group(group), targets=targets)


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


def _rows(members: Sequence[GroupMember], held: Sequence[Holder]) -> list[dict[str, Plain]]:
    """The registered targets first, then those that a rollout holds out and the group no longer lists."""
    holders = {holder[0].door: holder for holder in held}
    rows = [_row(member, holders.get(member.registration.door)) for member in members]
    registered = {member.registration.door for member in members}
    return rows + [_absent(holder) for door, holder in holders.items() if door not in registered]


def _row(member: GroupMember, holder: Holder | None) -> dict[str, Plain]:
    return output(
        "member",
        id=member.registration.id,
        port=member.registration.port,
        zone=member.zone,
        name=member.name,
        state=member.seen.state.value,
        reason=member.seen.reason,
        description=member.seen.description,
        since=_since(holder),
        held_by=holder[1].plan.rollout if holder and not member.seen.serving else "",
    )


def _absent(holder: Holder) -> dict[str, Plain]:
    registration, rollout = holder
    target = rollout.targets[rollout.owners[registration]]
    return output(
        "member",
        id=registration.id,
        port=registration.port,
        zone=target.zone,
        name=target.name,
        state="absent",
        reason="Target.NotRegistered",
        description=sentence(rollout.statuses[target.id].reason),
        since=_since(holder),
        held_by=rollout.plan.rollout,
    )


def _since(holder: Holder | None) -> str:
    if holder is None:
        return ""
    registration, rollout = holder
    return f"{rollout.statuses[rollout.owners[registration]].since:%Y-%m-%dT%H:%M:%SZ}"
