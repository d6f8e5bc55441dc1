"""The calls to EC2 about instances as machines: one try each, with a deadline. The executor decides what is called."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from katakei.adapters.aws import AwsSession
from katakei.adapters.aws.errors import DryRunPassedError
from katakei.adapters.aws.services import EC2
from katakei.adapters.executors.ec2.claims import TAG, Claim, read_claim
from katakei.domain.errors import RejectedError
from katakei.domain.instances import InstanceFacts, TypeFacts

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

MAX_IDS = 100
"""Instances that one call names. DescribeInstanceStatus takes 100, and DescribeInstances 200 values of a filter."""

RUNNING, STOPPED = "running", "stopped"
GONE = frozenset({"shutting-down", "terminated"})
_AMAZON = "amazon"
_PASSED = frozenset({"ok", "not-applicable"})


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance as EC2 shows it. `state` is EC2's name of its state; `facts` is what a stop and a start need."""

    state: str
    launched: datetime
    claim: Claim | None
    facts: InstanceFacts


class InstanceCalls:
    """The calls, through the session of the command."""

    def __init__(self, aws: AwsSession) -> None:
        self._aws = aws

    def machines(self, ids: Sequence[str], by: datetime | None = None) -> Mapping[str, Machine]:
        """The instances among these that EC2 knows. Raises NoAnswerError, UnreachableError."""
        found: dict[str, Machine] = {}
        for at in range(0, len(ids), MAX_IDS):
            filters = [{"Name": "instance-id", "Values": list(ids[at : at + MAX_IDS])}]
            answer = self._aws.call(
                EC2,
                "DescribeInstances",
                lambda ec2: ec2.describe_instances(Filters=filters, MaxResults=1000),  # type: ignore[arg-type]  # noqa: B023 - plain dicts; called at once
                by=by,
            )
            found |= {one["InstanceId"]: _machine(one) for many in answer["Reservations"] for one in many["Instances"]}
        return found

    def unfinished_checks(self, ids: Sequence[str], by: datetime | None = None) -> Mapping[str, str]:
        """What the status checks of running instances say; '' where all have passed. Raises NoAnswerError."""
        found: dict[str, str] = {}
        for at in range(0, len(ids), MAX_IDS):
            answer = self._aws.call(
                EC2,
                "DescribeInstanceStatus",
                lambda ec2: ec2.describe_instance_status(InstanceIds=list(ids[at : at + MAX_IDS])),  # noqa: B023 - as above
                by=by,
            )
            for one in answer["InstanceStatuses"]:
                said = {one["SystemStatus"]["Status"], one["InstanceStatus"]["Status"]} - _PASSED
                found[one["InstanceId"]] = ", ".join(sorted(said))
        return found

    def types(self, names: Sequence[str]) -> Mapping[str, TypeFacts]:
        """The instance types among these that exist in the region. Raises NoAnswerError, UnreachableError."""
        found: dict[str, TypeFacts] = {}
        for name in names:
            with suppress(RejectedError):  # one name that does not exist fails the whole call
                answer = self._aws.call(
                    EC2,
                    "DescribeInstanceTypes",
                    lambda ec2: ec2.describe_instance_types(InstanceTypes=[name]),  # type: ignore[list-item]  # noqa: B023 - a name from outside; called at once
                )
                for one in answer["InstanceTypes"]:
                    architectures = one.get("ProcessorInfo", {}).get("SupportedArchitectures", [])
                    found[name] = TypeFacts(tuple(map(str, architectures)), one.get("InstanceStorageSupported", False))
        return found

    def mark(self, instance: str, claim: Claim, by: datetime | None = None) -> None:
        """Writes the mark. Raises NoAnswerError, UnreachableError."""
        tags: Any = [{"Key": TAG, "Value": str(claim)}]
        self._aws.call(EC2, "CreateTags", lambda ec2: ec2.create_tags(Resources=[instance], Tags=tags), by=by)

    def reboot(self, instance: str, by: datetime | None = None) -> None:
        """Asks for a reboot. Raises RejectedError, NoAnswerError, UnreachableError."""
        self._aws.call(EC2, "RebootInstances", lambda ec2: ec2.reboot_instances(InstanceIds=[instance]), by=by)

    def stop(self, instance: str, by: datetime | None = None) -> None:
        """Asks for a stop, which an instance that stops already takes as well. Raises as `reboot`."""
        self._aws.call(EC2, "StopInstances", lambda ec2: ec2.stop_instances(InstanceIds=[instance]), by=by)

    def change_type(self, instance: str, instance_type: str, by: datetime | None = None) -> None:
        """Gives a stopped instance another type. Raises as `reboot`."""
        wanted: Any = {"Value": instance_type}
        self._aws.call(
            EC2,
            "ModifyInstanceAttribute",
            lambda ec2: ec2.modify_instance_attribute(InstanceId=instance, InstanceType=wanted),
            by=by,
        )

    def start(self, instance: str, by: datetime | None = None) -> None:
        """Asks for a start. Raises as `reboot`."""
        self._aws.call(EC2, "StartInstances", lambda ec2: ec2.start_instances(InstanceIds=[instance]), by=by)

    def allowed_to_mark(self, ids: Sequence[str]) -> None:
        """Proves the right to write marks, by calls that change nothing. Raises UnreachableError, NoAnswerError."""
        tags: Any = [{"Key": TAG, "Value": "-"}]
        self._try("CreateTags", lambda ec2: ec2.create_tags(Resources=list(ids), Tags=tags, DryRun=True))

    def allowed_to_reboot(self, ids: Sequence[str]) -> None:
        """The same for a reboot."""
        self._try("RebootInstances", lambda ec2: ec2.reboot_instances(InstanceIds=list(ids), DryRun=True))

    def allowed_to_stop_and_start(self, ids: Sequence[str], instance_type: str) -> None:
        """The same for a stop, a start, and another type ('' for none)."""
        self._try("StopInstances", lambda ec2: ec2.stop_instances(InstanceIds=list(ids), DryRun=True))
        self._try("StartInstances", lambda ec2: ec2.start_instances(InstanceIds=list(ids), DryRun=True))
        wanted: Any = {"Value": instance_type}
        for instance in ids if instance_type else ():
            self._try(
                "ModifyInstanceAttribute",
                lambda ec2: ec2.modify_instance_attribute(InstanceId=instance, InstanceType=wanted, DryRun=True),  # noqa: B023 - called at once
            )

    def _try(self, action: str, request: Callable[[Any], Any]) -> None:
        with suppress(DryRunPassedError):
            self._aws.call(EC2, action, request)


def _machine(raw: "InstanceTypeDef") -> Machine:
    tags = {tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])}
    owners = {one.get("Association", {}).get("IpOwnerId", "") for one in raw.get("NetworkInterfaces", [])}
    facts = InstanceFacts(
        raw.get("InstanceType", ""),
        raw.get("Architecture", ""),
        spot=raw.get("InstanceLifecycle", "") == "spot",
        root_on_instance_store=raw.get("RootDeviceType", "") == "instance-store",
        public_address_changes=_AMAZON in owners,
    )
    launched = raw["LaunchTime"].astimezone(UTC)
    return Machine(raw["State"]["Name"], launched, read_claim(tags.get(TAG, "")), facts)
