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
PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/=@:+-]*")
MAX_PREFIX = 800
"""Characters. Amazon S3 takes keys of at most 1024 bytes, and an ARN with a folder and an ending follows the prefix."""


@dataclass(frozen=True, slots=True)
class S3Location:
    """A bucket in Amazon S3, and the prefix of every key in it: '' or text that ends in '/'."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{S3}{self.bucket}/{self.prefix}"


def s3_location_of(url: str) -> S3Location | None:
    """The location that `s3://bucket` or `s3://bucket/prefix` names.

    Returns:
        None when the URL is not one of S3.

    Raises:
        UsageError: It is one of S3 and names no valid bucket or prefix.
    """
    if not url.startswith(S3):
        return None
    bucket, _, prefix = url.removeprefix(S3).partition("/")
    prefix = prefix.strip("/")
    if not BUCKET.fullmatch(bucket) or not PREFIX.fullmatch(prefix) or "//" in prefix:
        raise UsageError(f"the journal {url!r} is not a valid location in S3: give s3://bucket/prefix")
    if len(prefix) > MAX_PREFIX:
        raise UsageError(
            f"the prefix of the journal has {len(prefix)} characters: give one of at most {MAX_PREFIX}, because Amazon"
            " S3 takes keys of 1024 bytes"
        )
    return S3Location(bucket, f"{prefix}/" if prefix else "")


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
