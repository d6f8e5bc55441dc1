"""Read-only questions to ELBv2 and EC2: groups, their members, and the instances behind them.

Independent questions run in parallel, a few at a time; the session's rate limits set the pace.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from katakei.adapters.aws import EC2, ELB, AwsSession
from katakei.adapters.balancers.alb.group_attributes import Attributes, LoadBalancer
from katakei.adapters.balancers.alb.instances import Instance, InstanceIndex, read_instance
from katakei.adapters.balancers.alb.target_health import GroupListing, HealthAnswer
from katakei.domain.errors import NoAnswerError
from katakei.domain.ports import Clock
from katakei.domain.words import span

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
PARALLEL_CALLS = 4
PROGRESS_AFTER, PROGRESS_INTERVAL = timedelta(seconds=2), timedelta(seconds=10)
TRIES, RETRY_WINDOW = 4, timedelta(seconds=2.5)
MAX_GROUPS = 20  # "You cannot describe more than '20' target groups at a time"; load balancers likewise
PAGE_SIZE = 400  # ELBv2 shape PageSize, at most
MAX_FILTER_VALUES = 200  # values of one filter (EC2, DescribeInstances)
MAX_INSTANCES = 1000  # EC2 shape DescribeInstancesRequest$MaxResults, at most
_NONE_STARTED: Mapping[str, Future[HealthAnswer]] = MappingProxyType({})


class Progress:
    """Says how far many questions are: after two seconds, then from time to time. Thread-safe."""

    def __init__(self, tell: Callable[[str], None], now: Callable[[], datetime]) -> None:
        self._tell, self._now = tell, now
        self._lock = threading.Lock()

    def told(self, work: Callable[[S], T], total: int) -> Callable[[S], T]:
        """Returns `work`, which counts its calls of `total` from now on."""
        begun = self._now()
        done, due = 0, begun + PROGRESS_AFTER

        def counted(item: S) -> T:
            nonlocal done, due
            found = work(item)
            with self._lock:
                done += 1
                now = self._now()
                if now >= due and done < total:
                    due = now + PROGRESS_INTERVAL
                    left = (now - begun) * (total - done) / done
                    self._tell(f"asked {done} of {total} target groups, about {span(left)} to go")
            return found

        return counted


def in_parallel(work: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """Returns `work` of each item, in order, a few at a time. The first error ends it."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(PARALLEL_CALLS, "alb") as pool:
        return list(pool.map(work, items))


def chunks(items: Iterable[T], size: int) -> list[list[T]]:
    """Returns the items in lists of at most `size`."""
    every = list(items)
    return [every[at : at + size] for at in range(0, len(every), size)]


class Queries:
    """The questions to one account and region."""

    def __init__(self, aws: AwsSession, clock: Clock, tell: Callable[[str], None] = lambda _sentence: None) -> None:
        self._aws, self._clock = aws, clock
        self.progress = Progress(tell, clock.now)

    def groups(self, names: Iterable[str], arns: Iterable[str]) -> "list[TargetGroupTypeDef]":
        """Returns the groups of these names and ARNs. One that does not exist fails the whole question."""
        asked: list[DescribeTargetGroupsInputTypeDef] = [{"Names": few} for few in chunks(names, MAX_GROUPS)]
        asked += [{"TargetGroupArns": few} for few in chunks(arns, MAX_GROUPS)]
        return [one for request in asked for one in self._group_pages(request)]

    def all_groups(self) -> "list[TargetGroupTypeDef]":
        """Returns every target group of the account and region."""
        return self._group_pages({"PageSize": PAGE_SIZE})

    def any_group(self) -> "TargetGroupTypeDef | None":
        """Returns one target group, if there is one."""
        answer = self._aws.call(ELB, "DescribeTargetGroups", lambda elb: elb.describe_target_groups(PageSize=1))
        return next(iter(answer["TargetGroups"]), None)

    def attributes(self, arn: str) -> Attributes:
        """Returns a group's attributes."""
        answer = self._retried(
            lambda: self._aws.call(
                ELB,
                "DescribeTargetGroupAttributes",
                lambda elb: elb.describe_target_group_attributes(TargetGroupArn=arn),
            )
        )
        return {one["Key"]: one["Value"] for one in answer["Attributes"]}

    def health(self, arn: str, targets: "Sequence[TargetDescriptionTypeDef] | None" = None) -> HealthAnswer:
        """Returns what the group lists, or what it says about `targets`. The answer has no pages."""
        request: DescribeTargetHealthInputTypeDef = {"TargetGroupArn": arn}
        if targets is not None:
            request["Targets"] = targets
        begun = self._clock.now()
        answer = self._aws.call(ELB, "DescribeTargetHealth", lambda elb: elb.describe_target_health(**request))
        return HealthAnswer(answer["TargetHealthDescriptions"], begun, self._clock.now())

    def balancers(self, arns: Collection[str]) -> dict[str, LoadBalancer]:
        """Returns load balancers by ARN."""
        listed = in_parallel(self._balancers, chunks(sorted(arns), MAX_GROUPS))
        types = {one["LoadBalancerArn"]: one["Type"] for few in listed for one in few}
        attributes = in_parallel(self._balancer_attributes, list(types))
        return {arn: LoadBalancer(types[arn], of) for arn, of in zip(types, attributes, strict=True)}

    def listings(
        self, groups: "Sequence[TargetGroupTypeDef]", started: Mapping[str, Future[HealthAnswer]] = _NONE_STARTED
    ) -> list[GroupListing]:
        """Returns what each group lists, with the instances behind, in as few calls to EC2 as possible.

        No EC2 filter finds an IP on any interface, so an IP is searched among all instances of the group's VPC.

        Args:
            groups: the groups.
            started: questions for target health that are in progress already, by the group's ARN.

        """
        arns = [raw["TargetGroupArn"] for raw in groups]

        def asked(arn: str) -> HealthAnswer:
            return started[arn].result() if arn in started else self._retried(partial(self.health, arn))

        answers = in_parallel(self.progress.told(asked, len(arns)), arns)
        read = list(zip(groups, answers, strict=True))
        vpcs = {raw.get("VpcId", "") for raw, health in read if raw.get("TargetType") == "ip" and health.entries}
        known = [one for vpc in sorted(filter(None, vpcs)) for one in self._instances("vpc-id", [vpc])]
        known += self.instances(entry["Target"]["Id"] for _, health in read for entry in health.entries)
        index = InstanceIndex(known)
        return [GroupListing(raw, health, index) for raw, health in read]

    def instances(self, ids: Iterable[str]) -> list[Instance]:
        """Returns the instances that exist. It asks by a filter, because one unknown id fails a question by id."""
        wanted = sorted({one for one in ids if one.startswith("i-")})
        found = in_parallel(lambda few: self._instances("instance-id", few), chunks(wanted, MAX_FILTER_VALUES))
        return [one for few in found for one in few]

    def _retried(self, question: Callable[[], T]) -> T:
        """Returns the answer to one of several questions; repeats it where AWS says no quickly.

        Without this answer all the others would be lost. The rate limits set the pace.
        """
        until = self._clock.now() + RETRY_WINDOW
        for _ in range(TRIES - 1):
            try:
                return question()
            except NoAnswerError:
                if self._clock.now() > until:
                    raise
        return question()

    def _group_pages(self, request: "DescribeTargetGroupsInputTypeDef") -> "list[TargetGroupTypeDef]":
        found: list[TargetGroupTypeDef] = []
        while True:
            answer = self._retried(
                lambda: self._aws.call(ELB, "DescribeTargetGroups", lambda elb: elb.describe_target_groups(**request))
            )
            found += answer["TargetGroups"]
            if not answer.get("NextMarker"):
                return found
            request["Marker"] = answer["NextMarker"]

    def _balancers(self, arns: Sequence[str]) -> "list[LoadBalancerTypeDef]":
        answer = self._retried(
            lambda: self._aws.call(
                ELB, "DescribeLoadBalancers", lambda elb: elb.describe_load_balancers(LoadBalancerArns=list(arns))
            )
        )
        return answer["LoadBalancers"]

    def _balancer_attributes(self, arn: str) -> Attributes:
        answer = self._retried(
            lambda: self._aws.call(
                ELB,
                "DescribeLoadBalancerAttributes",
                lambda elb: elb.describe_load_balancer_attributes(LoadBalancerArn=arn),
            )
        )
        return {one["Key"]: one["Value"] for one in answer["Attributes"]}

    def _instances(self, name: str, values: Sequence[str]) -> list[Instance]:
        found: list[Instance] = []
        token = ""
        while True:
            answer = self._retried(partial(self._instances_page, name, values, token))
            found += [read_instance(one) for many in answer.get("Reservations", []) for one in many["Instances"]]
            token = answer.get("NextToken", "")
            if not token:
                return found

    def _instances_page(self, name: str, values: Sequence[str], token: str) -> "DescribeInstancesResultTypeDef":
        more: Mapping[str, str] = {"NextToken": token} if token else {}
        filters = [{"Name": name, "Values": list(values)}]
        return self._aws.call(
            EC2,
            "DescribeInstances",
            lambda ec2: ec2.describe_instances(Filters=filters, MaxResults=MAX_INSTANCES, **more),  # type: ignore[arg-type]  # plain dicts
        )
