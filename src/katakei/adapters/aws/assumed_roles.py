"""A role that is assumed with the credentials of a session, and renewed before its credentials expire.

botocore assumes roles only where a profile of the AWS configuration says so. A server reaches the accounts of its
services by the roles that its service files name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from katakei.adapters.aws.providers import ASSUMED_ROLE, NamedProviders, name_providers, refresh

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.session import Session

SESSION_NAME = "katakei"
"""The name under which CloudTrail lists what a server did with the role."""


@dataclass(frozen=True, slots=True)
class AssumedRole:
    """A role.

    Attributes:
        arn: Its ARN.
        external_id: What its trust policy asks for; None: nothing.

    """

    arn: str
    external_id: str | None = field(default=None, repr=False)

    @property
    def account(self) -> str:
        """The account that the role belongs to."""
        return self.arn.split(":")[4]


def assume(role: AssumedRole, session: "Session", source: Callable[[], "Session"], options: Any) -> None:
    """Makes a session use the credentials of a role. Nothing is called before they are needed.

    Args:
        role: the role.
        session: uses the role from now on.
        source: makes a session with the credentials that assume the role.
        options: botocore's Config of the client that assumes it.

    Raises:
        ProviderError: the source's own credentials cannot be found.

    """
    origin = source()
    name_providers(origin)
    session.register_component("credential_provider", NamedProviders((_RoleProvider(role, origin, options),)))


class _RoleProvider:
    """The only credential provider of the session."""

    METHOD: Any = ASSUMED_ROLE

    def __init__(self, role: AssumedRole, origin: "Session", options: Any) -> None:
        self._role, self._origin, self._options = role, origin, options
        self._request = {"RoleArn": role.arn, "RoleSessionName": SESSION_NAME}
        if role.external_id:
            self._request["ExternalId"] = role.external_id

    def load(self) -> "Credentials | None":
        """Returns credentials that are fetched at the first call, and renewed 10 to 15 minutes before they expire.

        None: there are no credentials to assume the role with.
        """
        from botocore.credentials import DeferredRefreshableCredentials  # noqa: PLC0415 - botocore is imported late

        found = self._origin.get_credentials()
        if found is None:
            return None
        sts: Any = self._origin.create_client("sts", config=self._options)  # only one thread at a time may do that

        def fetch() -> dict[str, str]:
            refresh(found)
            keys = sts.assume_role(**self._request)["Credentials"]
            return {
                "access_key": keys["AccessKeyId"],
                "secret_key": keys["SecretAccessKey"],
                "token": keys["SessionToken"],
                "expiry_time": keys["Expiration"].isoformat(),
            }

        return DeferredRefreshableCredentials(fetch, ASSUMED_ROLE)
