"""Work on this machine: the user's own deploy tool, once per target, which reaches the target by its own ways."""

from katakei.adapters.executors.local.driver import LocalExecutor
from katakei.adapters.executors.local.place import Here, folder_of

__all__ = ["Here", "LocalExecutor", "folder_of"]
