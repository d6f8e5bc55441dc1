"""The freezes of service files, beside those that people gave by a command.

A file freezes its service for as long as it says so. Only a change of the file lifts that.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from katakei.domain.errors import RefusedError
from katakei.domain.freezes import Freeze, still_active
from katakei.domain.ports import Freezes


class PolicyFreezes:
    """The freezes of the store and of the service files. Implements the port `Freezes`."""

    def __init__(self, stored: Freezes, of_files: Callable[[], Sequence[Freeze]]) -> None:
        """Reads nothing yet.

        Args:
            stored: The freezes in the store of the journal.
            of_files: The freezes that service files give now.
        """
        self._stored = stored
        self._of_files = of_files

    def active(self) -> Sequence[Freeze]:
        """As the port says."""
        return self.read()[1]

    def read(self) -> tuple[datetime, Sequence[Freeze]]:
        """As the port says."""
        at, stored = self._stored.read()
        return at, still_active((*stored, *self._of_files()), at)

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        """As the port says."""
        return self._stored.freeze(name, who, why, until)

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        """As the port says. Raises RefusedError: the file of the service freezes it."""
        lifted = self._stored.unfreeze(name, who)
        for each in self._of_files():
            if each.name == name:
                raise RefusedError(f"{name} stays frozen: {each.who} says so ({each.why}); change that file")
        return lifted
