"""Every error of AWS and of botocore as one of ours: a sentence, and what to do now. Never raises by itself.

The codes are those of docs/aws.md 5.
"""

from typing import TYPE_CHECKING

from katakei.domain.errors import (
    KatakeiError,
    NoAnswerError,
    RejectedError,
    TemporarilyUnavailableError,
    UnknownGroupError,
    UnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_AGAIN = frozenset({"HealthUnavailable", "InternalError", "InternalFailure", "RequestTimeout", "ServiceUnavailable"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "UnauthorizedOperation"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEYS = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_IAM = {"elbv2": "elasticloadbalancing"}  # IAM's name of a service, where it is not botocore's


def no_region() -> UsageError:
    """Nothing says where the target groups are."""
    return UsageError("no AWS region is configured: give --region, or set AWS_DEFAULT_REGION or a profile's region")


def foreign() -> tuple[type[Exception], ...]:
    """What botocore may raise; anything else would be a mistake of ours and is not to be hidden.

    OSError and RuntimeError: a file or program of credentials that is not there, or told what has ended already.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loading botocore takes time
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    return BotoCoreError, ClientError, ResponseParserError, ValueError, OSError, RuntimeError


def throttled(error: Exception) -> bool:
    """Whether AWS answered that the account asks too often."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - loading botocore takes time

    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code", "") in _THROTTLED


def renewable(error: Exception) -> bool:
    """Whether credentials are at fault: whoever reads them anew may find renewed ones."""
    from botocore import exceptions as aws  # noqa: PLC0415 - loading botocore takes time

    if isinstance(error, aws.ClientError):
        return error.response.get("Error", {}).get("Code", "") in _EXPIRED | _UNKNOWN_KEYS
    return isinstance(error, aws.BotoCoreError) and not isinstance(error, aws.ConnectionError | aws.HTTPClientError)


def ours(service: str, action: str, error: Exception) -> KatakeiError:
    """What `error`, which came of calling `action` (as the API spells it), means to us."""
    from botocore import exceptions as aws  # noqa: PLC0415 - loading botocore takes time
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    if isinstance(error, aws.ClientError):
        return _answered(service, action, error)
    if isinstance(error, aws.ProfileNotFound):
        return UsageError(
            f"{error}: give --profile, or set AWS_PROFILE, to one that `aws configure list-profiles` names"
        )
    if isinstance(error, aws.NoRegionError | aws.InvalidRegionError):
        return no_region() if isinstance(error, aws.NoRegionError) else UsageError(f"{error}; see --region")
    if isinstance(error, aws.ParamValidationError):
        return RejectedError(f"{action} cannot be asked like this: {' '.join(str(error).split())}")
    if isinstance(error, aws.EndpointConnectionError | aws.ProxyConnectionError | aws.SSLError):
        return TemporarilyUnavailableError(
            f"AWS cannot be reached for {action}: {error}; check the network, --region and AWS_ENDPOINT_URL"
        )
    if isinstance(error, aws.HTTPClientError | aws.ConnectionError | aws.ResponseStreamingError):
        return NoAnswerError(f"AWS did not answer {action}: {error}")
    if isinstance(error, ResponseParserError):  # half an answer, or a page of something in between
        return NoAnswerError(f"AWS's answer to {action} could not be read: {error}")
    if isinstance(error, ValueError):  # botocore's word for an endpoint that is no URL
        return UsageError(f"{error}; check AWS_ENDPOINT_URL")
    return TemporarilyUnavailableError(
        f"AWS cannot be asked: {error}; check the credentials (--profile, or as the aws command takes them)"
    )


def _answered(service: str, action: str, error: "ClientError") -> KatakeiError:
    code = error.response.get("Error", {}).get("Code", "")
    said = error.response.get("Error", {}).get("Message", "") or code
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if code in _THROTTLED or status == 429:
        return NoAnswerError(f"AWS throttled {action} ({said})")
    if code in _AGAIN or status >= 500:
        return NoAnswerError(f"AWS had no answer to {action} ({code or status}: {said})")
    if code in _DENIED:
        right = f"{_IAM.get(service, service)}:{action}"
        return UnreachableError(
            f"these credentials may not {action}: allow {right} in their IAM policy (AWS says: {said})"
        )
    if code in _EXPIRED:
        return TemporarilyUnavailableError(f"the AWS credentials have expired: renew them (AWS says: {said})")
    if code in _UNKNOWN_KEYS:
        return TemporarilyUnavailableError(
            f"AWS does not accept these credentials: check --profile and the keys (AWS says: {code}, {said})"
        )
    if code == "TargetGroupNotFound":
        return UnknownGroupError(f"there is no such target group in this account and region (AWS says: {said})")
    if code == "LoadBalancerNotFound":  # deleted between two of our questions
        return NoAnswerError(f"a load balancer was deleted just now ({said})")
    return RejectedError(f"AWS refused {action}: {said}")
