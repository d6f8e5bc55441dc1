"""The schema of a journal's database, for the commands that check and upgrade it."""

from katakei.adapters.journals.locations import PostgresLocation
from katakei.adapters.journals.postgres.schema import SchemaVersion, check_version, read_version


class JournalSchema:
    """The schema of one database. Its text names the database, without a password."""

    def __init__(self, location: PostgresLocation) -> None:
        self._location = location

    def __str__(self) -> str:
        return str(self._location)

    def check(self) -> SchemaVersion:
        """The version, if it is the one of this Katakei; changes nothing. Raises UnreachableError otherwise."""
        version = read_version(self._location)
        check_version(self._location, version)
        return version

    def upgrade(self) -> SchemaVersion:
        """Creates or upgrades the tables, and returns the version before. Raises KatakeiError; nothing was changed."""
        from katakei.adapters.journals.postgres.upgrade import upgrade  # noqa: PLC0415 - Alembic takes long to import

        return upgrade(self._location)
