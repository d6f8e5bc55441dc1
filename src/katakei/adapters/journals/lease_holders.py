"""The holders of leases, as a store tells them, and whether another process may replace them.

Nothing is read or written here. The clock of a store can only refuse, early. An owner is gone when this host knows that
its process is dead, or when the caller has watched it in silence for long enough by its own clock.

In a store that several machines share, a young heartbeat is stronger than what this host knows. Two machines that were
restored from one snapshot have the same boot id, host name and machine-id, and each misses the processes of the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from katakei.adapters.system import process
from katakei.domain.errors import LeaseHeldError, LeaseLostError
from katakei.domain.leases import FRESH_HEARTBEAT, SILENCE_LIMIT, Heartbeat, Owner
from katakei.domain.model import Arn, RolloutId

FateCheck = Callable[[Owner, process.Place], process.ProcessFate]
"""What this host knows of the process of an owner."""

DEAD = process.ProcessFate.DEAD

SKEW = timedelta(seconds=1)
"""Stores tell whole seconds."""

ADVICE = {
    process.ProcessFate.ALIVE: "wait until it has ended",
    process.ProcessFate.DEAD: "it is gone from this machine, but may run on one restored from the same snapshot",
    process.ProcessFate.UNKNOWN: "whether that process still runs cannot be known from here",
}


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """The holder of one group.

    Attributes:
        group: The target group.
        owner: The process that holds it.
        place: Where that process is.
        rollout: What it drives.
        since: When it took the lease, by the store's clock.
        beat: Its newest heartbeat.
        age: How old that heartbeat is by the store's clock; None when the store cannot tell.
    """

    group: Arn
    owner: Owner
    place: process.Place
    rollout: RolloutId
    since: datetime
    beat: Heartbeat
    age: timedelta | None

    def __str__(self) -> str:
        return f"rollout {self.rollout} of {self.owner} since {self.since.strftime('%Y-%m-%d %H:%M:%S UTC')}"

    @property
    def recently_heard(self) -> bool:
        """Whether its heartbeat is young. A store's clock that was set back gives negative ages, which tell nothing."""
        return self.age is not None and -SKEW <= self.age <= FRESH_HEARTBEAT

    @property
    def long_silent(self) -> bool:
        """Whether its heartbeat is known to be older than the time after which an owner may be replaced."""
        return self.age is not None and self.age > SILENCE_LIMIT + SKEW


def identity_text(owner: Owner, place: process.Place) -> str:
    """What a lease row keeps in `pids`: the pid namespace, and with it the owner's scheme and nonce.

    A lease row has no field of its own for them: the version before refuses a row with fields that it does not know,
    and leaves columns that it does not know as they are when it takes a lease over. It only compares `pids`, finds
    another text than its own, and so watches the owner's heartbeat.
    """
    return f"{place.pids} {owner.scheme} {owner.nonce}" if owner.scheme else place.pids


def recorded_owner(plain: Owner, pids: str) -> Owner:
    """The owner of a lease row whose `pids` is this text. One of a later format gets a scheme that nothing equals."""
    _, blank, identity = pids.partition(" ")
    scheme, _, nonce = identity.partition(" ")
    if " " in nonce:
        scheme, nonce = identity, ""
    return replace(plain, scheme=scheme, nonce=nonce) if blank else plain


def recorded_place(machine: str, pids: str) -> process.Place:
    """The place of a lease row whose `pids` is this text."""
    return process.Place(machine, pids.partition(" ")[0])


def lost() -> LeaseLostError:
    """The error for an owner that was replaced."""
    return LeaseLostError("another process has taken over: this one writes nothing and starts nothing more")


def is_replaceable(holder: LeaseHolder, fate: process.ProcessFate, *, shared: bool) -> bool:
    """Whether the lease is handed over to a process that has not watched its holder.

    Args:
        holder: The present holder.
        fate: What this host knows of its process.
        shared: Whether other machines may use the store. A dead process then counts only after a long silence.
    """
    return fate is DEAD and (not shared or holder.long_silent)


def check_replaceable(
    holders: Sequence[LeaseHolder], fate: FateCheck, silent: frozenset[Heartbeat], *, shared: bool
) -> None:
    """Returns when every holder is gone: dead as known from here, or watched and silent.

    Args:
        holders: The present holders of the wanted groups.
        fate: What this host knows of a process.
        silent: Heartbeats that the caller has watched for long enough by its own clock.
        shared: Whether other machines may use the store. A dead process then counts only after a long silence.

    Raises:
        LeaseHeldError: One of them is not gone; it names the one that was heard of last.
    """
    present = [
        (holder, verdict)
        for holder in holders
        if holder.beat not in silent
        and not is_replaceable(holder, verdict := fate(holder.owner, holder.place), shared=shared)
    ]
    if not present:
        return
    heard = [each for each in present if each[0].recently_heard and each[1] is not DEAD]
    holder, verdict = (heard or present)[0]
    beats = frozenset(each.beat for each, _ in present)
    seen = any(verdict is process.ProcessFate.ALIVE for _, verdict in heard)
    age = f"; heard of {max(0, int(holder.age.total_seconds()))}s ago" if holder.age is not None else ""
    raise LeaseHeldError(
        f"{holder.group} is held by {holder}: {ADVICE[verdict]}{age}. The same command takes over once it has been"
        f" silent for {SILENCE_LIMIT.seconds}s",
        silent=frozenset() if heard else beats,
        unsure=frozenset() if seen else beats,
    )
