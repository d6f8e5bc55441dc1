"""Work on this machine: the user's own deploy tool, once per target, which reaches the target by its own ways."""

from katakei.executors.local.driver import Local
from katakei.executors.local.place import Here, folder_of

__all__ = ["Here", "Local", "folder_of"]
