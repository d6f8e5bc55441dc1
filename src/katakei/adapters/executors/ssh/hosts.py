"""The host of each target, as the OpenSSH client gets it: an address, a name, an instance id, or the value of a tag."""

import re
import threading
from collections.abc import Iterable, Mapping

from katakei.adapters.aws import EC2, AwsSession
from katakei.domain.errors import RejectedError
from katakei.domain.model import Target, TargetId
from katakei.domain.spec import HostSource, SshAccess

MAX_FILTER_VALUES = 200
"""The values that one filter of DescribeInstances takes."""

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,252}")  # never begins like an option
_INSTANCE = re.compile(r"i-[0-9a-z]+")


class Hosts:
    """Finds hosts. A tag is read once per target.

    Args:
        access: What names the host.
        aws: Where tags are read.
    """

    def __init__(self, access: SshAccess, aws: AwsSession | None = None) -> None:
        self._access, self._aws = access, aws
        self._lock = threading.Lock()
        self._tags: dict[TargetId, str] = {}

    def learn(self, targets: Iterable[Target]) -> None:
        """Reads the tags of targets that are not known yet. Raises NoAnswerError, UnreachableError."""
        if self._access.host is not HostSource.TAG or self._aws is None:
            return
        with self._lock:
            new = [each.id for each in targets if each.id not in self._tags and _INSTANCE.fullmatch(each.id)]
            for at in range(0, len(new), MAX_FILTER_VALUES):
                some = new[at : at + MAX_FILTER_VALUES]
                self._tags |= {**dict.fromkeys(some, ""), **_tags(self._aws, some, self._access.tag)}

    def of(self, target: Target) -> str:
        """The host of a target.

        Raises:
            RejectedError: It has none.
        """
        what, host = {
            HostSource.PRIVATE_IP: ("private IP address", target.address),
            HostSource.NAME: ("Name tag", target.name),
            HostSource.ID: ("id", str(target.id)),
            HostSource.TAG: (f"tag {self._access.tag}", self._tags.get(target.id, "")),
        }[self._access.host]
        if not host:
            raise RejectedError(f"it has no {what}, which names its host for ssh")
        if not _HOST.fullmatch(host):
            raise RejectedError(f"its {what} {host!r} is no host name for ssh")
        return host


def _tags(aws: AwsSession, ids: Iterable[TargetId], tag: str) -> Mapping[TargetId, str]:
    found: dict[TargetId, str] = {}
    more: dict[str, str] = {}
    filters = [{"Name": "instance-id", "Values": list(ids)}]
    while True:
        answer = aws.call(EC2, "DescribeInstances", lambda ec2: ec2.describe_instances(Filters=filters, **more))  # type: ignore[arg-type]  # noqa: B023 - called at once
        for instance in (each for many in answer.get("Reservations", []) for each in many["Instances"]):
            tags = {each["Key"]: each["Value"] for each in instance.get("Tags", [])}
            found[TargetId(instance["InstanceId"])] = tags.get(tag, "")
        if not answer.get("NextToken"):
            return found
        more = {"NextToken": answer["NextToken"]}
