"""The state folder of local work: where the marks are, and whether a ticket names that very folder."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from katakei.adapters.system.user_folders import state_folder
from katakei.domain.errors import UnreachableError
from katakei.domain.observation import WorkState, WorkStatus

PARTS = 4


@dataclass(frozen=True, slots=True)
class Here:
    """What tells this machine from all others: its host name, its boot id, and its pid namespace."""

    host: str
    boot: str
    pids: str


def folder_of(env: Mapping[str, str]) -> Path:
    """The state folder by the XDG rules. Raises UsageError: this user has no folder."""
    return state_folder(env, keeps="the marks of local work", advice="set XDG_STATE_HOME") / "marks"


def ticket_of(folder: Path, here: Here, fresh: str) -> str:
    """Host, boot id, pid namespace and the folder's own name, which becomes `fresh` if it has none.

    Raises:
        UnreachableError: The folder cannot be written.
    """
    name = folder / ".name"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not name.exists():
            _name(folder, name, fresh)
        return f"{here.host} {here.boot} {here.pids} {name.read_text()}"
    except OSError as error:
        raise UnreachableError(
            f"the marks of local work cannot be kept in {folder}: {error.strerror}; set XDG_STATE_HOME"
        ) from error


def same(ticket: str, marks: str) -> bool:
    """Whether a ticket names the same folder of the same machine and pid namespace.

    After a reboot only the folder and the host must be the same: the marks tell that the work was interrupted.
    """
    if ticket == marks:
        return True
    (host, boot, _, name), (our_host, our_boot, _, our_name) = _parts(ticket), _parts(marks)
    return bool(host) and (host, name) == (our_host, our_name) and boot != our_boot


def elsewhere(ticket: str, here: Here) -> WorkStatus:
    """The status of work that was started somewhere else: unknown, with the reason."""
    host, boot, _, _ = _parts(ticket)
    where = f"on {host} (boot id {boot})" if host else "on a machine that is not known"
    if host == here.host:
        where += ", by another user or in another container than this one"
    return WorkStatus(WorkState.UNKNOWN, why=f"its work was started {where}; only its mark there tells whether it runs")


def _parts(ticket: str) -> tuple[str, str, str, str]:
    host, boot, pids, name = ticket.split(" ") if ticket.count(" ") == PARTS - 1 else [""] * PARTS
    return host, boot, pids, name


def _name(folder: Path, name: Path, fresh: str) -> None:
    """Names the folder, unless another process has done so: the file appears complete or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".name-") as draft:
        draft.write(fresh)
        draft.flush()
        try:
            os.link(draft.name, name)
        except FileExistsError:
            return
