"""The table of AWS services in use, and of the actions that are called. A new service is one more row here.

A row is the whole difference between services for the session; `errors.py` adds the rules for services whose errors
mean something special. After a change of `actions` run `make extracts` (see `loader.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from katakei.adapters.aws.rate_limits import Limit
from katakei.domain.errors import InternalError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

ClientT = TypeVar("ClientT")


@dataclass(frozen=True, slots=True)
class Service(Generic[ClientT]):
    """One AWS service.

    Attributes:
        name: botocore's name of the service.
        iam: the prefix of its actions in IAM policies.
        actions: the actions that are called: a client has no others.
        regional: whether a call needs a configured region.
        limits: the token buckets that every call takes from.
        action_limits: the token buckets of single actions, instead of `limits`.

    """

    name: str
    iam: str
    actions: tuple[str, ...]
    regional: bool = True
    limits: tuple[Limit, ...] = ()
    action_limits: Mapping[str, tuple[Limit, ...]] = field(default_factory=dict)

    def limits_of(self, action: str) -> tuple[Limit, ...]:
        """Returns the token buckets that one call of `action` takes from.

        Raises:
            InternalError: the action is not in `actions`, so that the client does not have it.
        """
        if action not in self.actions:
            raise InternalError(f"{action} is not among the actions of {self.name} that this version calls")
        return self.action_limits.get(action, self.limits)


_REGISTRATION = (Limit.ELB_REGISTRATION, Limit.ELB_ACCOUNT)

ELB: "Service[ElasticLoadBalancingv2Client]" = Service(
    "elbv2",
    "elasticloadbalancing",
    (
        "DescribeListeners",
        "DescribeLoadBalancerAttributes",
        "DescribeLoadBalancers",
        "DescribeRules",
        "DescribeTargetGroupAttributes",
        "DescribeTargetGroups",
        "DescribeTargetHealth",
        "DeregisterTargets",
        "ModifyListener",
        "ModifyRule",
        "RegisterTargets",
    ),
    limits=(Limit.ELB_DESCRIBE, Limit.ELB_ACCOUNT),
    action_limits={"RegisterTargets": _REGISTRATION, "DeregisterTargets": _REGISTRATION},
)
EC2: "Service[EC2Client]" = Service(
    "ec2",
    "ec2",
    (
        "CreateTags",
        "DescribeInstanceStatus",
        "DescribeInstanceTypes",
        "DescribeInstances",
        "ModifyInstanceAttribute",
        "RebootInstances",
        "StartInstances",
        "StopInstances",
    ),
    limits=(Limit.EC2,),
)

STS: "Service[STSClient]" = Service(
    "sts", "sts", ("AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"), limits=(Limit.STS,)
)
"""STS. botocore's credential providers assume roles by it, too."""

SSM: "Service[SSMClient]" = Service(
    "ssm",
    "ssm",
    (
        "DescribeInstanceInformation",
        "GetCommandInvocation",
        "ListCommandInvocations",
        "SendCommand",
    ),
)
"""Systems Manager. AWS does not document the rate limits of Run Command, so no bucket is kept for it."""

S3: Service[Any] = Service(
    "s3", "s3", ("CreateSession", "GetObject", "HeadBucket", "ListObjectsV2", "PutObject"), regional=False
)
"""S3. No token bucket is kept for it: it allows 3,500 writes per second and prefix, far more than a journal makes.

botocore itself calls HeadBucket where a bucket is in another region, and CreateSession for directory buckets.
"""

SERVICES: tuple[Service[Any], ...] = (ELB, EC2, STS, SSM, S3)
