"""The folders of the user who runs this process, by the XDG rules.

A container's user may have neither HOME nor an entry in the user database. Such a user has no folder, and a temporary
one would lose the journal with the container: the user must name a place.
"""

from collections.abc import Mapping
from pathlib import Path

from katakei.domain.errors import UsageError

NO_HOME = "this user has no home folder (HOME is not set, and the user database has no entry)"


def state_folder(env: Mapping[str, str], *, keeps: str, advice: str) -> Path:
    """The folder of Katakei's own state.

    Args:
        env: The environment of the process. A relative XDG_STATE_HOME or HOME is ignored.
        keeps: What is kept there, for the message.
        advice: What to do when there is no folder, for the message.

    Raises:
        UsageError: The user has no home folder, and XDG_STATE_HOME names none.
    """
    state = Path(env.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        home = Path(env.get("HOME", ""))
        try:
            state = (home if home.is_absolute() else Path("~").expanduser()) / ".local" / "state"
        except RuntimeError as error:
            raise UsageError(f"there is no place for {keeps}: {NO_HOME}; {advice}") from error
    return state / "katakei"


def expanded(path: str) -> Path:
    """A path with `~` and `~user` replaced, made absolute.

    Raises:
        UsageError: There is no such user, or the user has no home folder.
    """
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(f"{path!r} begins with a home folder that is not known; give an absolute path") from error
