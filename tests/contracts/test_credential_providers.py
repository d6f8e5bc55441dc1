"""Each credential provider of botocore, made to fail by real files, programs and endpoints: the error names it."""

import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider
from botocore.utils import ContainerMetadataFetcher
from tests.contracts.fake_endpoint import Endpoint, endpoint, refusal

from katakei.adapters.aws import ELB, AwsSession
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import ExitCode, KatakeiError

REGION = "ap-northeast-1"
KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
ROLE = "arn:aws:iam::123456789012:role/deploy"
SSO = {"sso_account_id": "123456789012", "sso_role_name": "deploy"}
SESSION = {"sso_start_url": "https://example.awsapps.com/start", "sso_region": REGION}
STALE = {"accessToken": "token", "expiresAt": "2020-01-01T00:00:00Z"}
FRESH = {"accessToken": "token", "expiresAt": "2090-01-01T00:00:00Z", **SESSION}
DENIED = refusal("AccessDenied", "not authorized to assume it")


@dataclass
class Place:
    """Where a test puts its files, and the loopback endpoint.

    Attributes:
        folder: a folder of the test's own.
        aws: the endpoint of STS and the load balancer.
        nobody: a URL on loopback where nothing listens.

    """

    folder: Path
    aws: Endpoint
    nobody: str

    def program(self, script: str) -> str:
        """Writes a program for `credential_process`."""
        path = self.folder / "program"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    def token(self, name: str, token: Mapping[str, str]) -> None:
        """Writes a token of single sign-on into botocore's cache."""
        digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        (self.folder / f"{digest}.json").write_text(json.dumps(token))

    def refuses(self) -> None:
        """Makes STS refuse every request."""
        self.aws.status, self.aws.body, self.aws.roles = 403, DENIED, False


@dataclass(frozen=True)
class Case:
    """One fault of one provider.

    Attributes:
        name: the fault.
        said: parts of the sentence.
        config: the AWS config file, section by section.
        credentials: the shared credentials file.
        env: variables of the environment.
        prepare: what else is needed; its answer adds to the profile `deploy`.

    """

    name: str
    said: tuple[str, ...]
    config: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    credentials: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Place], Mapping[str, str] | None] = lambda _place: None


def process(name: str, said: str, script: str) -> Case:
    """A fault of a `credential_process`."""
    named = ("the credential_process of profile deploy gave no credentials", said, "run that program by hand")
    return Case(name, named, prepare=lambda place: {"credential_process": place.program(script)})


def role(name: str, *said: str, **more: str) -> Case:
    """A fault of an assumed role."""
    named = ("the role of profile deploy gave no credentials", *said)
    return Case(name, named, {"profile deploy": {"role_arn": ROLE, **more}})


def refused_role(place: Place) -> Mapping[str, str]:
    place.refuses()
    return {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}


def refused_token(place: Place) -> Mapping[str, str]:
    place.refuses()
    token = place.folder / "token"
    token.write_text("token")
    return {"web_identity_token_file": str(token)}


def answers_page(place: Place) -> None:
    place.aws.status, place.aws.body = 502, "<!DOCTYPE html>\n<html>" + 200 * "<p>Bad Gateway</p>"


CASES = (
    Case("half of the environment", ("the environment gave", "SECRET"), env={"AWS_ACCESS_KEY_ID": "key"}),
    Case(
        "half of the credentials file",
        ("profile deploy in the credentials file gave", "aws_secret_access_key"),
        credentials={"deploy": {"aws_access_key_id": "key"}},
    ),
    Case(
        "half of the config file",
        ("profile deploy in the config file gave", "aws_secret_access_key"),
        {"profile deploy": {"aws_access_key_id": "key"}},
    ),
    process("process fails", "(sign on, please: line 2)", "echo sign on, please: >&2; echo line 2 >&2; exit 1"),
    process("process is silent", "CredentialRetrievalError", "exit 1"),
    process("process prints a page", "(Expecting value", "echo '<html>sign on</html>'"),
    process("process prints a list", "'list' object", "echo '[1]'"),
    process("process prints another version", "Unsupported version '9'", """echo '{"Version": 9}'"""),
    process("process prints no key", "AccessKeyId", """echo '{"Version": 1}'"""),
    process(
        "process prints numbers", "not text", """echo '{"Version": 1, "AccessKeyId": 1, "SecretAccessKey": null}'"""
    ),
    process(
        "process prints a wrong date",
        "someday",
        "echo '{" + '"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "someday"' + "}'",
    ),
    process("process floods", "xxx …)", "head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1"),
    process("process beeps", "(red\\x07)", "printf '\\033[31mred\\a\\n' >&2; exit 1"),
    Case(
        "process is missing",
        ("credential_process of profile deploy", "No such file"),
        {"profile deploy": {"credential_process": "/nowhere/program"}},
    ),
    Case(
        "process has an open quote",
        ("credential_process of profile deploy", "No closing quotation"),
        {"profile deploy": {"credential_process": "'/bin/true"}},
    ),
    Case(
        "never signed on",
        ("the single sign-on of profile deploy gave", "`aws sso login --profile deploy`"),
        {"profile deploy": {**SSO, "sso_session": "work"}, "sso-session work": SESSION},
    ),
    Case(
        "sign-on expired",
        ("the single sign-on of profile deploy gave", "expired", "`aws sso login --profile deploy`"),
        {"profile deploy": {**SSO, **SESSION}},
        prepare=lambda place: place.token(SESSION["sso_start_url"], STALE),
    ),
    Case(
        "sign-on session unknown",
        ("the single sign-on of profile deploy gave", "does not exist", "correct that profile"),
        {"profile deploy": {**SSO, "sso_session": "nosuch"}},
    ),
    Case(
        "sign-on unreachable",
        ("the single sign-on of profile deploy gave", "Could not connect", "check the network"),
        {"profile deploy": {**SSO, **SESSION}},
        env={"AWS_ENDPOINT_URL_SSO": "NOBODY"},
        prepare=lambda place: place.token(SESSION["sso_start_url"], FRESH),
    ),
    Case(
        "web identity token missing",
        ("the web identity token of profile default gave", "No such file", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        env={"AWS_PROFILE": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token", "AWS_ROLE_ARN": ROLE},
    ),
    Case(
        "web identity without role",
        ("the web identity token of profile default gave", "role_arn"),
        env={"AWS_PROFILE": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token"},
    ),
    Case(
        "web identity refused",
        ("the web identity token of profile deploy gave", "not authorized to assume it"),
        {"profile deploy": {"role_arn": ROLE}},
        prepare=refused_token,
    ),
    role("role without source", "source_profile"),
    role("role with unknown source", '"nosuch" ', source_profile="nosuch"),
    role("role with unknown kind of source", "Nonsense", credential_source="Nonsense"),
    role("role from nothing", "", credential_source="Environment"),
    Case(
        "source of role fails",
        ("the role of profile deploy gave", "custom-process", "sign on first"),
        {"profile deploy": {"role_arn": ROLE, "source_profile": "source"}},
        prepare=lambda place: {
            "SECTION": "profile source",
            "credential_process": place.program("echo sign on first >&2; exit 1"),
        },
    ),
    Case(
        "role refused",
        ("the role of profile deploy gave", "AssumeRole", "not authorized to assume it"),
        {"profile deploy": {"role_arn": ROLE, "source_profile": "deploy"}},
        prepare=refused_role,
    ),
    Case(
        "STS unreachable",
        ("the role of profile deploy gave", "Could not connect", "check the network"),
        {"profile deploy": {"role_arn": ROLE, "source_profile": "deploy", **KEYS}},
        env={"AWS_ENDPOINT_URL_STS": "NOBODY"},
    ),
    Case(
        "container refuses",
        ("the container's credentials endpoint gave", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        env={"AWS_PROFILE": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "NOBODY"},
    ),
    Case(
        "container answers nonsense",
        ("the container's credentials endpoint gave", "Unable to parse JSON"),
        env={"AWS_PROFILE": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "ENDPOINT"},
    ),
    Case(
        "container answers a page",
        ("the container's credentials endpoint gave", "non 200 response 502", "metadata: (a page of HTML))"),
        env={"AWS_PROFILE": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "ENDPOINT"},
        prepare=answers_page,
    ),
    Case(
        "container elsewhere",
        ("the container's credentials endpoint gave", "Unsupported host"),
        env={"AWS_PROFILE": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/"},
    ),
    Case(
        "container token missing",
        ("the container's credentials endpoint gave", "No such file"),
        env={
            "AWS_PROFILE": "",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "ENDPOINT",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere/token",
        },
    ),
    Case(
        "metadata off",
        ("Unable to locate credentials", "profile default", "instance metadata service (off: AWS_EC2_METADATA_DIS"),
        env={"AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true"},
    ),
    Case(
        "metadata silent",
        ("Unable to locate credentials", "and the instance metadata service;"),
        env={"AWS_PROFILE": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "NOBODY"},
    ),
    Case(
        "metadata elsewhere",
        ("the instance metadata service (IMDS) gave", "not a url"),
        env={"AWS_PROFILE": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "not a url"},
    ),
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for provider in (SSOProvider, SSOTokenProvider):  # botocore reads HOME once, when it is imported
        monkeypatch.setattr(provider, next(name for name in vars(provider) if "CACHE_DIR" in name), str(tmp_path))
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    monkeypatch.setenv("AWS_PROFILE", "deploy")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with endpoint() as aws, socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        free.close()
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield Place(tmp_path, aws, url)


def write(path: Path, sections: Mapping[str, Mapping[str, str]]) -> str:
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) for name, keys in sections.items()
    ]
    path.write_text("\n".join(lines))
    return str(path)


@pytest.mark.parametrize("given", CASES, ids=lambda given: given.name)
def test_failed_provider_is_named(given: Case, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    added = dict(given.prepare(place) or {})
    config = {"profile deploy": {"region": REGION}, **given.config}
    section = added.pop("SECTION", "profile deploy")
    config[section] = {**config.get(section, {}), **added}
    monkeypatch.setenv("AWS_CONFIG_FILE", write(place.folder / "config", config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", write(place.folder / "credentials", given.credentials))
    for name, value in given.env.items():
        monkeypatch.setenv(name, {"NOBODY": place.nobody, "ENDPOINT": place.aws.url}.get(value, value))
    if "AWS_EC2_METADATA_SERVICE_ENDPOINT" in given.env:
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    if not os.environ["AWS_PROFILE"]:
        monkeypatch.delenv("AWS_PROFILE")

    with pytest.raises(KatakeiError) as raised:
        AwsSession(REGION, None, SystemClock()).call(
            ELB, "DescribeTargetGroups", lambda elb: elb.describe_target_groups()
        )

    said = str(raised.value)
    assert raised.value.code is ExitCode.UNREACHABLE
    assert said.startswith("AWS cannot be asked: ")
    assert [part for part in given.said if part not in said] == [], said
    assert "AWS_ENDPOINT_URL" not in said
    assert said.isprintable()
    assert len(said) < 700
    assert [call["Action"] for call in place.aws.heard if call["Action"] == "DescribeTargetGroups"] == []
