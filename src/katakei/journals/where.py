"""Where a journal is: URLs and the place of the machine's own one. Nothing is opened here."""

from collections.abc import Mapping
from pathlib import Path

from katakei.core.errors import UsageFault

SQLITE = "sqlite:///"


def default_url(env: Mapping[str, str]) -> str:
    """The machine's own journal by the XDG rules, which say that a relative XDG_STATE_HOME is to be ignored."""
    state = Path(env.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        state = Path(env.get("HOME") or Path.home()) / ".local" / "state"
    return f"{SQLITE}{state / 'katakei' / 'journal.db'}"


def path_of(url: str) -> Path:
    """The file of `sqlite:///relative`, `sqlite:////absolute` or a plain path. Raises UsageFault for other kinds."""
    scheme, colon, _ = url.partition("://")
    if not colon:
        text = url
    elif url.startswith(SQLITE):
        text = url.removeprefix(SQLITE)
    else:
        raise UsageFault(
            f"a journal at {scheme}:// is not built yet in this version: give a path, or sqlite:////absolute/path.db"
        )
    if not text or text == ":memory:" or "\0" in text:
        raise UsageFault(f"the journal {url!r} names no file: give a path, or sqlite:////absolute/path.db")
    return Path(text).expanduser().absolute()
