"""The executor `local`: one command per target on this machine, with its mark on this machine too.

The work goes on when the process that started it is killed. Work that was resolved on another machine is never begun
or judged here.
"""

import re
import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from katakei.adapters.executors import mark
from katakei.adapters.executors.local.exec_limits import check_exec
from katakei.adapters.executors.local.marks import LocalMarks
from katakei.adapters.executors.local.state_folder import Here, elsewhere, same, ticket_of
from katakei.adapters.executors.program_paths import missing, program_path
from katakei.adapters.executors.secrets import Secrets
from katakei.domain.actions import Job
from katakei.domain.errors import NoAnswerError, UsageError
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkStatus
from katakei.domain.spec import Command, Variable

LATE = timedelta(seconds=30)
"""A start that was held up for longer than this (a stopped process, a sleeping laptop) begins nothing."""

AT_ONCE = 8
"""Works that are started at the same time."""

_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,127}")


class LocalExecutor:
    """Runs work in the folder of this process, with its environment.

    Args:
        folder: Where the marks are.
        here: What tells this machine from others.
        wall: This machine's own wall clock.
        fresh: A name that nothing else has, for a state folder that has none yet.
        env: What the work inherits, and where its `secrets` are found.
        secrets: The variables of the work whose values are secret.
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
        self._env = {**env, "KATAKEI_STATE": str(folder)}
        self._marks = LocalMarks(folder, here.boot, self._env, machine=here.machine)
        self._begun: set[WorkKey] = set()
        self._secrets = Secrets(env, secrets)
        self._lock = threading.Lock()
        self._refused: dict[WorkKey, WorkStatus] = {}

    @property
    def marks(self) -> str:
        """Host, boot id, pid namespace, the state folder's own name, and the machine id.

        Raises:
            UnreachableError: The state folder cannot be written.
        """
        return ticket_of(self._folder, self._here, self._fresh)

    @property
    def lacks(self) -> str | None:
        """Which secret is not known here; None when all are."""
        return self._secrets.lacking

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - nothing is awaited
        """What is missing on this machine is missing for every target. Only a shell and this Python are needed."""
        why = ""
        if shutil.which("sh", path=self._env.get("PATH")) is None:
            why = "local work needs sh on this machine"
        elif not sys.executable:
            why = "local work needs a Python interpreter of its own on this machine"
        return dict.fromkeys((target.id for target in targets), why) if why else {}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """Checks what this machine can pass to a program. Raises UsageError."""
        for _, job in jobs.values():
            check_exec(job, {**self._env, **self._secrets.told, **mark.environment(job)})

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - nothing is awaited
        """Looks for the program of the command. It runs on this machine, so it is missing for every target."""
        path = program_path(command)
        there = path is None or shutil.which(path) is not None
        return {} if there else dict.fromkeys((target.id for target in targets), missing(str(path)))

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - nothing is awaited
        """Nothing has to be learned about the targets: the marks of all are here."""
        return dict.fromkeys((target.id for target in targets), "")

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """Begins what was resolved here. Work resolved elsewhere is only taken, with the ticket of where it was.

        Returns:
            A ticket for each job taken. A job that could not begin just now is missing; one that never will is REFUSED
            at the next `look`.

        Raises:
            UnreachableError: As `marks`.
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

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:  # noqa: ARG002 - nothing is awaited
        """What the marks here say; of work resolved elsewhere only where that was. Raises as `marks`."""
        if not tickets:
            return {}
        marks = self.marks
        ours = {key: _name(key) for key, (_, ticket) in tickets.items() if same(ticket, marks)}
        works = {key: elsewhere(ticket, self._here) for key, (_, ticket) in tickets.items() if key not in ours}
        found = self._marks.look(ours.values())
        afterwards = self.marks  # work may remove the whole state folder at any moment
        for key, name in ours.items():
            if found[name].state in mark.BEGUN:
                self._begun.add(key)
            lost = afterwards != marks or key in self._begun
            believed = found[name].believed("", begun=lost)
            absent = believed.state is mark.MarkState.ABSENT
            work = self._secrets.kept(believed.work)
            works[key] = self._refused.get(key, work) if absent else work
        return works

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:  # noqa: ARG002 - nothing is awaited
        """Claims the marks for nothing, of those whose marks are here. Raises as `marks`."""
        self._marks.forbid(self._here_of(tickets))

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:  # noqa: ARG002 - bounded by itself
        """Ends the sessions of what runs, of those whose marks are here. Raises as `marks`."""
        self._marks.cancel(self._here_of(tickets))

    def _here_of(self, tickets: Mapping[WorkKey, tuple[Target, str]]) -> list[str]:
        marks = self.marks
        return [_name(key) for key, (_, ticket) in tickets.items() if same(ticket, marks)]

    def _start(self, key: WorkKey, job: Job, until: datetime, by: timedelta) -> bool:
        """Whether it was begun, now or before, or refused for good. None begins after `until` of this machine."""
        now = self._wall()
        if now > until:
            return False
        env = {**self._env, **self._secrets.told, **mark.environment(job)}
        try:
            found = self._marks.start(_name(key), job, now + LATE, env, by)
        except NoAnswerError:
            return False
        if found.state is mark.MarkState.REFUSED:
            with self._lock:
                self._refused[key] = found.work
        return True


def _name(key: WorkKey) -> str:
    """The marks of each target are in a folder of its own. Raises UsageError for a target that cannot name one."""
    if not _TARGET.fullmatch(key.target):
        raise UsageError(f"the target {key.target!r} cannot name a folder")
    return f"{key.target}/{mark.name_of(key)}"
