"""What to do, in the imperative: what `decide` answers with.

Notes are written first, in one append; acts are carried out only when that append succeeded.
"""

from dataclasses import dataclass
from datetime import datetime

from katakei.domain.events import Event, WorkKey
from katakei.domain.model import Registration, Target, TargetId


@dataclass(frozen=True, slots=True)
class Record:
    """Write this event."""

    event: Event


@dataclass(frozen=True, slots=True)
class Deregister:
    """Take these registrations of one target out. May be repeated: the balancer bears it."""

    target: TargetId
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class Register:
    """Put these registrations of one target back. May be repeated: the balancer bears it."""

    target: TargetId
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """What an executor is given: the command as the user wrote it, and values as environment variables."""

    run: str
    env: tuple[tuple[str, str], ...]
    seconds: int  # after this long the work has overrun its limit
    argv: tuple[str, ...] = ()  # where `run` is '': the command word by word, read by no shell
    probe: str = ""  # a last shell program: when it fails, the work is refused for good
    marks: str = ""  # where it was first resolved to be worked from, by that executor's own `marks`; '' = now and here
    fetched: tuple[tuple[str, str], ...] = ()  # variables whose values the target fetches itself: name, SSM parameter


@dataclass(frozen=True, slots=True)
class StartWork:
    """Start the work under this key. May be repeated: the mark on the target lets it begin only once."""

    key: WorkKey
    target: Target
    job: Job
    last_look: bool = False  # it still drains: the witness is asked once more, on the target, right before the work


@dataclass(frozen=True, slots=True)
class ForbidWork:
    """Make it certain that the work under this key, if it has not begun, never will. May be repeated."""

    key: WorkKey
    target: Target
    ticket: str


@dataclass(frozen=True, slots=True)
class CancelWork:
    """Tell the work that runs under this key to end. May be repeated."""

    key: WorkKey
    target: Target
    ticket: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`, and why: the one sentence of promise 9. `target` None speaks of the rollout."""

    until: datetime
    why: str
    target: TargetId | None = None


ExternalAction = Deregister | Register | StartWork | ForbidWork | CancelWork
Action = Record | ExternalAction | Wait


def target_of(action: Action) -> TargetId | None:
    """Whom it is about; None for what is written, and for a rest of the whole rollout."""
    match action:
        case Record():
            return None
        case StartWork() | ForbidWork() | CancelWork():
            return action.key.target
        case _:
            return action.target
