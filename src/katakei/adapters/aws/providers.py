"""The credential providers of botocore: which one failed, in the words of the AWS configuration, and what to do then.

botocore's own chain raises whatever a provider raises, without the provider's name. `NamedProviders` takes the place of
that chain and adds the name. The names are botocore's (`METHOD` of each class in `botocore.credentials`).
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

ASSUMED_ROLE = "katakei-role"
"""The name of the provider in `assumed_roles`, among botocore's own."""

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.session import Session

_SUBJECTS: Mapping[str, tuple[str, str]] = {
    "env": (
        "the environment",
        "export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY together, or neither of them",
    ),
    "assume-role": (
        "the role of {profile}",
        "check role_arn and source_profile or credential_source of that profile",
    ),
    "assume-role-with-web-identity": (
        "the web identity token of {profile}",
        "check AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or web_identity_token_file and role_arn of the profile",
    ),
    "sso": ("the single sign-on of {profile}", "run `aws sso login --profile {name}`, or correct that profile"),
    "login": ("the sign-in of {profile}", "run `aws login --profile {name}`"),
    "shared-credentials-file": (
        "{profile} in the credentials file",
        "write aws_access_key_id and aws_secret_access_key into it",
    ),
    "config-file": ("{profile} in the config file", "write aws_access_key_id and aws_secret_access_key into it"),
    ASSUMED_ROLE: (
        "the role {role}",
        "check that its trust policy allows these credentials to assume it, and the external id",
    ),
    "custom-process": ("the credential_process of {profile}", "run that program by hand to see what is wrong"),
    "ec2-credentials-file": ("the file AWS_CREDENTIAL_FILE", "correct that file, or unset the variable"),
    "boto-config": ("the configuration file of boto", "correct that file, or unset BOTO_CONFIG"),
    "container-role": (
        "the container's credentials endpoint",
        "check AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, and the role of the task",
    ),
    "iam-role": (
        "the instance metadata service (IMDS)",
        "check the instance profile of this machine and AWS_EC2_METADATA_SERVICE_ENDPOINT",
    ),
}


@dataclass(frozen=True, slots=True)
class Provider:
    """One credential provider.

    Attributes:
        method: botocore's name of it.
        profile: the profile in use.
        role: the ARN of the role that is assumed; '' without one.

    """

    method: str
    profile: str
    role: str = ""

    @property
    def subject(self) -> str:
        """What a person calls it."""
        subject, _ = _SUBJECTS.get(self.method, (self.method or "the AWS configuration", ""))
        return subject.format(profile=f"profile {self.profile}", role=self.role)

    @property
    def advice(self) -> str:
        """What to do when it fails."""
        _, advice = _SUBJECTS.get(self.method, ("", "check the credentials (--profile)"))
        return advice.format(name=self.profile)


class ProviderError(Exception):
    """A provider failed. It never leaves `AwsSession`.

    Attributes:
        method: botocore's name of the provider.
        cause: what the provider raised.

    """

    def __init__(self, method: str, cause: Exception) -> None:
        super().__init__(method)
        self.method, self.cause = method, cause


class SomeProvider(Protocol):
    """A provider of botocore, or one like them."""

    METHOD: Any

    def load(self) -> "Credentials | None":
        """Returns its credentials; None: it has none."""


class NamedProviders:
    """botocore's chain of providers, in its order. The first that has credentials wins, and a failure ends the search.

    Args:
        providers: the providers of botocore's own chain.

    """

    def __init__(self, providers: Sequence[SomeProvider]) -> None:
        self._providers = providers

    def load_credentials(self) -> "Credentials | None":
        """Returns the first credentials, or None. Raises ProviderError."""
        for provider in self._providers:
            try:
                found: Credentials | None = provider.load()
            except Exception as error:  # a provider runs programs and reads files: botocore's code raises anything
                raise ProviderError(str(provider.METHOD), error) from error
            if found is not None:
                return found
        return None


def name_providers(session: "Session") -> None:
    """Makes the session use `NamedProviders`. Raises ProviderError: the chain cannot be made.

    botocore checks the address of the instance metadata service when it makes the chain.
    """
    from botocore.exceptions import InvalidIMDSEndpointError, InvalidIMDSEndpointModeError  # noqa: PLC0415 - slow

    try:
        chain = session.get_component("credential_provider")
    except (InvalidIMDSEndpointError, InvalidIMDSEndpointModeError) as error:
        raise ProviderError("iam-role", error) from error
    if not isinstance(chain, NamedProviders):
        session.register_component("credential_provider", NamedProviders(chain.providers))


def refresh(credentials: "Credentials") -> None:
    """Renews credentials that have expired or were never used. Raises ProviderError.

    The program of a `credential_process` may have printed numbers or null as keys, which botocore accepts until it
    signs a request.
    """
    method = str(credentials.method)
    try:
        keys = credentials.get_frozen_credentials()
    except ProviderError:  # the credentials that assume a role have a provider of their own
        raise
    except Exception as error:  # as above
        raise ProviderError(method, error) from error
    usable = all(isinstance(key, str) and key for key in (keys.access_key, keys.secret_key))
    if not usable or not isinstance(keys.token, str | None):
        raise ProviderError(method, TypeError("its keys are not text"))


def searched(profile: str) -> str:
    """Where credentials were looked for, when none were found."""
    off = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
    metadata = "the instance metadata service" + (" (off: AWS_EC2_METADATA_DISABLED)" if off else "")
    return f"the environment, profile {profile}, the container's endpoint and {metadata}"
