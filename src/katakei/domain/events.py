"""Events: everything that a journal holds, in the past tense.

An event is a fact or a person's command. None of them says what to do next.
"""

from dataclasses import dataclass
from datetime import datetime

from katakei.domain.freezes import Freeze
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, RolloutId, Target, TargetId
from katakei.domain.phases import Cause, Intent, Phase, Step
from katakei.domain.plan import Plan
from katakei.domain.reasons import Reason, recorded_text
from katakei.domain.traffic import (
    FinishAsked,
    RouteChanged,
    ShareDecided,
    ShareObserved,
    TrafficMoved,
    WeightsRejected,
    WeightsSet,
    WeightsUnanswered,
)

VERSION = 5
"""The version of these events. It grows when an older Katakei could not read a rollout, or would misread it."""


@dataclass(frozen=True, slots=True)
class WorkKey:
    """Names one start of work. Work with the same key never starts twice (promise 4)."""

    rollout: RolloutId
    target: TargetId
    attempt: int
    intent: Intent
    step: Step = Step.WORK


@dataclass(frozen=True, slots=True)
class Planned:
    """The first event. It holds all that any machine needs to continue the rollout."""

    at: datetime
    plan: Plan


@dataclass(frozen=True, slots=True)
class OwnerChanged:
    """A process began to drive the rollout: at its start, when it was continued, or after a takeover.

    Replay measures every span again from this moment, because the new process has another clock.
    """

    at: datetime
    owner: Owner
    marks: str = ""  # of the executor, see ports.Executor.marks
    revert_marks: str = ""  # of the executor of the revert
    version: int = 1  # the newest version of events that this owner reads


@dataclass(frozen=True, slots=True)
class TargetAdded:
    """A registration appeared that the plan does not list: of a new target, or one more of a known machine.

    Attributes:
        takes_part: False for a target that the rollout leaves alone, for the `reason` given.
        why: The reason as version 1 recorded it.
    """

    at: datetime
    target: Target
    takes_part: bool
    why: str = ""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """A target went from one phase to the next, along a transition of the table (`phases.TRANSITIONS`).

    Attributes:
        why: The reason as version 1 recorded it.
        intent: None leaves the intent as it was.
        cause: The kind of an end that is not success.
        place: When the target is taken out: the machine and state folder that keep the mark of its work, see
            ports.Executor.prepare. '' where no target keeps a mark, and in rollouts of older versions.
        overlaps: When the target is taken out: the soaking target whose place in the window it takes. None where it
            takes a free place.
    """

    at: datetime
    target: TargetId
    to: Phase
    why: str = ""
    intent: Intent | None = None
    cause: Cause | None = None
    reason: Reason | None = None
    place: str = ""
    overlaps: TargetId | None = None


@dataclass(frozen=True, slots=True)
class BaselineTaken:
    """Before a target leaves service: whether the probe sees its traffic (promise 2).

    Attributes:
        blind: Why the probe does not see it, in the probe's words; '' when it does.
        reason: The same where the text is not the probe's own; `blind` is then the code.
    """

    at: datetime
    target: TargetId
    blind: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Deregistered:
    """The DeregisterTargets call for these targets of one group returned."""

    at: datetime
    group: Arn
    targets: tuple[TargetId, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """The RegisterTargets call for these targets of one group returned."""

    at: datetime
    group: Arn
    targets: tuple[TargetId, ...]


@dataclass(frozen=True, slots=True)
class ObservedOut:
    """The first observation after the calls returned that showed every registration draining or absent."""

    at: datetime
    target: TargetId


@dataclass(frozen=True, slots=True)
class ObservedBusy:
    """The probe saw pending requests on a draining target. Recorded from time to time, to explain the wait later.

    Attributes:
        why: What the probe saw, in its own words.
    """

    at: datetime
    target: TargetId
    why: str


@dataclass(frozen=True, slots=True)
class DrainCutShort:
    """`cut_after` ended the drain early: this many connections may still have held a request."""

    at: datetime
    target: TargetId
    connections: int


@dataclass(frozen=True, slots=True)
class RequestsAfterQuiet:
    """At least this many requests reached a target after the probe called it quiet, as counted by this process."""

    at: datetime
    target: TargetId
    requests: int


@dataclass(frozen=True, slots=True)
class ObservedServing:
    """The first observation begun after the register calls returned that showed every registration serving."""

    at: datetime
    target: TargetId


@dataclass(frozen=True, slots=True)
class BecameUnhealthy:
    """A target that had been observed serving again was observed not serving. Its proof or its soak starts again.

    Attributes:
        why: The reason as version 1 recorded it; '' where `reason` is given.
    """

    at: datetime
    target: TargetId
    why: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class FailedAfterDone:
    """A target that was done left service and did not come back in time, or left it repeatedly: it counts as failed.

    Attributes:
        why: The reason as version 1 recorded it; '' where `reason` is given.
    """

    at: datetime
    target: TargetId
    why: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class FoundServing:
    """A target that this rollout holds out of service was observed in service: somebody else registered it."""

    at: datetime
    target: TargetId


@dataclass(frozen=True, slots=True)
class Started:
    """The executor accepted the job. `ticket` is the executor's name for it (an SSM CommandId), '' if it has none."""

    at: datetime
    key: WorkKey
    ticket: str


@dataclass(frozen=True, slots=True)
class WorkEnded:
    """The work ended, with its exit code and the end of its output.

    Attributes:
        cut: How many bytes of the output before `out` were not recorded. Versions before 3 did not record that.
    """

    at: datetime
    key: WorkKey
    exit: int
    out: str
    cut: int = 0


@dataclass(frozen=True, slots=True)
class WorkLost:
    """Nothing runs under this key and nothing ever will; no exit code is known."""

    at: datetime
    key: WorkKey
    begun: bool  # False: the work never began, so it changed nothing


@dataclass(frozen=True, slots=True)
class RegistrationRejected:
    """The load balancer understood a call for this target and did not carry it out; `why` is in its own words.

    Time may cure it (an IP address that still drains), so the call is repeated within `limits.warming`.
    """

    at: datetime
    target: TargetId
    why: str


@dataclass(frozen=True, slots=True)
class Approved:
    """A person says that the manual work is done, on one target or (None) on every target that waits for approval."""

    at: datetime
    by: str
    target: TargetId | None


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """An approval gate is due: no other target is taken out until a person answers it.

    Attributes:
        gate: The name of the gate.
        expires: When the question expires, by the clock of the journal's store.
    """

    at: datetime
    gate: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class ApprovalExpired:
    """Nobody answered an approval gate in time; the plan says what follows."""

    at: datetime
    gate: str


@dataclass(frozen=True, slots=True)
class GateAnswered:
    """A person answers an approval gate: approved, or denied, which ends the rollout as an abort does."""

    at: datetime
    by: str
    gate: str
    approved: bool


@dataclass(frozen=True, slots=True)
class GateSkipped:
    """A person skips a gate that holds the rollout. `why` is the reason in that person's words."""

    at: datetime
    by: str
    gate: str
    why: str


@dataclass(frozen=True, slots=True)
class GateHeld:
    """The condition of a gate is not met, or not known to be met: the gate holds the rollout."""

    at: datetime
    gate: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class GateReleased:
    """The condition of a gate that held the rollout is met."""

    at: datetime
    gate: str


@dataclass(frozen=True, slots=True)
class GateStopped:
    """The condition of a gate is not met, and the plan ends the rollout then, or reverts it."""

    at: datetime
    gate: str
    reason: Reason
    reverts: bool


@dataclass(frozen=True, slots=True)
class FreezeObserved:
    """A freeze holds up the rollout: no other target is taken out."""

    at: datetime
    freeze: Freeze


@dataclass(frozen=True, slots=True)
class FreezeLifted:
    """No freeze holds up the rollout any more."""

    at: datetime


@dataclass(frozen=True, slots=True)
class WaveEnded:
    """No target of this wave, or of one before it, is in progress or ahead, and another wave follows.

    Attributes:
        wave: Its number, 1 for the first one.
    """

    at: datetime
    wave: int


@dataclass(frozen=True, slots=True)
class WaveBegun:
    """From now on targets of this wave are taken out. The first wave begins with the rollout, without this event."""

    at: datetime
    wave: int


@dataclass(frozen=True, slots=True)
class PromoteAsked:
    """A person wants the targets that soak now to soak no longer, and a pause between two waves to end."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class AbortAsked:
    """A person wants the rollout to stop and every target in progress to serve again."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class PauseAsked:
    """A person wants targets in progress to be finished and no other target to be started, until they resume."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class ResumeAsked:
    """A person wants a paused rollout to continue."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class RevertAsked:
    """A person wants the revert command to run on every target that was worked on."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class RevertDecided:
    """More targets failed than `max_failures`, so `on_failure` reverts the targets that were worked on."""

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
    """The process that drives the rollout read a person's command. By its own clock, spans start again here."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C in the process that drives the rollout: it finishes targets in progress and starts no other one."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is left to do. The final phases of the targets say how it went."""

    at: datetime


UserCommand = (
    Approved
    | AbortAsked
    | PauseAsked
    | ResumeAsked
    | RevertAsked
    | RetryAsked
    | PromoteAsked
    | GateAnswered
    | GateSkipped
    | FinishAsked
)
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
_Gates = GateHeld | GateReleased | GateStopped
_Held = ApprovalAsked | ApprovalExpired | FreezeObserved | FreezeLifted | WaveEnded | WaveBegun | _Gates
_Traffic = ShareDecided | WeightsSet | WeightsRejected | WeightsUnanswered | RouteChanged | ShareObserved | TrafficMoved
Event = _Course | _Done | _Seen | _Held | _Traffic | UserCommand


def reason_of(event: TargetAdded | PhaseChanged | BecameUnhealthy | FailedAfterDone) -> Reason | None:
    """The reason that an event gives, whether it was recorded as a reason or, by version 1, as text."""
    return event.reason or recorded_text(event.why)
