"""The view models of target groups: the rows of the list, and the targets of one group as in the AWS console."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from katakei.app.fleet_groups import PlaceGroups
from katakei.app.queries import Status
from katakei.domain.model import Arn, Registration
from katakei.domain.observation import HealthState
from katakei.domain.overview import CarriedRelease
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.ports import GroupMember, ListedGroup
from katakei.domain.reasons import ReasonCode
from katakei.domain.replay import Rollout
from katakei.render.errors import error_text
from katakei.render.reasons import sentence
from katakei.render.translation import ENGLISH, Translator
from katakei.web.console.group_facts import GroupFacts, StateTimes

STATES: Sequence[str] = tuple(state.value for state in HealthState)
COUNTED = ("healthy", "unhealthy", "initial", "draining", "unused", "unavailable")
ROWS = 50
"""Rows of one page of a list: with them a page of a large group stays under 120 KB."""
NO_REASON = ""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group of the list."""

    group: ListedGroup
    facts: GroupFacts
    counts: Mapping[str, int]

    @property
    def serving(self) -> int:
        """How many registrations serve."""
        return sum(member.seen.serving for member in self.group.members)


@dataclass(frozen=True, slots=True)
class PlaceView:
    """The groups of one account and region.

    Attributes:
        region: The region; '' while it is not known.
        account: The account; '' while it is not known.
        rows: Its groups, sorted by name.
        trouble: Why they could not be read; '' when they were.
    """

    region: str
    account: str
    rows: tuple[GroupRow, ...]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One registration, or a target that a rollout holds out and the group no longer lists.

    Attributes:
        state: The health state as AWS names it; 'absent' for one that is not registered.
        why: Why it is in this state: what the rollout that holds it says, else AWS's own description.
        since: When this state began; None: not known.
        exact: Whether `since` is the change itself, and not only the first observation.
        held_by: The rollout that holds it out; ''.
        safe: It was deregistered by hand and its drain has ended: work may begin.
        selectable: It may be deregistered here.
    """

    id: str
    name: str
    port: int
    zone: str
    state: str
    reason: str
    why: str
    since: datetime | None
    exact: bool
    release: CarriedRelease | None
    held_by: str = ""
    safe: bool = False
    address: str = ""

    @property
    def value(self) -> str:
        """What names it in a form: id and port."""
        return f"{self.id}:{self.port}"

    @property
    def selectable(self) -> bool:
        """Whether it can be deregistered: it is registered and not draining."""
        return self.state not in {"absent", "draining"}


def counts_of(members: Sequence[GroupMember]) -> Mapping[str, int]:
    """How many registrations are in each state; every state that the console counts is there."""
    found = Counter(member.seen.state.value for member in members)
    return {state: found.get(state, 0) for state in COUNTED}


def place_view(
    place: PlaceGroups, groups: Sequence[ListedGroup], facts: Mapping[Arn, GroupFacts], tr: Translator = ENGLISH
) -> PlaceView:
    """One account and region.

    Args:
        place: What was read.
        groups: Those of its groups that the reader may see.
        facts: The facts of each of them.
        tr: The language of the reader.
    """
    if place.groups is None:
        trouble = error_text(place.trouble, tr) if place.trouble else ""
        return PlaceView(place.place.region or "", place.place.account or "", (), trouble or tr("no answer"))
    rows = [GroupRow(group, facts[group.arn], counts_of(group.members)) for group in groups]
    rows.sort(key=lambda row: natural(row.group.name))
    return PlaceView(place.groups.region, place.groups.account, tuple(rows))


def target_rows(status: Status, times: StateTimes, now: datetime, tr: Translator = ENGLISH) -> tuple[TargetRow, ...]:
    """The targets of a group by name, id and port: those registered, and those held out that it no longer lists."""
    group = status.group
    holders = {place.door: (place, rollout) for place, rollout in status.held.items()}
    rows = []
    for member in group.members:
        registration = member.registration
        rows.append(_registered(group, member, status, holders.get(registration.door), (times, now, tr)))
    listed = {member.registration.door for member in group.members}
    rows += [_absent(*holder, status, tr) for door, holder in holders.items() if door not in listed]
    return tuple(sorted(rows, key=lambda row: (natural(row.name or row.id), natural(row.id), row.port)))


def _registered(
    group: ListedGroup,
    member: GroupMember,
    status: Status,
    holder: tuple[Registration, Rollout] | None,
    seen: tuple[StateTimes, datetime, Translator],
) -> TargetRow:
    times, now, tr = seen
    registration, health = member.registration, member.seen
    since, exact = times.since(group.arn, registration.door, health.state.value, now)
    held, safe, why = "", False, health.description
    if holder and not health.serving:
        rollout = holder[1]
        held = rollout.plan.rollout
        safe = _safe(rollout, holder[0])
        since, exact = rollout.statuses[rollout.owners[holder[0]]].since, True
        why = _why(rollout, holder[0], tr) or health.description
    if health.overridden:
        why = why or tr("an administrative override keeps traffic away from it")
    return TargetRow(
        registration.id,
        member.name,
        registration.port,
        member.zone,
        health.state.value,
        health.reason,
        why,
        since,
        exact,
        status.carried.get(member.machine),
        held,
        safe,
        member.address,
    )


def _absent(place: Registration, rollout: Rollout, status: Status, tr: Translator) -> TargetRow:
    target = rollout.targets[rollout.owners[place]]
    return TargetRow(
        place.id,
        target.name,
        place.port,
        target.zone,
        HealthState.ABSENT.value,
        "Target.NotRegistered",
        _why(rollout, place, tr),
        rollout.statuses[target.id].since,
        exact=True,
        release=status.carried.get(target.id),
        held_by=rollout.plan.rollout,
        safe=_safe(rollout, place),
        address=target.address,
    )


def _why(rollout: Rollout, place: Registration, tr: Translator) -> str:
    return sentence(rollout.statuses[rollout.owners[place]].reason, tr)


def _safe(rollout: Rollout, place: Registration) -> bool:
    """Deregistered by a person who waited for the drain, and drained."""
    status = rollout.statuses[rollout.owners[place]]
    waited = status.reason is not None and status.reason.code == ReasonCode.DEREGISTERED_BY_HAND
    out = status.phase is Phase.LEFT_OUT and status.cause is Cause.BY_HAND
    return rollout.plan.kind is PlanKind.DEREGISTER and out and waited


@dataclass(frozen=True, slots=True)
class Paged:
    """One page of rows.

    Attributes:
        rows: The rows of the page.
        total: How many rows match.
        page: The number of the page, from 1 on.
        pages: How many pages there are.
    """

    rows: tuple[TargetRow, ...]
    total: int
    page: int
    pages: int


def paged(rows: Sequence[TargetRow], text: str, state: str, page: int) -> Paged:
    """The rows that match a text and a state, a page at a time."""
    wanted = text.strip().casefold()
    found = [
        row
        for row in rows
        if (not state or row.state == state)
        and (not wanted or any(wanted in each.casefold() for each in (row.id, row.name, row.address, row.zone)))
    ]
    pages = max(1, -(-len(found) // ROWS))
    number = min(max(1, page), pages)
    return Paged(tuple(found[(number - 1) * ROWS : number * ROWS]), len(found), number, pages)


def natural(text: str) -> list[tuple[int, str]]:
    """A sort key in which web-2 comes before web-10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", text)]
