"""A reader of a stream that takes nothing, by an event loop whose clock jumps over every pause."""

import asyncio
import selectors
from collections.abc import Callable

import pytest
from starlette.types import Message, Receive, Scope, Send

from katakei.web.connections import ABORT
from katakei.web.guard import Guard
from katakei.web.settings import WebSettings
from katakei.web.site import site_of

SETTINGS = WebSettings()
STALLED_AFTER = SETTINGS.stalled_after.total_seconds()
PAUSE = SETTINGS.keep_alive.total_seconds()
COMMENTS = 20


class JumpingSelector(selectors.DefaultSelector):
    """Never waits: it notes for how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            self.jumped += max(0.0, timeout or 0.0)
        return found


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in which every pause is over at once."""

    def __init__(self) -> None:
        self.jumping = JumpingSelector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.jumped


async def comments(scope: Scope, receive: Receive, send: Send) -> None:
    """The application: a quiet stream, which sends a comment now and then."""
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(COMMENTS):
        await send({"type": "http.response.body", "body": b": keep-alive\n\n", "more_body": True})
        await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=PAUSE)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def never_asked() -> Message:
    raise AssertionError("the request has no body")


def scope_with(abort: Callable[[], None]) -> Scope:
    return {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/rollouts/r-1/events",
        "headers": [(b"host", b"127.0.0.1:8480")],
        "client": ("127.0.0.1", 1),
        "state": {ABORT: abort},
    }


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_reader_that_takes_nothing_is_cut_and_no_other(taken: int) -> None:
    """It takes some messages, then none. Another one on the same server gets everything."""
    loop = JumpingLoop()
    cut: list[float] = []
    got: list[Message] = []
    stopped: list[float] = []

    async def stalling(message: Message) -> None:
        del message
        if len(stopped) < taken:
            stopped.append(loop.time())
            return
        stopped.append(loop.time())
        await asyncio.Event().wait()

    async def reading(message: Message) -> None:
        got.append(message)

    async def both() -> None:
        guard = Guard(comments, site_of("127.0.0.1", 8480), SETTINGS)
        await asyncio.gather(
            guard(scope_with(lambda: cut.append(loop.time())), never_asked, stalling),
            guard(scope_with(lambda: cut.append(-1)), never_asked, reading),
        )

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(both())
    assert cut == [pytest.approx(stopped[-1] + STALLED_AFTER)]
    assert len(stopped) == taken + 1
    assert len(got) == COMMENTS + 2
