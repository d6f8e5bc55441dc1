"""The mark of an action: the value of a tag on the instance. It is written before the call, and holds what was before.

EC2 knows no key that makes a reboot happen once. So the mark comes first, and where it stands the call is not made
again. No calls here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

TAG = "katakei:work"
"""The tag of every mark. The newest work on an instance replaces the mark of the work before."""

NO_BOOT = "-"
_BOOT = re.compile(r"[A-Za-z0-9-]{1,64}")


class ClaimState(Enum):
    """What the mark says: the call may have been made, EC2 refused it, or it must not be made."""

    BEGUN = "begun"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Claim:
    """One mark.

    Attributes:
        name: The name of the work, as on other executors.
        boot: The boot id right before the work; '-' where none was read.
        launched: When the instance had last been launched (`LaunchTime`), which every start changes.
        state: What it says.
    """

    name: str
    boot: str
    launched: datetime
    state: ClaimState = ClaimState.BEGUN

    def __str__(self) -> str:
        return f"{self.name} {self.boot} {self.launched.astimezone(UTC).isoformat()} {self.state.value}"


def read_claim(value: str) -> Claim | None:
    """The mark in the value of the tag; None where it is none: anybody may write a tag."""
    match value.split(" "):
        case [name, boot, launched, state] if _BOOT.fullmatch(boot):
            try:
                return Claim(name, boot, datetime.fromisoformat(launched).astimezone(UTC), ClaimState(state))
            except ValueError:
                return None
        case _:
            return None
