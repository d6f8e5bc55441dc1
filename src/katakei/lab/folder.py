"""The folder of one lab: made at its start, gone at its end, and swept by the next lab when its own was killed.
Nothing is ever removed that does not carry our name and an unlocked lock.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PREFIX = "katakei-lab-"
LOCK = "alive"


@contextmanager
def lab_folder(among: Path | None = None) -> Iterator[Path]:
    """A new folder in `among` (the system's place for temporary files). Its lock is held while the lab lives."""
    place = among or Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    with (folder / "new").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "new").rename(folder / LOCK)  # so that nobody ever sees it unlocked while we live
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    for lock in place.glob(f"{PREFIX}*/{LOCK}"):
        try:
            with lock.open("r+") as file:
                if _free(file):
                    shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:  # somebody else's, or swept by somebody else
            continue


def _free(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
