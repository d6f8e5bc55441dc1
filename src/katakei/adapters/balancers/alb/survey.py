"""What ELBv2 and EC2 tell of groups, their members and the machines behind them. Only questions, never an act.

Independent questions are asked side by side, a few at a time; the door's buckets set the pace.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from katakei.adapters.balancers.alb.door import Door
from katakei.adapters.balancers.alb.group import Attributes, BalancerRead
from katakei.adapters.balancers.alb.listing import Health, Listing
from katakei.adapters.balancers.alb.machines import Instance, Machines, instance
from katakei.domain.errors import NoAnswerError
from katakei.domain.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import DescribeInstancesResultTypeDef
    from mypy_boto3_elbv2.type_defs import (
        DescribeTargetGroupsInputTypeDef,
        DescribeTargetHealthInputTypeDef,
        LoadBalancerTypeDef,
        TargetDescriptionTypeDef,
        TargetGroupTypeDef,
    )

S = TypeVar("S")
T = TypeVar("T")
AT_ONCE = 4
TRIES, QUICKLY = 4, timedelta(seconds=2.5)
MOST = 20  # "You cannot describe more than '20' target groups at a time"; load balancers likewise
PAGE = 400  # ELBv2 shape PageSize, at most
VALUES = 200  # values of one filter (EC2, DescribeInstances)
NONE_YET: Mapping[str, Future[Health]] = MappingProxyType({})
INSTANCES = 1000  # EC2 shape DescribeInstancesRequest$MaxResults, at most


def together(work: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """`work` of each item, in order, a few at a time; the first error ends it."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(AT_ONCE, "alb") as pool:
        return list(pool.map(work, items))


def chunks(items: Iterable[T], size: int) -> list[list[T]]:
    """The items, `size` at a time."""
    whole = list(items)
    return [whole[at : at + size] for at in range(0, len(whole), size)]


class Survey:
    """Questions to one account and region."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door, self._clock = door, clock

    def named(self, names: Iterable[str], arns: Iterable[str]) -> "list[TargetGroupTypeDef]":
        """The groups of these names and ARNs. One that does not exist fails the whole question."""
        asked: list[DescribeTargetGroupsInputTypeDef] = [{"Names": few} for few in chunks(names, MOST)]
        asked += [{"TargetGroupArns": few} for few in chunks(arns, MOST)]
        return [one for ask in asked for one in self._pages(ask)]

    def every(self) -> "list[TargetGroupTypeDef]":
        """Every target group of the account and region."""
        return self._pages({"PageSize": PAGE})

    def some(self) -> "list[TargetGroupTypeDef]":
        """One target group, if there is one."""
        answer = self._door.elb("DescribeTargetGroups", lambda elb: elb.describe_target_groups(PageSize=1))
        return answer["TargetGroups"]

    def attributes(self, arn: str) -> Attributes:
        """A group's attributes."""
        answer = self._again(
            lambda: self._door.elb(
                "DescribeTargetGroupAttributes", lambda elb: elb.describe_target_group_attributes(TargetGroupArn=arn)
            )
        )
        return {one["Key"]: one["Value"] for one in answer["Attributes"]}

    def health(self, arn: str, targets: "Sequence[TargetDescriptionTypeDef] | None" = None) -> Health:
        """What the group lists, or what it says of these targets; the answer has no pages."""
        only: DescribeTargetHealthInputTypeDef = {"TargetGroupArn": arn}
        if targets is not None:
            only["Targets"] = targets
        begun = self._clock.now()
        answer = self._door.elb("DescribeTargetHealth", lambda elb: elb.describe_target_health(**only))
        return Health(answer["TargetHealthDescriptions"], begun, self._clock.now())

    def balancers(self, arns: Collection[str]) -> dict[str, BalancerRead]:
        """Load balancers by ARN."""
        listed = together(self._balancers, chunks(sorted(arns), MOST))
        types = {one["LoadBalancerArn"]: one["Type"] for few in listed for one in few}
        attributes = together(self._balancer_attributes, list(types))
        return {arn: BalancerRead(types[arn], of) for arn, of in zip(types, attributes, strict=True)}

    def listings(
        self, groups: "Sequence[TargetGroupTypeDef]", early: Mapping[str, Future[Health]] = NONE_YET
    ) -> list[Listing]:
        """What each group lists, with the machines behind, in as few questions to EC2 as possible.

        `early` are answers already under way, by the group's ARN.

        An IP is sought among all instances of the group's VPC: no filter finds it on whichever interface it is.
        """
        arns = [raw["TargetGroupArn"] for raw in groups]
        healths = together(
            lambda arn: early[arn].result() if arn in early else self._again(partial(self.health, arn)), arns
        )
        read = list(zip(groups, healths, strict=True))
        vpcs = {raw.get("VpcId", "") for raw, health in read if raw.get("TargetType") == "ip" and health.entries}
        known = [one for vpc in sorted(filter(None, vpcs)) for one in self._instances("vpc-id", [vpc])]
        known += self.instances(entry["Target"]["Id"] for _, health in read for entry in health.entries)
        machines = Machines(known)
        return [Listing(raw, health, machines) for raw, health in read]

    def instances(self, ids: Iterable[str]) -> list[Instance]:
        """Those of these that still exist. Asked by a filter, since one unknown id fails a question by id."""
        wanted = sorted({one for one in ids if one.startswith("i-")})
        found = together(lambda few: self._instances("instance-id", few), chunks(wanted, VALUES))
        return [one for few in found for one in few]

    def _again(self, question: Callable[[], T]) -> T:
        """The answer to one question of a row that would be in vain without it: asked again where AWS says no quickly.

        The buckets set the pace.
        """
        until = self._clock.now() + QUICKLY
        for _ in range(TRIES - 1):
            try:
                return question()
            except NoAnswerError:
                if self._clock.now() > until:
                    raise
        return question()

    def _pages(self, ask: "DescribeTargetGroupsInputTypeDef") -> "list[TargetGroupTypeDef]":
        found: list[TargetGroupTypeDef] = []
        while True:
            answer = self._again(
                lambda: self._door.elb("DescribeTargetGroups", lambda elb: elb.describe_target_groups(**ask))
            )
            found += answer["TargetGroups"]
            if not answer.get("NextMarker"):
                return found
            ask["Marker"] = answer["NextMarker"]

    def _balancers(self, arns: Sequence[str]) -> "list[LoadBalancerTypeDef]":
        answer = self._again(
            lambda: self._door.elb(
                "DescribeLoadBalancers", lambda elb: elb.describe_load_balancers(LoadBalancerArns=list(arns))
            )
        )
        return answer["LoadBalancers"]

    def _balancer_attributes(self, arn: str) -> Attributes:
        answer = self._again(
            lambda: self._door.elb(
                "DescribeLoadBalancerAttributes", lambda elb: elb.describe_load_balancer_attributes(LoadBalancerArn=arn)
            )
        )
        return {one["Key"]: one["Value"] for one in answer["Attributes"]}

    def _instances(self, name: str, values: Sequence[str]) -> list[Instance]:
        found: list[Instance] = []
        token = ""
        while True:
            answer = self._again(partial(self._instances_page, name, values, token))
            found += [instance(one) for many in answer.get("Reservations", []) for one in many["Instances"]]
            token = answer.get("NextToken", "")
            if not token:
                return found

    def _instances_page(self, name: str, values: Sequence[str], token: str) -> "DescribeInstancesResultTypeDef":
        more: Mapping[str, str] = {"NextToken": token} if token else {}
        filters = [{"Name": name, "Values": list(values)}]
        return self._door.ec2(
            "DescribeInstances",
            lambda ec2: ec2.describe_instances(Filters=filters, MaxResults=INSTANCES, **more),  # type: ignore[arg-type]  # plain dicts
        )
