"""The SQL journal, its leases and freezes, in one SQLite file or one database of PostgreSQL. They decide nothing.

Reading imports no SQLAlchemy; the first write does.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from katakei.adapters.journals.freeze_queries import TABLE as FREEZES
from katakei.adapters.journals.freeze_queries import find_freezes
from katakei.adapters.journals.lease_holders import FateCheck, check_replaceable
from katakei.adapters.journals.lease_queries import find_holder, lease_status
from katakei.adapters.journals.locations import default_url
from katakei.adapters.journals.rollout_headers import find_headers, read_events
from katakei.adapters.journals.sql_store import sql_store
from katakei.adapters.journals.sqlite_file import PATIENCE
from katakei.adapters.system import process
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import ConcurrentAppendError, UnreachableError
from katakei.domain.events import Event, UserCommand
from katakei.domain.freezes import Freeze
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import LeaseStatus, RolloutHeader

__all__ = ["SqlFreezes", "SqlJournal", "SqlLeases", "default_url"]

TRIES = 5


class SqlJournal:
    """Implements the port `Journal` in the file or database that `url` names. The first write creates a file.

    Every method raises UnreachableError when the store is full, read-only, locked for too long, damaged or of another
    version; nothing was written then. PostgreSQL may also raise NoAnswerError: read again, to see what was written.
    """

    def __init__(self, url: str, patience: timedelta = PATIENCE) -> None:
        self.store = sql_store(url, patience)

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        """As the port says."""
        return read_events(self.store.query, rollout, after)

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        """As the port says; a rollout that a retry or a revert reopened is unfinished again."""
        return find_headers(self.store.query, service, group, unfinished=unfinished)

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
        """As the port says. Raises ValueError: the first event of a rollout, and only that, is Planned."""
        from katakei.adapters.journals import lease_rows, sql_writer  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            lease_rows.confirm(connection, lease)
            sql_writer.append_events(connection, rollout, after, events)

    def tell(self, rollout: RolloutId, word: UserCommand) -> None:
        """As the port says. Raises UsageError: there is no such rollout."""
        from katakei.adapters.journals import sql_writer  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        for _ in range(TRIES):
            try:
                with self.store.writing() as connection:
                    sql_writer.append_events(connection, rollout, sql_writer.last_number(connection, rollout), [word])
            except ConcurrentAppendError:  # only where writers do not exclude each other
                continue
            return
        raise UnreachableError(f"the journal {self.store} is too busy: the command was not recorded, try again")

    def close(self) -> None:
        """Closes what is open."""
        self.store.close()


class SqlLeases:
    """Implements the port `Leases` in the same store, so that one transaction checks a lease and writes an event.

    An owner is replaced only when this host knows that its process is dead, or when the caller has watched it in
    silence for long enough. Raises as the journal does.
    """

    def __init__(self, url: str, patience: timedelta = PATIENCE, fate: FateCheck = process.fate) -> None:
        self.store = sql_store(url, patience)
        self._fate = fate

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        """As the port says. The same process may take the same rollout again, which fences its former lease."""
        from katakei.adapters.journals import lease_rows  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        if not groups:
            raise ValueError("a lease is for at least one group")
        with self.store.writing() as connection:
            return lease_rows.take(
                connection,
                groups,
                owner,
                rollout,
                lambda found: check_replaceable(found, self._fate, silent, shared=self.store.shared),
            )

    def renew(self, lease: Lease) -> None:
        """As the port says."""
        from katakei.adapters.journals import lease_rows  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            lease_rows.heartbeat(connection, lease)

    def release(self, lease: Lease) -> None:
        """As the port says."""
        from katakei.adapters.journals import lease_rows  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            lease_rows.release(connection, lease)

    def holder(self, group: Arn) -> LeaseStatus | None:
        """As the port says; creates no file."""
        held = find_holder(self.store.query, group)
        return lease_status(held, self._fate, shared=self.store.shared) if held else None

    def unlock(self, group: Arn) -> str | None:
        """As the port says."""
        from katakei.adapters.journals import lease_rows  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            return lease_rows.unlock(connection, group)

    def close(self) -> None:
        """Closes what is open."""
        self.store.close()


class SqlFreezes:
    """Implements the port `Freezes` in the same store. Raises as the journal does."""

    def __init__(self, url: str, patience: timedelta = PATIENCE) -> None:
        self.store = sql_store(url, patience)

    def active(self) -> Sequence[Freeze]:
        """As the port says; creates no file."""
        return self.read()[1]

    def read(self) -> tuple[datetime, Sequence[Freeze]]:
        """As the port says. The file of an older version has no table of freezes before something is written to it."""
        found = find_freezes(self.store.query) if self.store.has(FREEZES) else None
        return found or (SystemClock().now(), ())  # the clock of the machine is that of the file

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        """As the port says."""
        from katakei.adapters.journals import freeze_rows  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            return freeze_rows.freeze(connection, name, who, why, until)

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        """As the port says."""
        from katakei.adapters.journals import freeze_rows  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self.store.writing() as connection:
            return freeze_rows.unfreeze(connection, name, who)

    def close(self) -> None:
        """Closes what is open."""
        self.store.close()
