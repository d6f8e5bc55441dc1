"""What a rollout may do to the machines themselves: EC2 actions as work, and the most disruptive action allowed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Disruption(Enum):
    """How much work disturbs a machine, least first."""

    NONE = "none"
    RESTART = "restart"
    REBOOT = "reboot"
    STOP_START = "stop_start"

    def exceeds(self, most: "Disruption") -> bool:
        """Whether this is more than `most`."""
        ranks = list(Disruption)
        return ranks.index(self) > ranks.index(most)


class InstanceActionKind(Enum):
    """What EC2 does with an instance: a reboot, or a stop and a start."""

    REBOOT = "reboot"
    STOP_START = "stop_start"


@dataclass(frozen=True, slots=True)
class InstanceAction:
    """An action of EC2 on each target.

    Attributes:
        kind: The action.
        instance_type: The type that a stopped instance gets before it is started; '' keeps its own.
        by: The executor that asks the machine whether it is up again; '' where only EC2 is asked (STOP_START).
    """

    kind: InstanceActionKind
    instance_type: str = ""
    by: str = "ssm"

    def __str__(self) -> str:
        return f"{self.kind.value} as {self.instance_type}" if self.instance_type else self.kind.value

    @property
    def disruption(self) -> Disruption:
        """How much it disturbs the machine."""
        return Disruption(self.kind.value)

    @property
    def stops(self) -> bool:
        """Whether the machine is stopped: a registration that is left would serve again as soon as it is started."""
        return self.kind is InstanceActionKind.STOP_START


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """What EC2 tells about an instance, as far as a stop and a start need it.

    Attributes:
        instance_type: Its type now.
        architecture: The architecture of its image (`x86_64`, `arm64`); '' where EC2 did not say.
        spot: It is a Spot instance. EC2 stops only those of a persistent request, and may take their capacity away.
        root_on_instance_store: Its root device is an instance store, so that it can be terminated but not stopped.
        public_address_changes: Its public IPv4 address belongs to AWS, and is released by a stop.
    """

    instance_type: str
    architecture: str = ""
    spot: bool = False
    root_on_instance_store: bool = False
    public_address_changes: bool = False


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """What EC2 tells about an instance type.

    Attributes:
        architectures: Those of its processor.
        instance_store: It has instance store volumes, whose data a stop deletes.
    """

    architectures: tuple[str, ...]
    instance_store: bool


@dataclass(frozen=True, slots=True)
class InstanceSurvey:
    """The instances of a rollout that stops them.

    Attributes:
        instances: What EC2 tells about each, by its id.
        types: What EC2 tells about their types and the wanted one. A missing one does not exist.
    """

    instances: Mapping[str, InstanceFacts]
    types: Mapping[str, TypeFacts]
