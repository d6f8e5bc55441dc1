"""A small account of target groups and instances that answers as ELBv2 and EC2 do, and a clock without real time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from katakei.adapters.aws import AwsSession, Service
from katakei.domain.errors import NoAnswerError, RejectedError, UsageError
from katakei.domain.model import Arn

REGION = "ap-northeast-1"
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


class TurnedClock:
    """A clock that moves only while a caller sleeps, or when a test moves it."""

    def __init__(self, time: datetime = APRIL) -> None:
        self.time = time
        self.slept: list[timedelta] = []
        self.woken = False
        self.wakes = 0
        self.jumped: datetime | None = None

    def now(self) -> datetime:
        return self.time

    def sleep(self, span: timedelta) -> None:
        early, self.woken = self.woken, False
        span = span / 2 if early else span
        self.slept.append(span)
        self.time += span

    def last_jump(self) -> datetime | None:
        return self.jumped

    def wake(self) -> None:
        self.wakes += 1


def arn(name: str) -> Arn:
    return Arn(f"arn:aws:elasticloadbalancing:{REGION}:123456789012:targetgroup/{name}/0123456789abcdef")


def entry(called: str, port: int = 80, state: str = "healthy", zone: str | None = None) -> dict[str, Any]:
    target = {"Id": called, "Port": port} | ({"AvailabilityZone": zone} if zone else {})
    return {"Target": target, "TargetHealth": {"State": state}}


def machine(called: str, address: str, vpc: str = "vpc-1", others: Sequence[str] = (), **tags: str) -> dict[str, Any]:
    return {
        "InstanceId": called,
        "PrivateIpAddress": address,
        "VpcId": vpc,
        "Placement": {"AvailabilityZone": f"{REGION}a"},
        "NetworkInterfaces": [{"PrivateIpAddresses": [{"PrivateIpAddress": ip} for ip in (address, *others)]}],
        "Tags": [{"Key": key.replace("__", ":"), "Value": value} for key, value in tags.items()],
    }


@dataclass
class Account:
    """The account, used in place of the AWS session.

    Attributes:
        clock: the clock that calls move.
        listed: the target health entries of each group.
        kinds: the target types of groups other than `instance`.
        vpcs: the VPCs of groups other than `vpc-1`.
        instances: the instances as EC2 describes them.
        refuses: the target ids that ELBv2 never registers.
        each: how long a call to ELBv2 takes.
        page: the size of a page.
        region: the region.
        calls: the calls so far.

    """

    clock: TurnedClock = field(default_factory=TurnedClock)
    listed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    vpcs: dict[str, str] = field(default_factory=dict)
    instances: list[dict[str, Any]] = field(default_factory=list)
    refuses: frozenset[str] = frozenset()
    each: timedelta = timedelta(0)
    page: int = 400
    region: str = REGION
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def aws(self) -> AwsSession:
        return cast("AwsSession", self)

    def call(
        self, service: Service[Any], action: str, request: Callable[[Any], Any], *, by: datetime | None = None
    ) -> Any:
        if by is not None and self.clock.now() > by:
            raise NoAnswerError(f"no time for {action}")
        self.clock.time += self.each if service.name == "elbv2" else timedelta(0)
        return request(self)

    def describe_target_groups(self, **asked: Any) -> Any:
        self.calls.append(("DescribeTargetGroups", asked))
        wanted = [*asked.get("Names", ()), *asked.get("TargetGroupArns", ())]
        if len(wanted) > 20 or ("Names" in asked and "TargetGroupArns" in asked):
            raise RejectedError("You cannot describe more than '20' target groups at a time")
        known = {key: name for name in self.listed for key in (name, arn(name))}
        if any(one not in known for one in wanted):
            raise UsageError("One or more target groups not found")
        names = [known[one] for one in wanted] or list(self.listed)
        at = int(asked.get("Marker", 0))
        more = {"NextMarker": str(at + self.page)} if at + self.page < len(names) else {}
        return {"TargetGroups": [self._group(name) for name in names[at : at + self.page]]} | more

    def describe_target_health(self, **asked: Any) -> Any:
        """ELBv2 hides a target that is asked for with another zone."""
        self.calls.append(("DescribeTargetHealth", asked))
        entries = next(entries for name, entries in self.listed.items() if arn(name) == asked["TargetGroupArn"])
        if "Targets" not in asked:
            return {"TargetHealthDescriptions": entries}
        return {"TargetHealthDescriptions": [_asked(target, entries) for target in asked["Targets"]]}

    def register_targets(self, **asked: Any) -> Any:
        """ELBv2 registers all or none."""
        self.calls.append(("RegisterTargets", asked))
        bad = [target["Id"] for target in asked["Targets"] if target["Id"] in self.refuses]
        if bad:
            raise RejectedError(f"not in a running state: {bad}")
        name = next(name for name in self.listed if arn(name) == asked["TargetGroupArn"])
        self.listed[name] += [{"Target": target, "TargetHealth": {"State": "initial"}} for target in asked["Targets"]]

    def deregister_targets(self, **asked: Any) -> Any:
        self.calls.append(("DeregisterTargets", asked))

    def describe_instances(self, **asked: Any) -> Any:
        self.calls.append(("DescribeInstances", asked))
        (only,) = asked["Filters"]
        key = {"instance-id": "InstanceId", "vpc-id": "VpcId"}[only["Name"]]
        assert len(only["Values"]) <= 200
        found = [one for one in self.instances if one[key] in only["Values"]]
        at = int(asked.get("NextToken", 0))
        more = {"NextToken": str(at + self.page)} if at + self.page < len(found) else {}
        return {"Reservations": [{"Instances": found[at : at + self.page]}]} | more

    def _group(self, name: str) -> dict[str, Any]:
        kind, vpc = self.kinds.get(name, "instance"), self.vpcs.get(name, "vpc-1")
        return {"TargetGroupName": name, "TargetGroupArn": arn(name), "TargetType": kind, "VpcId": vpc}


def _asked(target: Mapping[str, Any], entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    for one in entries:
        zone = target.get("AvailabilityZone")
        same = all(one["Target"].get(key) == target.get(key) for key in ("Id", "Port"))
        if same and zone in {None, one["Target"].get("AvailabilityZone")}:
            return one
    return {"Target": dict(target), "TargetHealth": {"State": "unused", "Reason": "Target.NotRegistered"}}
