"""The access file of a server: the OpenID Connect provider of its people, and which roles they have.

`katakei serve --access FILE` reads it at its start. Every fault is reported in one go with its line. The file holds no
secret; it names the variable of the environment that does.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from katakei.config.field_types import VARIABLE, Text
from katakei.config.text_files import text_of
from katakei.config.work_schema import Section
from katakei.config.yaml_document import Document, read
from katakei.domain.login import LoginSettings, RoleRule
from katakei.domain.principals import EVERY_SERVICE, Role

LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")
NAMES = {"missing": "is missing", "extra_forbidden": "is not a known key", "string_type": "must be text in quotes"}


def _issuer(text: str) -> str:
    if not text.startswith(("https://", *LOOPBACK)):
        raise ValueError("must be the address of the provider, like https://accounts.google.com")
    return text


def _variable(text: str) -> str:
    if not VARIABLE.fullmatch(text):
        raise ValueError("must be the name of a variable in the environment of the server, like LOGIN_SECRET")
    return text


def _role(text: str) -> str:
    if text not in set(Role):
        raise ValueError(f"is no role; the roles are {', '.join(Role)}")
    return text


def _scope(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be the name of a scope without spaces, like groups")
    return text


class SecretReference(Section):
    """A secret by the variable of the environment that holds it."""

    secret: Annotated[str, AfterValidator(_variable)]


class Rule(Section):
    """One rule that gives a role, to a group or to one person."""

    role: Annotated[str, AfterValidator(_role)]
    service: Text = EVERY_SERVICE
    group: Text | None = None
    name: Text | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.group is None) == (self.name is None):
            raise ValueError("must have exactly one of group and name")
        return self

    def to_domain(self) -> RoleRule:
        """The same as a value of the domain."""
        return RoleRule(Role(self.role), self.service, self.group or "", self.name or "")


class LoginSection(Section):
    """The OpenID Connect provider of people."""

    issuer: Annotated[str, AfterValidator(_issuer)]
    client_id: Text
    client_secret: SecretReference | None = None
    name_claim: Text = "email"
    groups_claim: Text = "groups"
    scopes: list[Annotated[str, AfterValidator(_scope)]] = Field(default_factory=lambda: ["email", "profile"])
    roles: Annotated[list[Rule], Field(min_length=1)]

    def to_domain(self) -> LoginSettings:
        """The same as a value of the domain."""
        return LoginSettings(
            self.issuer,
            self.client_id,
            self.client_secret.secret if self.client_secret else "",
            self.name_claim,
            self.groups_claim,
            tuple(self.scopes),
            tuple(rule.to_domain() for rule in self.roles),
        )


class AccessFile(Section):
    """The whole file."""

    login: LoginSection


def load_login(path: Path) -> LoginSettings:
    """Reads an access file.

    Raises:
        UsageError: The file cannot be read, or it has faults; the error lists all of them.
    """
    return _validated(read(text_of(path, "check whether it is an access file at all"), path.name)).login.to_domain()


def _validated(document: Document) -> AccessFile:
    try:
        found = AccessFile.model_validate(document.data)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False):
            context = error.get("ctx", {}).get("error")
            message = NAMES.get(error["type"]) or (str(context) if context else error["msg"].lower())
            document.fault(error["loc"], message)
        document.raise_faults()
        raise AssertionError("pydantic found an error, but no fault was added") from invalid
    document.raise_faults()
    return found
