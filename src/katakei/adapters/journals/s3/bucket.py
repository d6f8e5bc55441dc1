"""Objects below one prefix of an S3 bucket, read whole and written on a condition. It knows nothing of a journal.

A call is tried once. Where S3 itself could not answer, it is repeated twice; what may have been written is read back.
"""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, TypeVar

from katakei.adapters.aws import S3, AwsSession
from katakei.adapters.aws.errors import BusyError, ConditionFailedError, ObjectNotFoundError
from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.locations import S3Location
from katakei.domain.errors import NoAnswerError, UnreachableError
from katakei.domain.outside_text import one_line
from katakei.domain.ports import Clock

T = TypeVar("T")
SCHEMA_VERSION = 1
VERSION_KEY = "katakei.json"  # holds the version of everything beside it
PAUSES = (timedelta(seconds=0.2), timedelta(seconds=0.6))
MAX_READERS = 16


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it is.

    Attributes:
        age: By the store's own clock, in whole seconds; None when the store tells no time.
        answered: The store's time when it gave the object; None when the store tells no time.
    """

    text: str
    etag: str
    age: timedelta | None
    answered: datetime | None = None


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The condition of a write: the object still has this ETag."""

    etag: str


class Condition(Enum):
    """The conditions of a write that need no ETag."""

    ALWAYS = "always"
    IF_ABSENT = "if absent"


class _Version(Enum):
    """Whether the version object is there."""

    NOT_READ = "not read yet"
    ABSENT = "absent"
    PRESENT = "present"


class Bucket:
    """The objects below one prefix. Thread-safe.

    Args:
        place: the bucket and the prefix.
        aws: the session of the command.
        clock: the time for pauses between tries. It must not be the clock of the main loop, whose `wake` ends a sleep.

    """

    def __init__(self, place: S3Location, aws: AwsSession, clock: Clock) -> None:
        self.place, self.clock = place, clock
        self._aws = aws
        self._lock = threading.RLock()
        self._version = _Version.NOT_READ

    def name_of(self, key: str) -> str:
        """Returns an object's name for messages."""
        return f"the object {one_line(key)} of the journal {self.place}"

    def parse(self, key: str, found: StoredObject, read: Callable[[Any], T]) -> T:
        """Returns what `read` makes of the object's JSON. Raises UnreachableError: the object is damaged."""
        with readable(self.name_of(key)):
            return read(json.loads(found.text))

    def get(self, key: str) -> StoredObject | None:
        """Returns the object; None when there is none. Raises NoAnswerError, UnreachableError."""
        self._check_version()
        return self._get(key)

    def get_all(self, keys: Sequence[str]) -> list[StoredObject | None]:
        """Returns several objects, in the order of their keys, read in parallel."""
        if len(keys) < 2:
            return [self.get(key) for key in keys]
        with ThreadPoolExecutor(MAX_READERS, "katakei-s3") as pool:
            return list(pool.map(self.get, keys))

    def keys(self, folder: str, after: str = "") -> list[str]:
        """Returns every key that begins with `folder` and sorts after `after`, in order. Strongly consistent."""
        self._check_version()
        found, more = self._page(folder, after)
        while more:
            page, more = self._page(folder, found[-1])
            found += page
        return found

    def put(self, key: str, text: str, condition: Condition | IfMatch = Condition.ALWAYS) -> bool:
        """Writes the object if the condition holds.

        Returns:
            Whether it holds.

        Raises:
            NoAnswerError: whether it was written is not known.
            UnreachableError: it was not written.

        """
        if self._check_version() is _Version.ABSENT:
            self._put(VERSION_KEY, json.dumps({"schema": SCHEMA_VERSION}), Condition.IF_ABSENT)
            self._version = _Version.PRESENT
        return self._put(key, text, condition)

    def _get(self, key: str) -> StoredObject | None:
        try:
            return self._read("GetObject", lambda s3: _stored(s3.get_object(**self._bucket, Key=self._full(key))))
        except ObjectNotFoundError:
            return None

    def _put(self, key: str, text: str, condition: Condition | IfMatch) -> bool:
        body = {**self._bucket, "Key": self._full(key), "Body": text.encode(), **_headers(condition)}
        doubtful = False
        for pause in (*PAUSES, None):
            try:
                self._call("PutObject", lambda s3: s3.put_object(**body))
            except (ConditionFailedError, ObjectNotFoundError):
                return doubtful and self._holds(key, text)
            except NoAnswerError as error:  # it may have been written all the same
                doubtful = True
                if self._holds(key, text):
                    return True
                if pause is None or not isinstance(error, BusyError):
                    raise
                self.clock.sleep(pause)
            else:
                return True
        raise AssertionError

    def _holds(self, key: str, text: str) -> bool:
        found = self._get(key)
        return found is not None and found.text == text

    def _check_version(self) -> _Version:
        """Returns whether the version object is there. Raises UnreachableError: a newer Katakei wrote it."""
        with self._lock:
            if self._version is _Version.NOT_READ:
                found = self._get(VERSION_KEY)
                version = self.parse(VERSION_KEY, found, _schema) if found else SCHEMA_VERSION
                if version > SCHEMA_VERSION:
                    raise UnreachableError(
                        f"the journal {self.place} was written by a newer Katakei (schema {version}, this one knows"
                        f" {SCHEMA_VERSION}): use that version; nothing was changed"
                    )
                self._version = _Version.PRESENT if found else _Version.ABSENT
            return self._version

    def _read(self, action: str, request: Callable[[Any], T]) -> T:
        """Makes a call that changes nothing. Where S3 could not answer, it is repeated."""
        for pause in PAUSES:
            try:
                return self._call(action, request)
            except BusyError:
                self.clock.sleep(pause)
        return self._call(action, request)

    def _call(self, action: str, request: Callable[[Any], T]) -> T:
        return self._aws.call(S3, action, request, subject=f"the journal {self.place}")

    @property
    def _bucket(self) -> dict[str, str]:
        """The bucket, and who must own it: a bucket of this name may belong to somebody else."""
        owner = {"ExpectedBucketOwner": self.place.owner} if self.place.owner else {}
        return {"Bucket": self.place.bucket, **owner}

    def _full(self, key: str) -> str:
        return self.place.prefix + key

    def _page(self, folder: str, after: str) -> tuple[list[str], bool]:
        where = {**self._bucket, "Prefix": self._full(folder)}
        behind = {"StartAfter": self._full(after)} if after else {}
        answer = self._read("ListObjectsV2", lambda s3: s3.list_objects_v2(**where, **behind))
        keys = [each["Key"].removeprefix(self.place.prefix) for each in answer.get("Contents", [])]
        return keys, bool(answer["IsTruncated"])


def unchanged_since(found: StoredObject | None) -> Condition | IfMatch:
    """Returns the condition that an object is still as it was read, or still absent."""
    return IfMatch(found.etag) if found else Condition.IF_ABSENT


def _headers(condition: Condition | IfMatch) -> dict[str, str]:
    match condition:
        case IfMatch(etag):
            return {"IfMatch": etag}
        case Condition.IF_ABSENT:
            return {"IfNoneMatch": "*"}
        case Condition.ALWAYS:
            return {}


def _stored(answer: Any) -> StoredObject:
    date = _moment_of(answer["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
    age = date - answer["LastModified"] if date else None
    return StoredObject(answer["Body"].read().decode(), answer["ETag"], age, date)


def _moment_of(date: str) -> datetime | None:
    """Returns the store's time by its `Date` header; None where the header is missing, doubled or no date."""
    if date.count(",") > 1:  # two headers in one line, as a proxy may join them
        return None
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # -0000: UTC by a clock of no known zone


def _schema(seen: Any) -> int:
    version = seen["schema"]
    if type(version) is not int:
        raise TypeError("its schema is no number")
    return version
