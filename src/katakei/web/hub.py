"""The hub: one reader for each rollout and each group that somebody watches, however many watch.

A rollout's frames are kept once and shared: a watcher is a place in that list, so a slow one costs nothing and delays
nobody. A group is a snapshot: a watcher that was slow gets the newest one. Questions run in threads, become rarer while
AWS throttles, and stop when nobody watches any more.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from starlette.concurrency import run_in_threadpool

from katakei.app.fleet_groups import PlaceGroups
from katakei.app.queries import Status
from katakei.app.turn_feed import Progress, TurnFeed
from katakei.domain.errors import InternalError, KatakeiError, NoAnswerError, TemporarilyUnavailableError
from katakei.domain.events import Event, Finished
from katakei.domain.model import RolloutId
from katakei.domain.ports import Journal
from katakei.domain.reasons import Reason
from katakei.domain.wire import EVENTS, kind_of
from katakei.render.json_data import plain
from katakei.render.reasons import sentence
from katakei.web.settings import WebSettings

log = logging.getLogger(__name__)

LINGER = timedelta(seconds=5)
"""How long a reader goes on after its last watcher went away; a browser that reconnects finds it."""
LIST_LASTS = timedelta(seconds=3)
LIST_LASTS_EACH = 0.05
"""How long a list of groups is shared, and how much longer for each group: 300 groups are read every 15 s."""
FINISHED = EVENTS[Finished].kind
KEEP_ALIVE = b": keep-alive\n\n"


def frame(event: str, data: str, number: int | None = None) -> bytes:
    """One server-sent event. The data is one line of JSON."""
    place = f"id: {number}\n" if number is not None else ""
    return f"{place}event: {event}\ndata: {data}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event of a journal as it is sent.

    Attributes:
        sent: Its frame.
        kind: Its kind, by the wire tables.
    """

    sent: bytes
    kind: str

    @property
    def line(self) -> bytes:
        """The event alone, as one line of JSON."""
        return self.sent.partition(b"\ndata: ")[2].rstrip(b"\n")

    @property
    def ends(self) -> bool:
        """Whether the rollout is finished with it."""
        return self.kind == FINISHED


class Feed:
    """What the watchers of one thing share: a number that rises with every change, and a wait for the next one."""

    def __init__(self) -> None:
        self.watchers = 0
        self.version = 0
        self.over = False
        self.ready = asyncio.Event()
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def changed(self) -> None:
        """Wakes every watcher."""
        self.version += 1
        waiting, self._next = self._next, asyncio.get_running_loop().create_future()
        waiting.set_result(None)

    async def pause(self, seconds: float) -> None:
        """For so long, or until the server closes."""
        await asyncio.wait({self._closed}, timeout=seconds)

    def close(self) -> None:
        """Ends every stream of this feed."""
        self.over = True
        if not self._closed.done():
            self._closed.set_result(None)
        self.changed()

    async def wait(self, version: int, within: timedelta) -> bool:
        """Until there is something newer than this version. False: nothing changed within that time."""
        if self.version == version and not self.over:
            await asyncio.wait({self._next}, timeout=within.total_seconds())
        return self.version != version


class RolloutFeed(Feed):
    """The frames of one rollout.

    Attributes:
        frames: The frame of each event; event number n is at n - 1.
        waiting: The frame that says what the rollout waits for now; b'' while that is not known.
        why: The same as a reason, for pages in the language of their reader.
        error: Why the journal could not be read; None: it could.
    """

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Recorded] = []
        self.waiting = b""
        self.why: Reason | None = None
        self.error: KatakeiError | None = None

    @property
    def finished(self) -> bool:
        """Whether the rollout has ended. A retry may begin it again."""
        return bool(self.frames) and self.frames[-1].ends


class GroupFeed(Feed):
    """The newest snapshot of one group.

    Attributes:
        status: The group; None before the first answer.
        error: Why the last question had no answer; None: it had one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status: Status | None = None
        self.error: KatakeiError | None = None


@dataclass(frozen=True, slots=True)
class HubSources:
    """Where the hub reads.

    Attributes:
        journal: The journal.
        feed: Tells about every turn of this process, and reads what other processes write.
        group: A group by region and name, asked once.
        groups: The groups of every place.
        wire: An event as one line of JSON, in the form of the journal.
    """

    journal: Journal
    feed: TurnFeed
    group: Callable[[str, str], Status]
    groups: Callable[[], Sequence[PlaceGroups]]
    wire: Callable[[Event], str]


class Hub:
    """All feeds of one server. Its methods belong to the event loop."""

    def __init__(self, sources: HubSources, settings: WebSettings) -> None:
        self._sources = sources
        self._settings = settings
        self._rollouts: dict[str, RolloutFeed] = {}
        self._groups: dict[tuple[str, str], GroupFeed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listing: asyncio.Future[Sequence[PlaceGroups]] | None = None
        self._listed_until = 0.0
        self.closing = False

    @property
    def watched(self) -> tuple[int, int]:
        """How many rollouts and groups have a reader now."""
        return len(self._rollouts), len(self._groups)

    @asynccontextmanager
    async def rollout(self, rollout: str) -> AsyncIterator[RolloutFeed]:
        """The feed of a rollout while somebody watches it; its first reading is done."""
        feed = self._rollouts.get(rollout)
        if feed is None:
            feed = self._rollouts[rollout] = RolloutFeed()
            self._begin(self._read_rollout(rollout, feed))
        async with _watching(feed):
            await feed.ready.wait()
            yield feed

    @asynccontextmanager
    async def group(self, region: str, name: str) -> AsyncIterator[GroupFeed]:
        """The feed of a group while somebody watches it; its first question is answered, or has failed."""
        feed = self._groups.get((region, name))
        if feed is None:
            feed = self._groups[region, name] = GroupFeed()
            self._begin(self._read_group(region, name, feed))
        async with _watching(feed):
            await feed.ready.wait()
            yield feed

    async def status(self, region: str, name: str) -> Status:
        """A group as it is now, at most one interval old. Raises what the question raises."""
        async with self.group(region, name) as feed:
            if feed.status is None or (feed.error is not None and not _passes(feed.error)):
                raise feed.error or NoAnswerError(f"group {name} cannot be read now")
            return feed.status

    async def groups(self) -> tuple[PlaceGroups, ...]:
        """The groups of every place, at most some seconds old, because each costs a call. All share one answer."""
        now = asyncio.get_running_loop().time()
        if self._listing is None or (self._listing.done() and now >= self._listed_until):
            self._listing = asyncio.ensure_future(run_in_threadpool(self._sources.groups))
            self._listing.add_done_callback(self._listed)
        return tuple(await asyncio.shield(self._listing))

    def _listed(self, listing: "asyncio.Future[Sequence[PlaceGroups]]") -> None:
        failed = listing.cancelled() or listing.exception() is not None
        count = 0 if failed else sum(len(each.groups.groups) for each in listing.result() if each.groups)
        lasts = 0 if failed else max(LIST_LASTS.total_seconds(), count * LIST_LASTS_EACH)
        self._listed_until = asyncio.get_running_loop().time() + lasts

    async def close(self) -> None:
        """Ends every stream and every reader."""
        self.closing = True
        feeds: Sequence[Feed] = [*self._rollouts.values(), *self._groups.values()]
        for feed in feeds:
            feed.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, reading: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(reading)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read_rollout(self, rollout: str, feed: RolloutFeed) -> None:
        """Gets what is recorded, then every progress, until nobody has watched for a while."""
        loop = asyncio.get_running_loop()

        def listener(progress: Progress) -> None:
            news = self._frames(progress.written, progress.rollout.number - len(progress.written))
            loop.call_soon_threadsafe(self._take, feed, progress, news)

        leave = _nothing
        try:
            now, leave = await run_in_threadpool(self._sources.feed.watch, RolloutId(rollout), listener)
            recorded = await run_in_threadpool(self._sources.journal.read, RolloutId(rollout), 0)
            feed.frames += await run_in_threadpool(self._frames, recorded, 0)
            self._take(feed, now, ())
            feed.ready.set()
            while await _watched(feed):
                pass
        except KatakeiError as error:
            feed.error = error
        finally:
            feed.over = True
            feed.ready.set()
            self._rollouts.pop(rollout, None)
            feed.changed()
            await run_in_threadpool(leave)

    def _take(self, feed: RolloutFeed, progress: Progress, news: Sequence[Recorded]) -> None:
        """Adds the events that are not known yet. The progress that came before the first reading is known by it."""
        first = progress.rollout.number - len(news)
        if len(feed.frames) >= first:
            feed.frames += news[len(feed.frames) - first :]
        feed.why = progress.why
        if progress.why is not None:
            data = {
                "message": sentence(progress.why),
                "reason": plain(progress.why),
                "outputs": plain(progress.outputs),
            }
            if progress.since is not None:
                data["since"] = plain(progress.since)
            feed.waiting = frame("waiting", json.dumps(data))
        else:
            feed.waiting = b""
        feed.changed()

    def _frames(self, events: Sequence[Event], after: int) -> Sequence[Recorded]:
        return [
            Recorded(frame("recorded", self._sources.wire(event), number), kind_of(event))
            for number, event in enumerate(events, after + 1)
        ]

    async def _read_group(self, region: str, name: str, feed: GroupFeed) -> None:
        loop, idle = asyncio.get_running_loop(), 0.0
        interval = self._settings.group_interval.total_seconds()
        try:
            pause = interval
            while idle < LINGER.total_seconds() and not feed.over:
                await self._ask(region, name, feed)
                feed.ready.set()
                pause = self._next_pause(feed, pause)
                begun = loop.time()
                await feed.pause(pause)
                idle = idle + loop.time() - begun if not feed.watchers else 0.0
                if feed.error is not None and not _passes(feed.error):
                    return
        finally:
            feed.over = True
            feed.ready.set()
            self._groups.pop((region, name), None)
            feed.changed()

    def _next_pause(self, feed: GroupFeed, before: float) -> float:
        """Twice as long after each question without an answer, up to the limit."""
        if feed.error is None:
            return self._settings.group_interval.total_seconds()
        return min(before * 2, self._settings.group_interval_limit.total_seconds())

    async def _ask(self, region: str, name: str, feed: GroupFeed) -> None:
        before, error = feed.status, feed.error
        try:
            feed.status = await run_in_threadpool(self._sources.group, region, name)
            feed.error = None
        except KatakeiError as now:
            feed.error = now
        except Exception:
            log.exception("group not read", extra={"facts": {"region": region, "group": name}})
            feed.error = InternalError(f"group {name} cannot be read: an internal error occurred; it is in the log")
        if feed.status != before or str(feed.error) != str(error):
            feed.changed()


@asynccontextmanager
async def _watching(feed: Feed) -> AsyncIterator[None]:
    feed.watchers += 1
    try:
        yield
    finally:
        feed.watchers -= 1


async def _watched(feed: Feed) -> bool:
    """Whether somebody still watches, after a while."""
    await feed.pause(LINGER.total_seconds())
    return feed.watchers > 0 and not feed.over


def _nothing() -> None:
    """Where no watch was begun."""


def _passes(error: KatakeiError) -> bool:
    """Whether the same question may have an answer later."""
    return isinstance(error, NoAnswerError | TemporarilyUnavailableError)
