"""The schema of a service file: katakei.yml with one more key, `server`, which only a server reads.

`python -m katakei.config.service_schema` prints the JSON Schema for editors.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from katakei.config.defaults import NAME, release
from katakei.config.field_types import Span, Text
from katakei.config.key_meanings import with_meanings
from katakei.config.schema import Settings
from katakei.config.work_schema import Section
from katakei.domain.access import ServicePolicy
from katakei.domain.aws_place import EXTERNAL_ID, REGION, ROLE_ARN, AwsPlace
from katakei.domain.ci_identity import ISSUERS, CiBinding, CiSystem
from katakei.domain.errors import UsageError
from katakei.domain.principals import Act, Role

RELEASE_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}", re.ASCII)
CI_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
ISSUER = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._/-]*[A-Za-z0-9._-])?", re.ASCII)
CiAct = Literal["start", "pause", "resume", "promote", "abort", "retry", "revert"]
"""What a CI job may be allowed beside reading (`RIGHTS`)."""

CI_CLAIMS: Mapping[CiSystem, frozenset[str]] = {
    CiSystem.GITHUB: frozenset(
        {"repository_id", "repository_owner_id", "ref", "ref_protected", "environment", "job_workflow_ref", "workflow"}
    ),
    CiSystem.GITLAB: frozenset({"project_id", "namespace_id", "ref", "ref_protected", "environment", "workflow"}),
}
"""The claims that can be compared (`github_values` and `gitlab_values`). Any other would never match."""
RELEASE_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": f"^{NAME.pattern}$"},
        {
            "type": "object",
            "properties": {"file": {"type": "string", "pattern": f"^{RELEASE_FILE.pattern}$"}},
            "required": ["file"],
            "additionalProperties": False,
        },
    ]
}


def _role(text: str) -> str:
    if not ROLE_ARN.fullmatch(text):
        raise ValueError(f"{text!r} is not the ARN of a role; write arn:aws:iam::123456789012:role/katakei")
    return text


def _external_id(text: str) -> str:
    if not EXTERNAL_ID.fullmatch(text):
        raise ValueError("must be 2 to 1,224 characters of A-Z a-z 0-9 _ + = , . @ : / -")
    return text


def _region(text: str) -> str:
    if not REGION.fullmatch(text):
        raise ValueError(f"{text!r} is not a region; write ap-northeast-1")
    return text


def _ci_name(text: str) -> str:
    if not CI_NAME.fullmatch(text):
        raise ValueError("must be 1 to 64 characters of A-Z a-z 0-9 . _ -")
    return text


def _issuer(text: str) -> str:
    if not ISSUER.fullmatch(text):
        raise ValueError("must be an address like https://gitlab.example.com, without a / at the end")
    return text


def _member(text: str) -> str:
    kind, colon, name = text.partition(":")
    if colon and kind not in {"role", "token", "ci"}:
        raise ValueError(f"{text!r} is neither a name nor role:ROLE, token:NAME or ci:NAME")
    if kind == "role" and colon and name not in set(Role):
        raise ValueError(f"{text!r} names no role; the roles are {', '.join(Role)}")
    if not (name if colon else text).strip() or not text.isprintable():
        raise ValueError("must be a name; an empty list allows everybody with the role")
    return text


@dataclass(frozen=True, slots=True)
class ReleaseSource:
    """The release that is rolled out where a person names none: its name, or the file beside this one that holds it.

    Neither is set where there is no such release.
    """

    name: str = ""
    file: str = ""

    @classmethod
    def read(cls, value: object) -> "ReleaseSource":
        """Reads the value of the key. Raises ValueError."""
        if isinstance(value, str):
            try:
                return cls(name=release(value))
            except UsageError as error:
                raise ValueError(str(error)) from error
        file = value.get("file") if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(file, str) or not RELEASE_FILE.fullmatch(file):
            raise ValueError("must be a release in quotes, or {file: NAME} of a file in the same folder")
        return cls(file=file)


class Aws(Section):
    """The AWS account and region: a profile of the server's AWS configuration, a role to assume, or both."""

    profile: Text | None = None
    role_arn: Annotated[str, AfterValidator(_role)] | None = None
    external_id: Annotated[str, AfterValidator(_external_id)] | None = None
    region: Annotated[str, AfterValidator(_region)] | None = None

    @model_validator(mode="after")
    def _external_id_needs_a_role(self) -> Self:
        if self.external_id and not self.role_arn:
            raise ValueError("external_id has an effect only with role_arn; add role_arn or remove it")
        return self

    def to_domain(self) -> AwsPlace:
        """The same as a value of the domain."""
        return AwsPlace(self.profile, self.role_arn, self.external_id, self.region)


def _only_start() -> list[CiAct]:
    return ["start"]


class CiJob(Section):
    """CI jobs that may use the service with the OpenID Connect token of their CI system."""

    name: Annotated[str, AfterValidator(_ci_name)]
    system: Literal["github", "gitlab"]
    issuer: Annotated[str, AfterValidator(_issuer)] | None = None
    claims: dict[str, Text]
    acts: Annotated[list[CiAct], Field(min_length=1)] = Field(default_factory=_only_start)
    lifetime: Span = Field(default="1h", validate_default=True)

    @model_validator(mode="after")
    def _valid_binding(self) -> Self:
        self.to_domain()
        return self

    def to_domain(self) -> CiBinding:
        """The same as a value of the domain. Raises ValueError."""
        system = CiSystem(self.system)
        if unknown := sorted(set(self.claims) - CI_CLAIMS[system]):
            known = ", ".join(sorted(CI_CLAIMS[system]))
            raise ValueError(f"{unknown[0]} is no claim that can be compared; there are {known}")
        acts, claims = frozenset(map(Act, self.acts)), tuple(sorted(self.claims.items()))
        return CiBinding(self.name, system, self.issuer or ISSUERS[system], claims, acts, self.lifetime)


class Policy(Section):
    """Who may use the service, beside the roles: names of people, `role:ROLE`, `token:NAME`, `ci:NAME`."""

    start: list[Annotated[str, AfterValidator(_member)]] = Field(default_factory=list)
    approve: list[Annotated[str, AfterValidator(_member)]] = Field(default_factory=list)
    abort: list[Annotated[str, AfterValidator(_member)]] = Field(default_factory=list)
    four_eyes: bool = False
    ci: list[CiJob] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        names = [job.name for job in self.ci]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"has two CI jobs named {min(twice)}; give each its own name")
        for member in (*self.start, *self.approve, *self.abort):
            if member.startswith("ci:") and member.removeprefix("ci:") not in names:
                raise ValueError(f"{member} names no CI job of this file; add it under ci, or remove it")
        return self

    def to_domain(self) -> ServicePolicy:
        """The same as a value of the domain."""
        jobs = tuple(job.to_domain() for job in self.ci)
        return ServicePolicy(tuple(self.start), tuple(self.approve), tuple(self.abort), self.four_eyes, jobs)


class Server(Section):
    """What a server needs to know about the service: where it works, and who may use it."""

    aws: Aws = Field(default_factory=Aws)
    release: Annotated[ReleaseSource, BeforeValidator(ReleaseSource.read), WithJsonSchema(RELEASE_SCHEMA)] | None = None
    policy: Policy = Field(default_factory=Policy)
    frozen: Text | None = None


class ServiceSettings(Settings):
    """The whole file."""

    server: Server = Field(default_factory=Server)


def schema() -> dict[str, Any]:
    """The JSON Schema for editors, which is published as docs/service.schema.json."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return with_meanings({**dialect, **ServiceSettings.model_json_schema()})


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))  # noqa: T201 - a generator prints what it generates
