"""The locations of journals: their URLs, and the default location on this machine. Nothing is opened here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from katakei.adapters.system.user_folders import expanded, state_folder
from katakei.domain.errors import UsageError

SQLITE = "sqlite:///"
S3 = "s3://"
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
OWNER = re.compile(r"[0-9]{12}")
PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/=@:+-]*")
MAX_PREFIX = 800
"""Characters. Amazon S3 takes keys of at most 1024 bytes, and an ARN with a folder and an ending follows the prefix."""


POSTGRES = ("postgresql://", "postgres://")
POSTGRES_FORM = "give postgresql://user@host/database; write special characters of its parts as %40, for example"
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,@/\[\]]*)(:[0-9]{1,5})?")
LIBPQ_PARAMETERS = {
    "channel_binding",
    "gssencmode",
    "host",
    "hostaddr",
    "krbsrvname",
    "load_balance_hosts",
    "passfile",
    "port",
    "require_auth",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
}
"""What a URL may say after `?`. Time limits, the schema and the name of the program are set by Katakei."""


@dataclass(frozen=True, slots=True)
class PostgresLocation:
    """A database of PostgreSQL.

    Attributes:
        url: The URL as given, perhaps with a password: only for libpq, never for a message or a log.
        user: The user; '' where the URL names none.
        hosts: The hosts with their ports; '' where the URL names none.
        database: The name of the database.
    """

    url: str = field(repr=False)
    user: str
    hosts: str
    database: str

    def __str__(self) -> str:
        return f"postgresql://{self.user}{'@' if self.user else ''}{self.hosts}/{self.database}"


@dataclass(frozen=True, slots=True)
class S3Location:
    """A place in Amazon S3.

    Attributes:
        bucket: The bucket.
        prefix: The prefix of every key in it: '' or text that ends in '/'.
        owner: The account that must own the bucket, sent with every call; '' where none was given.
    """

    bucket: str
    prefix: str
    owner: str = ""

    def __str__(self) -> str:
        return f"{S3}{self.bucket}/{self.prefix}{f'?owner={self.owner}' if self.owner else ''}"


def s3_location_of(url: str, owner: str = "") -> S3Location | None:
    """The location that `s3://bucket`, `s3://bucket/prefix` or `s3://bucket/prefix?owner=ACCOUNT` names.

    Args:
        url: The journal as given.
        owner: The account that must own the bucket, where the URL names none; '': any.

    Returns:
        None when the URL is not one of S3.

    Raises:
        UsageError: It is one of S3 and names no valid bucket, prefix or account.
    """
    if not url.startswith(S3):
        return None
    url, question, query = url.partition("?")
    if question and not query.startswith("owner="):
        raise UsageError(f"the journal {url}?{query} is not a valid location in S3: give s3://bucket/prefix")
    owner = query.removeprefix("owner=") if question else owner
    if (question or owner) and not OWNER.fullmatch(owner):
        raise UsageError(f"{owner!r} is no account that can own the bucket of the journal: give its 12 digits")
    bucket, _, prefix = url.removeprefix(S3).partition("/")
    prefix = prefix.strip("/")
    if not BUCKET.fullmatch(bucket) or not PREFIX.fullmatch(prefix) or "//" in prefix:
        raise UsageError(f"the journal {url!r} is not a valid location in S3: give s3://bucket/prefix")
    if len(prefix) > MAX_PREFIX:
        raise UsageError(
            f"the prefix of the journal has {len(prefix)} characters: give one of at most {MAX_PREFIX}, because Amazon"
            " S3 takes keys of 1024 bytes"
        )
    return S3Location(bucket, f"{prefix}/" if prefix else "", owner)


def postgres_location_of(url: str) -> PostgresLocation | None:
    """The location that `postgresql://user@host/database` names.

    No message quotes the URL: where it cannot be read, any part of it may be the password.

    Args:
        url: The journal as given.

    Returns:
        None when the URL is not one of PostgreSQL.

    Raises:
        UsageError: It is one of PostgreSQL, and it is not valid or says something that Katakei sets itself.
    """
    if not url.startswith(POSTGRES):
        return None
    try:
        parts = urlsplit(url)
        words = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        login, _, hosts = parts.netloc.rpartition("@")
        user, database = (unquote(part, errors="strict") for part in (login.partition(":")[0], parts.path[1:]))
    except ValueError:
        raise UsageError(f"the URL of the journal in PostgreSQL is not valid: {POSTGRES_FORM}") from None
    if not database or "/" in database or "@" in login + parts.path or parts.fragment or "\0" in user + database:
        raise UsageError(f"the URL of the journal in PostgreSQL names no single database: {POSTGRES_FORM}")
    if not all(HOST.fullmatch(host) for host in hosts.split(",")):
        raise UsageError(f"the URL of the journal in PostgreSQL names no valid host: {POSTGRES_FORM}")
    if {name for name, _ in words} - LIBPQ_PARAMETERS:
        raise UsageError(
            "the URL of the journal in PostgreSQL has a parameter that is not supported: leave it out; there are: "
            + ", ".join(sorted(LIBPQ_PARAMETERS))
        )
    return PostgresLocation(url, user, hosts, database)


def default_url(env: Mapping[str, str]) -> str:
    """The default journal of this machine, by the XDG rules. Raises UsageError: this user has no folder."""
    folder = state_folder(env, keeps="the journal", advice="give --journal, or set KATAKEI_JOURNAL or XDG_STATE_HOME")
    return f"{SQLITE}{folder / 'journal.db'}"


def path_of(url: str) -> Path:
    """The file that `sqlite:///relative`, `sqlite:////absolute` or a plain path names. Raises UsageError for others."""
    scheme, colon, _ = url.partition("://")
    if not colon:
        text = url
    elif url.startswith(SQLITE):
        text = url.removeprefix(SQLITE)
    else:
        raise UsageError(
            f"a journal at {scheme}:// is not supported: give a path, s3://bucket/prefix, or"
            " postgresql://user@host/database"
        )
    if not text or text == ":memory:" or "\0" in text:
        raise UsageError(f"the journal {url!r} names no file: give a path, or sqlite:////absolute/path.db")
    return expanded(text)


def access_path(url: str, env: Mapping[str, str]) -> Path:
    """The file of access of a server with this journal: `NAME-access.db` beside a file, else in the user's folder.

    Raises:
        UsageError: The journal names no valid place, or this user has no folder.
    """
    if s3_location_of(url):
        folder = state_folder(env, keeps="the access store", advice="set XDG_STATE_HOME")
        return folder / "access.db"
    journal = path_of(url)
    return journal.with_name(f"{journal.stem}-access.db")
