"""The executor `local`: one command per target on this machine, with its mark on this machine too.

Work goes on when whoever started it is killed. What was resolved on another machine is never begun or judged here.
"""

import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from katakei.adapters.executors import mark
from katakei.adapters.executors.local.place import Here, elsewhere, same, ticket_of
from katakei.adapters.executors.local.secrets import Secrets
from katakei.domain.actions import Job
from katakei.domain.errors import NoAnswerError, UnreachableError, UsageError
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkStatus
from katakei.domain.spec import Variable

LATE = timedelta(seconds=30)
"""A start that was held up for longer than this (a stopped process, a sleeping laptop) begins nothing."""

AT_ONCE = 8
NOTHING: Mapping[str, str] = {}
_How = Callable[[Sequence[str], str, int], str]  # one of the texts that tell of several marks
_TOOLS = ("sh", "base64", "cat", "date", "dd", "mkfifo", "mv", "setsid", "tail", "tr", "wc")
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,127}")


class LocalExecutor:
    """Work from the folder this process runs in, with its environment.

    `folder` is where the marks are; `wall` tells this machine's own wall clock; `fresh` is a name that nobody else
    has, for a folder that has none yet; `env` is what the work inherits, and where its `secrets` are found.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what tells this machine from others, and what it knows
        self,
        folder: Path,
        here: Here,
        wall: Callable[[], datetime],
        fresh: str,
        env: Mapping[str, str],
        secrets: Sequence[Variable] = (),
    ) -> None:
        self._folder = folder
        self._here = here
        self._wall = wall
        self._fresh = fresh
        self._env = {**env, "KATAKEI_STATE": str(folder), "KATAKEI_BOOT_ID": here.boot}
        self._secrets = Secrets(env, secrets)
        self._lock = threading.Lock()
        self._refused: dict[WorkKey, WorkStatus] = {}

    @property
    def marks(self) -> str:
        """Host, boot id, process ids and the folder's own name. Raises Unreachable: it cannot be written."""
        return ticket_of(self._folder, self._here, self._fresh)

    @property
    def lacks(self) -> str:
        """Which secret is not known here."""
        return self._secrets.lacking

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - nothing is awaited
        """What is missing on this machine is missing for every target."""
        missing = [tool for tool in _TOOLS if shutil.which(tool, path=self._env.get("PATH")) is None]
        if not Path("/proc/self/stat").exists():
            missing.append("/proc")
        why = f"local work needs {', '.join(missing)} on this machine"
        return dict.fromkeys((target.id for target in targets), why) if missing else {}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """Nothing is sent anywhere, so nothing is too long."""

    def prepare(self, targets: Sequence[Target], by: timedelta) -> None:
        """Nothing has to be learnt of one's own machine."""

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """Begins what was resolved here; the rest is taken with the ticket of where it was. Raises as `marks`.

        Missing is what could not be begun just now, and what never will be is REFUSED by the next look.
        """
        if not jobs:
            return {}
        marks = self.marks
        tickets = {key: job.marks or marks for key, (_, job) in jobs.items()}
        ours = [key for key, ticket in tickets.items() if same(ticket, marks)]
        until = self._wall() + by
        with ThreadPoolExecutor(AT_ONCE, "katakei-local") as pool:
            begun = dict(zip(ours, pool.map(lambda key: self._start(key, jobs[key][1], until, by), ours), strict=True))
        return {key: ticket for key, ticket in tickets.items() if begun.get(key, True)}

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """What the marks here say; of what was resolved elsewhere only where that was. Raises Unseen or as `marks`."""
        if not tickets:
            return {}
        marks = self.marks
        ours = {key: _name(key) for key, (_, ticket) in tickets.items() if same(ticket, marks)}
        works = {key: elsewhere(ticket, self._here) for key, (_, ticket) in tickets.items() if key not in ours}
        answer = self._ask(mark.look_text, tuple(ours.values()), by)
        for key, name in ours.items():
            found = answer.of(name)
            if found:
                absent = found.state is mark.MarkState.ABSENT
                works[key] = self._refused.get(key, found.work) if absent else self._secrets.kept(found.work)
        return works

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Claims the marks for nothing, of those whose marks are here. Raises Unseen or as `marks`."""
        self._order(mark.forbid_text, tickets, by)

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Ends the sessions of what runs, of those whose marks are here. Raises Unseen or as `marks`."""
        self._order(mark.cancel_text, tickets, by)

    def _order(self, what: _How, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        marks = self.marks
        self._ask(what, tuple(_name(key) for key, (_, ticket) in tickets.items() if same(ticket, marks)), by)

    def _start(self, key: WorkKey, job: Job, until: datetime, by: timedelta) -> bool:
        """Whether it was begun, now or before, or refused for good. None begins after `until` of this machine."""
        now = self._wall()
        if now > until:
            return False
        line = mark.Line("", _name(key), now + LATE, job.env)
        try:
            found = next(iter(self._run(mark.start_text([line], job, timedelta()), by, self._secrets.told).marks), None)
        except NoAnswerError:
            return False
        if found and found.state is mark.MarkState.REFUSED:
            with self._lock:
                self._refused[key] = found.work
        return found is not None

    def _ask(self, what: _How, names: Sequence[str], by: timedelta) -> mark.Answer:
        return self._run(what(names, "", mark.TAIL), by) if names else mark.Answer()  # no limit but our own

    def _run(self, text: str, by: timedelta, told: Mapping[str, str] = NOTHING) -> mark.Answer:
        """One of the mark's programs, in a session of its own: Ctrl-C on a terminal is not meant for it."""
        try:
            done = subprocess.run(
                ["sh"],  # noqa: S607 - as the user's PATH has it, like the work
                input=text.encode(errors="surrogateescape"),
                env={**self._env, **told},
                capture_output=True,
                timeout=by.total_seconds(),
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            raise NoAnswerError(f"this machine did not answer within {by.seconds}s") from error
        except OSError as error:
            raise UnreachableError(f"no shell could be started on this machine: {error.strerror}") from error
        return mark.read(done.stdout.decode(errors="replace"))


def _name(key: WorkKey) -> str:
    """The marks of each target in a folder of its own. Raises UsageFault for a target that cannot name one."""
    if not _TARGET.fullmatch(key.target):
        raise UsageError(f"the target {key.target!r} cannot name a folder")
    return f"{key.target}/{mark.name_of(key)}"
