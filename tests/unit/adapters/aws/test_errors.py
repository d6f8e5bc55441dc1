"""The error table: which failures may pass by themselves, and which need a person."""

import pytest
from botocore import exceptions

from katakei.adapters.aws import S3
from katakei.adapters.aws.errors import needs_new_credentials, translate
from katakei.domain.errors import KatakeiError, NoAnswerError, TemporarilyUnavailableError, UnreachableError

WHERE = "the journal s3://bucket/"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.UnauthorizedSSOTokenError(), TemporarilyUnavailableError),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="ended"), TemporarilyUnavailableError),
        (exceptions.ProfileNotFound(profile="deploy"), TemporarilyUnavailableError),
        (
            exceptions.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            TemporarilyUnavailableError,
        ),
        (exceptions.ParamValidationError(report="Invalid bucket name"), UnreachableError),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), UnreachableError),
        (exceptions.FlexibleChecksumError(error_msg="Expected checksum a did not match b"), NoAnswerError),
    ],
)
def test_only_renewable_failures_are_temporary(error: Exception, kind: type[KatakeiError]) -> None:
    assert type(translate(S3, "GetObject", error, WHERE)) is kind


@pytest.mark.parametrize(
    ("error", "renewed"),
    [
        (exceptions.NoCredentialsError(), True),
        (exceptions.UnauthorizedSSOTokenError(), True),
        (exceptions.ClientError({"Error": {"Code": "ExpiredToken"}}, "GetObject"), True),
        (exceptions.ClientError({"Error": {"Code": "InvalidAccessKeyId"}}, "GetObject"), True),
        (FileNotFoundError("the program of credentials"), True),
        (exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"), False),
        (exceptions.EndpointConnectionError(endpoint_url="https://aws.example", error="refused"), False),
        (exceptions.ReadTimeoutError(endpoint_url="https://aws.example", error="too long"), False),
        (exceptions.ParamValidationError(report="Invalid bucket name"), False),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), False),
    ],
)
def test_only_credential_failures_renew_credentials(error: Exception, *, renewed: bool) -> None:
    assert needs_new_credentials(error) is renewed
