"""Where the marks of local work are, and whether a ticket speaks of that very place. No work is begun here."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from katakei.domain.errors import UnreachableError
from katakei.domain.observation import WorkState, WorkStatus

PARTS = 4


@dataclass(frozen=True, slots=True)
class Here:
    """What tells this machine from all others: its name, its boot id, and whose process ids mean something on it."""

    host: str
    boot: str
    pids: str


def folder_of(env: Mapping[str, str]) -> Path:
    """By the XDG rules, which say that a relative XDG_STATE_HOME is to be ignored."""
    state = Path(env.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        state = Path(env.get("HOME") or Path.home()) / ".local" / "state"
    return state / "katakei" / "marks"


def ticket_of(folder: Path, here: Here, fresh: str) -> str:
    """Host, boot id, process ids and the folder's own name, `fresh` when it has none. Raises Unreachable."""
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
    """The same folder of the same machine, where a pid means the same; after a boot the marks themselves tell."""
    if ticket == marks:
        return True
    (host, boot, _, name), (our_host, our_boot, _, our_name) = _parts(ticket), _parts(marks)
    return bool(host) and (host, name) == (our_host, our_name) and boot != our_boot


def elsewhere(ticket: str, here: Here) -> WorkStatus:
    """The sentence with which such work is held."""
    host, boot, _, _ = _parts(ticket)
    where = f"on {host} (boot id {boot})" if host else "on a machine that is not known"
    if host == here.host:
        where += ", by another user or in another container than this one"
    return WorkStatus(
        WorkState.UNKNOWN, why=f"its work was handed over {where}; only there its mark tells whether it runs"
    )


def _parts(ticket: str) -> tuple[str, str, str, str]:
    host, boot, pids, name = ticket.split(" ") if ticket.count(" ") == PARTS - 1 else [""] * PARTS
    return host, boot, pids, name


def _name(folder: Path, name: Path, fresh: str) -> None:
    """Whole, or not at all; whoever comes first gives it."""
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".name-") as draft:
        draft.write(fresh)
        draft.flush()
        try:
            os.link(draft.name, name)
        except FileExistsError:
            return
