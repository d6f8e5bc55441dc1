"""Target groups and their members: what `groups` and `status` print, for a person and for a program.

A table keeps the order of names, whatever order the load balancer answers in, and fits 80 columns with usual names.
"""

import re
from collections.abc import Mapping, Sequence

from katakei.domain.errors import KatakeiError
from katakei.domain.freezes import Freeze
from katakei.domain.model import Registration, TargetId
from katakei.domain.overview import CarriedRelease, Knowledge
from katakei.domain.ports import GroupMember, ListedGroup
from katakei.domain.replay import Rollout
from katakei.reconcile.gating import frozen
from katakei.render.errors import error_text
from katakei.render.json_data import Plain, output, plain
from katakei.render.local_time import local_minute
from katakei.render.reasons import sentence
from katakei.render.text import grid, one_line
from katakei.render.translation import ENGLISH, Translator
from katakei.render.widths import wrapped

Holder = tuple[Registration, Rollout]
"""A registration that a rollout took out of its group and has not brought back, with that rollout."""

COLUMNS = 80
NOTE_INDENT = "    "
HOW = {
    Knowledge.CONFIRMED.value: "",
    Knowledge.UNCONFIRMED.value: "(unconfirmed)",
    Knowledge.REVERTED.value: "(reverted)",
}


def serving(members: Sequence[GroupMember]) -> int:
    """How many registrations are healthy without an administrative override."""
    return sum(member.seen.serving for member in members)


def groups_text(
    groups: Sequence[ListedGroup],
    region: str,
    account: str,
    tr: Translator = ENGLISH,
    freezes: Sequence[Freeze] | KatakeiError = (),
) -> str:
    """The place, what freezes a group, then a table with one line per group.

    Args:
        groups: The groups with what they list.
        region: Their region.
        account: Their account.
        tr: The language of the reader.
        freezes: The active freezes of these groups, or why they could not be read.
    """
    place = _place(region, account, tr)
    if not groups:
        return tr("no target groups in {place}; for another place, give --region or --profile", place=place)
    lines = [
        (
            group.name,
            f"{serving(group.members)}/{len(group.members)}",
            group.protocol,
            str(group.port),
            group.target_type.value,
            group.arn,
        )
        for group in sorted(groups, key=lambda group: _natural(group.name))
    ]
    heads = (tr("GROUP"), tr("SERVING"), tr("PROTOCOL"), tr("PORT"), tr("TYPE"), "ARN")
    head = tr("{number} target groups in {place}", number=len(groups), place=place) if len(groups) > 1 else place
    head = "\n".join([head, *_frozen(freezes, tr)])
    return f"{head}\n\n{grid(heads, lines)}"


def groups_data(
    groups: Sequence[ListedGroup], region: str, account: str, freezes: Sequence[Freeze] | KatakeiError = ()
) -> Plain:
    """The output `groups`. Where the freezes could not be read, those of each group are null."""
    return output(
        "groups",
        groups=[output("group", **_group(group), freezes=_freezes_of(group, freezes)) for group in groups],
        region=region,
        account=account,
    )


def status_text(
    group: ListedGroup,
    held: Sequence[Holder],
    carried: Mapping[TargetId, CarriedRelease],
    tr: Translator = ENGLISH,
    freezes: Sequence[Freeze] = (),
) -> str:
    """The group and its place, how many serve, what freezes it, and a table of every target.

    Below a target that does not serve stands why: the load balancer's own words, or the rollout that holds it out.

    Args:
        group: The group with what it lists.
        held: The registrations that a rollout holds out.
        carried: The release of each target, as far as the journal tells.
        tr: The language of the reader.
        freezes: The active freezes of the group.
    """
    rows = _rows(group.members, held, carried)
    head = f"{group.name} ({_place(group.region, group.account, tr)})\n{_counts(group, held, len(rows), tr)}"
    head = "\n".join([head, *_frozen(freezes, tr)])
    if not rows:
        return head + "\n" + tr("no targets are registered")
    keys = ("id", "name", "port", "zone", "state")
    cells = [(*(str(row[key] or "") for key in keys), _release(row, tr)) for row in rows]
    heads = (tr("TARGET"), tr("NAME"), tr("PORT"), tr("ZONE"), tr("STATE"), tr("RELEASE"))
    lines = grid(heads, cells).splitlines()
    holders = {holder[0].door: holder for holder in held}
    for number in range(len(rows), 0, -1):
        row = rows[number - 1]
        if note := _note(row, holders.get((str(row["id"]), int(str(row["port"])))), tr):
            lines.insert(number + 1, _wrapped(note))
    return "\n".join([head, "", *lines])


def status_facts(
    group: ListedGroup,
    held: Sequence[Holder],
    carried: Mapping[TargetId, CarriedRelease],
    tr: Translator = ENGLISH,
) -> dict[str, str]:
    """What `status` says, by subject: the counts under '', then each registration."""
    rows = _rows(group.members, held, carried)
    facts = {"": _counts(group, held, len(rows), tr)}
    for row in rows:
        name = f"{row['name'] or row['id']}:{row['port']}"
        facts[name] = f"{row['state']} {_release(row, tr)}".strip()
    return facts


def status_data(
    group: ListedGroup,
    held: Sequence[Holder],
    carried: Mapping[TargetId, CarriedRelease],
    freezes: Sequence[Freeze] = (),
) -> Plain:
    """The output `status`."""
    targets: list[Plain] = [*_rows(group.members, held, carried)]
    return output(
        "status", **_group(group), targets=targets, held_out=len(_held_out(group, held)), freezes=plain(freezes)
    )


def _frozen(freezes: Sequence[Freeze] | KatakeiError, tr: Translator) -> list[str]:
    """A line for each freeze, or one that says why they are not known."""
    if isinstance(freezes, KatakeiError):
        return [one_line(tr("the freezes cannot be read: {error}", error=error_text(freezes, tr)))]
    return [sentence(frozen(freeze), tr) for freeze in freezes]


def _freezes_of(group: ListedGroup, freezes: Sequence[Freeze] | KatakeiError) -> Plain:
    if isinstance(freezes, KatakeiError):
        return None
    return plain([freeze for freeze in freezes if freeze.name == group.arn])


def _wrapped(note: str) -> str:
    """The note in lines below its row. A word that was harmless in the middle of a line may act at the start of one."""
    lines = wrapped(one_line(note), COLUMNS, NOTE_INDENT).splitlines()
    return "\n".join(NOTE_INDENT + one_line(line.strip()) for line in lines)


def _place(region: str, account: str, tr: Translator) -> str:
    return tr("{region}, account {account}", region=region, account=account)


def _group(group: ListedGroup) -> dict[str, Plain]:
    return {
        "name": group.name,
        "arn": group.arn,
        "protocol": group.protocol,
        "port": group.port,
        "target_type": group.target_type.value,
        "serving": serving(group.members),
        "total": len(group.members),
        "region": group.region,
        "account": group.account,
    }


def _counts(group: ListedGroup, held: Sequence[Holder], total: int, tr: Translator) -> str:
    """'1 of 2 serving · 1 held out by r-7h2k'. The total counts the targets that are held out and not registered."""
    out = _held_out(group, held)
    by = tr.listed(sorted({rollout.plan.rollout for _, rollout in out}))
    said = tr("{number} of {total} serving", number=serving(group.members), total=total)
    return said + (tr(" · {number} held out by {rollouts}", number=len(out), rollouts=by) if out else "")


def _held_out(group: ListedGroup, held: Sequence[Holder]) -> list[Holder]:
    """Those that do not serve: a person may have registered one again."""
    back = {member.registration.door for member in group.members if member.seen.serving}
    return [holder for holder in held if holder[0].door not in back]


def _rows(
    members: Sequence[GroupMember], held: Sequence[Holder], carried: Mapping[TargetId, CarriedRelease]
) -> list[dict[str, Plain]]:
    """The registered targets and those that a rollout holds out and the group no longer lists, by name, id and port."""
    holders = {holder[0].door: holder for holder in held}
    rows = [_row(member, holders.get(member.registration.door), carried.get(member.machine)) for member in members]
    registered = {member.registration.door for member in members}
    for door, (place, rollout) in holders.items():
        if door not in registered:
            rows.append(_absent(place, rollout, carried.get(rollout.owners[place])))
    return sorted(rows, key=lambda row: [_natural(str(row[key])) for key in ("name", "id", "port")])


def _natural(text: str) -> list[tuple[int, str]]:
    """A sort key in which web-2 comes before web-10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", text)]


def _row(member: GroupMember, holder: Holder | None, carried: CarriedRelease | None) -> dict[str, Plain]:
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
        **_carried(carried),
    )


def _absent(place: Registration, rollout: Rollout, carried: CarriedRelease | None) -> dict[str, Plain]:
    target = rollout.targets[rollout.owners[place]]
    return output(
        "member",
        id=place.id,
        port=place.port,
        zone=target.zone,
        name=target.name,
        state="absent",
        reason="Target.NotRegistered",
        description=sentence(rollout.statuses[target.id].reason),
        since=_since((place, rollout)),
        held_by=rollout.plan.rollout,
        **_carried(carried),
    )


def _carried(carried: CarriedRelease | None) -> dict[str, Plain]:
    if carried is None:
        return {"release": None, "release_state": None}
    return {"release": carried.release, "release_state": carried.how.value}


def _release(row: Mapping[str, Plain], tr: Translator) -> str:
    """'v9', 'v9 (unconfirmed)', 'v8 (reverted)'; '' where the journal tells nothing."""
    how = HOW.get(str(row["release_state"]), "")
    return f"{row['release'] or ''} {tr.of(how)}".strip()


def _note(row: Mapping[str, Plain], holder: Holder | None, tr: Translator) -> str:
    """Why a target does not serve; '' for one that does."""
    if row["held_by"] and holder:
        since = local_minute(holder[1].statuses[holder[1].owners[holder[0]]].since)
        why = sentence(holder[1].statuses[holder[1].owners[holder[0]]].reason, tr)
        told = tr("held out by {rollout} since {since}", rollout=row["held_by"], since=since)
        words = why if row["state"] == "absent" else str(row["description"] or row["reason"])
        return f"{told}: {words}" if words else told
    return ": ".join(str(row[key]) for key in ("reason", "description") if row[key])


def _since(holder: Holder | None) -> str:
    if holder is None:
        return ""
    registration, rollout = holder
    return f"{rollout.statuses[rollout.owners[registration]].since:%Y-%m-%dT%H:%M:%SZ}"
