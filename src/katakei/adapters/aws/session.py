"""The AWS session of a command: every call to AWS goes through `AwsSession.call`.

A call takes its rate-limit tokens, is tried once and never through a waiter, and raises Katakei's own errors only.
botocore is imported before the first call, not with this module: loading it takes longer than most commands.
"""

import ipaddress
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from katakei.adapters.aws.answers import check_answers, is_unreadable
from katakei.adapters.aws.assumed_roles import AssumedRole, assume
from katakei.adapters.aws.errors import (
    aws_exceptions,
    code_of,
    is_throttled,
    needs_new_credentials,
    translate,
    translate_configuration,
    translate_credentials,
)
from katakei.adapters.aws.providers import Provider, ProviderError, name_providers, refresh
from katakei.adapters.aws.rate_limits import TokenBuckets, shared_buckets
from katakei.adapters.aws.services import ELB, Service
from katakei.domain.errors import NoAnswerError
from katakei.domain.leases import ACT_WINDOW
from katakei.domain.ports import Clock
from katakei.domain.ports.telemetry import AwsCall, CallObserver, CallOutcome

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.session import Session

ClientT = TypeVar("ClientT")
T = TypeVar("T")

CONNECT_TIMEOUT, READ_TIMEOUT = timedelta(seconds=3), timedelta(seconds=5)
TOKEN_TIMEOUT = timedelta(seconds=10)
"""How long a call without a deadline waits for rate-limit tokens."""

MAX_CONNECTIONS = 16
log = logging.getLogger("katakei.aws")


@dataclass(frozen=True, slots=True)
class _Connection:
    """A client and the credentials that it signs with. `credentials` is None when there are none."""

    client: Any
    credentials: "Credentials | None"


class AwsSession:
    """AWS in one region, with the credentials of one profile. Thread-safe.

    One session serves a whole command, so that credentials are resolved once: a role that needs an MFA code asks for
    one code. Endpoints come from where botocore takes them (AWS_ENDPOINT_URL and its relatives).

    Args:
        region: the region; None takes it from AWS_REGION, then AWS_DEFAULT_REGION, then the profile. This is the order
            of the AWS command line ("Environment variables" in its user guide) and of every SDK but boto3, which does
            not read AWS_REGION.
        profile: the profile; None takes it from the environment.
        clock: the time for deadlines, rate limits and the log.
        role: the role that is assumed with the profile's credentials; None: they are used as they are.
        observe: gets every call.

    """

    def __init__(
        self,
        region: str | None,
        profile: str | None,
        clock: Clock,
        *,
        role: AssumedRole | None = None,
        observe: CallObserver = lambda _call: None,
    ) -> None:
        self._region, self._profile, self._clock = region or None, profile or None, clock
        self._role = role
        self._observe = observe
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._with_role: Session | None = None  # the session that uses the role already
        self._connections: dict[str, _Connection] = {}
        self._clock_offset: timedelta | None = None
        self._in_flight = threading.local()  # `limit`: the action and deadline of the call that this thread makes

    @property
    def region(self) -> str:
        """The region that is asked. Raises UsageError when none is configured, or the profile does not exist."""
        try:
            return self._configured_region(ELB) or ""
        except aws_exceptions() as error:
            raise translate_configuration(ELB, error) from error

    @property
    def is_lab(self) -> bool:
        """Whether the load balancer API is served on this machine."""
        host = urlsplit(self._connect(ELB).client.meta.endpoint_url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def clock_offset(self) -> timedelta | None:
        """How far the clock of AWS is ahead, by the newest answer with a `Date`; None: no answer had one."""
        return self._clock_offset

    def call(
        self,
        service: Service[ClientT],
        action: str,
        request: Callable[[ClientT], T],
        *,
        by: datetime | None = None,
        subject: str = "",
    ) -> T:
        """Makes one call and returns what `request` returns.

        Args:
            service: the service to call.
            action: the API's name of the action, for rate limits, messages and the log.
            request: makes the call on the client that it is given.
            by: the deadline: no request is made later.
            subject: what the call is about, for messages.

        Raises:
            KatakeiError: as `errors.translate` says; NoAnswerError when the deadline passed first.
        """
        connection = self._connect(service)
        self._refresh_credentials(service, connection)
        self._take_tokens(service, connection, action, by)
        begun = self._clock.now()
        try:
            answer = self._requested(request, connection.client, action, by)
        except Exception as error:
            if not isinstance(error, aws_exceptions()) and not is_unreadable(error):
                raise
            throttled = is_throttled(error)
            outcome = CallOutcome.THROTTLED if throttled else CallOutcome.FAILED
            self._note(service, action, begun, outcome, code_of(error) or type(error).__name__)
            if throttled:
                self._buckets(connection).empty(service.limits_of(action))
            if needs_new_credentials(error):
                self._forget(service, connection)
            raise translate(service, action, error, subject, self._provider(connection)) from error
        self._note(service, action, begun, CallOutcome.OK, "ok")
        return answer

    def _requested(self, request: Callable[[ClientT], T], client: ClientT, action: str, by: datetime | None) -> T:
        self._in_flight.limit = action, by
        try:
            return request(client)
        finally:
            self._in_flight.limit = None

    def use(self, service: Service[ClientT], client: ClientT) -> None:
        """Makes the session use this client of a service, instead of one made from the configuration."""
        with self._lock:
            self._connections[service.name] = _Connection(client, None)

    def _take_tokens(self, service: Service[Any], connection: _Connection, action: str, by: datetime | None) -> None:
        limits = service.limits_of(action)
        self._check_deadline(action, by)
        if limits:
            self._buckets(connection).take(limits, by or self._clock.now() + TOKEN_TIMEOUT)
            self._check_deadline(action, by)  # the machine may have been suspended during the wait for tokens

    def _check_before_sending(self, **_event: object) -> None:
        """Checks the deadline once more: preparing and signing a call takes some time, in which the process may stand
        still. botocore passes on what is raised here, and sends nothing.
        """
        limit = getattr(self._in_flight, "limit", None)
        if limit is not None:
            self._check_deadline(*limit)

    def _note_date(self, response_dict: dict[str, Any] | None = None, **_event: object) -> None:
        """Compares the clocks. A header that is no date says nothing."""
        try:
            date = parsedate_to_datetime(response_dict["headers"]["date"]) if response_dict else None
        except (KeyError, ValueError, TypeError):
            return
        if date is not None and date.tzinfo is not None:
            self._clock_offset = date - self._clock.now()

    def _check_deadline(self, action: str, by: datetime | None) -> None:
        if by is None:
            return
        if self._clock.now() > by:
            raise NoAnswerError(f"{action} was not called: no time was left for it")
        jump = self._clock.last_jump()
        if jump is not None and by < jump + ACT_WINDOW:  # the lease of this call was confirmed before the jump
            raise NoAnswerError(f"{action} was not called: the clock of this machine jumped, so its time may be over")

    def _connect(self, service: Service[Any]) -> _Connection:
        """Returns the connection to a service; makes it on the first call. Clients are made one at a time."""
        with self._lock:
            if service.name not in self._connections:
                try:
                    region = self._configured_region(service)
                except aws_exceptions() as error:
                    raise translate_configuration(service, error) from error
                credentials = self._credentials()
                try:
                    client = self._opened().create_client(service.name, region, config=_client_options())
                except aws_exceptions() as error:
                    self._session = None
                    raise translate_configuration(service, error) from error
                client.meta.events.register("before-send", self._check_before_sending)
                client.meta.events.register("response-received", self._note_date)
                self._connections[service.name] = _Connection(client, credentials)
            return self._connections[service.name]

    def _credentials(self) -> "Credentials | None":
        """Finds the credentials. A provider may fail here, or later when they are first used."""
        session = self._opened()
        try:
            if self._role is None:
                name_providers(session)
            elif self._with_role is not session:
                assume(self._role, session, self._new_session, _client_options())
                self._with_role = session
            return session.get_credentials()
        except ProviderError as error:
            provider = self._provider_named(error.method)
            self._session = None
            raise translate_credentials(error.cause, provider) from error.cause
        except aws_exceptions() as error:
            self._session = None
            raise translate_credentials(error, self._provider_named("")) from error

    def _refresh_credentials(self, service: Service[Any], connection: _Connection) -> None:
        """Renews credentials that have expired, or were never used, before the deadline of the call is checked.

        This may take long: a provider may run a program or ask a person for an MFA code. botocore lets one thread do
        it, while the others wait.
        """
        if connection.credentials is None:
            return
        try:
            refresh(connection.credentials)
        except ProviderError as error:
            provider = self._provider_named(error.method)
            if needs_new_credentials(error.cause):
                self._forget(service, connection)
            raise translate_credentials(error.cause, provider) from error.cause

    def _provider(self, connection: _Connection) -> Provider:
        """Returns where the credentials of a connection come from."""
        return self._provider_named(str(connection.credentials.method) if connection.credentials else "")

    def _provider_named(self, method: str) -> Provider:
        return Provider(method, self._profile_name(), self._role.arn if self._role else "")

    def _profile_name(self) -> str:
        with self._lock:
            configured = self._session.get_config_variable("profile") if self._session else None
        return str(self._profile or configured or "default")

    def _forget(self, service: Service[Any], connection: _Connection) -> None:
        """Makes the next call read configuration and credentials again: a file may hold renewed ones by then."""
        with self._lock:
            if self._connections.get(service.name) is connection:  # otherwise another thread was faster
                self._session = None
                self._connections.clear()

    def _configured_region(self, service: Service[Any]) -> str | None:
        from botocore.exceptions import NoRegionError  # noqa: PLC0415 - see the module's docstring

        region = self._opened().get_config_variable("region")
        if not region and service.regional:
            raise NoRegionError
        return str(region) if region else None

    def _buckets(self, connection: _Connection) -> TokenBuckets:
        whose = self._role.account if self._role else self._profile or ""
        return shared_buckets(f"{connection.client.meta.endpoint_url} {whose}", self._clock)

    def _opened(self) -> "Session":
        """Returns botocore's session. boto3 would add a layer of resources that Katakei does not use."""
        with self._lock:
            if self._session is None:
                self._session = self._new_session()
            return self._session

    def _new_session(self) -> "Session":
        from botocore.session import Session  # noqa: PLC0415 - see the module's docstring

        from katakei.adapters.aws.loader import service_loader  # noqa: PLC0415 - it imports botocore

        session = Session(profile=self._profile)
        session.register_component("data_loader", service_loader(session.get_config_variable("data_path") or ""))
        if region := self._region or os.environ.get("AWS_REGION"):
            session.set_config_variable("region", region)
        check_answers(session)
        return session

    def _note(self, service: Service[Any], action: str, begun: datetime, outcome: CallOutcome, said: str) -> None:
        """Logs one call. Parameters and headers never go to the log: they may hold secrets."""
        took = self._clock.now() - begun
        milliseconds = round(took.total_seconds() * 1000)
        facts = {"service": service.name, "action": action, "duration_ms": milliseconds, "outcome": said}
        log.debug("%s %s: %s after %d ms", service.name, action, said, milliseconds, extra=facts)
        self._observe(AwsCall(service.name, action, outcome, begun, took))


def _client_options() -> Any:
    """Returns botocore's Config, the same for every client: short timeouts, and one try per call."""
    from botocore.config import Config  # noqa: PLC0415 - see the module's docstring

    return Config(
        connect_timeout=CONNECT_TIMEOUT.total_seconds(),
        read_timeout=READ_TIMEOUT.total_seconds(),
        retries={"total_max_attempts": 1},
        max_pool_connections=MAX_CONNECTIONS,
        user_agent_extra="katakei",
    )
