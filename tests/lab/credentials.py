"""What a client needs to speak to a lab, from the environment that the lab printed."""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def keys_of(env: Mapping[str, str], **more: Any) -> Any:
    """Returns the arguments of `boto3.client`, with `more` added or in their place."""
    return {
        "endpoint_url": env["AWS_ENDPOINT_URL"],
        "region_name": env["AWS_REGION"],
        "aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": env.get("AWS_SESSION_TOKEN"),
    } | more


def client_of(env: Mapping[str, str], service: str, **more: Any) -> Any:
    """Returns a boto3 client for the lab; `more` are further arguments or others."""
    session: Any = boto3.Session()
    return session.client(service, **keys_of(env, **more))


def signed_headers(
    env: Mapping[str, str],
    service: str,
    body: str = "",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/",
) -> dict[str, str]:
    """Returns the headers of a request to the lab, signed by botocore."""
    credentials = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN"))
    request = AWSRequest(method, env["AWS_ENDPOINT_URL"] + path, dict(headers or {}), body.encode())
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(credentials, service, env["AWS_REGION"]).add_auth(request)
    return dict(request.headers.items())
