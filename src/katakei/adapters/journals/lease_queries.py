"""The question who has the lease of a group, for commands that only read. Nothing is written or waited for.

This module must not import SQLAlchemy, for the same reason as `rollout_headers`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.lease_holders import (
    FateCheck,
    LeaseHolder,
    is_replaceable,
    recorded_owner,
    recorded_place,
)
from katakei.adapters.journals.timestamps import moment, told_time
from katakei.adapters.system.process import ProcessFate
from katakei.domain.leases import SILENCE_LIMIT, Heartbeat, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import LeaseStatus, Liveness

COLUMNS = "user_name, host, pid, started, boot, machine, pids, rollout, since, epoch, beat, beaten"
HOLDER_QUERY = f"SELECT CURRENT_TIMESTAMP, {COLUMNS} FROM leases WHERE group_arn = :group AND held"  # noqa: S608 - constants

Query = Callable[[str, Mapping[str, object]], Sequence[tuple[Any, ...]]]


def find_holder(query: Query, group: Arn) -> LeaseHolder | None:
    """The holder of a group in the SQL journal; None when nobody holds it."""
    for now, user, host, pid, started, boot, machine, pids, rollout, since, epoch, beat, beaten in query(
        HOLDER_QUERY, {"group": group}
    ):
        with readable("the journal's list of leases"):
            return LeaseHolder(
                group=group,
                owner=recorded_owner(Owner(user, host, pid, started, boot), pids),
                place=recorded_place(machine, pids),
                rollout=RolloutId(rollout),
                since=moment(since),
                beat=Heartbeat(group, epoch, beat),
                age=told_time(now) - moment(beaten) if beaten else None,
            )
    return None


def lease_status(holder: LeaseHolder, fate: FateCheck, *, shared: bool) -> LeaseStatus:
    """What is known of this holder now.

    Args:
        holder: The holder, as the store tells it.
        fate: What this host knows of its process.
        shared: Whether other machines write to the store too: a young heartbeat then proves more than what this host
            knows of the process.
    """
    known = fate(holder.owner, holder.place)
    silent = holder.age is not None and holder.age > SILENCE_LIMIT
    if shared and holder.recently_heard:
        liveness = Liveness.ALIVE
    elif silent or known is ProcessFate.DEAD:
        liveness = Liveness.GONE
    else:
        heard = holder.recently_heard or known is ProcessFate.ALIVE
        liveness = Liveness.ALIVE if heard else Liveness.UNKNOWN
    watched = not is_replaceable(holder, known, shared=shared)
    return LeaseStatus(holder.rollout, holder.owner, liveness, holder.age, holder.beat, watched)
