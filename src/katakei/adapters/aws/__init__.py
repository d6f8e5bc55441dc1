"""The adapter to AWS: one session, client factory, error table and rate limiter for every AWS service in use.

Only this package (and the lab) imports botocore. Balancers, executors and journals call AWS through `AwsSession`.
"""

from katakei.adapters.aws.assumed_roles import AssumedRole
from katakei.adapters.aws.services import EC2, ELB, S3, SSM, STS, Service
from katakei.adapters.aws.session import AwsSession

__all__ = ["EC2", "ELB", "S3", "SSM", "STS", "AssumedRole", "AwsSession", "Service"]
