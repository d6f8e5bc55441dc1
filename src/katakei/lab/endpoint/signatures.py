"""Verification of AWS signatures: Signature Version 4 in a header or a URL, and Version 2 in the URL of an S3 object.

Written from AWS's documentation ("Create a signed AWS API request", "Authenticating Requests: Using Query Parameters",
"Signing and authenticating REST requests"), not from botocore, so that a misunderstanding in one of them shows. Version
2 is here because boto3 signs presigned S3 URLs with it by default.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from urllib.parse import quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)
LONGEST_URL = timedelta(days=7)
UNSIGNED_PAYLOADS = ("UNSIGNED-PAYLOAD", "STREAMING-")
"""What S3 accepts instead of the hash of a body. Every chunk of some of them has a signature, which is not checked."""
SUBRESOURCES = re.compile(
    r"accelerate|acl|analytics|cors|defaultObjectAcl|delete|inventory|lifecycle|location|logging|metrics|notification"
    r"|object-lock|partNumber|policy|replication|requestPayment|response-[a-z-]+|restore|select|select-type"
    r"|storageClass|tagging|torrent|uploadId|uploads|versionId|versioning|versions|website"
)
"""Query parameters that Version 2 signs."""


class Problem(Enum):
    """Why a request is not accepted."""

    MISSING = auto()
    MALFORMED = auto()
    UNKNOWN_KEY = auto()
    INVALID_TOKEN = auto()
    EXPIRED_TOKEN = auto()
    SKEWED = auto()
    EXPIRED_URL = auto()
    MISMATCH = auto()
    OTHER_BODY = auto()


class SignatureError(Exception):
    """A request without a valid signature."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.name)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it came over the wire. `target` holds path and query; header names are in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the query, decoded. A plus sign is a plus sign, as in every AWS signature."""
        parts = (pair.partition("=") for pair in self.target.partition("?")[2].split("&") if pair)
        return tuple((unquote(name), unquote(value)) for name, _, value in parts)

    def header(self, name: str) -> str | None:
        """Returns the value of a header, or all its values with commas between them."""
        found = [" ".join(value.split()) for other, value in self.headers if other == name]
        return ",".join(found) if found else None


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A secret access key, the account that it belongs to, and its session's token and end if it is temporary."""

    secret: str = field(repr=False)
    account: str
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says about its own signature.

    Attributes:
        access_key: the id of the key.
        scope: (date, region, service) of Version 4; empty in Version 2.
        at: when it was signed; in Version 2, when it expires.
        lifetime: how long a presigned URL of Version 4 is valid.
        signed: names of the signed headers.
        hexdigest: the signature itself.
    """

    access_key: str
    scope: tuple[str, str, str]
    at: datetime
    hexdigest: str
    signed: tuple[str, ...] = ()
    token: str | None = None
    lifetime: timedelta | None = None
    in_query: bool = False
    version_2: bool = False

    @property
    def region(self) -> str:
        """The region of the call."""
        return self.scope[1]

    @property
    def service(self) -> str:
        """The signing name of the service."""
        return self.scope[2]


def read_signature(request: RawRequest) -> Signature:
    """Read the signature of a request without checking it.

    Raises:
        SignatureError: there is none, or it cannot be read.
    """
    query = dict(request.query)
    authorization = request.header("authorization")
    try:
        if authorization is not None:
            return _in_header(request, authorization)
        if "X-Amz-Algorithm" in query:
            return _in_query(query)
        if {"AWSAccessKeyId", "Signature", "Expires"} <= query.keys():
            return _version_2(request, query)
    except (ValueError, OverflowError, OSError, KeyError, TypeError) as error:
        raise SignatureError(Problem.MALFORMED) from error
    raise SignatureError(Problem.MISSING)


def _in_header(request: RawRequest, authorization: str) -> Signature:
    algorithm, _, rest = authorization.partition(" ")
    fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", rest))
    date = request.header("x-amz-date")
    at = _moment(date) if date is not None else parsedate_to_datetime(request.header("date") or "").astimezone(UTC)
    access_key, scope = _credential(algorithm, fields["Credential"])
    signed = tuple(fields["SignedHeaders"].split(";"))
    return Signature(access_key, scope, at, fields["Signature"], signed, request.header("x-amz-security-token"))


def _in_query(query: Mapping[str, str]) -> Signature:
    access_key, scope = _credential(query["X-Amz-Algorithm"], query["X-Amz-Credential"])
    lifetime = timedelta(seconds=int(query["X-Amz-Expires"]))
    if not timedelta(0) < lifetime <= LONGEST_URL:
        raise ValueError(query["X-Amz-Expires"])
    return Signature(
        access_key,
        scope,
        _moment(query["X-Amz-Date"]),
        query["X-Amz-Signature"],
        tuple(query["X-Amz-SignedHeaders"].split(";")),
        query.get("X-Amz-Security-Token"),
        lifetime,
        in_query=True,
    )


def _version_2(request: RawRequest, query: Mapping[str, str]) -> Signature:
    at = datetime.fromtimestamp(int(query["Expires"]), UTC)
    token = query.get("x-amz-security-token") or request.header("x-amz-security-token")
    scope, signature = ("", "", "s3"), query["Signature"]
    return Signature(query["AWSAccessKeyId"], scope, at, signature, token=token, in_query=True, version_2=True)


def _credential(algorithm: str, credential: str) -> tuple[str, tuple[str, str, str]]:
    access_key, date, region, service, end = credential.rsplit("/", 4)
    if algorithm != ALGORITHM or end != "aws4_request":
        raise ValueError(algorithm)
    return access_key, (date, region, service)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def verify(request: RawRequest, signature: Signature, key: SecretKey | None, payload: str, now: datetime) -> None:
    """Check a signature against the key that it names.

    Args:
        key: the key with the id that the request names; None if there is no such key.
        payload: hash of the body, or the text that stands for it (`claimed_payload`).

    Raises:
        SignatureError: the request was not signed with this key, or not for this moment.
    """
    if key is None:
        raise SignatureError(Problem.UNKNOWN_KEY)
    if signature.version_2:
        expected = _expected_2(request, signature, key.secret)
    else:
        _check_headers(request, signature)
        expected = _expected_4(request, signature, key.secret, payload)
    if not _same(expected, signature.hexdigest):
        raise SignatureError(Problem.MISMATCH)
    _check_time(signature, now)
    if not _same(key.token or "", signature.token or ""):
        raise SignatureError(Problem.INVALID_TOKEN)
    if key.expires is not None and now >= key.expires:
        raise SignatureError(Problem.EXPIRED_TOKEN)


def _same(expected: str, given: str) -> bool:
    """Compare in a time that does not depend on where the texts differ."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))


def _check_time(signature: Signature, now: datetime) -> None:
    if signature.version_2:
        if now >= signature.at:
            raise SignatureError(Problem.EXPIRED_URL)
        return
    if signature.scope[0] != signature.at.strftime("%Y%m%d"):
        raise SignatureError(Problem.MALFORMED)
    if signature.lifetime is not None and now >= signature.at + signature.lifetime:
        raise SignatureError(Problem.EXPIRED_URL)
    if signature.at > now + SKEW or (signature.lifetime is None and signature.at < now - SKEW):
        raise SignatureError(Problem.SKEWED)


def _check_headers(request: RawRequest, signature: Signature) -> None:
    """Require that the host and every `x-amz-` header are signed: they change what a call means."""
    important = {name for name, _ in request.headers if name == "host" or name.startswith("x-amz-")}
    if not important <= set(signature.signed) or any(request.header(name) is None for name in signature.signed):
        raise SignatureError(Problem.MISMATCH)


def claimed_payload(request: RawRequest, signature: Signature) -> str | None:
    """Returns what S3 signs for the body: a hash, or a text that says that it is not hashed.

    None for every other service, which hashes the body itself.
    """
    if signature.service != "s3" or signature.version_2:
        return None
    query = dict(request.query).get("X-Amz-Content-Sha256")
    claimed = request.header("x-amz-content-sha256") or query or (UNSIGNED_PAYLOADS[0] if signature.in_query else None)
    if claimed is None:
        raise SignatureError(Problem.MALFORMED)
    return claimed


def _expected_4(request: RawRequest, signature: Signature, secret: str, payload: str) -> str:
    date, region, service = signature.scope
    stamp = signature.at.strftime("%Y%m%dT%H%M%SZ")
    canonical = hashlib.sha256(_canonical_request(request, signature, payload).encode()).hexdigest()
    to_sign = "\n".join((ALGORITHM, stamp, f"{date}/{region}/{service}/aws4_request", canonical))
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def _canonical_request(request: RawRequest, signature: Signature, payload: str) -> str:
    path = "/".join(_encoded(unquote(segment)) for segment in request.path.split("/"))
    if signature.service != "s3":  # S3 alone takes the path as it is; every other service encodes it once more
        path = _encoded(path, "/")
    pairs = ((_encoded(name), _encoded(value)) for name, value in request.query if name != "X-Amz-Signature")
    query = "&".join(f"{name}={value}" for name, value in sorted(pairs))
    names = sorted(signature.signed)
    headers = "".join(f"{name}:{request.header(name)}\n" for name in names)
    return "\n".join((request.method, path or "/", query, headers, ";".join(names), payload))


def _encoded(text: str, safe: str = "") -> str:
    return quote(text, safe=f"{safe}-_.~")


def _expected_2(request: RawRequest, signature: Signature, secret: str) -> str:
    """Compute the signature of a presigned URL of Version 2. boto3 moves headers into the URL, where S3 reads them."""
    given = {name.lower(): value for name, value in request.query if name.lower() not in {"signature", "expires"}}
    standard = [request.header(name) or given.get(name, "") for name in ("content-md5", "content-type")]
    amazon = sorted(
        {name: request.header(name) or given.get(name, "") for name in _amazon_names(request, given)}.items()
    )
    resources = sorted(_signed_resources(request))
    resource = request.path + ("?" if resources else "") + "&".join(resources)
    expires = str(int(signature.at.timestamp()))
    to_sign = "\n".join((request.method, *standard, expires, *(f"{n}:{v}" for n, v in amazon), resource))
    return base64.b64encode(hmac.digest(secret.encode(), to_sign.encode(), "sha1")).decode()


def _amazon_names(request: RawRequest, given: Mapping[str, str]) -> set[str]:
    return {name for name in (*(name for name, _ in request.headers), *given) if name.startswith("x-amz-")}


def _signed_resources(request: RawRequest) -> Iterator[str]:
    for pair in request.target.partition("?")[2].split("&"):
        name, equals, value = pair.partition("=")
        if SUBRESOURCES.fullmatch(name):
            yield f"{name}{equals}{unquote(value)}"
