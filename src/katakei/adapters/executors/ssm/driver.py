"""The executor `ssm`: work begins through Run Command, and what became of it is read from the mark, never guessed.

A start is safe to repeat: the mark on the target lets one begin. No invocation's own status is ever taken for a result.
"""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from katakei.adapters.executors import mark
from katakei.adapters.executors.ssm import verdict
from katakei.adapters.executors.ssm.asks import NOBODY, Asks, How, spread, told
from katakei.adapters.executors.ssm.batches import SPARE, Ready, batches, fits, follow, text
from katakei.adapters.executors.ssm.door import Door, Invocation
from katakei.domain.actions import Job
from katakei.domain.errors import KatakeiError, NoAnswerError
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkStatus
from katakei.domain.ports import Clock

LISTED = 16
"""Tickets followed in one look; of more, those seen longest ago. Run Command's own bucket is not documented."""


class SsmExecutor:
    """Run Command in one region. `profile` and `region` may be '': then the environment says."""

    marks = ""
    lacks = ""

    def __init__(self, region: str, profile: str, clock: Clock) -> None:
        self._clock = clock
        self._door = Door(region, profile, clock)
        self._asks = Asks(self._door, clock)
        self._lock = threading.Lock()
        self._sent: dict[WorkKey, datetime] = {}
        self._newest: dict[WorkKey, str] = {}
        self._seen: dict[str, tuple[datetime, Mapping[str, Invocation]]] = {}
        self._over: dict[tuple[str, str], datetime] = {}

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - each call is bounded by itself
        """Asks Systems Manager which of them have a living agent. Raises Unseen or Unreachable."""
        found = self._door.nodes(sorted({target.id for target in targets if _is_instance(target)}))
        reasons = {target.id: _unready(target, found.get(target.id)) for target in targets}
        return {target: reason for target, reason in reasons.items() if reason}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """Each by itself; its target's clock, which is not known yet, makes it no longer."""
        for key, (target, job) in jobs.items():
            fits(Ready(key, _line(key, target, job, self._clock.now()), job, alone=True))

    def prepare(self, targets: Sequence[Target], by: timedelta) -> None:
        """Asks targets that have not told their clock and name yet. Raises Unseen or Unreachable."""
        strange = [target.id for target in targets if _is_instance(target) and self._asks.manners(target.id) is None]
        if strange:
            until = self._clock.now() + by
            self._asks.hear(until)
            self._asks.ask(dict.fromkeys(strange, (NOBODY,)), until)

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """Sends what can be sent; a target whose clock is not known yet is asked for it first, and not taken.

        A target that cannot be reached is taken with the ticket '': `look` then tells why, and whether to start again.
        Raises UsageFault for a command too long to send, Unseen or Unreachable when nothing could be sent at all.
        """
        until = self._clock.now() + by
        self._asks.hear(until)
        tickets: dict[WorkKey, str] = {}
        strange: dict[str, list[str]] = {}
        ready: list[Ready] = []
        for key, (target, job) in jobs.items():
            one = self._prepared(key, target, job)
            if one:
                ready.append(one)
                continue
            strange.setdefault(target.id, []).append(mark.name_of(key))
            if not _is_instance(target) or self._asks.trouble(target.id):
                tickets[key] = ""
        tickets |= self._send_all(ready, until)
        try:
            self._asks.ask({each: names for each, names in strange.items() if each.startswith(_KINDS)}, until)
        except KatakeiError:
            if not tickets:
                raise
        return tickets

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """What is known of each key. Raises Unreachable when Run Command may not be asked at all."""
        until = self._clock.now() + by
        self._asks.hear(until)
        self._follow({ticket for _, ticket in tickets.values() if ticket}, until)
        works: dict[WorkKey, WorkStatus] = {}
        doubtful: dict[str, list[str]] = {}
        for key, (target, ticket) in tickets.items():
            said = self._judged(key, target, ticket)
            works[key] = said.work
            if said.ask and _is_instance(target):
                doubtful.setdefault(target.id, []).append(mark.name_of(key))
        try:
            self._asks.ask(doubtful, until)
        except NoAnswerError:
            return works  # asked again at the next look; meanwhile what is unknown stays unknown
        return works

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Claims the marks for nothing where they are not claimed. Raises Unseen or Unreachable."""
        self._order(tickets, by, mark.forbid_text)

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Ends the sessions of what runs. Raises Unseen or Unreachable."""
        self._order(tickets, by, mark.cancel_text)

    def _order(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta, how: How) -> None:
        """As often as asks may be sent; what came of it is heard at the next look."""
        wanted: dict[str, list[str]] = {}
        for key, (target, _) in tickets.items():
            if _is_instance(target):
                wanted.setdefault(target.id, []).append(mark.name_of(key))
        self._asks.ask(wanted, self._clock.now() + by, how)

    def _prepared(self, key: WorkKey, target: Target, job: Job) -> Ready | None:
        manners = self._asks.manners(target.id)
        if manners is None:
            return None
        not_after = self._clock.now() + manners.ahead + verdict.LATE
        return Ready(key, _line(key, target, job, not_after), job, not manners.named)

    def _send_all(self, ready: Sequence[Ready], until: datetime) -> dict[WorkKey, str]:
        tickets: dict[WorkKey, str] = {}
        try:
            for batch in batches(ready):
                if self._clock.now() >= until:
                    break
                tickets |= self._send(batch, until)
        except KatakeiError:
            # What was sent must not be forgotten for what was not; with nothing sent, the sentence is all there is.
            if not tickets:
                raise
        return tickets

    def _send(self, batch: Sequence[Ready], until: datetime) -> dict[WorkKey, str]:
        by_instance = {one.line.machine: one for one in batch}
        at = self._clock.now()
        self._sent |= dict.fromkeys((one.key for one in batch), at)
        self._newest |= dict.fromkeys((one.key for one in batch), "")

        def send(instances: Sequence[str]) -> str:
            some = [by_instance[instance] for instance in instances]
            return self._door.send(instances, text(some), f"katakei {some[0].line.name}", follow(some) + SPARE, until)

        sent, unknown = spread(list(by_instance), send)
        for instance, why in unknown.items():
            self._asks.troubled(instance, why)
        tickets = {one.key: sent.get(one.line.machine, "") for one in batch}
        self._newest |= tickets
        return tickets

    def _follow(self, tickets: set[str], until: datetime) -> None:
        with self._lock:
            self._seen = {ticket: seen for ticket, seen in self._seen.items() if ticket in tickets}
            self._over = {(ticket, who): at for (ticket, who), at in self._over.items() if ticket in tickets}
            stalest = sorted(
                tickets, key=lambda ticket: self._seen[ticket][0].timestamp() if ticket in self._seen else 0
            )
        if not stalest:
            return
        with ThreadPoolExecutor(min(8, len(stalest)), "katakei-ssm") as pool:
            list(pool.map(lambda ticket: self._follow_one(ticket, until), stalest[:LISTED]))

    def _follow_one(self, ticket: str, until: datetime) -> None:
        at = self._clock.now()
        if at >= until:
            return
        try:
            found = {each.instance: each for each in self._door.invocations(ticket)}
        except NoAnswerError:
            return
        with self._lock:
            self._seen[ticket] = (at, found)
            for instance, each in found.items():
                if not each.open:
                    self._over.setdefault((ticket, instance), at)

    def _judged(self, key: WorkKey, target: Target, ticket: str) -> verdict.Verdict:
        name = mark.name_of(key)
        _, found = self._seen.get(ticket, (None, {}))
        invocation = found.get(target.id)
        answer = None
        if invocation is not None and not invocation.open:
            try:
                answer = told(self._door, ticket, invocation).of(name)
            except KatakeiError as error:
                return verdict.unseen(str(error))
        return verdict.of(
            verdict.Known(
                now=self._clock.now(),
                ticket=ticket,
                sent=self._sent.get(key),
                newest=self._newest.get(key, ""),
                invocation=invocation,
                over=self._over.get((ticket, target.id)),
                answer=answer,
                heard=self._asks.heard(target.id, name),
                trouble=self._asks.trouble(target.id) if _is_instance(target) else _unready(target, None),
            )
        )


_KINDS = ("i-", "mi-")


def _line(key: WorkKey, target: Target, job: Job, not_after: datetime) -> mark.Line:
    return mark.Line(target.id, mark.name_of(key), not_after, job.env, job.fetched)


def _is_instance(target: Target) -> bool:
    return target.id.startswith(_KINDS)


def _unready(target: Target, node: tuple[str, str] | None) -> str:
    if not _is_instance(target):
        return f"{target.id} is an address without a known instance; Run Command reaches instances only"
    if node is None:
        return (
            "Systems Manager does not know it: is the SSM agent installed and running, and may its instance profile "
            "use it (AmazonSSMManagedInstanceCore)?"
        )
    ping, platform = node
    if ping != "Online":
        return f"its SSM agent is not online ({ping or 'no PingStatus'})"
    return "" if platform in {"Linux", "MacOS", ""} else f"it runs {platform}; the mark needs a POSIX shell"
