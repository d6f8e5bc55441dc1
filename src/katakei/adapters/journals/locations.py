"""The locations of journals: their URLs, and the default location on this machine. Nothing is opened here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from katakei.adapters.system.user_folders import expanded, state_folder
from katakei.domain.errors import UsageError

SQLITE = "sqlite:///"
S3 = "s3://"
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
OWNER = re.compile(r"[0-9]{12}")
PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/=@:+-]*")
MAX_PREFIX = 800
"""Characters. Amazon S3 takes keys of at most 1024 bytes, and an ARN with a folder and an ending follows the prefix."""


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
            f"a journal at {scheme}:// is not built yet in this version: give a path, or s3://bucket/prefix"
        )
    if not text or text == ":memory:" or "\0" in text:
        raise UsageError(f"the journal {url!r} names no file: give a path, or sqlite:////absolute/path.db")
    return expanded(text)
