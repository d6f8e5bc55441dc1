"""The AWS account and region in which a service works, and the credentials that reach it."""

import re
from dataclasses import dataclass, field

ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]{1,512}", re.ASCII)
"""The ARN of an IAM role: a path and a name of at most 512 and 64 characters (IAM user guide, "IAM identifiers")."""

REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
"""An external id (STS API reference, `AssumeRole`)."""


@dataclass(frozen=True, slots=True)
class AwsPlace:
    """One account and region, as credentials and a name reach it.

    Attributes:
        profile: Named profile of the AWS configuration; None: as the aws command finds credentials.
        role_arn: The role to assume with those credentials; None: they are used as they are.
        external_id: What the role's trust policy asks for (`sts:ExternalId`). It is not shown to anybody.
        region: The AWS region; None: as the aws command finds it.
    """

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    region: str | None = None

    @property
    def account(self) -> str | None:
        """The account, where the role tells it without a call to AWS."""
        match = ROLE_ARN.fullmatch(self.role_arn or "")
        return match[1] if match else None

    def __str__(self) -> str:
        who = self.role_arn or (f"profile {self.profile}" if self.profile else "the default credentials")
        return f"{who} in {self.region}" if self.region else who
