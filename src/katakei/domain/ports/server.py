"""The port of a Katakei server: what a remote command asks it to do. Questions go by the ports of the journal."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from katakei.domain.events import Event, UserCommand
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.plan import Plan
from katakei.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class RemoteRequest:
    """What a person asks a server for: a rollout of one of its services.

    Attributes:
        service: The name of the service.
        release: What is rolled out; '' for the service's default.
        only: Only these targets; empty: as the service says.
        force: Accept risks that would be refused; the plan names them.
        only_these_groups: Accept that targets stay registered in other groups.
        ignore_draining: Leave targets alone that somebody else is draining.
        as_recorded: Carry an unfinished rollout on although its configuration changed.
        limit: How many targets are taken at most; None: all.
        only_outdated: Leave targets alone that are known to carry the release.
    """

    service: str
    release: str = ""
    only: tuple[str, ...] = ()
    force: bool = False
    only_these_groups: bool = False
    ignore_draining: bool = False
    as_recorded: bool = False
    limit: int | None = None
    only_outdated: bool = False


@dataclass(frozen=True, slots=True)
class RemotePlan:
    """A plan that the server made.

    Attributes:
        plan: The plan.
        restore_lines: The commands that put everything back by hand.
        restore_held: The same for what was out of service before.
        digest: Names this plan. The server starts it only while a new survey leads to the same plan.
    """

    plan: Plan
    restore_lines: tuple[str, ...]
    restore_held: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class WantedToken:
    """A token that is asked for.

    Attributes:
        name: The name of the person or program.
        roles: The role for each service; `*` for every service.
        program: Whether it is for a program. It signs in no browser.
        acts: What it is limited to; None: everything that the roles include.
        lasts: How long it is valid.
        label: What it is used for.
    """

    name: str
    roles: Mapping[str, str]
    program: bool
    acts: tuple[str, ...] | None
    lasts: timedelta
    label: str


@dataclass(frozen=True, slots=True)
class ServerToken:
    """A token as a server lists it. No secret is part of it.

    Attributes:
        id: Names the token. It is no secret.
        name: Whose it is.
        roles: The role for each service; `*` for every service.
        label: What it is used for.
        expires: From this moment on it is not accepted.
        revoked: Since when it is revoked; None: it is not.
    """

    id: str
    name: str
    roles: Mapping[str, str]
    label: str
    expires: datetime
    revoked: datetime | None


@dataclass(frozen=True, slots=True)
class Update:
    """News of a rollout.

    Attributes:
        events: The events since the update before.
        why: What the rollout waits for; None while that is unchanged or not known.
        outputs: The end of what running work has printed.
    """

    events: tuple[Event, ...]
    why: Reason | None = None
    outputs: Mapping[TargetId, str] = field(default_factory=dict)


class ServerCommands(Protocol):
    """The commands of a server. The errors are those of its use cases, and NoAnswerError where no answer came."""

    def plan(self, asked: RemoteRequest) -> RemotePlan:
        """What this rollout would do now. Changes nothing."""
        ...

    def start(self, asked: RemoteRequest, digest: str | None) -> RolloutId:
        """Starts a rollout, or carries the unfinished one of the same request on.

        Args:
            asked: What is asked for.
            digest: The plan that was confirmed; None confirms any.

        Raises:
            RefusedError: It is refused, or another plan would be carried out by now.
        """
        ...

    def tell(self, rollout: RolloutId, command: UserCommand) -> None:
        """Records a person's command; the server, or its workers, carry it out."""
        ...

    def follow(self, rollout: RolloutId, after: int) -> Generator[Update, None, None]:
        """The news after event number `after`, until the connection ends. Closing it ends the connection."""
        ...

    def services(self) -> Sequence[str]:
        """The names of the services that this person may see."""
        ...
