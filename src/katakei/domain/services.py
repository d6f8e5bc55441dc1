"""The services of a server: named configurations with the place where they work and the rules of who may use them."""

from dataclasses import dataclass, field

from katakei.domain.access import ServicePolicy
from katakei.domain.aws_place import AwsPlace
from katakei.domain.notifications import NotifyRule
from katakei.domain.spec import Spec

HERE = AwsPlace()
"""The credentials and the region of the server itself."""

UNREADABLE_POLICY = ServicePolicy(start=("role:admin",), approve=("role:admin",), four_eyes=True)
"""The policy of a file whose own policy cannot be read and was never read before: it limits as much as can be."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service, as its file says now.

    Attributes:
        name: The name of the service; the name of its file where that cannot be read.
        file: The name of the file.
        spec: The configuration; None while the file has faults. No rollout can be started then.
        faults: Every fault of the file with its line. A person who corrects all of them is done.
        place: Where it works. While the file has faults: as it was last known.
        release: The release that is rolled out where a person names none; '' for none.
        policy: Who may start, approve and abort. While the file has faults: as it was last known.
        frozen: Why no rollout of this service may take targets out; '' while it is not frozen.
        notify: Who gets messages about rollouts. While the file has faults: as it was last known.
    """

    name: str
    file: str
    spec: Spec | None
    faults: tuple[str, ...] = ()
    place: AwsPlace = field(default=HERE)
    release: str = ""
    policy: ServicePolicy = field(default_factory=ServicePolicy)
    frozen: str = ""
    notify: tuple[NotifyRule, ...] = ()
