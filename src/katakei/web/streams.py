"""Server-sent events: the streams of a rollout and of a group.

`recorded` is an event of the journal in the journal's own form; its id is the number of the event, so that a client
that lost the connection goes on with Last-Event-ID. `waiting` says what a rollout waits for, `group` is a snapshot of a
group, `trouble` says why nothing new can be read, and `ended` is the last message of a rollout or of a session that is
no longer valid. A quiet stream sends a comment. A watcher that reads nothing is cut by the guard.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import StreamingResponse

from katakei.domain.errors import KatakeiError
from katakei.domain.events import WorkEnded
from katakei.domain.wire import EVENTS
from katakei.render.errors import error_text
from katakei.render.groups import status_data
from katakei.web.hub import KEEP_ALIVE, GroupFeed, Hub, frame
from katakei.web.settings import WebSettings

Check = Callable[[], Awaitable[KatakeiError | None]]
"""Whether the watcher may still read: its token may be revoked, and its session over."""

CHECK_INTERVAL = 30.0
"""Seconds between two such checks."""
WORK_ENDED = EVENTS[WorkEnded].kind
AT_ONCE = 200
"""Frames that are sent in one piece, so that one watcher that starts late does not hold the others up."""


def stream(content: AsyncIterator[bytes]) -> StreamingResponse:
    """The answer that sends these frames."""
    return StreamingResponse(content, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


class Watcher:
    """The reader of one stream, who may lose the right to read it while it is open.

    Attributes:
        hub: The feeds.
        pause: The pause between two comments on a quiet stream.
    """

    def __init__(self, hub: Hub, check: Check, settings: WebSettings) -> None:
        self.hub = hub
        self.pause = settings.keep_alive
        self._check = check
        self._checked = asyncio.get_running_loop().time()

    async def refusal(self) -> bytes:
        """The last frame of a reader that may not read any more; b'' for one that may."""
        now = asyncio.get_running_loop().time()
        if now - self._checked < CHECK_INTERVAL:
            return b""
        self._checked = now
        error = await self._check()
        return _told("ended", {"message": error_text(error), "exit_code": int(error.code)}) if error else b""


async def rollout_frames(watcher: Watcher, rollout: str, after: int) -> AsyncIterator[bytes]:
    """The frames of a rollout after event number `after`, until it is finished, or the server closes."""
    async with watcher.hub.rollout(rollout) as feed:
        sent, waiting = min(after, len(feed.frames)), b""
        while True:
            version = feed.version
            while sent < len(feed.frames):
                part = feed.frames[sent : sent + AT_ONCE]
                sent += len(part)
                yield b"".join(each.sent for each in part)
            if feed.waiting != waiting and not feed.finished:
                waiting = feed.waiting
                yield waiting
            if feed.error:
                yield _told("trouble", {"message": error_text(feed.error), "exit_code": int(feed.error.code)})
            if feed.finished and sent >= len(feed.frames):
                yield frame("ended", json.dumps({"number": sent}))
                return
            if feed.over:
                return
            changed = await feed.wait(version, watcher.pause)
            if refusal := await watcher.refusal():
                yield refusal
                return
            if not changed:
                yield KEEP_ALIVE


async def log_lines(watcher: Watcher, rollout: str, targets: frozenset[str], *, follow: bool) -> AsyncIterator[bytes]:
    """What the work printed, one line of JSON for each piece of work that has ended.

    Args:
        watcher: Who reads.
        rollout: The rollout.
        targets: Only work on these; empty: on all.
        follow: Go on until the rollout is finished.
    """
    async with watcher.hub.rollout(rollout) as feed:
        sent = 0
        while True:
            version = feed.version
            while sent < len(feed.frames):
                each = feed.frames[sent]
                sent += 1
                if each.kind == WORK_ENDED and (not targets or json.loads(each.line)["key"]["target"] in targets):
                    yield each.line + b"\n"
            if not follow or feed.finished or feed.over:
                return
            if not await feed.wait(version, watcher.pause):
                yield b"\n"  # keeps the connection open; readers of JSON lines skip it
            if await watcher.refusal():
                return


async def group_frames(watcher: Watcher, region: str, name: str) -> AsyncIterator[bytes]:
    """Snapshots of a group, a new one whenever it has changed."""
    async with watcher.hub.group(region, name) as feed:
        sent = b""
        while True:
            version = feed.version
            if (part := _snapshot(feed)) != sent:
                sent = part
                yield part
            if feed.over:
                return
            changed = await feed.wait(version, watcher.pause)
            if refusal := await watcher.refusal():
                yield refusal
                return
            if not changed:
                yield KEEP_ALIVE


def _snapshot(feed: GroupFeed) -> bytes:
    if feed.error is not None:
        return _told("trouble", {"message": error_text(feed.error), "exit_code": int(feed.error.code)})
    if feed.status is None:
        return b""
    status = feed.status
    data = status_data(status.group, list(status.held.items()), status.carried, status.freezes)
    return frame("group", json.dumps(data))


def _told(event: str, data: dict[str, str | int]) -> bytes:
    return frame(event, json.dumps(data))
