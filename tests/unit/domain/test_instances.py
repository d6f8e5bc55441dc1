"""How much each kind of work disturbs a machine."""

import pytest

from katakei.domain.instances import Disruption, InstanceAction, InstanceActionKind
from katakei.domain.releases import Release
from katakei.domain.spec import Command


@pytest.mark.parametrize(
    ("command", "disruption"),
    [
        (Command("manual"), Disruption.NONE),
        (Command("ssm", release=Release("/srv")), Disruption.NONE),
        (Command("ssm", release=Release("/srv", restart="./restart")), Disruption.RESTART),
        (Command("ssm", "true"), Disruption.RESTART),
        (Command("local", argv=("cap", "deploy")), Disruption.RESTART),
        (Command("ec2", instance=InstanceAction(InstanceActionKind.REBOOT)), Disruption.REBOOT),
        (Command("ec2", instance=InstanceAction(InstanceActionKind.STOP_START)), Disruption.STOP_START),
    ],
)
def test_each_kind_of_work_has_its_disruption(command: Command, disruption: Disruption) -> None:
    assert command.disruption is disruption
    assert command.stops is (disruption is Disruption.STOP_START)


def test_disruptions_are_ranked() -> None:
    ranks = [Disruption.NONE, Disruption.RESTART, Disruption.REBOOT, Disruption.STOP_START]
    assert list(Disruption) == ranks
    for number, one in enumerate(ranks):
        assert [one.exceeds(other) for other in ranks] == [number > at for at in range(4)]
