"""The ports of work on targets: an executor for the work itself, a program runner for small harmless programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable

from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.instances import InstanceSurvey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkStatus
from katakei.domain.spec import Command


class Executor(Protocol):
    """A way to work on targets.

    Work with the same key never starts twice, whether the start is repeated, delivered twice or delivered late.
    """

    @property
    def marks(self) -> str:
        """The name of the place where the marks are kept, unique in the world; '' where each target keeps its own.

        It is recorded before any work is decided. A process that continues elsewhere then knows that it cannot know.
        """
        ...

    @property
    def lacks(self) -> str | None:
        """Why no work could be started from this process, as a sentence (a missing secret); None when it could."""
        ...

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Preflight that changes nothing: the targets that could not be worked on now, each with the reason."""
        ...

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """Preflight that makes no call.

        Raises:
            UsageError: One of the jobs could never be started.
        """
        ...

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Before the first target is taken out: prove that work may be started, by starting something harmless.

        Args:
            command: The work, or the revert.
            targets: All that may be worked on.
            by: How long answers are awaited. What is not known by then is not proved, and is no fault.

        Returns:
            The targets on which the command cannot begin, each with the reason.

        Raises:
            UnreachableError: A right is missing; the sentence names it.
            NoAnswerError: Nothing is known, ask again.
        """
        ...

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Work on these targets begins soon: learn what a start must know. It starts nothing and may be repeated.

        Returns:
            The place where each target keeps its marks: the identity of its machine and state folder. '' where a target
            keeps none. A missing target has not answered yet. The place is recorded before the take-out and given to
            `start` with the job; work of which nothing is found in another place is UNKNOWN, never NOT_STARTED.
        """
        ...

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """Start work, none of it later than `by` from now.

        Returns:
            A ticket for each job that was accepted. A missing key was not: start it again.
        """
        ...

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """What the marks say. A missing key is unknown."""
        ...

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Work that has not begun never will: `look` then says REFUSED. Running work is not touched. Best effort."""
        ...

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Tell running work to end; `look` then says how it ended. Best effort: the work may have left its session."""
        ...


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """The output that is kept where the work was done, and how many bytes before it are not."""

    out: str
    cut: int


@runtime_checkable
class OutputKeeper(Protocol):
    """An executor whose targets keep more of an output than the journal has."""

    def kept_output(self, key: WorkKey, target: Target, by: timedelta) -> KeptOutput:
        """Read it now, for a person who asks. It starts no work.

        Args:
            key: Work that has ended.
            target: Where.
            by: How long answers are awaited.

        Raises:
            UsageError: It is no longer kept.
            NoAnswerError: Nothing is known, ask again.
            UnreachableError: A right is missing.
        """
        ...


@runtime_checkable
class InstanceReader(Protocol):
    """An executor that stops instances, and can tell before what a stop takes away."""

    def survey(self, targets: Sequence[Target]) -> InstanceSurvey:
        """What the provider tells about the instances and their types.

        Raises:
            NoAnswerError: Nothing is known, ask again.
            UnreachableError: A right is missing.
        """
        ...


@dataclass(frozen=True, slots=True)
class ProgramOutput:
    """What a program printed on one target; `why` says why there is nothing."""

    out: str
    why: str = ""


class ProgramRunner(Protocol):
    """A way to run a small program on targets. The program changes nothing, so it may be sent twice or be lost."""

    @property
    def self_from(self) -> str:
        """The environment variable in which a program finds the id of the target that it runs on."""
        ...

    def send(self, program: str, targets: Sequence[Target], within: timedelta) -> str:
        """Start the program on at most 50 targets; it does not wait.

        Returns:
            A ticket.

        Raises:
            NoAnswerError: It is unknown whether the program was sent.
            RejectedError: It will never be accepted.
        """
        ...

    def heard(self, ticket: str) -> Mapping[TargetId, ProgramOutput]:
        """The programs that have ended. A missing target may still be running it."""
        ...
