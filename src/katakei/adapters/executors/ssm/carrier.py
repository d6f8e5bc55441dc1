"""Small programs carried to instances by Run Command, for whoever only looks. Nothing here waits, and no work begins.

A ticket may stand for several commands: agents too old to tell a script its own id need one each.
"""

import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from katakei.adapters.executors.ssm.asks import SELF, spread
from katakei.adapters.executors.ssm.batches import ROOM
from katakei.adapters.executors.ssm.door import Door, Invocation
from katakei.domain.errors import NoAnswerError, RejectedError
from katakei.domain.model import Target, TargetId
from katakei.domain.ports import Clock, ProgramOutput

LONGER = timedelta(seconds=5)
"""On top of a program's own time, after which the agent ends it (executionTimeout)."""

GIVEN_UP = timedelta(seconds=70)
"""On top of a program's own time: TimeoutSeconds, LONGER and some. An agent that died in between never reports."""

FORGET = timedelta(minutes=2)

_NODE = re.compile(r"m?i-[0-9a-z]+")
_NAMELESS = "katakei-nameless"
_NAMED = f'[ -n "${{{SELF}:-}}" ] || {{ echo {_NAMELESS}; exit 0; }}\n'
_WORDS = 2_400  # the list shows 2,500 characters, the last of which may be words about the cut
_ERRORS = "\n----------ERROR-------\n"
_SILENT = "its agent did not answer"


@dataclass(frozen=True, slots=True)
class _Sending:
    """`open`: who is still awaited from each command. `apart`: who needs a command of its own, not sent yet."""

    program: str
    within: timedelta
    until: datetime
    open: Mapping[str, frozenset[TargetId]] = field(default_factory=dict)
    apart: frozenset[TargetId] = frozenset()
    ended: Mapping[TargetId, ProgramOutput] = field(default_factory=dict)


class SsmCarrier:
    """Run Command in one region. `profile` and `region` may be '': then the environment says.

    Tickets are good in this process and until two minutes after the last answer could come; others have no answers.
    """

    self_from = SELF

    def __init__(self, region: str, profile: str, clock: Clock) -> None:
        self._door, self._clock = Door(region, profile, clock), clock
        self._lock = threading.Lock()
        self._sendings: dict[str, _Sending] = {}
        self._nameless: frozenset[TargetId] = frozenset()

    def send(self, program: str, targets: Sequence[Target], within: timedelta) -> str:
        """Raises Rejected where nobody can be reached or the program is too long, Unseen, or Unreachable.

        A target that Run Command does not know is told by `heard`, and keeps the others from nothing.
        """
        if len(json.dumps(program)) > ROOM:
            raise RejectedError(
                f"the program takes more characters than Run Command carries ({ROOM}): watch fewer targets"
            )
        ids = [target.id for target in targets]
        ended = {each: _none(f"{each} is no instance, and Run Command reaches instances only") for each in _others(ids)}
        reached = [each for each in ids if each not in ended]
        apart = frozenset(reached) & self._nameless if len(reached) > 1 else frozenset(reached)
        sending = _Sending(program, within, self._clock.now() + within + GIVEN_UP, apart=apart, ended=ended)
        together = [each for each in reached if each not in apart]
        sending = self._sent(sending, together, _NAMED)
        sending = self._sent_apart(sending, patient=bool(sending.open))
        if not sending.open:
            raise RejectedError("; ".join(dict.fromkeys(printed.why for printed in sending.ended.values())))
        return self._kept(sending)

    def heard(self, ticket: str) -> Mapping[TargetId, ProgramOutput]:
        """The head of what each printed, 24,000 characters. Raises Unseen when no command could be seen, Unreachable.

        An agent that never reports is given up when its program has long had to be over.
        """
        with self._lock:
            sending = self._sendings.get(ticket)
        if sending is None:
            return {}
        late = self._clock.now() > sending.until
        sending = self._gathered(sending, patient=late)
        if late:
            waiting = sending.apart.union(*sending.open.values())
            ended = {**sending.ended, **{each: _none(_SILENT) for each in waiting}}
            sending = replace(sending, open={}, apart=frozenset(), ended=ended)
        with self._lock:
            self._sendings[ticket] = sending
        if sending.apart:
            sending = self._sent_apart(sending, patient=True)
            with self._lock:
                self._sendings[ticket] = sending
        return sending.ended

    def _sent(self, sending: _Sending, ids: Sequence[TargetId], before: str) -> _Sending:
        def send(instances: Sequence[str]) -> str:
            text = before + sending.program
            return self._door.send(instances, text, "katakei: a look at the target", sending.within + LONGER)

        if not ids:
            return sending
        sent, unknown = spread(ids, send)
        commands = {command: frozenset(each for each in ids if sent.get(each) == command) for command in sent.values()}
        ended = {each: _none(unknown[each]) for each in ids if each in unknown}
        return replace(
            sending,
            open={**sending.open, **commands},
            apart=sending.apart - frozenset(ids),
            ended={**sending.ended, **ended},
        )

    def _sent_apart(self, sending: _Sending, *, patient: bool) -> _Sending:
        """To each by itself, told its id. What had no answer is sent when it is next asked for."""
        for each in sorted(sending.apart):
            try:
                sending = self._sent(sending, [each], f"{SELF}={each}\nexport {SELF}\n")
            except NoAnswerError:
                if not patient:
                    raise
                break
            patient = True  # what was sent must not be forgotten for what was not
        return sending

    def _kept(self, sending: _Sending) -> str:
        with self._lock:
            now = self._clock.now()
            self._sendings = {name: each for name, each in self._sendings.items() if now < each.until + FORGET}
            ticket = next(iter(sending.open))
            self._sendings[ticket] = sending
        return ticket

    def _gathered(self, sending: _Sending, *, patient: bool) -> _Sending:
        unseen: list[NoAnswerError] = []
        open_: dict[str, frozenset[TargetId]] = {}
        ended: dict[TargetId, ProgramOutput] = {}
        for command, waiting in sending.open.items():
            came: Mapping[TargetId, ProgramOutput] = {}
            try:
                came = self._came(command, waiting)
            except NoAnswerError as error:
                unseen.append(error)
            ended |= came
            if left := waiting - came.keys():
                open_[command] = left
        if unseen and len(unseen) == len(sending.open) and not patient:
            raise unseen[0]
        nameless = frozenset(each for each, printed in ended.items() if printed.out.strip() == _NAMELESS)
        with self._lock:
            self._nameless |= nameless
        named = {each: printed for each, printed in ended.items() if each not in nameless}
        return replace(sending, open=open_, apart=sending.apart | nameless, ended={**sending.ended, **named})

    def _came(self, command: str, waiting: frozenset[TargetId]) -> dict[TargetId, ProgramOutput]:
        came = {}
        for found in self._door.invocations(command):
            who = TargetId(found.instance)
            if who in waiting and not found.open:
                try:
                    came[who] = self._printed(command, found)
                except NoAnswerError:
                    continue  # it ended, and what it printed is read next time
        return came

    def _printed(self, command: str, found: Invocation) -> ProgramOutput:
        if found.details not in {"Success", "Failed"}:
            return _none(f"Run Command says {found.details}")
        out, _, errors = found.text.partition(_ERRORS)
        if len(found.text) >= _WORDS:
            out = self._door.output(command, found.instance)
        if out or found.details == "Success":
            return ProgramOutput(out)
        return _none(f"it failed and printed nothing ({' '.join(errors.split())[:200] or 'Run Command says Failed'})")


def _others(ids: Iterable[TargetId]) -> list[TargetId]:
    """Addresses: no agent of a known instance stands behind them."""
    return [each for each in ids if not _NODE.fullmatch(each)]


def _none(why: str) -> ProgramOutput:
    return ProgramOutput("", why)
