"""Every error of S3 and of botocore as one of ours: a sentence, and what to do now. Never raises by itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from katakei.domain.errors import KatakeiError, NoAnswerError, TemporarilyUnavailableError, UnreachableError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# Codes as in "List of error codes" of the S3 API reference, and of STS where credentials are temporary.
GONE = frozenset({"NoSuchKey", "404"})
CHANGED = frozenset({"PreconditionFailed", "412"})
CONFLICT = frozenset({"ConditionalRequestConflict", "409"})
AGAIN = frozenset({"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown", "503"})
ADVICE: Mapping[str, str] = {
    "NoSuchBucket": "there is no such bucket: create it, or give another --journal",
    "AccessDenied": "it may not be used: allow s3:ListBucket on the bucket and s3:GetObject and s3:PutObject below it",
    "403": "it may not be used: allow s3:ListBucket on the bucket and s3:GetObject and s3:PutObject below it",
    "ExpiredToken": "the AWS credentials have expired: renew them, then give the same command again",
    "ExpiredTokenException": "the AWS credentials have expired: renew them, then give the same command again",
    "InvalidAccessKeyId": "AWS does not know these credentials: check them, or give --profile",
    "InvalidToken": "AWS does not know these credentials: check them, or give --profile",
    "SignatureDoesNotMatch": "AWS does not accept these credentials: check the secret key, or give --profile",
    "RequestTimeTooSkewed": "the clock of this machine is wrong by more than 15 minutes: set it",
    "PermanentRedirect": "the bucket is in another region: give --region",
    "AuthorizationHeaderMalformed": "the bucket is in another region: give --region",
    "NotImplemented": "this store knows no conditional writes, without which two could write at once: use Amazon S3",
}


ENDED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"}
)
"""Credentials that a person, or a file that is written anew, may renew."""


class Again(NoAnswerError):
    """S3 answered that it could not answer: asking again may help at once."""


def foreign() -> tuple[type[Exception], ...]:
    """What botocore may raise; anything else would be a mistake of ours and is not to be hidden.

    OSError and RuntimeError: a file or program of credentials that is not there, or told what has ended already.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loading botocore takes time
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    return BotoCoreError, ClientError, ResponseParserError, ValueError, OSError, RuntimeError


def code_of(error: Exception) -> str:
    """What S3 called it; '' when S3 had no say."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - loading botocore takes time

    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def ours(where: str, action: str, error: Exception) -> KatakeiError:
    """The sentence for one error."""
    from botocore import exceptions  # noqa: PLC0415 - loading botocore takes time
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    silence = (exceptions.ConnectionError, exceptions.HTTPClientError)
    broken = (exceptions.IncompleteReadError, exceptions.FlexibleChecksumError, ResponseParserError)
    lasting = (exceptions.ParamValidationError, UnicodeError)  # no renewed credentials mend that
    if isinstance(error, exceptions.ClientError):
        return _answered(where, action, error)
    if isinstance(error, (*silence, *broken)):  # no answer, a broken one, or none in time
        how = str(error).partition(" on endpoint URL")[0]  # behind it stands a line of percent signs
        return NoAnswerError(f"the journal {where} did not answer {action}: {how}")
    kind = UnreachableError if isinstance(error, lasting) else TemporarilyUnavailableError
    return kind(f"the journal {where} cannot be asked: {error}. Check the AWS credentials and --profile")


def _answered(where: str, action: str, error: "ClientError") -> KatakeiError:
    code, answer = code_of(error), error.response
    details: Mapping[str, Any] = answer.get("ResponseMetadata", {})
    if code in AGAIN or code in CONFLICT or int(details.get("HTTPStatusCode", 400)) in {500, 502, 503, 504}:
        return Again(f"the journal {where} could not answer {action} ({code})")
    if code in ADVICE:
        kind = TemporarilyUnavailableError if code in ENDED else UnreachableError
        return kind(f"the journal {where}: {ADVICE[code]} ({action}: {code})")
    said = answer.get("Error", {}).get("Message", "")
    return UnreachableError(f"the journal {where}: {action} failed ({code}: {said}); nothing was written by it")
