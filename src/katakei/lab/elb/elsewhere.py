"""Every region but the lab's own: it can be asked, and there is nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katakei.lab.address import Door
from katakei.lab.elb.api import Api
from katakei.lab.elb.truth import Truth

if TYPE_CHECKING:
    from katakei.lab.elb.world import Machine, Subnet


class Nowhere:
    """A world without instances, networks or doors; `world.World` says what each method promises."""

    def machine(self, _instance: str) -> Machine | None:
        """None."""
        return None

    def machine_at(self, _address: str) -> Machine | None:
        """None."""
        return None

    def subnet(self, _subnet: str) -> Subnet | None:
        """None."""
        return None

    def subnets(self, _vpc: str) -> tuple[Subnet, ...]:
        """None at all."""
        return ()

    def vpc_cidrs(self, _vpc: str) -> tuple[str, ...]:
        """None at all."""
        return ()

    def door(self, target: str, port: int) -> Door:
        """Never asked for: nothing can be registered here."""
        return Door(target, port)


def elsewhere(region: str, account: str) -> Api:
    """The API of a region in which the lab has nothing."""
    return Api(Truth(region, account, Nowhere(), lambda _number: ""))
