"""The leases in S3: one object for each group, changed only while it still has the ETag that was read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from katakei.adapters.journals.event_codec import record_coder
from katakei.adapters.journals.lease_holders import (
    FateCheck,
    LeaseHolder,
    check_replaceable,
    identity_text,
    lost,
    recorded_owner,
    recorded_place,
)
from katakei.adapters.journals.lease_queries import lease_status
from katakei.adapters.journals.s3.bucket import Bucket, StoredObject, unchanged_since
from katakei.adapters.system import process
from katakei.domain.errors import KatakeiError, LeaseHeldError
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import LeaseStatus
from katakei.domain.wire import record

TRIES = 4  # how often another process may be faster


@dataclass(frozen=True, slots=True)
class Row:
    """The lease of one group. The row stays when the lease is given back: an epoch must never be used twice."""

    held: bool
    epoch: int
    beat: int
    rollout: RolloutId
    since: datetime
    owner: Owner
    machine: str
    pids: str


ROW = record_coder(Row, record("Row", "held epoch beat rollout since owner machine pids"))


@dataclass(frozen=True, slots=True)
class Seen:
    """A row as it was read. Both are None when no process ever held the group."""

    row: Row | None
    found: StoredObject | None


class S3Leases:
    """Implements the port `Leases`. A lease whose state is not known counts as lost.

    Every method may raise NoAnswerError and UnreachableError.
    """

    def __init__(self, bucket: Bucket, fate: FateCheck = process.fate) -> None:
        self._bucket = bucket
        self._fate = fate

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        """As the port says. The same process may take the same rollout again, which fences its former lease."""
        if not groups:
            raise ValueError("a lease is for at least one group")
        for _ in range(TRIES):
            seen = {group: self._seen(group) for group in sorted(groups)}
            others = [holder for group, each in seen.items() if (holder := _holder(group, each, owner, rollout))]
            check_replaceable(others, self._fate, silent, shared=True)
            lease = Lease(groups, owner, max((each.row.epoch for each in seen.values() if each.row), default=0) + 1)
            if self._claim(lease, rollout, seen):
                return lease
        raise LeaseHeldError(f"several processes want {', '.join(sorted(groups))} in this very moment: try again")

    def confirm(self, lease: Lease) -> None:
        """Raises LeaseLostError unless every group of the lease is still its own."""
        if not lease.groups:
            raise lost()
        for group in sorted(lease.groups):
            self._mine(lease, group)

    def renew(self, lease: Lease) -> None:
        """As the port says."""
        if not lease.groups:
            raise lost()
        for group in sorted(lease.groups):
            self._renew(lease, group)

    def release(self, lease: Lease) -> None:
        """As the port says."""
        for group in sorted(lease.groups):
            seen = self._seen(group)
            if seen.row and _is(seen.row, lease):
                self._write(group, replace(seen.row, held=False), seen)

    def holder(self, group: Arn) -> LeaseStatus | None:
        """As the port says."""
        seen = self._seen(group)
        if seen.row is None or not seen.row.held:
            return None
        return lease_status(_held(group, seen.row, seen.found), self._fate, shared=True)

    def unlock(self, group: Arn) -> str | None:
        """As the port says."""
        for _ in range(TRIES):
            seen = self._seen(group)
            if seen.row is None or not seen.row.held:
                return None
            if self._write(group, replace(seen.row, held=False), seen):
                return str(_held(group, seen.row, seen.found))
        raise LeaseHeldError(f"the lease of {group} changes too fast to be let go: its holder is alive")

    def _claim(self, lease: Lease, rollout: RolloutId, seen: Mapping[Arn, Seen]) -> bool:
        """Writes all rows; releases them again when one could not be written."""
        place, now = process.current_place(), self._bucket.clock.now()
        plain = replace(lease.owner, scheme="", nonce="")  # the version before reads no more of an owner
        pids = identity_text(lease.owner, place)
        row = Row(True, lease.epoch, 0, rollout, now, plain, place.machine, pids)
        try:
            claimed = all(self._write(group, row, each) for group, each in seen.items())
        except KatakeiError:
            self.release(lease)
            raise
        if not claimed:
            self.release(lease)
        return claimed

    def _renew(self, lease: Lease, group: Arn) -> None:
        for _ in range(TRIES):
            row, seen = self._mine(lease, group)
            if self._write(group, replace(row, beat=row.beat + 1), seen):
                return
        raise lost()

    def _mine(self, lease: Lease, group: Arn) -> tuple[Row, Seen]:
        seen = self._seen(group)
        if seen.row is None or not _is(seen.row, lease):
            raise lost()
        return seen.row, seen

    def _seen(self, group: Arn) -> Seen:
        found = self._bucket.get(_key(group))
        return Seen(self._bucket.parse(_key(group), found, ROW.read) if found else None, found)

    def _write(self, group: Arn, row: Row, seen: Seen) -> bool:
        return self._bucket.put(_key(group), json.dumps(ROW.write(row)), unchanged_since(seen.found))


def _owner(row: Row) -> Owner:
    return recorded_owner(row.owner, row.pids)


def _is(row: Row, lease: Lease) -> bool:
    return row.held and (_owner(row), row.epoch) == (lease.owner, lease.epoch)


def _holder(group: Arn, seen: Seen, owner: Owner, rollout: RolloutId) -> LeaseHolder | None:
    """Returns the other holder; None when nobody else holds it."""
    row = seen.row
    if row is None or not row.held or (_owner(row), row.rollout) == (owner, rollout):
        return None
    return _held(group, row, seen.found)


def _held(group: Arn, row: Row, found: StoredObject | None) -> LeaseHolder:
    return LeaseHolder(
        group=group,
        owner=_owner(row),
        place=recorded_place(row.machine, row.pids),
        rollout=row.rollout,
        since=row.since,
        beat=Heartbeat(group, row.epoch, row.beat),
        age=found.age if found else None,
    )


def _key(group: Arn) -> str:
    return f"leases/{group}.json"
