"""All that we ask of the world, on one page. Drivers keep these promises; contract tests hold them to it."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from katakei.domain.actions import Job
from katakei.domain.events import Event, UserCommand, WorkKey
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId, TargetType
from katakei.domain.observation import CheckResult, DrainEvidence, GroupObservation, RegistrationHealth, WorkStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RolloutHeader:
    """One rollout as the journal lists it."""

    rollout: RolloutId
    service: str
    groups: tuple[Arn, ...]
    begun: datetime
    finished: datetime | None
    who: str


class Journal(Protocol):
    """Numbered events, from 1, one row of numbers per rollout."""

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        """Events after number `after`, in order. Empty for an unknown rollout."""
        ...

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
        """All or none. Raises Overtaken when event after+1 exists, LeaseLost when the lease is no longer ours."""
        ...

    def tell(self, rollout: RolloutId, word: UserCommand) -> None:
        """A person's word, at the next free number, from any process; needs no lease."""
        ...

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        """Rollouts, newest first."""
        ...


class Leases(Protocol):
    """One lease per target-group ARN among all who share the journal (promise 6)."""

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        """All or none, sorted by ARN. Raises Held (naming who holds it); it waits for nothing.

        No holder is an owner known to be dead from here, nor one whose newest beat is among `silent`: those that the
        caller has watched for long enough by its own clock. The store's clock may tell who is alive, never who is not.
        """
        ...

    def renew(self, lease: Lease) -> None:
        """The heartbeat. Raises LeaseLost."""
        ...

    def release(self, lease: Lease) -> None:
        """Gives it back; a lease already lost is let go silently."""
        ...

    def unlock(self, group: Arn) -> str:
        """Lets go of a group's lease whoever has it, which fences them; says who had it, '' when nobody did."""
        ...


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One registration as the group lists it at plan time, with what is known of the machine behind it."""

    registration: Registration
    seen: RegistrationHealth
    machine: TargetId
    name: str
    address: str
    zone: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group by what never changes of it, with everything it lists now."""

    arn: Arn
    name: str
    port: int
    protocol: str
    target_type: TargetType
    members: tuple[GroupMember, ...]


class GroupReader(Protocol):
    """What whoever only looks asks of a load balancer: as few calls as will do. Raises as `Balancer`."""

    def listed(self, names: Sequence[str]) -> Sequence[ListedGroup]:
        """The groups of these names or ARNs, each once; all when `names` is empty. Raises UsageFault: unknown."""
        ...

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        """As `Balancer`; nothing is asked of the world."""
        ...


class Balancer(Protocol):
    """A load balancer. Looks and acts are tried once (the loop is the retry); all raise Unseen, Rejected, Unreachable.

    What the loop may see mended raises OutOfReach, a group that does not exist NoSuchGroup.
    """

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        """The groups of these names or ARNs with attributes; all when `names` is empty. Raises UsageFault: unknown."""
        ...

    def members(self, group: Group) -> Sequence[GroupMember]:
        """Everything the group lists now."""
        ...

    def elsewhere(self, targets: Sequence[Target]) -> Sequence[Registration]:
        """Registrations of these machines in other groups of the account and region."""
        ...

    def look(self, group: Arn, only: frozenset[Registration] | None) -> GroupObservation:
        """A fresh look at the whole group (None, or more than one call may name) or at some registrations.

        A whole one has `full_begun` and shows what is registered; of some, what is not registered is seen ABSENT.
        """
        ...

    def deregister(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        """Returned means only that the call returned; looks tell. Nothing is sent later than `by` from now."""
        ...

    def register(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        """As `deregister`. Raises Rejected where the balancer will never take one of them."""
        ...

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        """The commands that a person can paste to put these back by hand."""
        ...


class Executor(Protocol):
    """A way to work on targets. A key never starts twice, whatever is repeated, delivered twice or delivered late."""

    @property
    def marks(self) -> str:
        """Where the marks are kept, as no other place in the world is called; '' where each target keeps its own.

        Recorded before any work is resolved, so that whoever carries on elsewhere knows that it cannot know.
        """
        ...

    @property
    def lacks(self) -> str:
        """Why no work could be begun from this process, as a sentence; '' when it could (a secret is missing, say)."""
        ...

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Preflight, changes nothing: targets that could not be worked on now, each with the reason."""
        ...

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """Preflight, asks nothing of the world. Raises UsageFault for a job that could never be handed over."""
        ...

    def prepare(self, targets: Sequence[Target], by: timedelta) -> None:
        """Work on these begins soon: learns what a start must know beforehand. Begins nothing; may be repeated."""
        ...

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """Hands over, none later than `by` from now: a ticket for each job taken. A missing key: start it again."""
        ...

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """What the marks say. A missing key is unknown."""
        ...

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """What has not begun never will: `look` then says REFUSED. What has begun is not touched. Best effort."""
        ...

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """What runs is told to end; `look` then says how it did. Best effort: it may have left its session."""
        ...


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A check asked of the target itself, for one registration."""

    scheme: str
    address: str
    port: int
    path: str
    expect: str
    timeout: timedelta


class HealthChecker(Protocol):
    """Asks targets whether they are well, before they are registered."""

    def ask(
        self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta
    ) -> Mapping[TargetId, CheckResult]:
        """Passed only when every question of the target passed. A missing target is unknown."""
        ...

    def reachable(self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta) -> Mapping[TargetId, str]:
        """Preflight: targets whose door could not even be connected to from here, each with the reason."""
        ...


@dataclass(frozen=True, slots=True)
class ProbedTarget:
    """A target to be witnessed, with its groups. `blind` is why its baseline did not see its port, else ''."""

    target: Target
    groups: tuple[Group, ...]
    blind: str = ""


class Probe(Protocol):
    """Knows whether anything is pending on targets. No question waits: each gathers what came back, and asks on."""

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        """While they still serve: why a target cannot be witnessed, '' when it can. Missing: not known yet."""
        ...

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        """The newest verdicts of targets taken out, counted from the earliest moment they may speak of."""
        ...

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        """At least so many requests reached each target after its quiet verdict. Missing: not counted yet."""
        ...

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        """One program for all, run like the work: it fails (75), and says why, when something is pending just then."""
        ...


@dataclass(frozen=True, slots=True)
class ProgramOutput:
    """What a program printed on one target, or `why` there is nothing."""

    out: str
    why: str = ""


class ProgramRunner(Protocol):
    """A way to have targets run a small program that changes nothing: sent twice or lost, it does no harm."""

    @property
    def self_from(self) -> str:
        """The environment variable in which a program finds the id of the target that it runs on."""
        ...

    def send(self, program: str, targets: Sequence[Target], within: timedelta) -> str:
        """Begun on each of at most 50 targets; answers with a ticket and does not wait. Raises Unseen, Rejected."""
        ...

    def heard(self, ticket: str) -> Mapping[TargetId, ProgramOutput]:
        """Those that have ended. A target is missing while it may still be running."""
        ...


class Clock(Protocol):
    """The time, which inside a process never jumps."""

    def now(self) -> datetime:
        """Aware UTC; wall clock at the process's start plus monotonic time since."""
        ...

    def sleep(self, span: timedelta) -> None:
        """Returns after `span`, or early when `wake` is called."""
        ...

    def wake(self) -> None:
        """Ends the current sleep, or the next one; may be called from a signal handler or another thread."""
        ...


class Pool(Protocol):
    """Where looks and acts run, so that one hung call delays nothing else (a ThreadPoolExecutor keeps this)."""

    def submit(self, work: Callable[[], T], /) -> Future[T]:
        """Runs it, now or soon."""
        ...
