"""The use cases of a remote command: following a rollout through lost connections, and commands to the server."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.given import NOON, OUTWARD, a_plan, brought, t

from katakei.app.control import Delegated
from katakei.app.remote import RemoteControl, RemoteSession, start
from katakei.domain import events as e
from katakei.domain.errors import NoAnswerError, UnreachableError, UsageError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.phases import Phase
from katakei.domain.ports.server import RemotePlan, RemoteRequest, Update
from katakei.domain.reasons import ReasonCode, reason

PLAN = a_plan(1, floor=0)
STORY = [e.Planned(NOON, PLAN), *brought(PLAN, Phase.DONE), e.Finished(NOON)]
CUT = NoAnswerError("the connection was cut")


@dataclass
class Server:
    """A server whose rollout has this story. Each connection gives some events, then ends as it is told."""

    known: int = 1
    connections: list[tuple[int, Exception | None]] = field(default_factory=list)
    why: Any = None
    told: list[e.UserCommand] = field(default_factory=list)
    asked_after: list[int] = field(default_factory=list)
    time: datetime = NOON
    began: list[tuple[RemoteRequest, str | None]] = field(default_factory=list)
    story: Sequence[e.Event] = tuple(STORY)
    on_sleep: Callable[[], None] = lambda: None

    @property
    def journal(self) -> "Server":
        return self

    @property
    def clock(self) -> "Server":
        return self

    @property
    def commands(self) -> "Server":
        return self

    owner = Owner("kim", "here", 2, 2, "boot")

    def now(self) -> datetime:
        return self.time

    def sleep(self, span: timedelta) -> None:
        self.time += span
        self.on_sleep()

    def wake(self) -> None:
        """Nobody sleeps for long here."""

    def read(self, rollout: RolloutId, after: int) -> Sequence[e.Event]:
        return self.story[after : self.known] if rollout == PLAN.rollout else ()

    def find(self) -> Sequence[Any]:
        return ()

    def tell(self, rollout: RolloutId, command: e.UserCommand) -> None:
        assert rollout == PLAN.rollout
        self.told.append(command)

    def start(self, asked: RemoteRequest, digest: str | None) -> RolloutId:
        self.began.append((asked, digest))
        return PLAN.rollout

    def follow(self, rollout: RolloutId, after: int) -> Generator[Update, None, None]:
        assert rollout == PLAN.rollout
        self.asked_after.append(after)
        number, error = self.connections.pop(0) if self.connections else (0, CUT)
        if self.why:
            yield Update((), self.why)
        for event in self.story[after : after + number]:
            yield Update((event,))
        if error:
            raise error


def session(server: Server) -> RemoteSession:
    return RemoteSession(server, PLAN.rollout)  # type: ignore[arg-type]  # it is every driver


def test_rollout_is_followed_to_its_end_through_lost_connections() -> None:
    rest = len(STORY) - 1
    server = Server(connections=[(2, CUT), (0, CUT), (1, None), (rest - 3, None)])
    followed = session(server)
    turns = list(followed.turns())
    assert [event for turn in turns for event in turn.written] == STORY[1:]
    assert server.asked_after == [1, 3, 3, 4]
    assert turns[-1].over
    assert (followed.rollout.finished, followed.detached) == (NOON, False)


def test_reason_of_the_server_is_kept_until_something_happens() -> None:
    why = reason(ReasonCode.NOTHING_IN_PROGRESS)
    server = Server(connections=[(len(STORY), None)], why=why)
    turns = list(session(server).turns())
    assert turns[1].why == why
    assert turns[-1].why.code == ReasonCode.FINISHED


def test_lost_connection_is_said_with_its_end() -> None:
    server = Server(connections=[(0, CUT), (len(STORY), None)])
    whys = [turn.why for turn in session(server).turns()]
    assert [why.code for why in whys].count(ReasonCode.UNAVAILABLE) == 1


def test_server_that_stays_away_is_given_up_after_15_minutes() -> None:
    server = Server(connections=[(1, CUT)])
    with pytest.raises(NoAnswerError):
        list(session(server).turns())
    assert timedelta(minutes=15) < server.time - NOON < timedelta(minutes=16)


def test_server_that_denies_access_ends_it_at_once() -> None:
    server = Server(connections=[(1, UnreachableError("the token was revoked"))])
    with pytest.raises(UnreachableError, match="revoked"):
        list(session(server).turns())
    assert server.time == NOON


def test_interrupt_ends_only_the_following() -> None:
    server = Server(connections=[(1, CUT)])
    followed = session(server)
    server.on_sleep = lambda: followed.interrupt("SIGINT")
    list(followed.turns())
    assert (followed.detached, followed.rollout.finished, server.told) == (True, None, [])


def test_start_confirms_the_plan_that_was_shown() -> None:
    server = Server()
    planned = RemotePlan(PLAN, ("aws elbv2",), (), "digest")
    asked = RemoteRequest("shop", "v9")
    begun = start(server, asked, planned)  # type: ignore[arg-type]  # it is every driver
    assert server.began == [(asked, "digest")]
    assert (begun.restore_lines, begun.carried_on) == (("aws elbv2",), False)


def test_command_is_checked_here_and_carried_out_there() -> None:
    server = Server(known=2, story=[e.Planned(NOON, PLAN), *brought(PLAN, OUTWARD[0])])
    control = RemoteControl(server)  # type: ignore[arg-type]  # it is every driver
    assert isinstance(control.abort(PLAN.rollout), Delegated)
    assert server.told == [e.AbortAsked(NOON, "kim")]
    with pytest.raises(UsageError, match="is not paused"):
        control.resume(PLAN.rollout)
    with pytest.raises(UsageError, match="waits for no approval"):
        control.approve(PLAN.rollout, [t(PLAN)])
    assert len(server.told) == 1
