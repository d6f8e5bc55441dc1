"""The protocol of the mark: the text that a target's shell is given, and the lines that it answers (see mark.sh).

The programs are constant text. What varies is appended as lines of a quoted here-document. Every value and the user's
command are base64, decoded into a variable or an argument and never interpreted by the shell. (Run Command replaces
words in double braces in its parameters; base64 has no braces.)
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from importlib.resources import files

from katakei.domain.actions import Job
from katakei.domain.errors import UsageError
from katakei.domain.events import WorkKey
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.outside_text import one_line
from katakei.domain.phases import Step
from katakei.domain.spec import RESERVED_VARIABLES

TAIL = 16_384
"""Bytes of output that are reported of one work; as base64 within the 24,000 characters that Run Command keeps."""

KEPT = 65_536
"""Bytes of output that the keeper on the target keeps (see keep.sh)."""

NO_MARK = "katakei/0-hello"
"""A mark that never exists, for questions that need only the target's clock, id and place."""

EXACTLY = 'exec "$@"'
"""The command of a job that has only an argument vector: the shell interprets nothing of it."""

_ROLLOUT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}")
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")  # capitals only: the programs' own variables are lower-case
# The target decides where its mark is kept, and which machine it is.
_OURS = RESERVED_VARIABLES | {"KATAKEI_STATE", "KATAKEI_BOOT_ID", "KATAKEI_MACHINE_ID"}
_PLACE = re.compile(r"[A-Za-z0-9-]{1,64}@[A-Za-z0-9-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_LAST_MOMENT = int(datetime(3000, 1, 1, tzinfo=UTC).timestamp())
_HIGHEST_CODE = 255
_SIZE = re.compile(r"[0-9]{1,18}")
_FIELDS, _OUT = 10, 7
_FIELDS_BEFORE = 8  # of the version before, whose reports end before the place and the size


class MarkState(Enum):
    """The states that mark.sh reports: six of a mark, and `refused` for a start that left no mark."""

    ABSENT = "absent"
    RUNNING = "running"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"
    REFUSED = "refused"


BEGUN = frozenset({MarkState.RUNNING, MarkState.ENDED, MarkState.INTERRUPTED})
"""The states that tell that the work was begun."""

PROVED = BEGUN - {MarkState.INTERRUPTED}
"""Of these, those that no missing part of a mark can imitate."""

_WORK = {
    MarkState.ABSENT: WorkState.NOT_STARTED,
    MarkState.RUNNING: WorkState.RUNNING,
    MarkState.ENDED: WorkState.ENDED,
    MarkState.INTERRUPTED: WorkState.INTERRUPTED,
    MarkState.FORBIDDEN: WorkState.REFUSED,
    MarkState.UNKNOWN: WorkState.UNKNOWN,
    MarkState.REFUSED: WorkState.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark as its machine reported it.

    Attributes:
        name: The mark's folder below the state folder.
        state: What became of the work.
        now: The machine's own clock at that moment, in whole seconds.
        exit: The exit code of work that has ended.
        machine: The machine's own name; '' if it knows none.
        why: The reason of the state, '' where it needs none.
        out: The tail of the work's output.
        place: The identity of the machine and its state folder, as `<machine>@<folder>`; '' in the report of a start
            by the version before.
        cut: How many bytes of the output before `out` are not reported.
    """

    name: str
    state: MarkState
    now: datetime
    exit: int | None = None
    machine: str = ""
    why: str = ""
    out: str = ""
    place: str = ""
    cut: int = 0

    def believed(self, place: str, *, begun: bool) -> "Mark":
        """This mark, or UNKNOWN where it says that nothing was begun, or runs no more, and that cannot be known.

        A running process and a recorded exit code are proof wherever they are found. An interruption is what a reader
        concludes from the parts of a mark that are there; in another folder, or one that work removes right now, these
        parts prove nothing.

        Args:
            place: The place that was recorded before the target was taken out; '' for rollouts without one.
            begun: The work was seen to be begun.
        """
        if self.state in PROVED or self.state is MarkState.UNKNOWN:
            return self
        if place and self.place and self.place != place:
            why = f"its state folder is not the one that was there before it was taken out ({self.place}, not {place})"
            return replace(self, state=MarkState.UNKNOWN, why=why)
        if begun and self.state is MarkState.ABSENT:
            return replace(self, state=MarkState.UNKNOWN, why="its work was begun, but its mark is no longer there")
        return self

    @property
    def work(self) -> WorkStatus:
        """The mark as the domain knows it."""
        return WorkStatus(_WORK[self.state], self.exit, self.out, self.why, self.cut)


@dataclass(frozen=True, slots=True)
class MarkReport:
    """The marks that one command printed. Not `whole` when the end was cut off; an incomplete line is no mark."""

    marks: tuple[Mark, ...] = ()
    whole: bool = False

    def of(self, name: str) -> Mark | None:
        """The mark of this name; None when it was not printed."""
        return next((mark for mark in self.marks if mark.name == name), None)


@dataclass(frozen=True, slots=True)
class OutputPart:
    """One part of the output that a mark has recorded.

    Attributes:
        mark: The mark itself.
        data: The bytes of the part; fewer than `TAIL` at the end of what was recorded.
        size: Bytes of the whole output, with those that were not recorded.
    """

    mark: Mark
    data: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Line:
    """What one machine is to start.

    Attributes:
        machine: The machine's own name.
        name: The mark's folder below the state folder.
        not_after: The last moment, by the machine's own clock, at which the work may begin.
        env: The values for the work.
        fetched: Variables whose values the machine fetches itself, each with the name of an SSM parameter.
        place: The machine and state folder in which alone the work may begin; '' for any.
    """

    machine: str
    name: str
    not_after: datetime
    env: tuple[tuple[str, str], ...]
    fetched: tuple[tuple[str, str], ...] = ()
    place: str = ""

    def __str__(self) -> str:
        pairs = [f"{_variable(name)}:{_encode(value)}" for name, value in self.env]
        pairs += [f"{_variable(name)}@{_encode(parameter)}" for name, parameter in self.fetched]
        not_after = str(int(self.not_after.timestamp()))
        return " ".join((self.machine or "-", self.name, not_after, place_in(self.place) or "-", *pairs))


def environment(job: Job) -> dict[str, str]:
    """The job's values as environment variables. Raises UsageError: a name or value that no work may be given."""
    for word in (job.run, *job.argv, *(value for _, value in job.env)):
        _encode(word)
    return {_variable(name): value for name, value in job.env}


def place_in(text: str) -> str:
    """The place in a ticket or another text; '' where there is none."""
    return next((word for word in text.split(" ") if _PLACE.fullmatch(word)), "")


def name_of(key: WorkKey) -> str:
    """The mark's folder below the state folder. Raises UsageError for a rollout id that is no safe folder name."""
    if not _ROLLOUT.fullmatch(key.rollout):
        raise UsageError(f"the rollout id {key.rollout!r} cannot name a folder: use letters, digits and . _ @ : + -")
    step = "" if key.step is Step.WORK else f"-{key.step.value}"
    return f"{key.rollout}/{key.attempt}-{key.intent.value}{step}"


def start_text(lines: Iterable[Line], job: Job, follow: timedelta, self_from: str = "") -> str:
    """The text that begins the work of this machine's line unless it was begun, and then follows it.

    Args:
        lines: One for each machine, with its values.
        job: The command. When its `probe` fails, the key is refused for good, with what the probe printed.
        follow: How long the command waits for the end of the work.
        self_from: The environment variable in which a machine finds its own name; with '' there may be one line only.
    """
    words = (command_text(job), job.probe, *job.argv)
    call = " ".join(
        ("start", str(int(follow.total_seconds())), f"'{job.shell_words}'", *(f"'{_encode(word)}'" for word in words))
    )
    here = (f"{call} 3<<'KATAKEI_KEEPER' 4<<'KATAKEI_LINES'", _program("keep.sh") + "KATAKEI_KEEPER")
    return "\n".join((_head(self_from), *here, *map(str, lines), "KATAKEI_LINES", ""))


def command_text(job: Job) -> str:
    """The shell text that the keeper runs, with `job.argv` as its arguments."""
    return _program("release.sh") if job.releases else job.run or EXACTLY


def look_text(names: Sequence[str], self_from: str = "", tail: int = 0) -> str:
    """The text that reports these marks, each with `tail` bytes of output; 0 divides the available space among them."""
    return _told("look", names, self_from, tail)


def part_text(name: str, part: int, self_from: str = "") -> str:
    """The text that reports a mark with one part of its recorded output, `TAIL` bytes each, the first one is 0."""
    return "\n".join((_head(self_from), f"tail={TAIL} part={part}", f"look {name}", ""))


def cancel_text(names: Sequence[str], self_from: str = "", tail: int = 0) -> str:
    """The text that ends the work under these marks, with SIGTERM first, and reports them all. Takes 6 s at most."""
    return _told("cancel", names, self_from, tail)


def forbid_text(names: Sequence[str], self_from: str = "", tail: int = 0) -> str:
    """The text that claims those of these marks that are not claimed yet, without any work, and reports them all."""
    return _told("forbid", names, self_from, tail)


def read(output: str) -> MarkReport:
    """The marks in what a command printed. Other lines and incomplete ones are ignored."""
    lines = output.splitlines()
    whole = "katakei-end" in lines
    if not whole:
        lines = lines[:-1]  # a cut base64 text may still look complete
    marks = (_mark(line.split(" ")) for line in lines)
    return MarkReport(tuple(mark for mark in marks if mark is not None), whole)


def read_part(output: str, name: str) -> OutputPart | None:
    """The part of the recorded output that `part_text` reported; None when it did not arrive whole."""
    lines = output.splitlines() if read(output).whole else []
    for fields in (line.split(" ") for line in lines):
        told = _mark(fields)
        if told and told.name == name:
            data = b"" if fields[_OUT] == "-" else base64.b64decode(fields[_OUT], validate=True)
            return OutputPart(told, data, told.cut + len(data))
    return None


def _mark(fields: Sequence[str]) -> Mark | None:
    if len(fields) not in {_FIELDS, _FIELDS_BEFORE} or fields[0] != "katakei-mark":
        return None
    _, name, state, code, now, machine, why, out, *more = fields
    place, size = more or ("", "-")
    try:
        at = datetime.fromtimestamp(_number(now, _LAST_MOMENT), UTC)
        ended = None if code == "-" else _number(code, _HIGHEST_CODE)
        machine = "" if machine == "-" else one_line(machine)
        told = b"" if out == "-" else base64.b64decode(out, validate=True)
        cut = max(0, int(size) - len(told)) if _SIZE.fullmatch(size) else 0
        words = one_line(_decode(why)), told.decode(errors="replace")
        return Mark(name, MarkState(state), at, ended, machine, *words, place_in(place), cut)
    except (ValueError, binascii.Error):
        return None


def _number(text: str, most: int) -> int:
    """A number that a target printed. A target may print anything, and arithmetic with a huge number would fail."""
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise ValueError(f"{text[:20]!r} is no number from 0 to {most}")
    return int(text)


def _told(verb: str, names: Sequence[str], self_from: str, tail: int) -> str:
    return "\n".join((_head(self_from), f"tail={tail or TAIL // max(1, len(names))}", " ".join((verb, *names)), ""))


def _head(self_from: str) -> str:
    return _program("mark.sh") + (f'self="${{{self_from}:-}}"' if self_from else "self=''")


def _variable(name: str) -> str:
    if not _NAME.fullmatch(name) or name in _OURS:
        raise UsageError(f"{name!r} cannot be given to the work: the programs of the mark use or forbid it")
    return name


def _encode(value: str) -> str:
    if "\0" in value:
        raise UsageError("a value or command for the target holds a NUL character, which no environment can carry")
    return base64.b64encode(value.encode(errors="surrogateescape")).decode()


def _decode(text: str) -> str:
    return "" if text == "-" else base64.b64decode(text, validate=True).decode(errors="replace")


@cache
def _program(file: str) -> str:
    """A shell program without its comments: the values of up to fifty targets must fit beside it."""
    lines = files("katakei.adapters.executors").joinpath(file).read_text(encoding="utf-8").splitlines()
    return "".join(f"{line}\n" for line in lines if not line.lstrip().startswith("#"))
