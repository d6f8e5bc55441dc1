"""What happened, in the past tense: the only things that are ever written into the journal.

An event is a fact or a person's word; none of them is an opinion about what to do next.
"""

from dataclasses import dataclass
from datetime import datetime

from katakei.domain.leases import Owner
from katakei.domain.model import Arn, RolloutId, Target, TargetId
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.reasons import Reason

VERSION = 2
"""Of all that is written here. It grows when an older Katakei could not read a rollout, or would misread it."""


@dataclass(frozen=True, slots=True)
class WorkKey:
    """The name of one start of work: the same key never starts twice (promise 4)."""

    rollout: RolloutId
    target: TargetId
    attempt: int
    intent: Intent


@dataclass(frozen=True, slots=True)
class Planned:
    """The first event: all that any machine needs to carry the rollout on."""

    at: datetime
    plan: Plan


@dataclass(frozen=True, slots=True)
class OwnerChanged:
    """A process took the rollout in hand (its start, a carry-on, a takeover): every span is measured anew."""

    at: datetime
    owner: Owner
    marks: str = ""  # the executor's, see ports.Executor.marks
    revert_marks: str = ""  # the same of the executor that takes back
    version: int = 1  # the newest version of events that this owner reads


@dataclass(frozen=True, slots=True)
class TargetAdded:
    """A registration that the plan did not know appeared: a late target, or one more place of a known machine.

    `takes_part` is false for what is left alone, and `why` tells the reason, where there is one.
    """

    at: datetime
    target: Target
    takes_part: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """A target went from one phase to the next, along a road of the table."""

    at: datetime
    target: TargetId
    to: Phase
    why: str = ""
    intent: Intent | None = None  # None: unchanged
    cause: Cause | None = None  # why it came to an end that was not hoped for
    reason: Reason | None = None  # in place of `why`, which older versions wrote as text


@dataclass(frozen=True, slots=True)
class BaselineTaken:
    """Before a target leaves service: why a witness could not see its traffic, '' when it saw some (promise 2)."""

    at: datetime
    target: TargetId
    blind: str


@dataclass(frozen=True, slots=True)
class Deregistered:
    """The call that takes these targets out of one group returned."""

    at: datetime
    group: Arn
    targets: tuple[TargetId, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """The call that puts these targets back into one group returned."""

    at: datetime
    group: Arn
    targets: tuple[TargetId, ...]


@dataclass(frozen=True, slots=True)
class ObservedOut:
    """The first look, after the calls returned, that showed every registration draining or absent: settle begins."""

    at: datetime
    target: TargetId


@dataclass(frozen=True, slots=True)
class ObservedBusy:
    """A witness saw something pending on a target that drains; noted now and then, for whoever asks later why."""

    at: datetime
    target: TargetId
    why: str


@dataclass(frozen=True, slots=True)
class DrainCutShort:
    """`cut_after` was over: this many connections may still have held a request, and were not waited for."""

    at: datetime
    target: TargetId
    connections: int


@dataclass(frozen=True, slots=True)
class RequestsAfterQuiet:
    """So many requests, at least, reached a target after it was called quiet, in all that this process has seen."""

    at: datetime
    target: TargetId
    requests: int


@dataclass(frozen=True, slots=True)
class ObservedServing:
    """The first look, begun after the register calls returned, that showed every registration serving."""

    at: datetime
    target: TargetId


@dataclass(frozen=True, slots=True)
class BecameUnhealthy:
    """A target that had been seen serving again was seen not serving; its proof or its soak begins anew."""

    at: datetime
    target: TargetId
    why: str


@dataclass(frozen=True, slots=True)
class FailedAfterDone:
    """A target that was done fell and did not come back in time, or again and again: it counts as failed, once."""

    at: datetime
    target: TargetId
    why: str


@dataclass(frozen=True, slots=True)
class FoundServing:
    """A target we hold out was found in service: somebody else registered it."""

    at: datetime
    target: TargetId


@dataclass(frozen=True, slots=True)
class Started:
    """The executor took the job; `ticket` is its own name for it (an SSM CommandId), '' where it has none."""

    at: datetime
    key: WorkKey
    ticket: str


@dataclass(frozen=True, slots=True)
class WorkEnded:
    """The work left its mark: exit code and the tail of its output."""

    at: datetime
    key: WorkKey
    exit: int
    out: str


@dataclass(frozen=True, slots=True)
class WorkLost:
    """Nothing runs under this key, nor ever will, and no exit code is known."""

    at: datetime
    key: WorkKey
    begun: bool  # false: it never began, so nothing was done


@dataclass(frozen=True, slots=True)
class RegistrationRejected:
    """The balancer understood a call for this target and will never do it."""

    at: datetime
    target: TargetId
    why: str


@dataclass(frozen=True, slots=True)
class Approved:
    """A person says that the work on a target (None: on every target now waiting for a person) is done."""

    at: datetime
    by: str
    target: TargetId | None


@dataclass(frozen=True, slots=True)
class AbortAsked:
    """A person wants the rollout to stop and every target in hand to serve again."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class PauseAsked:
    """A person wants what is in hand to be finished and nothing else to be begun, until they say so."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class ResumeAsked:
    """A person wants a paused rollout to go on."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class RevertAsked:
    """A person wants the touched targets taken back by the revert command."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class RevertDecided:
    """More targets failed than were allowed, so that by `on_failure` those that were touched are taken back."""

    at: datetime
    failures: int


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """A person wants one more attempt on these targets."""

    at: datetime
    by: str
    targets: tuple[TargetId, ...]


@dataclass(frozen=True, slots=True)
class CommandAcknowledged:
    """The process that drives the rollout read a person's word: by its own clock spans begin again here."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C in the process that drives the rollout: targets in progress are finished, no other one is begun."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is left to do. The ends of the targets tell how it went."""

    at: datetime


UserCommand = Approved | AbortAsked | PauseAsked | ResumeAsked | RevertAsked | RetryAsked
_Course = (
    Planned | OwnerChanged | TargetAdded | PhaseChanged | RevertDecided | CommandAcknowledged | Interrupted | Finished
)
_Done = Deregistered | Registered | Started | WorkEnded | WorkLost | RegistrationRejected
_Seen = (
    BaselineTaken
    | ObservedOut
    | ObservedBusy
    | DrainCutShort
    | RequestsAfterQuiet
    | ObservedServing
    | BecameUnhealthy
    | FailedAfterDone
    | FoundServing
)
Event = _Course | _Done | _Seen | UserCommand
