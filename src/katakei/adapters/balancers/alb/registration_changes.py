"""RegisterTargets and DeregisterTargets for many targets, in as few calls as possible.

A call is repeated only where AWS refused a whole list, and no success is believed: later observations tell.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from katakei.adapters.aws import ELB, AwsSession
from katakei.adapters.balancers.alb.queries import chunks
from katakei.domain.errors import NoAnswerError, RejectedError, TemporarilyUnavailableError, UnreachableError
from katakei.domain.model import Arn, Registration
from katakei.domain.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef

UNUSED_PORT = 65535
NO_INSTANCE = "i-00000000000000000"
"""The form of an instance id, and the id of no instance."""
MAX_TARGETS = 200
"""Targets in one call. The AWS Load Balancer Controller sends no more, on the advice of the ELB team (its #1342)."""


class Change(Enum):
    """The two changes, by the API's names."""

    REGISTER = "RegisterTargets"
    DEREGISTER = "DeregisterTargets"


def target_descriptions(places: Collection[Registration]) -> "list[TargetDescriptionTypeDef]":
    """Returns registrations as ELBv2 takes them. The port is always given: without it, ELBv2 takes the group's own."""
    return [_description(place) for place in places]


class RegistrationChanges:
    """The calls that change something."""

    def __init__(self, aws: AwsSession, clock: Clock) -> None:
        self._aws, self._clock = aws, clock

    def apply(self, change: Change, group: Arn, places: Collection[Registration], by: timedelta) -> None:
        """Registers or deregisters all of `places` and finds the ones that AWS refuses.

        ELBv2 refuses a whole list for one bad target, so a refused list is halved until the bad ones are alone.

        Args:
            change: which of the two.
            group: the target group.
            places: the registrations.
            by: the time for all calls, from now. No call begins later.

        Raises:
            RejectedError: `which` names the refused ones. When `by` came first, some others may not have been tried.
            NoAnswerError, UnreachableError: a call failed, and no target was found to be bad.

        """
        until = self._clock.now() + by
        refused: dict[Registration, str] = {}
        waiting = chunks(sorted(places, key=lambda place: (place.id, place.port)), MAX_TARGETS)
        while waiting:
            few = waiting.pop(0)
            try:
                self._call(change, group, few, until)
            except RejectedError as error:
                if len(few) > 1:
                    waiting[:0] = chunks(few, (len(few) + 1) // 2)
                else:
                    refused[few[0]] = str(error)
            except (NoAnswerError, UnreachableError):
                if not refused:
                    raise
                break
        if refused:
            raise RejectedError("; ".join(dict.fromkeys(refused.values())), refused)

    def _call(self, change: Change, group: Arn, few: Sequence[Registration], until: datetime) -> None:
        targets = target_descriptions(few)
        if change is Change.REGISTER:
            self._aws.call(
                ELB,
                change.value,
                lambda elb: elb.register_targets(TargetGroupArn=group, Targets=targets),
                by=until,
            )
        else:
            self._aws.call(
                ELB,
                change.value,
                lambda elb: elb.deregister_targets(TargetGroupArn=group, Targets=targets),
                by=until,
            )

    def prove_rights(self, group: Arn, listed: Sequence[Registration], by: timedelta) -> None:
        """Makes both calls with something that they cannot change.

        DeregisterTargets of a port that the target does not have succeeds and does nothing (docs/aws.md 2).
        RegisterTargets of an instance that does not exist is refused as a whole, after the right was checked. If
        an endpoint accepts it nevertheless, it is deregistered again.

        Raises:
            UnreachableError: a right is missing; the sentence names the action and the group.
            NoAnswerError: a call had no answer.

        """
        until = self._clock.now() + by
        ports = {place.port for place in listed}
        unused = next(port for port in range(UNUSED_PORT, 0, -1) if port not in ports)
        nothing = Registration(group, listed[0].id, unused)
        nobody = Registration(group, NO_INSTANCE, listed[0].port)
        try:
            with suppress(RejectedError):
                self._call(Change.DEREGISTER, group, [nothing], until)
            with suppress(RejectedError):
                self._call(Change.REGISTER, group, [nobody], until)
                self._call(Change.DEREGISTER, group, [nobody], until)
        except TemporarilyUnavailableError:
            raise
        except UnreachableError as denied:
            raise UnreachableError(f"{denied}; the target group is {group}") from denied


def _description(place: Registration) -> "TargetDescriptionTypeDef":
    described: TargetDescriptionTypeDef = {"Id": place.id}
    if place.port:  # a Lambda function has none
        described["Port"] = place.port
    if place.zone is not None:
        described["AvailabilityZone"] = place.zone
    return described
