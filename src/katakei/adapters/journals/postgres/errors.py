"""The errors of PostgreSQL as one sentence each: what is known of the write, and what to do now.

libpq gives no code for a connection that could not be made. This module recognizes those sentences by their English
words; in another language they count as an outage, which is retried.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from katakei.adapters.journals.locations import PostgresLocation
from katakei.domain.errors import KatakeiError, NoAnswerError, TemporarilyUnavailableError, UnreachableError
from katakei.domain.outside_text import one_line

LONGEST = 200
"""Characters of the server's own words that are shown."""

UPGRADE = "run `katakei db upgrade` with this journal"

# What the server or libpq says when it refuses a connection for good, and what to do. The first one that matches.
DENIED = {
    "no password supplied": "it asks for a password: set PGPASSWORD, or write it into ~/.pgpass",
    "password authentication failed": "user or password is wrong: check the URL, PGPASSWORD and ~/.pgpass",
    "no pg_hba.conf entry": "it does not accept this user, host or encryption: add an entry to its pg_hba.conf",
    "no PostgreSQL user name": "no user is given: write it into the URL",
    "authentication failed": "it does not accept this user: check its pg_hba.conf",
    "permission denied for database": "the user may not connect: GRANT CONNECT ON DATABASE",
    "server does not support SSL": "it offers no TLS: set it up there, or another sslmode in the URL",
    "certificate verify failed": "its certificate is not trusted: check sslrootcert in the URL",
    "root certificate file": "the file of sslrootcert cannot be read: check the URL",
    "does not match host name": "its certificate is for another host: check the host in the URL",
}

MISSING = re.compile(r'(database|role) "[^"]*" does not exist')

# By SQLSTATE, or its class in the first two characters (appendix A of PostgreSQL's manual).
NOTHING_WRITTEN = {
    "55P03": "another process holds its rows",
    "40001": "another process changed the same rows",
    "40P01": "another process changed the same rows",
    "57014": "the server gave the statement up",
    "23505": "another process wrote the same row at the same moment",
}
OUTAGES = {
    "25006": "it is read-only now: it may be a standby, or out of disk space",
    "53": "it is out of disk space, memory or connections",
    "57": "it is shutting down or starting",
    "58": "its disk failed",
}
FINAL = {
    "42501": "the user may not do that: GRANT it, or run the command as the owner of the tables",
    "42P01": f"its tables are not complete: {UPGRADE}",
    "42703": f"its tables are not complete: {UPGRADE}",
    "3F000": f"it has no tables yet: {UPGRADE}",
    "XX": "it is damaged: restore a backup, and check the target groups by hand",
}


@contextmanager
def translated_errors(location: PostgresLocation) -> Iterator[None]:
    """Turns what psycopg raises into the errors of Katakei.

    Raises:
        NoAnswerError: The connection was lost, or the time was over. What was asked may have been done.
        TemporarilyUnavailableError: PostgreSQL cannot be reached or cannot write now. Nothing was written.
        UnreachableError: It refuses this user, or its tables are not as they should be. Nothing was written.
    """
    try:
        yield
    except psycopg.Error as fault:
        raise error_of(location, fault) from fault


def error_of(location: PostgresLocation, fault: BaseException | None) -> KatakeiError:
    """The sentence for one error of a connection that was made."""
    code = getattr(fault, "sqlstate", None)
    if not isinstance(fault, psycopg.Error) or code is None:
        return NoAnswerError(f"the journal {location} did not answer: whether it was written is not known")
    if code in NOTHING_WRITTEN:
        return NoAnswerError(f"the journal {location} is busy ({NOTHING_WRITTEN[code]}): nothing was written")
    if code.startswith(("08", "57P", "25P03")):  # the session was ended; perhaps after its COMMIT
        return NoAnswerError(f"the journal {location} closed the connection: whether it was written is not known")
    for table, kind in ((OUTAGES, TemporarilyUnavailableError), (FINAL, UnreachableError)):
        if advice := table.get(code) or table.get(code[:2]):
            return kind(f"the journal {location}: {advice} ({short(fault)})")
    return UnreachableError(f"the journal {location} gave an unexpected answer ({short(fault)}): nothing was written")


def connection_error(location: PostgresLocation, fault: psycopg.Error) -> UnreachableError:
    """The sentence for a connection that could not be made. Nothing was asked."""
    said = str(fault)
    for words, advice in DENIED.items():
        if words in said:
            return UnreachableError(f"the journal {location} cannot be opened: {advice}")
    if missing := MISSING.search(said):
        return UnreachableError(f"the journal {location} cannot be opened: {one_line(missing[0])}; create it first")
    return TemporarilyUnavailableError(
        f"the journal {location} cannot be reached ({short(fault)}): check the server and the network"
    )


def short(fault: BaseException) -> str:
    """The server's own words as one harmless line."""
    return _cut(_server_words(str(fault)))


def _server_words(said: str) -> str:
    """The last line that names the failure, without the addresses that were tried."""
    line = said.strip().splitlines()[0] if said.strip() else "no reason given"
    for mark in ("FATAL:", "ERROR:", "failed:"):
        if mark in line:
            line = line.rpartition(mark)[2]
    return one_line(line)


def _cut(line: str) -> str:
    return f"{line[:LONGEST]} …" if len(line) > LONGEST else line
