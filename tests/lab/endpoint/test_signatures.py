"""Who may command the lab: signatures of every kind, by AWS's published examples and by botocore."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lab.credentials import client_of, signed_headers
from tests.lab.elb_harness import RunningElb, running_elb

from katakei.lab import clock
from katakei.lab.endpoint import signatures
from katakei.lab.endpoint.signatures import Problem, RawRequest, SecretKey, SignatureError, read_signature, verify

ONCE: Any = {"retries": {"total_max_attempts": 1}}
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
GROUPS = "Action=DescribeTargetGroups&Version=2015-12-01"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
KEYS = ("katakei/x", "a b+c/é~*'()!$&,:;=@", "..%2F/%41", "x//y")

# --- AWS's published examples -----------------------------------------------------------------------------------------

IAM = RawRequest(
    "GET",
    "/?Action=ListUsers&Version=2010-05-08",
    (
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("host", "iam.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
        (
            "authorization",
            (
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request,"
                " SignedHeaders=content-type;host;x-amz-date,"
                " Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
            ),
        ),
    ),
)
GET_OBJECT = RawRequest(
    "GET",
    "/test.txt",
    (
        ("host", "examplebucket.s3.amazonaws.com"),
        ("range", "bytes=0-9"),
        ("x-amz-content-sha256", EMPTY),
        ("x-amz-date", "20130524T000000Z"),
        (
            "authorization",
            (
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            ),
        ),
    ),
)
URL = RawRequest(
    "GET",
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
    "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    (("host", "examplebucket.s3.amazonaws.com"),),
)
EXAMPLES = {
    "iam": (IAM, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", datetime(2015, 8, 30, 12, 36, tzinfo=UTC)),
    "s3": (GET_OBJECT, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", datetime(2013, 5, 24, tzinfo=UTC)),
    "s3 url": (URL, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", datetime(2013, 5, 24, 20, tzinfo=UTC)),
}
each_example = pytest.mark.parametrize("name", EXAMPLES)


def checked(request: RawRequest, secret: str, now: datetime) -> Problem | None:
    try:
        signature = read_signature(request)
        payload = signatures.claimed_payload(request, signature) or EMPTY
        verify(request, signature, SecretKey(secret, "1"), payload, now)
    except SignatureError as error:
        return error.problem
    return None


@each_example
def test_published_example_is_accepted(name: str) -> None:
    assert checked(*EXAMPLES[name]) is None


@each_example
def test_published_example_is_refused_when_changed(name: str) -> None:
    request, secret, now = EXAMPLES[name]
    for changed in (
        RawRequest("PUT", request.target, request.headers),
        RawRequest(request.method, request.target.replace("t", "T", 1), request.headers),
        RawRequest(request.method, f"{request.path}?x=1&{request.target.partition('?')[2]}", request.headers),
        RawRequest(request.method, request.target, (*request.headers, ("host", "other"))),
        RawRequest(request.method, request.target, (*request.headers, ("x-amz-acl", "public-read"))),
        RawRequest(request.method, request.target, tuple(h for h in request.headers if h[0] != "host")),
    ):
        assert checked(changed, secret, now) is not None, changed
    assert checked(request, f"{secret}x", now) is Problem.MISMATCH


@each_example
def test_published_example_is_refused_at_another_time(name: str) -> None:
    request, secret, now = EXAMPLES[name]
    limit = timedelta(hours=4) if name == "s3 url" else timedelta(minutes=15, seconds=1)
    problem = Problem.EXPIRED_URL if name == "s3 url" else Problem.SKEWED
    assert checked(request, secret, now + limit) is problem
    early = timedelta(hours=20, minutes=15) if name == "s3 url" else timedelta(minutes=15)
    assert checked(request, secret, now - early) is None
    assert checked(request, secret, now - early - timedelta(seconds=1)) is Problem.SKEWED


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/?X-Amz-Algorithm=AWS4-HMAC-SHA256",
        URL.target.replace("86400", "604801"),
        URL.target.replace("86400", "0"),
        URL.target.replace("86400", "9" * 40),
        URL.target.replace("20130524T000000Z", "yesterday"),
        URL.target.replace("aws4_request", "aws5_request"),
        "/x?AWSAccessKeyId=a&Signature=b&Expires=never",
        f"/x?AWSAccessKeyId=a&Signature=b&Expires={'9' * 40}",
    ],
)
def test_unreadable_signature_is_refused(target: str) -> None:
    request = RawRequest("GET", target, URL.headers)
    assert checked(request, "secret", EXAMPLES["s3 url"][2]) in {Problem.MISSING, Problem.MALFORMED}


WORDS = st.sampled_from([*"0123456789TZ/,;=?& -", *(part for part in URL.target.replace("&", "?&").split("?") if part)])
TEXTS = st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map("".join))


@given(TEXTS, TEXTS, TEXTS, st.dictionaries(st.sampled_from(["date", "x-amz-date", "host"]), TEXTS))
@settings(max_examples=300, deadline=None)
def test_nonsense_is_refused_without_a_crash(query: str, authorization: str, tail: str, named: dict[str, str]) -> None:
    headers = (*named.items(), ("authorization", f"AWS4-HMAC-SHA256 {authorization} Signature={tail}"))
    for given_headers in (tuple(named.items()), headers):
        request = RawRequest("GET", f"/?{query}", given_headers)
        assert checked(request, "secret", EXAMPLES["iam"][2]) is not None


# --- the endpoint -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aws() -> Iterator[RunningElb]:
    with running_elb(timedelta(0)) as aws:
        bucket = client_of(aws.env, "s3")
        bucket.create_bucket(Bucket="signed", CreateBucketConfiguration={"LocationConstraint": aws.env["AWS_REGION"]})
        yield aws


def send(
    aws: RunningElb, method: str, path: str, body: str | bytes = "", headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint.url).netloc, timeout=5)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def refusal(aws: RunningElb, service: str, env: Mapping[str, str]) -> tuple[int, str]:
    client = client_of(env, service, config=Config(**ONCE))
    calls = {
        "elbv2": "describe_target_groups",
        "ec2": "describe_instances",
        "ssm": "list_commands",
        "sts": "get_caller_identity",
        "s3": "list_buckets",
    }
    with pytest.raises(ClientError) as caught:
        getattr(client, calls[service])()
    assert aws.lab("calls")[-1]["status"] == caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("service", "unknown", "mismatch", "token"),
    [
        ("elbv2", (403, "InvalidClientTokenId"), (403, "SignatureDoesNotMatch"), (403, "InvalidClientTokenId")),
        ("sts", (403, "InvalidClientTokenId"), (403, "SignatureDoesNotMatch"), (403, "InvalidClientTokenId")),
        ("ec2", (401, "AuthFailure"), (401, "AuthFailure"), (401, "AuthFailure")),
        ("s3", (403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch"), (400, "InvalidToken")),
        (
            "ssm",
            (400, "UnrecognizedClientException"),
            (400, "InvalidSignatureException"),
            (400, "UnrecognizedClientException"),
        ),
    ],
)
def test_made_up_keys_get_each_services_error(
    aws: RunningElb, service: str, unknown: tuple[int, str], mismatch: tuple[int, str], token: tuple[int, str]
) -> None:
    assert refusal(aws, service, aws.env | {"AWS_ACCESS_KEY_ID": "lab"}) == unknown
    assert refusal(aws, service, aws.env | {"AWS_SECRET_ACCESS_KEY": "lab"}) == mismatch
    assert refusal(aws, service, aws.env | {"AWS_SESSION_TOKEN": "made up"}) == token


def test_unsigned_requests_are_refused_whatever_they_ask(aws: RunningElb) -> None:
    role = "RoleArn=arn:aws:iam::123456789012:role/x&RoleSessionName=x&WebIdentityToken=t"
    for method, path, body in (
        ("POST", "/", GROUPS),
        ("GET", f"/?{GROUPS}", ""),
        ("POST", "/", f"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&{role}"),
        ("GET", "/signed", ""),
        ("PUT", "/signed/key", "body"),
        ("POST", "/moto-api/reset", ""),
        ("GET", "/moto-api/data.json", ""),
        ("GET", "/latest/meta-data/iam/security-credentials/x", ""),
        ("GET", "/favicon.ico", ""),
    ):
        assert send(aws, method, path, body, FORM)[0] == 403, path
    target = {"X-Amz-Target": "AmazonSSM.SendCommand", "Content-Type": "application/x-amz-json-1.1"}
    status, told = send(aws, "POST", "/", "{}", target)
    assert (status, json.loads(told)["__type"]) == (400, "MissingAuthenticationTokenException")


def test_skewed_clock_is_refused(aws: RunningElb, monkeypatch: pytest.MonkeyPatch) -> None:
    for minutes, status in ((-16, 403), (16, 403), (-14, 200), (14, 200)):
        at = clock.now() + timedelta(minutes=minutes)
        with monkeypatch.context() as patch:
            patch.setattr(botocore.auth, "get_current_datetime", lambda at=at: at.replace(tzinfo=None))
            headers = signed_headers(aws.env, "elasticloadbalancing", GROUPS, FORM)
        assert send(aws, "POST", "/", GROUPS, headers)[0] == status, minutes


def test_signature_covers_body_and_amazon_headers(aws: RunningElb) -> None:
    headers = signed_headers(aws.env, "elasticloadbalancing", GROUPS, FORM)
    assert send(aws, "POST", "/", GROUPS, headers)[0] == 200
    assert send(aws, "POST", "/", GROUPS.replace("Groups", "Health"), headers)[0] == 403
    assert send(aws, "POST", "/", GROUPS, headers | {"X-Amz-Target": "AmazonSSM.SendCommand"})[0] == 403

    headers = signed_headers(aws.env, "s3", "body", method="PUT", path="/signed/covered")
    status, told = send(aws, "PUT", "/signed/covered", "evil", headers)
    assert (status, "XAmzContentSHA256Mismatch" in told) == (400, True)
    assert send(aws, "PUT", "/signed/covered", "body", headers | {"x-amz-acl": "public-read"})[0] == 403
    assert send(aws, "PUT", "/signed/covered", "body", headers)[0] == 200


def test_scope_of_another_service_is_refused(aws: RunningElb) -> None:
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    headers = signed_headers(aws.env, "elasticloadbalancing", GROUPS, FORM | unsigned)
    assert send(aws, "POST", "/", GROUPS, headers)[0] == 403


# --- what has to go on working ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_object_keys_with_any_characters_are_signed_alike(aws: RunningElb, key: str) -> None:
    s3 = client_of(aws.env, "s3")
    s3.put_object(Bucket="signed", Key=key, Body=b"body", Metadata={"under_score": " a  b "})
    assert s3.get_object(Bucket="signed", Key=key)["Body"].read() == b"body"
    listed = s3.list_objects_v2(Bucket="signed", Prefix=key, Delimiter="\\")["Contents"]
    assert [one["Key"] for one in listed] == [key]


@pytest.mark.parametrize("version", [None, "s3v4", "s3"])
@pytest.mark.parametrize("key", ["x", *KEYS[1:2]])
def test_presigned_urls_work_and_end(
    aws: RunningElb, monkeypatch: pytest.MonkeyPatch, version: str | None, key: str
) -> None:
    s3 = client_of(aws.env, "s3", config=Config(signature_version=version))
    place = {"Bucket": "signed", "Key": key}
    put = s3.generate_presigned_url("put_object", place)
    asked = urllib.request.Request(put, b"uploaded", {"Content-Type": ""}, method="PUT")  # noqa: S310 - the lab
    with urllib.request.urlopen(asked, timeout=5):  # noqa: S310 - the lab
        pass
    get = s3.generate_presigned_url("get_object", place | {"ResponseContentType": "text/x+y"}, ExpiresIn=60)
    with urllib.request.urlopen(get, timeout=5) as answer:  # noqa: S310 - the lab
        assert answer.read() == b"uploaded"
    later = clock.now() + timedelta(seconds=60)
    monkeypatch.setattr("katakei.lab.endpoint.authentication.clock.now", lambda: later)
    for url in (get, get.replace("Signature=", "Signature=0")):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 - the lab


def test_presigned_identity_reaches_sts(aws: RunningElb) -> None:
    sts = client_of(aws.env, "sts")
    url = sts.generate_presigned_url("get_caller_identity", HttpMethod="GET")
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the lab
        assert b"<Account>123456789012</Account>" in answer.read()


def test_body_that_cannot_be_read_is_refused(aws: RunningElb) -> None:
    headers = signed_headers(aws.env, "elasticloadbalancing", GROUPS, FORM)
    key = {"X-Katakei-Lab-Key": aws.env["KATAKEI_LAB_KEY"]}
    for path, more, status in (("/", headers, 400), ("/_lab/faults", key, 413)):
        chunks = dict(more) | {"Transfer-Encoding": "chunked"}
        assert send(aws, "POST", path, "no chunk\r\n", chunks)[0] == status
        huge = {name: value for name, value in more.items() if name.lower() != "content-length"}
        assert send(aws, "POST", path, "x", huge | {"Content-Length": str(2**40)})[0] == status


def test_chunked_and_streamed_uploads_work(aws: RunningElb) -> None:
    s3 = client_of(aws.env, "s3")
    streamed = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x-amz-decoded-content-length": "5"}
    headers = signed_streaming(aws.env, "/signed/streamed", streamed | {"Content-Encoding": "aws-chunked"})
    body = f"5;chunk-signature={'0' * 64}\r\nhello\r\n0;chunk-signature={'0' * 64}\r\n\r\n"
    assert send(aws, "PUT", "/signed/streamed", body, headers)[0] == 200
    assert s3.get_object(Bucket="signed", Key="streamed")["Body"].read() == b"hello"

    headers = signed_headers(aws.env, "s3", "in two parts", method="PUT", path="/signed/chunked")
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint.url).netloc, timeout=5)
    connection.request("PUT", "/signed/chunked", iter([b"in two", b" parts"]), headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()
    assert s3.get_object(Bucket="signed", Key="chunked")["Body"].read() == b"in two parts"


def signed_streaming(env: Mapping[str, str], path: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Headers whose payload hash is the given text: the generic signer of botocore takes what is there."""
    signer = botocore.auth.SigV4Auth
    request = botocore.awsrequest.AWSRequest("PUT", env["AWS_ENDPOINT_URL"] + path, dict(headers))
    keys = botocore.credentials.Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    signer(keys, "s3", env["AWS_REGION"]).add_auth(request)
    return dict(request.headers.items())


# --- keys that the lab issues -----------------------------------------------------------------------------------------


def temporary(env: Mapping[str, str], credentials: Mapping[str, Any]) -> dict[str, str]:
    return dict(env) | {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def issued(aws: RunningElb, how: str) -> dict[str, str]:
    sts = client_of(aws.env, "sts")
    mfa = {"SerialNumber": "arn:aws:iam::123456789012:mfa/kim", "TokenCode": "123456"}
    if how == "session":
        return temporary(aws.env, sts.get_session_token(DurationSeconds=900, **mfa)["Credentials"])
    if how == "federation":
        return temporary(aws.env, sts.get_federation_token(Name="kim", DurationSeconds=900)["Credentials"])
    role = "arn:aws:iam::222233334444:role/deploy"
    return temporary(aws.env, sts.assume_role(RoleArn=role, RoleSessionName="kim", **mfa)["Credentials"])


def identity(env: Mapping[str, str]) -> str:
    sts = client_of(env, "sts", config=Config(**ONCE))
    return str(sts.get_caller_identity()["Account"])


@pytest.mark.parametrize(
    ("how", "account"), [("session", "123456789012"), ("federation", "123456789012"), ("role", "222233334444")]
)
def test_issued_keys_work_with_their_token_until_they_expire(
    aws: RunningElb, monkeypatch: pytest.MonkeyPatch, how: str, account: str
) -> None:
    env = issued(aws, how)
    assert identity(env) == account
    again = issued(aws, how)
    assert env["AWS_ACCESS_KEY_ID"] != again["AWS_ACCESS_KEY_ID"]
    without = {name: value for name, value in env.items() if name != "AWS_SESSION_TOKEN"}
    for wrong in (without, env | {"AWS_SESSION_TOKEN": again["AWS_SESSION_TOKEN"]}):
        assert refusal(aws, "sts", wrong) == (403, "InvalidClientTokenId")

    later = clock.now() + timedelta(hours=1, minutes=1)
    monkeypatch.setattr("katakei.lab.endpoint.authentication.clock.now", lambda: later)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: later.replace(tzinfo=None))
    assert refusal(aws, "sts", env) == (403, "ExpiredToken")


def test_keys_of_iam_users_work_until_they_are_deactivated(aws: RunningElb) -> None:
    iam = client_of(aws.env, "iam")
    iam.create_user(UserName="kim")
    made = iam.create_access_key(UserName="kim")["AccessKey"]
    env = aws.env | {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}
    assert identity(env) == "123456789012"
    iam.update_access_key(UserName="kim", AccessKeyId=made["AccessKeyId"], Status="Inactive")
    assert refusal(aws, "sts", env) == (403, "InvalidClientTokenId")


def test_every_lab_has_a_key_of_its_own(aws: RunningElb) -> None:
    with running_elb(timedelta(0)) as other:
        assert len({*aws.endpoint.key.secret, *other.endpoint.key.secret}) > 16
        assert aws.endpoint.key.id != other.endpoint.key.id
        mine = aws.env | {"AWS_ENDPOINT_URL": other.endpoint.url}
        assert refusal(other, "elbv2", mine) == (403, "InvalidClientTokenId")
