"""The journal in SQL tables, and the leases beside it. Both keep what they are given and decide nothing about it.

Reading imports no SQLAlchemy; the first write does.
"""

from collections.abc import Sequence
from datetime import timedelta

from katakei.adapters.journals import holders, reading
from katakei.adapters.journals.holders import Fate
from katakei.adapters.journals.sqlite import PATIENCE, SqliteFile
from katakei.adapters.journals.where import default_url, path_of
from katakei.adapters.system import process
from katakei.domain.errors import ConcurrentAppendError, UnreachableError
from katakei.domain.events import Event, UserCommand
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import RolloutHeader

__all__ = ["SqlJournal", "SqlLeases", "default_url"]

TRIES = 5


class SqlJournal:
    """Implements the port `Journal` on the file that `url` names; the file is made by the first write.

    Every method raises Unreachable (full, read-only, locked too long, damaged, of a newer schema): nothing was written.
    """

    def __init__(self, url: str, patience: timedelta = PATIENCE) -> None:
        self.store = SqliteFile(path_of(url), patience)

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        """As the port says."""
        return reading.read(self.store.ask, rollout, after)

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        """As the port says; a rollout whose last word reopened it (a retry, a revert) is unfinished again."""
        return reading.find(self.store.ask, service, group, unfinished=unfinished)

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
        """As the port says. Raises ValueError: the first event of a rollout, and only that, is Planned."""
        from katakei.adapters.journals import leasing, writing  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            leasing.confirm(connection, lease)
            writing.append(connection, rollout, after, events)

    def tell(self, rollout: RolloutId, word: UserCommand) -> None:
        """As the port says. Raises UsageFault: no such rollout."""
        from katakei.adapters.journals import writing  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        for _ in range(TRIES):
            try:
                with self.store.writing() as connection:
                    writing.append(connection, rollout, writing.last(connection, rollout), [word])
            except ConcurrentAppendError:  # only where writers do not exclude one another
                continue
            return
        raise UnreachableError(f"the journal {self.store.path} is too busy for one more word: try again")

    def close(self) -> None:
        """Lets go of the file."""
        self.store.close()


class SqlLeases:
    """Implements the port `Leases` in the same file, so that one transaction can check a lease and write an event.

    A holder is judged by what this host knows of its process, and by what the taker has watched. Raises Unreachable.
    """

    def __init__(self, url: str, patience: timedelta = PATIENCE, fate: Fate = process.fate) -> None:
        self.store = SqliteFile(path_of(url), patience)
        self._fate = fate

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        """As the port says; the same process may take the same rollout again, which fences its former lease."""
        from katakei.adapters.journals import leasing  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        if not groups:
            raise ValueError("a lease is for at least one group")
        with self.store.writing() as connection:
            return leasing.take(
                connection, groups, owner, rollout, lambda found: holders.pass_over(found, self._fate, silent)
            )

    def renew(self, lease: Lease) -> None:
        """As the port says."""
        from katakei.adapters.journals import leasing  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            leasing.beat(connection, lease)

    def release(self, lease: Lease) -> None:
        """As the port says."""
        from katakei.adapters.journals import leasing  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            leasing.let_go(connection, lease)

    def unlock(self, group: Arn) -> str:
        """As the port says."""
        from katakei.adapters.journals import leasing  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            return leasing.unlock(connection, group)

    def close(self) -> None:
        """Lets go of the file."""
        self.store.close()
