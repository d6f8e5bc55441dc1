"""Small read-only programs that Run Command carries to instances, for the probes. Nothing here waits.

A ticket may stand for several commands: an agent too old to give a script its id gets a command of its own.
"""

import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from katakei.adapters.aws import AwsSession
from katakei.adapters.executors.ssm.run_command import (
    INSTANCE_ID_VARIABLE,
    MAX_COMMAND_CHARACTERS,
    NO_ANSWER,
    Invocation,
    RunCommand,
    send_split,
)
from katakei.domain.errors import NoAnswerError, RejectedError
from katakei.domain.model import Target, TargetId
from katakei.domain.outside_text import one_line
from katakei.domain.ports import Clock, ProgramOutput

END_MARGIN = timedelta(seconds=5)
"""Added to a program's own time. After that the agent ends it (executionTimeout)."""

GIVE_UP = timedelta(seconds=70)
"""Added to a program's own time: TimeoutSeconds, END_MARGIN and a margin. A dead agent never reports."""

FORGET = timedelta(minutes=2)

_INSTANCE_ID = re.compile(r"m?i-[0-9a-z]+")
_NO_ID = "katakei-nameless"
_CHECK_ID = f'[ -n "${{{INSTANCE_ID_VARIABLE}:-}}" ] || {{ echo {_NO_ID}; exit 0; }}\n'
_LISTED = 2_400  # the list shows 2,500 characters, the last of which may be AWS's words about the cut
_ERRORS = "\n----------ERROR-------\n"


@dataclass(frozen=True, slots=True)
class _Sending:
    """One program in progress.

    Attributes:
        program: its text.
        within: its own time.
        until: when agents that did not report are given up.
        open: the targets that each command still waits for.
        apart: the targets that need a command of their own, not sent yet.
        ended: the outputs so far.

    """

    program: str
    within: timedelta
    until: datetime
    open: Mapping[str, frozenset[TargetId]] = field(default_factory=dict)
    apart: frozenset[TargetId] = frozenset()
    ended: Mapping[TargetId, ProgramOutput] = field(default_factory=dict)


class SsmProgramRunner:
    """Implements the port `ProgramRunner` through Run Command.

    Tickets are valid in this process, until two minutes after the last answer could come; others have no answers.
    """

    self_from = INSTANCE_ID_VARIABLE

    def __init__(self, aws: AwsSession, clock: Clock) -> None:
        self._run_command, self._clock = RunCommand(aws), clock
        self._lock = threading.Lock()
        self._sendings: dict[str, _Sending] = {}
        self._without_id: frozenset[TargetId] = frozenset()

    def send(self, program: str, targets: Sequence[Target], within: timedelta) -> str:
        """Sends the program. A target that Run Command does not know is reported by `heard`; the others still run it.

        Raises:
            RejectedError: no target can be reached, or the program is too long.
            NoAnswerError, UnreachableError: the call failed.

        """
        if len(json.dumps(program)) > MAX_COMMAND_CHARACTERS:
            raise RejectedError(
                f"the program takes more characters than Run Command carries ({MAX_COMMAND_CHARACTERS}):"
                " watch fewer targets"
            )
        ids = [target.id for target in targets]
        ended = {
            each: _nothing(f"{each} is no instance, and Run Command reaches instances only") for each in _addresses(ids)
        }
        reached = [each for each in ids if each not in ended]
        apart = frozenset(reached) & self._without_id if len(reached) > 1 else frozenset(reached)
        sending = _Sending(program, within, self._clock.now() + within + GIVE_UP, apart=apart, ended=ended)
        together = [each for each in reached if each not in apart]
        sending = self._sent(sending, together, _CHECK_ID)
        sending = self._sent_apart(sending, patient=bool(sending.open))
        if not sending.open:
            raise RejectedError("; ".join(dict.fromkeys(output.why for output in sending.ended.values())))
        return self._kept(sending)

    def heard(self, ticket: str) -> Mapping[TargetId, ProgramOutput]:
        """Returns the first 24,000 characters of what each target printed. A target still running is missing.

        An agent that never reports is given up well after its program had to end.

        Raises:
            NoAnswerError: no command could be read.
            UnreachableError: Run Command may not be asked at all.

        """
        with self._lock:
            sending = self._sendings.get(ticket)
        if sending is None:
            return {}
        late = self._clock.now() > sending.until
        sending = self._collected(sending, patient=late)
        if late:
            waiting = sending.apart.union(*sending.open.values())
            ended = {**sending.ended, **{each: _nothing(NO_ANSWER) for each in waiting}}
            sending = replace(sending, open={}, apart=frozenset(), ended=ended)
        with self._lock:
            self._sendings[ticket] = sending
        if sending.apart:
            sending = self._sent_apart(sending, patient=True)
            with self._lock:
                self._sendings[ticket] = sending
        return sending.ended

    def _sent(self, sending: _Sending, ids: Sequence[TargetId], before: str) -> _Sending:
        """Sends one command with `before` in front of the program."""

        def send(instances: Sequence[str]) -> str:
            text = before + sending.program
            comment = "katakei: probe the target, read-only"
            return self._run_command.send(instances, text, comment, sending.within + END_MARGIN)

        if not ids:
            return sending
        sent, unknown = send_split(ids, send)
        commands = {command: frozenset(each for each in ids if sent.get(each) == command) for command in sent.values()}
        ended = {each: _nothing(unknown[each]) for each in ids if each in unknown}
        return replace(
            sending,
            open={**sending.open, **commands},
            apart=sending.apart - frozenset(ids),
            ended={**sending.ended, **ended},
        )

    def _sent_apart(self, sending: _Sending, *, patient: bool) -> _Sending:
        """Sends each a command of its own, with its id in it. What gets no answer is sent the next time."""
        for each in sorted(sending.apart):
            try:
                sending = self._sent(sending, [each], f"{INSTANCE_ID_VARIABLE}={each}\nexport {INSTANCE_ID_VARIABLE}\n")
            except NoAnswerError:
                if not patient:
                    raise
                break
            patient = True  # an error for the next one must not lose what was sent
        return sending

    def _kept(self, sending: _Sending) -> str:
        with self._lock:
            now = self._clock.now()
            self._sendings = {ticket: each for ticket, each in self._sendings.items() if now < each.until + FORGET}
            ticket = next(iter(sending.open))
            self._sendings[ticket] = sending
        return ticket

    def _collected(self, sending: _Sending, *, patient: bool) -> _Sending:
        failed: list[NoAnswerError] = []
        open_: dict[str, frozenset[TargetId]] = {}
        ended: dict[TargetId, ProgramOutput] = {}
        for command, waiting in sending.open.items():
            new: Mapping[TargetId, ProgramOutput] = {}
            try:
                new = self._outputs(command, waiting)
            except NoAnswerError as error:
                failed.append(error)
            ended |= new
            if left := waiting - new.keys():
                open_[command] = left
        if failed and len(failed) == len(sending.open) and not patient:
            raise failed[0]
        without_id = frozenset(each for each, output in ended.items() if output.out.strip() == _NO_ID)
        with self._lock:
            self._without_id |= without_id
        read = {each: output for each, output in ended.items() if each not in without_id}
        return replace(sending, open=open_, apart=sending.apart | without_id, ended={**sending.ended, **read})

    def _outputs(self, command: str, waiting: frozenset[TargetId]) -> dict[TargetId, ProgramOutput]:
        outputs = {}
        for found in self._run_command.invocations(command):
            target = TargetId(found.instance)
            if target in waiting and not found.open:
                try:
                    outputs[target] = self._output(command, found)
                except NoAnswerError:
                    continue  # it has ended; its output is read next time
        return outputs

    def _output(self, command: str, found: Invocation) -> ProgramOutput:
        if found.details not in {"Success", "Failed"}:
            return _nothing(f"Run Command reports {found.details}")
        out, _, errors = found.text.partition(_ERRORS)
        if len(found.text) >= _LISTED:
            out = self._run_command.output(command, found.instance)
        if out or found.details == "Success":
            return ProgramOutput(out)
        return _nothing(
            f"it failed and printed nothing ({' '.join(errors.split())[:200] or 'Run Command reports Failed'})"
        )


def _addresses(ids: Iterable[TargetId]) -> list[TargetId]:
    """The targets that are addresses: there is no agent of a known instance behind them."""
    return [each for each in ids if not _INSTANCE_ID.fullmatch(each)]


def _nothing(why: str) -> ProgramOutput:
    return ProgramOutput("", one_line(why))
