"""The one door to AWS: every call goes through `_ask`, where it takes its tokens and every foreign error becomes ours.

A call is tried once, and never through a waiter. Nothing is imported of botocore before the first call.
"""

import ipaddress
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from katakei.adapters.balancers.alb.buckets import Buckets, Kind, shared
from katakei.adapters.balancers.alb.faults import foreign, no_region, ours, renewable, throttled
from katakei.domain.errors import NoAnswerError
from katakei.domain.ports import Clock

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_sts import STSClient

T = TypeVar("T")
WAIT = timedelta(seconds=10)  # for tokens, where the caller sets no deadline
CONNECT, READ = timedelta(seconds=3), timedelta(seconds=5)
THREADS = 16
WIRE = Path(__file__).parent / "wire"
"""DescribeInstances as EC2 speaks it, and nothing else of EC2: an extract of botocore's ec2/2016-11-15 (Apache-2.0).

Reading botocore's own description of EC2, nearly 800 operations, would cost a third of `katakei status`; a test
compares every shape of the extract with it. What the extract leaves out of an answer is skipped by the parser.
"""


class Door:
    """AWS in one region, seen with one profile's credentials; None takes what the environment and profile say.

    Safe to use from several threads. Endpoints come from where botocore takes them (AWS_ENDPOINT_URL and its kin).
    """

    def __init__(self, region: str | None, profile: str | None, clock: Clock) -> None:
        self._region, self._profile, self._clock = region, profile, clock
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._clients: dict[str, Any] = {}

    @property
    def region(self) -> str:
        """The region asked. Raises UsageFault when none is configured."""
        try:
            region = self._opened().get_config_variable("region")
        except foreign() as error:
            raise ours("elbv2", "DescribeTargetGroups", error) from error
        if not region:
            raise no_region()
        return str(region)

    @property
    def lab(self) -> bool:
        """Whether ELBv2 is asked on this very machine."""
        host = urlsplit(self._client("elbv2").meta.endpoint_url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def elb(self, action: str, call: "Callable[[ElasticLoadBalancingv2Client], T]", by: datetime | None = None) -> T:
        """Asks ELBv2, once, not later than `by`."""
        kind = Kind.REGISTRATION if action in {"RegisterTargets", "DeregisterTargets"} else Kind.DESCRIBE
        return self._ask("elbv2", action, call, (kind, Kind.ACCOUNT), by)

    def ec2(self, action: str, call: "Callable[[EC2Client], T]") -> T:
        """Asks EC2, once. It knows DescribeInstances only."""
        return self._ask("ec2", action, call, (Kind.OTHER,), None)

    def sts(self, action: str, call: "Callable[[STSClient], T]") -> T:
        """Asks STS, once."""
        return self._ask("sts", action, call, (Kind.OTHER,), None)

    def _ask(
        self, service: str, action: str, call: Callable[[Any], T], kinds: tuple[Kind, ...], by: datetime | None
    ) -> T:
        client = self._client(service)
        buckets = self._buckets()
        self._still_in_time(action, by)
        buckets.take(kinds, by or self._clock.now() + WAIT)
        self._still_in_time(action, by)  # whoever stood still while it waited must not act on what it meant then
        try:
            return call(client)
        except foreign() as error:
            if throttled(error):
                buckets.empty(kinds)
            if renewable(error):
                self._forget(service, client)
            raise ours(service, action, error) from error

    def _still_in_time(self, action: str, by: datetime | None) -> None:
        if by is not None and self._clock.now() > by:
            raise NoAnswerError(f"{action} was not asked: no time was left for it")

    def _forget(self, service: str, client: object) -> None:
        """The next call reads configuration and credentials anew: a file may hold renewed ones by then."""
        with self._lock:
            if self._clients.get(service) is client:  # else another thread was faster
                self._session = None
                self._clients.clear()

    def _buckets(self) -> Buckets:
        where = self._client("elbv2").meta.endpoint_url
        return shared(f"{where} {self._profile or ''}", self._clock)

    def _opened(self) -> "Session":
        """A session of botocore, without boto3's layer of resources, for which we have no use."""
        from botocore.session import Session  # noqa: PLC0415 - loading botocore takes longer than most commands

        with self._lock:
            if self._session is None:
                session = Session(profile=self._profile)
                if self._region:
                    session.set_config_variable("region", self._region)
                paths = filter(None, (str(WIRE), session.get_config_variable("data_path")))
                session.set_config_variable("data_path", os.pathsep.join(paths))
                self._session = session
            return self._session

    def _client(self, service: str) -> Any:
        from botocore.config import Config  # noqa: PLC0415 - loading botocore takes longer than most commands

        with self._lock:
            if service not in self._clients:
                config = Config(
                    connect_timeout=CONNECT.total_seconds(),
                    read_timeout=READ.total_seconds(),
                    retries={"total_max_attempts": 1},
                    max_pool_connections=THREADS,
                    user_agent_extra="katakei",
                )
                region = self.region
                try:
                    self._clients[service] = self._opened().create_client(service, region, config=config)
                except foreign() as error:
                    self._session = None
                    raise ours(service, "the first call", error) from error
            return self._clients[service]
