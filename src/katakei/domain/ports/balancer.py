"""The port of a load balancer: its target groups, what they list, and the two calls that change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from katakei.domain.model import Arn, Group, Registration, Target, TargetId, TargetType
from katakei.domain.observation import GroupObservation, RegistrationHealth


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One registration as the group lists it at plan time, with what is known of the machine behind it.

    Attributes:
        windows: EC2 says that the machine runs Windows.
    """

    registration: Registration
    seen: RegistrationHealth
    machine: TargetId
    name: str
    address: str
    zone: str
    tags: Mapping[str, str]
    windows: bool = False


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """The facts of a group that never change, with everything it lists now."""

    arn: Arn
    name: str
    port: int
    protocol: str
    target_type: TargetType
    members: tuple[GroupMember, ...]

    @property
    def region(self) -> str:
        """The region of the group, from its ARN."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account of the group, from its ARN."""
        return self.arn.split(":")[4]


class GroupReader(Protocol):
    """The questions of commands that only read, with as few calls as possible. Errors are those of `Balancer`."""

    def listed(self, names: Sequence[str]) -> Sequence[ListedGroup]:
        """The groups of these names or ARNs, each once; all groups when `names` is empty.

        Raises:
            UnknownGroupError: There is no such group.
        """
        ...

    def names(self) -> Sequence[str]:
        """The names of all groups, by one question."""
        ...

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        """As `Balancer.restore_lines`; no call is made."""
        ...


class Balancer(Protocol):
    """A load balancer. Every call is tried once: the loop of turns is the retry.

    Every method may raise NoAnswerError (nothing is known, ask again), TemporarilyUnavailableError (it may come back),
    UnreachableError (asking again does not help), RejectedError (understood, and will never be done) and
    UnknownGroupError.
    """

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        """The groups of these names or ARNs, with their attributes; all groups when `names` is empty."""
        ...

    def members(self, group: Group) -> Sequence[GroupMember]:
        """Everything that the group lists now."""
        ...

    def elsewhere(self, targets: Sequence[Target]) -> Sequence[Registration]:
        """The registrations of these machines in other groups of the account and region."""
        ...

    def look(self, group: Arn, only: frozenset[Registration] | None) -> GroupObservation:
        """Observe a group.

        Args:
            group: The target group.
            only: The registrations to observe; None for the whole group.

        Returns:
            An observation of the whole group has `full_begun` and holds what is registered; it is given too where
            `only` is more than one call may name. One of some registrations holds each of them, ABSENT when it is not
            registered.
        """
        ...

    def deregister(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        """Send DeregisterTargets. That the call returned proves nothing: only an observation does.

        Args:
            group: The target group.
            what: The registrations to take out.
            by: Nothing is sent later than this, from now.
        """
        ...

    def register(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        """Send RegisterTargets, as `deregister`.

        Raises:
            RejectedError: The load balancer will never take one of them.
        """
        ...

    def prove_rights(self, group: Arn, listed: Sequence[Registration], by: timedelta) -> None:
        """Prove that registrations of a group may be changed, without changing one.

        Args:
            group: The target group.
            listed: The registrations of targets of the group, at least one.
            by: Nothing is sent later than this, from now.

        Raises:
            UnreachableError: A right is missing; the sentence names the action and the group.
        """
        ...

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        """The commands that a person can paste to register these by hand."""
        ...
