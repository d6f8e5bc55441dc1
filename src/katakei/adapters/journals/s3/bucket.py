"""The one door to S3: objects below one prefix, read whole and written on a condition. Knows nothing of a journal.

One try per call; what S3 itself could not answer is asked again twice, and what may have happened is read back.
"""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from katakei.adapters.journals.s3.faults import CHANGED, GONE, Again, code_of, foreign, ours
from katakei.adapters.journals.where import Place
from katakei.domain.errors import NoAnswerError, TemporarilyUnavailableError, UnreachableError
from katakei.domain.ports import Clock

T = TypeVar("T")
NEW = "*"  # the condition under which an object is written that is not there yet
VERSION = 1
MARK = "katakei.json"  # tells the version of all that is kept beside it
CONNECT, READ = timedelta(seconds=3), timedelta(seconds=5)
PAUSES = (timedelta(seconds=0.2), timedelta(seconds=0.6))
THREADS = 16


@dataclass(frozen=True, slots=True)
class Found:
    """An object as it is; `age` by the store's own clock, in whole seconds; None: it does not tell its time."""

    text: str
    etag: str
    age: timedelta | None


class Bucket:
    """Below one prefix; None takes what the environment says. May be used from several threads."""

    def __init__(self, place: Place, region: str | None, profile: str | None, clock: Clock) -> None:
        self.place, self.clock = place, clock
        self._region, self._profile = region, profile
        self._lock = threading.RLock()
        self._client: Any = None
        self._marked: bool | None = None  # None: the version of what is there was not looked at yet

    def get(self, key: str) -> Found | None:
        """None: there is no such object. Raises Unseen, Unreachable."""
        self._version()
        return self._get(key)

    def all(self, keys: Sequence[str]) -> list[Found | None]:
        """Several at once, in their order."""
        if len(keys) < 2:
            return [self.get(key) for key in keys]
        with ThreadPoolExecutor(THREADS, "katakei-s3") as pool:
            return list(pool.map(self.get, keys))

    def keys(self, folder: str, after: str = "") -> list[str]:
        """Every key that begins with `folder`, in order, those behind the key `after` only. Strongly consistent."""
        self._version()
        found, more = self._page(folder, after)
        while more:
            page, more = self._page(folder, found[-1])
            found += page
        return found

    def put(self, key: str, text: str, then: str = "") -> bool:
        """Writes it if `then` holds: NEW, the ETag that it must still have, or nothing. False: it does not hold.

        Raises Unseen: whether it was written is not known; Unreachable.
        """
        if not self._version():
            self._put(MARK, json.dumps({"schema": VERSION}), NEW)
            self._marked = True
        return self._put(key, text, then)

    def _get(self, key: str) -> Found | None:
        try:
            answer = self._asked(
                lambda s3: _whole(s3.get_object(Bucket=self.place.bucket, Key=self._full(key))), "GetObject"
            )
        except _Gone:
            return None
        return answer

    def _put(self, key: str, text: str, then: str) -> bool:
        condition = {"IfNoneMatch": NEW} if then == NEW else {"IfMatch": then} if then else {}
        body = {"Bucket": self.place.bucket, "Key": self._full(key), "Body": text.encode()}
        doubtful = False
        for pause in (*PAUSES, None):
            try:
                self._call(lambda s3: s3.put_object(**body, **condition), "PutObject")
            except (_Changed, _Gone):
                return doubtful and self._is(key, text)
            except NoAnswerError as error:  # it may have happened all the same
                doubtful = True
                if self._is(key, text):
                    return True
                if pause is None or not isinstance(error, Again):
                    raise
                self.clock.sleep(pause)
            else:
                return True
        raise AssertionError

    def _is(self, key: str, text: str) -> bool:
        found = self._get(key)
        return found is not None and found.text == text

    def _version(self) -> bool:
        """Whether what is there tells its version. Raises Unreachable: a newer Katakei wrote it."""
        with self._lock:
            if self._marked is None:
                found = self._get(MARK)
                version = json.loads(found.text)["schema"] if found else VERSION
                if version > VERSION:
                    raise UnreachableError(
                        f"the journal {self.place} was written by a newer Katakei (schema {version}, this one knows"
                        f" {VERSION}): use that version; nothing was changed"
                    )
                self._marked = found is not None
            return self._marked

    def _asked(self, call: Callable[[Any], T], action: str) -> T:
        """A question does no harm: where S3 could not answer, it is asked again."""
        for pause in PAUSES:
            try:
                return self._call(call, action)
            except Again:
                self.clock.sleep(pause)
        return self._call(call, action)

    def _call(self, call: Callable[[Any], T], action: str) -> T:
        try:
            return call(self._connected())
        except foreign() as error:
            code = code_of(error)
            if code in GONE:
                raise _Gone from error
            if code in CHANGED:
                raise _Changed from error
            told = ours(str(self.place), action, error)
            if isinstance(told, TemporarilyUnavailableError):
                self._client = None  # the next call reads the credentials anew: a file may hold renewed ones by then
            raise told from error

    def _full(self, key: str) -> str:
        return self.place.prefix + key

    def _page(self, folder: str, after: str) -> tuple[list[str], bool]:
        where = {"Bucket": self.place.bucket, "Prefix": self._full(folder)}
        behind = {"StartAfter": self._full(after)} if after else {}
        answer = self._asked(lambda s3: s3.list_objects_v2(**where, **behind), "ListObjectsV2")
        keys = [each["Key"].removeprefix(self.place.prefix) for each in answer.get("Contents", [])]
        return keys, bool(answer["IsTruncated"])

    def _connected(self) -> Any:
        from botocore.config import Config  # noqa: PLC0415 - loading botocore takes longer than most commands
        from botocore.session import Session  # noqa: PLC0415 - as above

        with self._lock:
            if self._client is None:
                config = Config(
                    connect_timeout=CONNECT.total_seconds(),
                    read_timeout=READ.total_seconds(),
                    retries={"total_max_attempts": 1},
                    max_pool_connections=THREADS,
                    user_agent_extra="katakei",
                )
                self._client = Session(profile=self._profile).create_client("s3", self._region, config=config)
            return self._client


class _Gone(Exception):
    """No such object."""


class _Changed(Exception):
    """The condition does not hold."""


def _whole(answer: Any) -> Found:
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    age = parsedate_to_datetime(date) - answer["LastModified"] if date else None
    return Found(answer["Body"].read().decode(), answer["ETag"], age)
