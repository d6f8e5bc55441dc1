"""Actions: what `decide` answers with, in the imperative.

Records are written first, in one append. External actions begin only when that append succeeded. Each of them may be
repeated: the balancer and the mark on the target make a repetition harmless.
"""

from dataclasses import dataclass
from datetime import datetime

from katakei.domain.events import Event, WorkKey
from katakei.domain.model import Registration, Target, TargetId
from katakei.domain.reasons import Reason
from katakei.domain.traffic import Route, Share


@dataclass(frozen=True, slots=True)
class Record:
    """Write this event into the journal."""

    event: Event


@dataclass(frozen=True, slots=True)
class Deregister:
    """Deregister these registrations of one target.

    Attributes:
        observed: When the oldest observation began that this decision rests on. The call is dropped when that is too
            long ago at the moment it leaves.
    """

    target: TargetId
    registrations: tuple[Registration, ...]
    observed: datetime


@dataclass(frozen=True, slots=True)
class Register:
    """Register these registrations of one target again."""

    target: TargetId
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """What an executor runs: the command as the user wrote it, and values as environment variables.

    Attributes:
        run: The text of a shell program; '' where `argv` is given.
        seconds: The time limit of the work.
        argv: The command word by word, read by no shell.
        probe: A last shell program that runs right before the work. When it fails, the work is refused for good.
        marks: Where the executor that recorded the decision keeps its marks; '' means here and now.
        fetched: Variables whose values the target fetches itself, as (name, SSM parameter).
        shell: The shell that reads `run`.
        errexit: The shell stops at the first command that fails.
        releases: The program of releases runs, with the settings in `argv`.
    """

    run: str
    env: tuple[tuple[str, str], ...]
    seconds: int
    argv: tuple[str, ...] = ()
    probe: str = ""
    marks: str = ""
    fetched: tuple[tuple[str, str], ...] = ()
    shell: str = "sh"
    errexit: bool = False
    releases: bool = False

    @property
    def shell_words(self) -> str:
        """The shell with its option, as words of a shell command."""
        return f"{self.shell} -e" if self.errexit else self.shell


@dataclass(frozen=True, slots=True)
class StartWork:
    """Start the work under this key. The mark on the target lets it begin only once.

    Attributes:
        observed: When the oldest evidence is from that nothing reaches the target: its health, the probe's verdict.
            The start is dropped when that is too long ago at the moment it leaves.
        last_look: The target still drains, so the probe runs once more on the target, right before the work.
    """

    key: WorkKey
    target: Target
    job: Job
    observed: datetime
    last_look: bool = False


@dataclass(frozen=True, slots=True)
class ForbidWork:
    """Make sure that the work under this key never begins, if it has not begun."""

    key: WorkKey
    target: Target
    ticket: str


@dataclass(frozen=True, slots=True)
class CancelWork:
    """Tell the running work under this key to end."""

    key: WorkKey
    target: Target
    ticket: str


@dataclass(frozen=True, slots=True)
class SetWeights:
    """Bring one route of a switch to a share.

    Attributes:
        share: None: its actions as they were before the switch.
        known: The shares that it may have right before the call; at any other one somebody else changed it, and the
            call is not made.
        observed: When the oldest observation began that a move towards the new group rests on; the call is dropped when
            that is too long ago. None on the way back, which is never dropped.
    """

    route: Route
    share: Share
    known: frozenset[Share]
    observed: datetime | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing before `until`, for a reason (promise 9).

    Attributes:
        target: The target that waits; None where the whole rollout waits.
    """

    until: datetime
    reason: Reason
    target: TargetId | None = None


ExternalAction = Deregister | Register | StartWork | ForbidWork | CancelWork | SetWeights
Action = Record | ExternalAction | Wait


def target_of(action: Action) -> TargetId | None:
    """The target of an action; None for a record, for a route, and for a wait of the whole rollout."""
    match action:
        case Record() | SetWeights():
            return None
        case StartWork() | ForbidWork() | CancelWork():
            return action.key.target
        case _:
            return action.target
