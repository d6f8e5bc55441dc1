"""Every journal there is, opened in a place of its own, and the rollouts that are written into it.

A further journal is one more entry of `LEDGERS`; the contract tests then hold it to the same promises.
"""

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import boto3
import psycopg
import pytest
from tests.lab.elb_harness import RunningElb, running_elb
from tests.postgres import fresh_journal, server
from tests.postgres_proxy import Proxy

from katakei.adapters.aws import AwsSession
from katakei.adapters.journals.lease_holders import FateCheck
from katakei.adapters.journals.locations import S3Location, s3_location_of
from katakei.adapters.journals.s3 import Bucket, S3Freezes, S3Journal, S3Leases
from katakei.adapters.journals.sql_journal import SqlFreezes, SqlJournal, SqlLeases
from katakei.adapters.system import process
from katakei.adapters.system.clock import SystemClock
from katakei.domain import events as e
from katakei.domain.errors import LeaseHeldError
from katakei.domain.leases import Lease, Owner
from katakei.domain.model import Arn, Group, HealthCheck, Registration, RolloutId, Target, TargetId, TargetType
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.ports import Freezes, Journal, Leases
from katakei.domain.spec import Command, Spec

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEB, API = Arn("arn:aws:elasticloadbalancing:r:1:targetgroup/web/1"), Arn("arn:aws:elasticloadbalancing:r:1:tg/api/2")
BOTH = frozenset({WEB, API})
LIFTED = "SELECT name, who, lifted_by FROM freezes WHERE lifted IS NOT NULL ORDER BY name"
ID, OTHER = RolloutId("r-one"), RolloutId("r-two")


class Ledger(Protocol):
    """One place where events are kept; every call opens it anew, as another process would."""

    @property
    def url(self) -> str: ...
    def journal(self) -> Journal: ...
    def leases(self, fate: FateCheck = process.fate) -> Leases: ...
    def freezes(self) -> Freezes: ...
    def lifted(self) -> Sequence[tuple[str, str, str]]: ...
    def late_answers(self, seed: int) -> AbstractContextManager[None]: ...


def journal_at(url: str) -> SqlJournal | S3Journal:
    """For another process, which knows the place by its URL only."""
    place = s3_location_of(url)
    return S3Journal(bucket_at(place)) if place else SqlJournal(url)


def leases_at(url: str, fate: FateCheck = process.fate) -> SqlLeases | S3Leases:
    place = s3_location_of(url)
    return S3Leases(bucket_at(place), fate) if place else SqlLeases(url, fate=fate)


def bucket_at(place: S3Location) -> Bucket:
    clock = SystemClock()
    return Bucket(place, AwsSession(None, None, clock), clock)


class SqliteLedger:
    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path, self._stack = path, stack
        self.url = f"sqlite:///{path}"

    def journal(self) -> SqlJournal:
        journal = SqlJournal(self.url)
        self._stack.callback(journal.close)
        return journal

    def leases(self, fate: FateCheck = process.fate) -> SqlLeases:
        leases = SqlLeases(self.url, fate=fate)
        self._stack.callback(leases.close)
        return leases

    def freezes(self) -> SqlFreezes:
        freezes = SqlFreezes(self.url)
        self._stack.callback(freezes.close)
        return freezes

    def lifted(self) -> Sequence[tuple[str, str, str]]:
        """The name of each lifted freeze, who made it and who lifted it."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(LIFTED).fetchall()

    @contextmanager
    def late_answers(self, seed: int) -> Iterator[None]:
        """A transaction of SQLite is never answered late: it is over or it never was."""
        del seed
        yield


class S3Ledger:
    """In the lab's S3, to which the environment leads, as it leads other processes."""

    def __init__(self, aws: RunningElb, place: S3Location) -> None:
        self.aws, self.bucket = aws, bucket_at(place)
        self.url = str(place)

    def journal(self) -> S3Journal:
        return S3Journal(self.bucket)

    def leases(self, fate: FateCheck = process.fate) -> S3Leases:
        return S3Leases(self.bucket, fate)

    def freezes(self) -> S3Freezes:
        return S3Freezes(self.bucket)

    def lifted(self) -> Sequence[tuple[str, str, str]]:
        """As `SqliteLedger.lifted`."""
        found = self.bucket.get("freezes.json")
        kept = json.loads(found.text)["lifted"] if found else []
        return sorted((each["freeze"]["name"], each["freeze"]["who"], each["lifted_by"]) for each in kept)

    @contextmanager
    def late_answers(self, seed: int) -> Iterator[None]:
        """Every second write is answered late and with an error. Half of those arrived all the same."""
        self.aws.lab("faults", timeout=0.5, hold=0.15, seed=seed, actions=["PutObject"])
        try:
            yield
        finally:
            self.aws.lab("faults", timeout=0.0)


@contextmanager
def _sqlite(folder: Path) -> Iterator[Ledger]:
    with ExitStack() as stack:
        yield SqliteLedger(folder / "state" / "journal.db", stack)


@contextmanager
def _s3(folder: Path) -> Iterator[Ledger]:
    name = f"journal{re.sub('[^a-z0-9]', '-', folder.name.lower())}x"
    with running_elb(timedelta(0)) as aws, pytest.MonkeyPatch.context() as environment:
        for variable, value in {**aws.env, "HOME": str(folder)}.items():
            environment.setenv(variable, value)
        s3: Any = boto3.Session().client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.env["AWS_REGION"]})
        yield S3Ledger(aws, S3Location(name, "katakei/"))


class OtherS3Ledger(S3Ledger):
    """In a server written by others, to which the environment leads. Nobody makes its answers late."""

    def __init__(self, place: S3Location) -> None:
        self.bucket, self.url = bucket_at(place), str(place)

    @contextmanager
    def late_answers(self, seed: int) -> Iterator[None]:
        del seed
        yield


@contextmanager
def _other_s3(folder: Path) -> Iterator[Ledger]:
    """A prefix of its own in the bucket that KATAKEI_TEST_S3 names."""
    place = s3_location_of(f"{os.environ[OTHER_S3]}/{folder.parent.name}/{folder.name}")
    assert place is not None
    yield OtherS3Ledger(place)


class PostgresLedger:
    """In a database of its own. Its journals and leases reach the server through a proxy; other processes do not.

    The URL has no password, because it stands on command lines; the environment has it.
    """

    def __init__(self, url: str, proxy: Proxy, stack: ExitStack) -> None:
        self.proxy, self._stack = proxy, stack
        self.moved(url)

    def moved(self, url: str) -> None:
        """From now on the ledger is in another database of the server."""
        self.url = url
        self._by_proxy = url.replace(f":{server().port}/", f":{self.proxy.port}/")

    def journal(self) -> SqlJournal:
        journal = SqlJournal(self._by_proxy)
        self._stack.callback(journal.close)
        return journal

    def leases(self, fate: FateCheck = process.fate) -> SqlLeases:
        leases = SqlLeases(self._by_proxy, fate=fate)
        self._stack.callback(leases.close)
        return leases

    def freezes(self) -> SqlFreezes:
        freezes = SqlFreezes(self._by_proxy)
        self._stack.callback(freezes.close)
        return freezes

    def lifted(self) -> Sequence[tuple[str, str, str]]:
        """As `SqliteLedger.lifted`."""
        with self.connected() as connection:
            return connection.execute(LIFTED).fetchall()

    def connected(self) -> psycopg.Connection:
        """A session of its own in the tables of the journal."""
        return psycopg.connect(self.url, options="-c search_path=katakei", autocommit=True)

    def late_answers(self, seed: int) -> AbstractContextManager[None]:
        """Every second COMMIT loses its connection. Half of those arrived all the same."""
        return self.proxy.losing(seed)


@contextmanager
def _postgres(folder: Path) -> Iterator[Ledger]:
    del folder
    with fresh_journal() as url, pytest.MonkeyPatch.context() as environment, ExitStack() as stack:
        environment.setenv("PGPASSWORD", server().password)
        proxy = Proxy(server().port)
        stack.callback(proxy.close)
        yield PostgresLedger(url.replace(f":{server().password}@", "@"), proxy, stack)


OTHER_S3 = "KATAKEI_TEST_S3"
_STORES_IN_S3 = _other_s3 if OTHER_S3 in os.environ else _s3
LEDGERS: Mapping[str, Callable[[Path], AbstractContextManager[Ledger]]] = {
    "sqlite": _sqlite,
    "s3": _STORES_IN_S3,
    "postgres": _postgres,
}


def taken_over(ledger: Ledger, arns: frozenset[Arn], taker: Owner, rollout: RolloutId) -> Lease:
    """The lease of these groups, from a holder that was watched in silence for long enough."""
    leases = ledger.leases(lambda *_: process.ProcessFate.UNKNOWN)
    try:
        return leases.take(arns, taker, rollout)
    except LeaseHeldError as held:
        return leases.take(arns, taker, rollout, held.unsure)


def owner(pid: int = 1, host: str = "here") -> Owner:
    return Owner("kim", host, pid, 7, "boot")


def group(arn: Arn) -> Group:
    check = HealthCheck("HTTP", None, "/", "200", timedelta(seconds=10), timedelta(seconds=5), 2, 2)
    return Group(
        arn=arn,
        name=arn.split("/")[1],
        port=80,
        protocol="HTTP",
        protocol_version="HTTP1",
        target_type=TargetType.INSTANCE,
        delay=timedelta(seconds=300),
        idle_timeout=timedelta(seconds=60),
        check=check,
        cross_zone=True,
        slow_start=timedelta(),
        minima=(),
        load_balancers=(Arn("arn:lb"),),
        balancer_type="application",
    )


def planned(
    rollout: RolloutId = ID, *, service: str = "shop", arns: frozenset[Arn] = BOTH, hours: int = 0
) -> e.Planned:
    groups = tuple(group(arn) for arn in sorted(arns))
    places = tuple(Registration(each.arn, "i-1", 80) for each in groups)
    plan = Plan(
        rollout=rollout,
        kind=PlanKind.ROLL,
        spec=Spec(service, tuple(each.name for each in groups), Command("ssm", "./deploy")),
        release="v2",
        account="123456789012",
        region="ap-northeast-1",
        groups=groups,
        targets=(Target(TargetId("i-1"), "web-1", "10.0.0.1", "ap-northeast-1a", places),),
        bystanders=(),
        window=1,
        floors={each.arn: Floor(1, 2) for each in groups},
        who="kim",
        versions={"katakei": "0.1.0"},
    )
    return e.Planned(NOON + timedelta(hours=hours), plan)


def word(number: int) -> e.AbortAsked:
    return e.AbortAsked(NOON, f"person {number}")


def fell(number: int) -> e.BecameUnhealthy:
    return e.BecameUnhealthy(NOON, TargetId("i-1"), f"event {number}")


def begun(ledger: Ledger, rollout: RolloutId = ID, arns: frozenset[Arn] = BOTH, hours: int = 0) -> Lease:
    """A rollout whose first event is written, and the lease it was written under."""
    lease = ledger.leases().take(arns, owner(), rollout)
    ledger.journal().append(lease, rollout, 0, [planned(rollout, arns=arns, hours=hours)])
    return lease
