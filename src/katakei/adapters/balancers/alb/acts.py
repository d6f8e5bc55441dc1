"""RegisterTargets and DeregisterTargets for many targets: as few calls as will do, each refused target told apart.

Nothing is repeated here but what AWS refused as a whole, and nothing is believed to have worked.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from katakei.adapters.balancers.alb.door import Door
from katakei.adapters.balancers.alb.survey import chunks
from katakei.domain.errors import NoAnswerError, RejectedError, UnreachableError
from katakei.domain.model import Arn, Registration
from katakei.domain.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef

MOST = 200
"""Targets in one call: what the AWS Load Balancer Controller sends at most, on the word of the ELB team (its #1342)."""


class Act(Enum):
    """Which way."""

    REGISTER = "RegisterTargets"
    DEREGISTER = "DeregisterTargets"


def descriptions(what: Collection[Registration]) -> "list[TargetDescriptionTypeDef]":
    """Registrations as ELBv2 is told of them: the port always, for without it the group's own would be meant."""
    return [_description(place) for place in what]


class Acts:
    """The two calls that change something."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door, self._clock = door, clock

    def carry_out(self, act: Act, group: Arn, what: Collection[Registration], by: timedelta) -> None:
        """Calls until all are taken or told apart; no call begins after `by`.

        ELBv2 refuses a whole list for one bad target, so a refused list is halved until the bad ones stand alone.
        Raises Rejected with the bad ones in `which`; a few of the others may not have been tried when `by` came first,
        which the next look shows. Raises Unseen or Unreachable where no target was found to be bad.
        """
        until = self._clock.now() + by
        refused: dict[Registration, str] = {}
        waiting = chunks(sorted(what, key=lambda place: (place.id, place.port)), MOST)
        while waiting:
            few = waiting.pop(0)
            try:
                self._call(act, group, few, until)
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

    def _call(self, act: Act, group: Arn, few: Sequence[Registration], until: datetime) -> None:
        targets = descriptions(few)
        if act is Act.REGISTER:
            self._door.elb(act.value, lambda elb: elb.register_targets(TargetGroupArn=group, Targets=targets), until)
        else:
            self._door.elb(act.value, lambda elb: elb.deregister_targets(TargetGroupArn=group, Targets=targets), until)


def _description(place: Registration) -> "TargetDescriptionTypeDef":
    described: TargetDescriptionTypeDef = {"Id": place.id}
    if place.port:  # a Lambda function has none
        described["Port"] = place.port
    if place.zone is not None:
        described["AvailabilityZone"] = place.zone
    return described
