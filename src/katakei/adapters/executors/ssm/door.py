"""The one door to Systems Manager: every call goes through `_call`, where every foreign error becomes one of ours.

One try per call (the loop is the retry), connect 3 s, read 5 s; safe to use from several threads.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from katakei.domain.errors import NoAnswerError, RejectedError, TemporarilyUnavailableError, UnreachableError
from katakei.domain.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

DOCUMENT = "AWS-RunShellScript"
BATCH = 50
"""The most instances in one SendCommand, and the most entries in one page of the answers (SendCommandRequest)."""

_PAGES = 20
_AGAIN = frozenset(
    {
        "InternalServerError",
        "InternalFailure",
        "InvocationDoesNotExist",  # also what a command just sent answers (docs/aws.md 9)
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_ENDED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_OPEN = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})


class NoSuchNode(RejectedError):
    """Run Command does not know at least one of the instances, or it is shutting down. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One command on one instance. `text` is the head of what it printed: 2,500 characters, '' while it runs."""

    instance: str
    status: str
    details: str
    text: str

    @property
    def open(self) -> bool:
        """Run Command has not heard its end yet."""
        return self.status in _OPEN

    @property
    def running(self) -> bool:
        """The agent has it, as far as Run Command knows."""
        return self.status in {"InProgress", "Cancelling"}


class Door:
    """Systems Manager of one region, with the credentials of one profile ('' and '' = as the environment says)."""

    def __init__(self, region: str, profile: str, clock: Clock) -> None:
        self._region, self._profile, self._clock = region, profile, clock
        self._lock = threading.Lock()
        self._client: SSMClient | None = None

    def send(
        self, instances: Sequence[str], text: str, comment: str, run_within: timedelta, by: datetime | None = None
    ) -> str:
        """Runs `text` once on each instance, and answers with the CommandId. Raises NoSuchNode.

        An agent that does not answer within 60 s is given up; an error on one instance ends nothing on another.
        Nothing is sent later than `by`.
        """
        answer = self._call(
            "send_command",
            by,
            InstanceIds=list(instances),
            DocumentName=DOCUMENT,
            Comment=comment[:100],
            TimeoutSeconds=60,
            MaxConcurrency=str(BATCH),
            MaxErrors="100%",
            Parameters={"commands": [text], "executionTimeout": [str(int(run_within.total_seconds()))]},
        )
        return str(answer["Command"]["CommandId"])

    def invocations(self, command: str) -> tuple[Invocation, ...]:
        """How far each instance is. Empty for a command that is too new or too old to be known."""
        try:
            found = list(self._pages("list_command_invocations", "CommandInvocations", CommandId=command, Details=True))
        except _Unknown:
            return ()
        return tuple(
            Invocation(
                entry["InstanceId"],
                entry["Status"],
                entry.get("StatusDetails", entry["Status"]),
                "".join(plugin.get("Output", "") for plugin in entry.get("CommandPlugins", [])),
            )
            for entry in found
        )

    def output(self, command: str, instance: str) -> str:
        """The head of what a finished invocation printed: 24,000 characters."""
        answer = self._call("get_command_invocation", CommandId=command, InstanceId=instance)
        return str(answer.get("StandardOutputContent", ""))

    def nodes(self, instances: Sequence[str]) -> dict[str, tuple[str, str]]:
        """PingStatus and platform ('Online', 'Linux') of those instances that Systems Manager knows."""
        found: dict[str, tuple[str, str]] = {}
        for at in range(0, len(instances), BATCH):
            filters = [{"Key": "InstanceIds", "Values": list(instances[at : at + BATCH])}]
            for node in self._pages("describe_instance_information", "InstanceInformationList", Filters=filters):
                found[node["InstanceId"]] = (node.get("PingStatus", ""), node.get("PlatformType", ""))
        return found

    def _pages(self, action: str, field: str, **asked: Any) -> Iterator[dict[str, Any]]:
        for _ in range(_PAGES):
            answer = self._call(action, MaxResults=BATCH, **asked)
            yield from answer.get(field, [])
            if not answer.get("NextToken"):
                return
            asked["NextToken"] = answer["NextToken"]

    def _call(self, action: str, by: datetime | None = None, **asked: Any) -> dict[str, Any]:
        """Not later than `by`: reading the credentials may have taken long."""
        from botocore.exceptions import (  # noqa: PLC0415 - botocore is slow to import and seldom needed
            BotoCoreError,
            ClientError,
            HTTPClientError,
        )
        from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

        no_way = (BotoCoreError, ValueError, OSError, RuntimeError)  # what a file or program of credentials may raise
        said = "".join(word.title() for word in action.split("_"))
        client = None
        try:
            client = self._connected()
            if by is not None and self._clock.now() > by:
                raise NoAnswerError(f"{said} was not asked: no time was left for it")
            answer: dict[str, Any] = getattr(client, action)(**asked)
        except ClientError as error:
            ours = _ours(said, error.response)
            if isinstance(ours, TemporarilyUnavailableError):
                self._forget(client)
            raise ours from error
        except (HTTPClientError, ResponseParserError) as error:  # no answer, a broken one, or none in time
            raise NoAnswerError(f"Systems Manager did not answer {said}: {error}") from error
        except no_way as error:
            self._forget(client)
            raise TemporarilyUnavailableError(
                f"Systems Manager cannot be asked: {error}. Check the AWS credentials, --profile, --region and"
                " AWS_ENDPOINT_URL."
            ) from error
        return answer

    def _forget(self, client: object) -> None:
        """The next call reads configuration and credentials anew: a file may hold renewed ones by then."""
        with self._lock:
            if self._client is client:  # else another thread was faster
                self._client = None

    def _connected(self) -> "SSMClient":
        import boto3  # noqa: PLC0415 - boto3 is slow to import and seldom needed
        from botocore.config import Config  # noqa: PLC0415 - as boto3

        with self._lock:
            if self._client is None:
                session = boto3.Session(profile_name=self._profile or None, region_name=self._region or None)
                config = Config(
                    connect_timeout=3,
                    read_timeout=5,
                    retries={"total_max_attempts": 1, "mode": "standard"},
                    max_pool_connections=16,
                )
                self._client = session.client("ssm", config=config)
            return self._client


class _Unknown(RejectedError):
    """No such command."""


def _ours(action: str, response: Any) -> NoAnswerError | UnreachableError | RejectedError:
    code = str(response.get("Error", {}).get("Code", ""))
    text = ": ".join(filter(None, (code, str(response.get("Error", {}).get("Message", "")))))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    if code in _AGAIN or status >= 500:
        return NoAnswerError(f"{action} had no answer ({text or f'HTTP {status}'})")
    if code == "InvalidInstanceId":
        return NoSuchNode(f"Run Command does not know the instance, or it is shutting down ({text})")
    if code == "InvalidCommandId":
        return _Unknown(f"{action}: {text}")
    if code in _ENDED:
        return TemporarilyUnavailableError(
            f"AWS does not accept the credentials any more for {action}: renew them ({text})"
        )
    if code in _DENIED:
        return UnreachableError(
            f"{action} is denied: {text}. Allow ssm:{action} to these credentials; ssm:SendCommand needs both the "
            f"document {DOCUMENT} and the instances as resources."
        )
    return UnreachableError(f"{action} failed ({text}). Check the AWS credentials, --profile and --region.")
