"""The schema of a service file: katakei.yml with one more key, `server`, which only a server obeys.

`python -m katakei.config.service_schema` prints the JSON Schema for editors.
"""

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from katakei.config.defaults import NAME, release
from katakei.config.field_types import Text
from katakei.config.schema import Section, Settings
from katakei.domain.aws_place import EXTERNAL_ID, REGION, ROLE_ARN, AwsPlace
from katakei.domain.errors import UsageError

RELEASE_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}", re.ASCII)
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


class Server(Section):
    """What a server needs to know about the service: where it works, and who may use it."""

    aws: Aws = Field(default_factory=Aws)
    release: Annotated[ReleaseSource, BeforeValidator(ReleaseSource.read), WithJsonSchema(RELEASE_SCHEMA)] | None = None
    frozen: Text | None = None


class ServiceSettings(Settings):
    """The whole file."""

    server: Server = Field(default_factory=Server)


def schema() -> dict[str, Any]:
    """The JSON Schema for editors, which is published as docs/service.schema.json."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ServiceSettings.model_json_schema()}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))  # noqa: T201 - a generator prints what it generates
