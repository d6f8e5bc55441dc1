"""What the journal tells about rollouts at a glance: who drives one, and which release each target carries.

`app.queries` and `app.releases` make these values, and `render` shows them.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.ports import Liveness, RolloutHeader
from katakei.domain.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Driver:
    """Who drives a rollout now, or drove it last.

    Attributes:
        owner: None where no process ever drove it.
        liveness: GONE also where the owner gave the lease back.
        silent_for: The age of its newest heartbeat; None where that is not known, or the lease was given back.
    """

    owner: Owner | None
    liveness: Liveness
    silent_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ListedRollout:
    """One rollout of the list.

    Attributes:
        header: What the journal lists.
        state: The rollout; None for one that is too old to be read back, or that cannot be read.
        driver: Who drives it now or drove it last; None where `state` is None.
    """

    header: RolloutHeader
    state: Rollout | None
    driver: Driver | None


class Knowledge(Enum):
    """How sure the journal is of the release that a target carries.

    CONFIRMED: the update ended well and the target served with it. UNCONFIRMED: the update was begun, and failed, was
    stopped, or is not finished. REVERTED: the revert of a later release ended well.
    """

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True)
class CarriedRelease:
    """What the journal tells about one target.

    Attributes:
        release: None where no name is recorded: the rollout had none, or a revert brought back what an unknown rollout
            had installed.
        rollout: The newest rollout that worked on the target.
        how: How sure that is.
    """

    release: str | None
    rollout: RolloutId
    how: Knowledge
