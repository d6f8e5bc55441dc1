"""The error table: every error of AWS and botocore as one of Katakei's errors, with what to do now.

The codes are those of docs/aws.md 5, of "List of error codes" in the S3 API reference, and of STS for temporary
credentials. botocore is imported inside the functions, because loading it takes longer than most commands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from katakei.adapters.aws.answers import is_unreadable
from katakei.adapters.aws.providers import Provider, searched
from katakei.adapters.aws.s3_denials import denial
from katakei.adapters.aws.services import STS, Service
from katakei.domain.errors import (
    KatakeiError,
    NoAnswerError,
    RejectedError,
    TemporarilyUnavailableError,
    UnknownGroupError,
    UnreachableError,
    UsageError,
)
from katakei.domain.outside_text import one_line

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


NOBODY = Provider("", "default")
_PAGE = re.compile(r"<(!doctype|html)\b.*", re.IGNORECASE | re.DOTALL)
LONGEST = 300
"""How many characters of a foreign text a message quotes."""


class BusyError(NoAnswerError):
    """The service said that it cannot answer now. Asking again at once may help."""


class UnknownInstanceError(RejectedError):
    """Run Command does not know at least one of the instances, or it is shutting down. Nothing was sent."""


class UnknownCommandError(RejectedError):
    """Run Command does not know this command."""


class DryRunPassedError(RejectedError):
    """EC2 would have carried the call out (DryRunOperation). Nothing was done."""


class ObjectNotFoundError(Exception):
    """S3 has no such object. It never leaves the S3 journal."""


class ConditionFailedError(Exception):
    """The condition of a conditional write does not hold. It never leaves the S3 journal."""


class Failure(Enum):
    """What an error code means."""

    THROTTLED = auto()
    NO_ANSWER = auto()
    DENIED = auto()
    EXPIRED = auto()
    BAD_CREDENTIALS = auto()
    CLOCK_SKEW = auto()
    UNKNOWN_GROUP = auto()
    DELETED_BALANCER = auto()
    UNKNOWN_INSTANCE = auto()
    UNKNOWN_COMMAND = auto()
    DRY_RUN_PASSED = auto()
    NO_BUCKET = auto()
    NO_OBJECT = auto()
    CONDITION_FAILED = auto()
    WRONG_REGION = auto()
    NO_CONDITIONAL_WRITES = auto()
    REFUSED = auto()


_CODES: Mapping[Failure, str] = {
    Failure.THROTTLED: (
        "BandwidthLimitExceeded EC2ThrottledException LimitExceededException PriorRequestNotComplete"
        " ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled RequestThrottledException"
        " SlowDown ThrottledException Throttling ThrottlingException TooManyRequestsException"
        " TransactionInProgressException"
    ),
    Failure.NO_ANSWER: (
        "HealthUnavailable InternalError InternalFailure InternalServerError RequestTimeout ServiceUnavailable"
    ),
    Failure.DENIED: "AccessDenied AccessDeniedException Client.UnauthorizedOperation UnauthorizedOperation",
    Failure.EXPIRED: "ExpiredToken ExpiredTokenException RequestExpired",
    Failure.BAD_CREDENTIALS: (
        "AuthFailure IncompleteSignature InvalidAccessKeyId InvalidClientTokenId InvalidSignatureException InvalidToken"
        " MissingAuthenticationToken OptInRequired SignatureDoesNotMatch UnrecognizedClientException"
    ),
    Failure.CLOCK_SKEW: "RequestTimeTooSkewed",
}
_COMMON = {code: failure for failure, codes in _CODES.items() for code in codes.split()}


@dataclass(frozen=True, slots=True)
class _Rules:
    """What differs between services.

    Attributes:
        codes: codes that mean something else, or only something, at this service.
        configuration: the error for a profile, region or endpoint that is wrong.
        no_connection: the error for an endpoint that nobody answers at.
        connect_timeout: the error for a connection that takes too long.
        busy: the error for a service that says it cannot answer now.
        refused: the error for any other refusal, and for a request that is not valid.

    """

    codes: Mapping[str, Failure] = field(default_factory=dict)
    configuration: type[KatakeiError] = TemporarilyUnavailableError
    no_connection: type[KatakeiError] = TemporarilyUnavailableError
    connect_timeout: type[KatakeiError] = NoAnswerError
    busy: type[NoAnswerError] = NoAnswerError
    refused: type[KatakeiError] = UnreachableError


_BALANCER = _Rules(
    codes={
        "TargetGroupNotFound": Failure.UNKNOWN_GROUP,
        "LoadBalancerNotFound": Failure.DELETED_BALANCER,
    },
    configuration=UsageError,
    refused=RejectedError,
)
_RULES: Mapping[str, _Rules] = {
    "elbv2": _BALANCER,
    "ec2": replace(_BALANCER, codes={"DryRunOperation": Failure.DRY_RUN_PASSED}),
    "sts": _BALANCER,
    "ssm": _Rules(
        codes={
            "InvocationDoesNotExist": Failure.NO_ANSWER,  # the answer for a command just sent, too (docs/aws.md 9)
            "InvalidInstanceId": Failure.UNKNOWN_INSTANCE,
            "InvalidCommandId": Failure.UNKNOWN_COMMAND,
        },
        connect_timeout=TemporarilyUnavailableError,
    ),
    "s3": _Rules(
        codes={
            "403": Failure.DENIED,
            "404": Failure.NO_OBJECT,
            "409": Failure.NO_ANSWER,
            "412": Failure.CONDITION_FAILED,
            "503": Failure.NO_ANSWER,
            "AuthorizationHeaderMalformed": Failure.WRONG_REGION,
            "ConditionalRequestConflict": Failure.NO_ANSWER,
            "NoSuchBucket": Failure.NO_BUCKET,
            "NoSuchKey": Failure.NO_OBJECT,
            "NotImplemented": Failure.NO_CONDITIONAL_WRITES,
            "OperationAborted": Failure.NO_ANSWER,
            "PermanentRedirect": Failure.WRONG_REGION,
            "PreconditionFailed": Failure.CONDITION_FAILED,
        },
        no_connection=NoAnswerError,
        busy=BusyError,
    ),
}


def aws_exceptions() -> tuple[type[Exception], ...]:
    """Returns what a botocore call may raise. Anything else is a defect of Katakei and must not be hidden.

    OSError and RuntimeError come from a credentials file or program that is missing or gives expired credentials.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see the module's docstring
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    return BotoCoreError, ClientError, ResponseParserError, ValueError, OSError, RuntimeError


def code_of(error: BaseException) -> str:
    """Returns the error code that AWS answered, or `''` when there was no answer."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see the module's docstring

    return str(_answer(error, "Code")) if isinstance(error, ClientError) else ""


def is_throttled(error: Exception) -> bool:
    """Returns whether AWS answered that the account makes too many calls."""
    return _COMMON.get(code_of(error)) is Failure.THROTTLED


def needs_new_credentials(error: Exception) -> bool:
    """Returns whether reading the credentials again could help: a file may hold renewed ones by the next call.

    A broken connection is no reason: new credentials of an assumed role may ask a person for an MFA code.
    """
    from botocore import exceptions as aws  # noqa: PLC0415 - see the module's docstring

    if isinstance(error, aws.ClientError):
        return _COMMON.get(code_of(error)) in {Failure.EXPIRED, Failure.BAD_CREDENTIALS}
    if is_unreadable(error):
        return False
    unrelated = (aws.ConnectionError, aws.HTTPClientError, aws.ParamValidationError, *_broken_answers(), UnicodeError)
    return not isinstance(error, unrelated)


def translate(
    service: Service[Any], action: str, error: Exception, subject: str = "", provider: Provider = NOBODY
) -> KatakeiError | ObjectNotFoundError | ConditionFailedError:
    """Returns the error to raise instead of `error`.

    Args:
        service: the service that was called.
        action: the API's name of the action, for example `RegisterTargets`.
        error: one of `aws_exceptions`, raised by the call itself.
        subject: what the call was about, for example `the journal s3://bucket/`.
        provider: where the credentials of the call come from.

    """
    from botocore import exceptions as aws  # noqa: PLC0415 - see the module's docstring

    rules = _RULES.get(service.name, _Rules())
    what = _what(action, subject)
    if isinstance(error, aws.ClientError):
        return _answered(service, action, subject, error)
    if isinstance(error, aws.ParamValidationError):
        return rules.refused(f"{what} is not a valid request: {_one_line(error)}")
    if isinstance(error, aws.ConnectTimeoutError):
        return _no_connection(rules.connect_timeout, what, error)
    if isinstance(error, aws.ConnectionError):
        return _no_connection(rules.no_connection, what, error)
    if isinstance(error, aws.HTTPClientError):
        return NoAnswerError(f"AWS did not answer {what}: {_short(error)}")
    if isinstance(error, _broken_answers()):
        why = _one_line(error).partition(" Further retries may succeed")[0]  # botocore adds the whole answer
        return NoAnswerError(f"AWS's answer to {what} could not be read: {why}")
    if is_unreadable(error):
        return NoAnswerError(f"AWS's answer to {what} could not be read: it has another form than expected")
    if isinstance(error, UnicodeError):
        return UnreachableError(f"AWS's answer to {what} is not text: {error}")
    return translate_credentials(error, provider)


def translate_configuration(service: Service[Any], error: Exception) -> KatakeiError:
    """Returns the error to raise when no client could be made from the profile, the region and the endpoint."""
    from botocore import exceptions as aws  # noqa: PLC0415 - see the module's docstring

    kind = _RULES.get(service.name, _Rules()).configuration
    if isinstance(error, aws.ProfileNotFound):
        return kind(f"{error}: give --profile, or set AWS_PROFILE, to one that `aws configure list-profiles` names")
    if isinstance(error, aws.NoRegionError):
        return kind("no AWS region is configured: give --region, or set AWS_REGION or a profile's region")
    if isinstance(error, aws.InvalidRegionError):
        return kind(f"{error}; see --region")
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint"):
        return kind(f"{error}; check AWS_ENDPOINT_URL")
    return kind(f"the AWS configuration cannot be used: {_one_line(error)}; check ~/.aws/config and the AWS_ variables")


def translate_credentials(error: BaseException, provider: Provider) -> KatakeiError:
    """Returns the error to raise when there are no credentials, or when their provider failed.

    The advice never concerns the endpoints of other services.

    Args:
        error: what the provider raised, or botocore for want of credentials.
        provider: the provider.

    """
    from botocore import exceptions as aws  # noqa: PLC0415 - see the module's docstring

    if isinstance(error, aws.NoCredentialsError):
        return TemporarilyUnavailableError(
            f"AWS cannot be asked: Unable to locate credentials in {searched(provider.profile)};"
            " give --profile, or set the credentials as for the aws command"
        )
    kind: type[KatakeiError] = TemporarilyUnavailableError
    why, advice = _one_line(error, of=provider.method), provider.advice
    if isinstance(error, aws.ClientError) and code_of(error) in _COMMON:
        answer = _answered(STS, str(error.operation_name), "", error)
        if isinstance(answer, KatakeiError):  # always: the table of STS has no other
            kind, why = type(answer), str(answer)
            advice = "" if issubclass(kind, NoAnswerError) else advice  # asking again is all there is to do
    elif isinstance(error, aws.ConnectTimeoutError | aws.ReadTimeoutError):
        kind, why, advice = NoAnswerError, f"no answer: {why}", "check the network"
    elif isinstance(error, aws.ConnectionError | aws.HTTPClientError):
        advice = "check the network"
    return kind(f"AWS cannot be asked: {provider.subject} gave no credentials ({why}){f'; {advice}' if advice else ''}")


def _answered(  # noqa: C901, PLR0911, PLR0912 - one row of the table each
    service: Service[Any], action: str, subject: str, error: "ClientError"
) -> KatakeiError | ObjectNotFoundError | ConditionFailedError:
    rules = _RULES.get(service.name, _Rules())
    what = _what(action, subject)
    code = code_of(error)
    said = _shortened(str(_answer(error, "Message"))) or code
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    match _failure(rules, code, status):
        case Failure.THROTTLED:
            return rules.busy(f"AWS throttled {what} ({said})")
        case Failure.NO_ANSWER:
            return rules.busy(f"AWS had no answer to {what} ({code or f'HTTP {status}'}: {said})")
        case Failure.DENIED:
            return UnreachableError(_denied(service, action, what, said, code))
        case Failure.EXPIRED:
            return TemporarilyUnavailableError(f"the AWS credentials have expired: renew them (AWS says: {said})")
        case Failure.BAD_CREDENTIALS:
            return TemporarilyUnavailableError(
                f"AWS does not accept these credentials: check --profile and the keys (AWS says: {code}, {said})"
            )
        case Failure.CLOCK_SKEW:
            return UnreachableError(f"the clock of this machine is wrong by minutes: set it (AWS says: {said})")
        case Failure.UNKNOWN_GROUP:
            return UnknownGroupError(f"there is no such target group in this account and region (AWS says: {said})")
        case Failure.DELETED_BALANCER:  # between two calls of one survey
            return NoAnswerError(f"a load balancer was deleted just now ({said})")
        case Failure.UNKNOWN_INSTANCE:
            text = f"{code}: {said}"
            return UnknownInstanceError(f"Run Command does not know the instance, or it is shutting down ({text})")
        case Failure.UNKNOWN_COMMAND:
            return UnknownCommandError(f"Run Command does not know this command ({code}: {said})")
        case Failure.DRY_RUN_PASSED:
            return DryRunPassedError(f"{what} is allowed ({said})")
        case Failure.NO_BUCKET:
            return UnreachableError(f"there is no bucket for {subject}: create it, or give another --journal")
        case Failure.NO_OBJECT:
            return ObjectNotFoundError(what)
        case Failure.CONDITION_FAILED:
            return ConditionFailedError(what)
        case Failure.WRONG_REGION:
            return UnreachableError(f"the bucket of {subject} is in another region: give --region (AWS says: {said})")
        case Failure.NO_CONDITIONAL_WRITES:
            return UnreachableError(
                f"the store refused {what}: it has no conditional writes, so two processes could write at once."
                " Use Amazon S3"
            )
        case Failure.REFUSED:
            return rules.refused(f"AWS refused {what}: {said}{f' ({code})' if said != code else ''}")


def _what(action: str, subject: str) -> str:
    return f"{action} for {subject}" if subject else action


def _failure(rules: _Rules, code: str, status: int) -> Failure:
    """The meaning of an answer. The codes of the service come first, then throttling, then the HTTP status."""
    failure = rules.codes.get(code) or _COMMON.get(code)
    if code in rules.codes and failure:
        return failure
    if code.startswith("KMS."):  # S3 passes on what the key of an encrypted bucket says
        return Failure.DENIED
    if failure is Failure.THROTTLED or status == 429:
        return Failure.THROTTLED
    if failure is Failure.NO_ANSWER or status >= 500:
        return Failure.NO_ANSWER
    return failure or Failure.REFUSED


def _denied(service: Service[Any], action: str, what: str, said: str, code: str) -> str:
    if service.name == "s3":
        return denial(what, said, code)
    right = f"{service.iam}:{action}"
    both = " on the document AWS-RunShellScript and on the instances" if action == "SendCommand" else ""
    return f"these credentials may not call {what}: allow {right}{both} in their IAM policy (AWS says: {said})"


def _no_connection(kind: type[KatakeiError], what: str, error: Exception) -> KatakeiError:
    if kind is NoAnswerError:
        return NoAnswerError(f"AWS did not answer {what}: {_short(error)}")
    return kind(f"AWS cannot be reached for {what}: {error}; check the network, --region and AWS_ENDPOINT_URL")


def _one_line(error: BaseException, *, of: str = "") -> str:
    """The error as one short line. Programs print pages, and a proxy answers with one.

    Args:
        error: what botocore raised.
        of: the provider that the sentence names already: botocore's text about it is left out.

    """
    details: Mapping[str, object] = getattr(error, "kwargs", {}) if of else {}
    text = str(details["error_msg"]) if details.get("provider") == of and "error_msg" in details else str(error)
    return _shortened(text) or type(error).__name__


def _shortened(text: str) -> str:
    line = " ".join(one_line(_PAGE.sub("(a page of HTML)", text)).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} …"


def _short(error: Exception) -> str:
    """The error without the endpoint's URL, which for a journal is a line of percent signs."""
    return one_line(str(error).partition(" on endpoint URL")[0])


def _broken_answers() -> tuple[type[Exception], ...]:
    """What half an answer raises, or a page of something between this machine and AWS."""
    from botocore import exceptions as aws  # noqa: PLC0415 - see the module's docstring
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    return aws.IncompleteReadError, aws.FlexibleChecksumError, ResponseParserError


def _answer(error: "ClientError", field_name: str) -> object:
    return error.response.get("Error", {}).get(field_name, "")
