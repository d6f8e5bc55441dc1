"""The state folder of local work: where the marks are, and whether a ticket names that very folder on this machine."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from katakei.adapters.system.user_folders import state_folder
from katakei.domain.errors import UnreachableError
from katakei.domain.observation import WorkState, WorkStatus

PARTS = 5
PARTS_BEFORE = 4
"""The version before recorded no machine id."""

NO_MACHINE = "-"


@dataclass(frozen=True, slots=True)
class Here:
    """What tells this machine from all others.

    Attributes:
        host: Its host name.
        boot: Its boot id.
        pids: Its pid namespace.
        machine: Its machine id; '' where it has none.
    """

    host: str
    boot: str
    pids: str
    machine: str = ""


def folder_of(env: Mapping[str, str]) -> Path:
    """The state folder by the XDG rules. Raises UsageError: this user has no folder."""
    return state_folder(env, keeps="the marks of local work", advice="set XDG_STATE_HOME") / "marks"


def ticket_of(folder: Path, here: Here, fresh: str) -> str:
    """Host, boot id, pid namespace, the folder's own name (`fresh` if it has none yet) and the machine id.

    Raises:
        UnreachableError: The folder cannot be written.
    """
    name = folder / ".name"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not name.exists():
            _name(folder, name, fresh)
        return f"{here.host} {here.boot} {here.pids} {name.read_text()} {here.machine or NO_MACHINE}"
    except OSError as error:
        raise UnreachableError(
            f"the marks of local work cannot be kept in {folder}: {error.strerror}; set XDG_STATE_HOME"
        ) from error


def same(ticket: str, marks: str) -> bool:
    """Whether a ticket names the same folder of the same machine and pid namespace.

    After a reboot only the folder and the host must be the same: the marks tell that the work was interrupted.
    """
    theirs, ours = _parts(ticket), _parts(marks)
    if theirs is None or ours is None or theirs.machine not in {"", ours.machine}:
        return False
    if (theirs.host, theirs.name) != (ours.host, ours.name):
        return False
    return theirs.boot != ours.boot or theirs.pids == ours.pids


def elsewhere(ticket: str, here: Here) -> WorkStatus:
    """The status of work that was started somewhere else: unknown, with the reason."""
    parts = _parts(ticket)
    where = f"on {parts.host} (boot id {parts.boot})" if parts else "on a machine that is not known"
    if parts and parts.host == here.host:
        another = parts.machine not in {"", here.machine or NO_MACHINE}
        where += (
            ", another machine of this name" if another else ", by another user or in another container than this one"
        )
    return WorkStatus(WorkState.UNKNOWN, why=f"its work was started {where}; only its mark there tells whether it runs")


@dataclass(frozen=True, slots=True)
class _Ticket:
    """The words of a ticket; `machine` is '' in one of the version before."""

    host: str
    boot: str
    pids: str
    name: str
    machine: str = ""


def _parts(ticket: str) -> _Ticket | None:
    words = ticket.split(" ")
    return _Ticket(*words) if len(words) in {PARTS, PARTS_BEFORE} and words[0] else None


def _name(folder: Path, name: Path, fresh: str) -> None:
    """Names the folder, unless another process has done so: the file appears complete or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".name-") as draft:
        draft.write(fresh)
        draft.flush()
        try:
            os.link(draft.name, name)
        except FileExistsError:
            return
