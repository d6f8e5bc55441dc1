"""The executor `ssm`: it starts work through Run Command and reads the result from the mark, never from a guess.

A start may be repeated, because the mark on the target lets one of them begin. The status of an invocation never
counts as a result.

A ticket is the CommandId of the start and the place (machine and state folder) that was recorded before the take-out,
each where there is one. Work of a rollout that recorded no place is judged without it.
"""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from katakei.adapters.aws import AwsSession
from katakei.adapters.executors import mark
from katakei.adapters.executors.ssm import rights, work_status
from katakei.adapters.executors.ssm.batches import (
    Start,
    batches,
    check_size,
    check_time,
    command_text,
    run_time,
)
from katakei.adapters.executors.ssm.kept_output import KeptOutputReader
from katakei.adapters.executors.ssm.mark_queries import MarkQueries, QueryText, read_answer
from katakei.adapters.executors.ssm.program_runner import SsmProgramRunner
from katakei.adapters.executors.ssm.run_command import Invocation, Node, RunCommand, is_instance, send_split
from katakei.domain.actions import Job
from katakei.domain.errors import KatakeiError, NoAnswerError
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkStatus
from katakei.domain.ports import Clock, KeptOutput
from katakei.domain.spec import Command

MAX_FOLLOWED = 16
"""Tickets listed in one look; of more, the ones listed longest ago. AWS does not document Run Command's rate limit."""


class SsmExecutor:
    """Implements the port `Executor` through Run Command."""

    marks = ""
    lacks = None

    def __init__(self, aws: AwsSession, clock: Clock) -> None:
        self._clock = clock
        self._run_command = RunCommand(aws)
        self._programs = SsmProgramRunner(aws, clock)
        self._queries = MarkQueries(self._run_command, clock)
        self._lock = threading.Lock()
        self._sent: dict[WorkKey, datetime] = {}
        self._newest: dict[WorkKey, str | None] = {}
        self._listed: dict[str, tuple[datetime, Mapping[str, Invocation]]] = {}
        self._over: dict[tuple[str, str], datetime] = {}
        self._begun: set[WorkKey] = set()

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - each call has its own bound
        """Returns the targets without a living agent, each with the reason. Raises NoAnswerError, UnreachableError."""
        found = self._run_command.nodes(sorted({target.id for target in targets if is_instance(target.id)}))
        reasons = {target.id: _unready(target, found.get(target.id)) for target in targets}
        return {target: reason for target, reason in reasons.items() if reason}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """Checks each job by itself. The target's clock, not known yet, does not change the length."""
        for key, (target, job) in jobs.items():
            check_time(job)
            check_size(Start(key, _line(key, target, job, self._clock.now()), job, alone=True))

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Sends a program that does nothing. Raises NoAnswerError, UnreachableError."""
        return rights.prove(self._programs, self._clock, command, targets, by)

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Queries the targets whose clock, id and place are not known yet. Raises NoAnswerError, UnreachableError."""
        if any(self._unknown(each) for each in targets):
            until = self._clock.now() + by
            self._queries.collect(until)
            new = [each.id for each in targets if self._unknown(each)]
            self._queries.send(dict.fromkeys(new, (mark.NO_MARK,)), until)
        known = {each.id: self._queries.target_clock(each.id) for each in targets}
        return {target: clock.place for target, clock in known.items() if clock}

    def _unknown(self, target: Target) -> bool:
        return is_instance(target.id) and self._queries.target_clock(target.id) is None

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """Sends what can be sent. A target whose clock is not known yet is queried first, and its job is not taken.

        A target that cannot be reached is taken with the ticket `''`: `look` then says why, and whether to start
        again.

        Raises:
            UsageError: a command is too long to send.
            NoAnswerError, UnreachableError: nothing could be sent at all.

        """
        until = self._clock.now() + by
        self._queries.collect(until)
        tickets: dict[WorkKey, str] = {}
        new: dict[str, list[str]] = {}
        starts: list[Start] = []
        for key, (target, job) in jobs.items():
            one = self._prepared(key, target, job)
            if one:
                starts.append(one)
                continue
            new.setdefault(target.id, []).append(mark.name_of(key))
            if not is_instance(target.id) or self._queries.trouble(target.id):
                tickets[key] = ""
        tickets |= self._send_all(starts, until)
        tickets = {key: f"{command} {mark.place_in(jobs[key][1].marks)}".strip() for key, command in tickets.items()}
        try:
            self._queries.send({each: names for each, names in new.items() if is_instance(each)}, until)
        except KatakeiError:
            if not tickets:
                raise
        return tickets

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """Returns what is known about each key. Raises UnreachableError when Run Command may not be asked at all."""
        until = self._clock.now() + by
        self._queries.collect(until)
        self._follow({command for _, ticket in tickets.values() if (command := _command(ticket))}, until)
        works: dict[WorkKey, WorkStatus] = {}
        doubtful: dict[str, list[str]] = {}
        for key, (target, ticket) in tickets.items():
            judged = self._judged(key, target, ticket)
            works[key] = judged.work
            if judged.query and is_instance(target.id):
                doubtful.setdefault(target.id, []).append(mark.name_of(key))
        try:
            self._queries.send(doubtful, until)
        except NoAnswerError:
            return works  # the next look sends the query again; until then, what is unknown stays unknown
        return works

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Takes the marks that no start has taken yet. Raises NoAnswerError, UnreachableError."""
        self._query_all(tickets, by, mark.forbid_text)

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Ends the process sessions of running work. Raises NoAnswerError, UnreachableError."""
        self._query_all(tickets, by, mark.cancel_text)

    def kept_output(self, key: WorkKey, target: Target, by: timedelta) -> KeptOutput:
        """Reads the output in parts. Raises UsageError, NoAnswerError, UnreachableError."""
        return KeptOutputReader(self._run_command, self._clock).read(key, target, by)

    def _query_all(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta, query_text: QueryText) -> None:
        """Sends as often as queries may be sent; the next look reads the result."""
        wanted: dict[str, list[str]] = {}
        for key, (target, _) in tickets.items():
            if is_instance(target.id):
                wanted.setdefault(target.id, []).append(mark.name_of(key))
        self._queries.send(wanted, self._clock.now() + by, query_text)

    def _prepared(self, key: WorkKey, target: Target, job: Job) -> Start | None:
        """Returns the start; None while the target's clock is not known."""
        its = self._queries.target_clock(target.id)
        if its is None:
            return None
        not_after = self._clock.now() + its.ahead + work_status.LATE_START
        return Start(key, _line(key, target, job, not_after), job, not its.knows_id)

    def _send_all(self, starts: Sequence[Start], until: datetime) -> dict[WorkKey, str]:
        tickets: dict[WorkKey, str] = {}
        try:
            for batch in batches(starts):
                if self._clock.now() >= until:
                    break
                tickets |= self._send(batch, until)
        except KatakeiError:
            # An error for one batch must not lose what was sent. With nothing sent, the error is all there is.
            if not tickets:
                raise
        return tickets

    def _send(self, batch: Sequence[Start], until: datetime) -> dict[WorkKey, str]:
        by_instance = {one.line.machine: one for one in batch}
        at = self._clock.now()
        self._sent |= dict.fromkeys((one.key for one in batch), at)
        self._newest |= dict.fromkeys((one.key for one in batch), None)

        def send(instances: Sequence[str]) -> str:
            few = [by_instance[instance] for instance in instances]
            comment = f"katakei {few[0].line.name}"
            return self._run_command.send(instances, command_text(few), comment, run_time(few), until)

        sent, unknown = send_split(list(by_instance), send)
        for instance, why in unknown.items():
            self._queries.report_trouble(instance, why)
        self._newest |= {one.key: sent.get(one.line.machine) for one in batch}
        return {one.key: sent.get(one.line.machine, "") for one in batch}

    def _follow(self, tickets: set[str], until: datetime) -> None:
        """Lists the invocations of the tickets, those listed longest ago first."""
        with self._lock:
            self._listed = {ticket: seen for ticket, seen in self._listed.items() if ticket in tickets}
            self._over = {(ticket, who): at for (ticket, who), at in self._over.items() if ticket in tickets}
            oldest = sorted(
                tickets, key=lambda ticket: self._listed[ticket][0].timestamp() if ticket in self._listed else 0
            )
        if not oldest:
            return
        with ThreadPoolExecutor(min(8, len(oldest)), "katakei-ssm") as pool:
            list(pool.map(lambda ticket: self._follow_one(ticket, until), oldest[:MAX_FOLLOWED]))

    def _follow_one(self, ticket: str, until: datetime) -> None:
        at = self._clock.now()
        if at >= until:
            return
        try:
            found = {each.instance: each for each in self._run_command.invocations(ticket)}
        except NoAnswerError:
            return
        with self._lock:
            self._listed[ticket] = (at, found)
            for instance, each in found.items():
                if not each.open:
                    self._over.setdefault((ticket, instance), at)

    def _judged(self, key: WorkKey, target: Target, ticket: str) -> work_status.Judgement:
        name, place, command = mark.name_of(key), mark.place_in(ticket), _command(ticket)
        invocation = self._listed[command][1].get(target.id) if command in self._listed else None
        printed = None
        if command is not None and invocation is not None and not invocation.open:
            try:
                printed = read_answer(self._run_command, command, invocation).of(name)
            except KatakeiError as error:
                return work_status.unknown(str(error))
        answer = self._queries.answer(target.id, name)
        if any(seen.state in mark.BEGUN for seen in (printed, answer and answer.mark) if seen):
            self._begun.add(key)
        if printed:
            printed = printed.believed(place, begun=key in self._begun)
        if answer:
            answer = replace(answer, mark=answer.mark.believed(place, begun=key in self._begun))
        return work_status.judge(
            work_status.Facts(
                now=self._clock.now(),
                ticket=command,
                sent=self._sent.get(key),
                newest=self._newest.get(key),
                invocation=invocation,
                over=self._over.get((command, target.id)) if command else None,
                printed=printed,
                answer=answer,
                trouble=self._queries.trouble(target.id) if is_instance(target.id) else _unready(target, None),
            )
        )


def _line(key: WorkKey, target: Target, job: Job, not_after: datetime) -> mark.Line:
    return mark.Line(target.id, mark.name_of(key), not_after, job.env, job.fetched, job.marks)


def _command(ticket: str) -> str | None:
    """The CommandId in a ticket; None where the work was taken without a command."""
    return next((word for word in ticket.split(" ") if word and not mark.place_in(word)), None)


def _unready(target: Target, node: Node | None) -> str | None:
    """Returns why no work can start on the target; None when it can. `node` None: Systems Manager does not know it."""
    if not is_instance(target.id):
        return f"{target.id} is an address without a known instance; Run Command reaches instances only"
    if node is None:
        return (
            "Systems Manager does not know it: is the SSM agent installed and running, and may its instance profile "
            "use it (AmazonSSMManagedInstanceCore)?"
        )
    if node.ping != "Online":
        return f"its SSM agent is not online ({node.ping or 'no PingStatus'})"
    return None if node.platform in {"Linux", "MacOS", ""} else f"it runs {node.platform}; the mark needs a POSIX shell"
