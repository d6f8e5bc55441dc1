"""The least IAM policy for a configuration: which part of the code needs which action, and on which resources.

`CALLS` is the table; a test compares it with the calls that the adapters make. IAM supports no resource for the actions
that only read ELBv2, EC2 and Systems Manager, so these are limited to the region. Sources of the resource types and
condition keys: the Service Authorization Reference of each service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from katakei.domain.model import TargetId
from katakei.domain.spec import Selection, Spec
from katakei.planning.target_refs import is_address, is_instance, split

ANY = "*"
DOCUMENT = "AWS-RunShellScript"

CALLS: Mapping[str, frozenset[str]] = {
    "balancers/alb": frozenset(
        {
            "ec2:DescribeInstances",
            "elasticloadbalancing:DeregisterTargets",
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
            "elasticloadbalancing:RegisterTargets",
        }
    ),
    "balancers/routes": frozenset(
        {
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeRules",
            "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:ModifyRule",
        }
    ),
    "executors/ssm": frozenset(
        {
            "ssm:DescribeInstanceInformation",
            "ssm:GetCommandInvocation",
            "ssm:ListCommandInvocations",
            "ssm:SendCommand",
        }
    ),
    "executors/ssh": frozenset({"ec2:DescribeInstances"}),
    "executors/ec2": frozenset(
        {
            "ec2:CreateTags",
            "ec2:DescribeInstanceStatus",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeInstances",
            "ec2:ModifyInstanceAttribute",
            "ec2:RebootInstances",
            "ec2:StartInstances",
            "ec2:StopInstances",
        }
    ),
    "journals/s3": frozenset({"s3:GetObject", "s3:ListBucket", "s3:PutObject"}),
}
"""The actions that each package of `katakei.adapters` needs. GetCallerIdentity needs no right."""

CODE_OF: Mapping[str, tuple[str, ...]] = {
    "ssm": ("executors/ssm",),
    "ssh": ("executors/ssh",),
    "ec2": ("executors/ec2",),
    "local": (),
    "manual": (),
}
"""The packages that make the calls of each executor."""

CHANGES = frozenset({"elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"})
SEND = frozenset({"ssm:SendCommand"})
ANSWERS = frozenset({"ssm:GetCommandInvocation", "ssm:ListCommandInvocations"})
"""Only a process that sends commands asks for their answers."""

REBOOT = frozenset({"ec2:RebootInstances"})
STOP_START = frozenset({"ec2:StartInstances", "ec2:StopInstances"})
CHANGE_TYPE = frozenset({"ec2:ModifyInstanceAttribute"})
MARK = frozenset({"ec2:CreateTags"})
ON_MACHINES = REBOOT | STOP_START | CHANGE_TYPE | MARK
TYPES = frozenset({"ec2:DescribeInstanceTypes"})
MARK_TAG = "katakei:work"
"""The tag that marks work of EC2 on an instance."""

OBJECTS = frozenset({"s3:GetObject", "s3:PutObject"})
LIST = frozenset({"s3:ListBucket"})
AGENT = (
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
    "ec2messages:SendReply",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""What the SSM agent needs to receive commands and to answer; a part of AmazonSSMManagedInstanceCore."""


class PolicyRole(Enum):
    """Whose policy it is.

    CONTROLLER: the machine that runs rollouts. CI: a job that does, whose journal is in S3. READER: a person who only
    reads. TARGETS: the instance profile of the targets.
    """

    CONTROLLER = "controller"
    CI = "ci"
    READER = "reader"
    TARGETS = "targets"


@dataclass(frozen=True, slots=True)
class Bucket:
    """The journal in S3: a bucket, a prefix (with `/` at its end, or ''), and the account that must own it, or ''."""

    name: str
    prefix: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """The account and region for what the configuration names without them."""

    account: str
    region: str

    @property
    def partition(self) -> str:
        """The partition of the region (`aws` in ARNs)."""
        kinds = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b"}
        return next((name for start, name in kinds.items() if self.region.startswith(start)), "aws")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy: it allows the actions on the resources, under the conditions."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = (ANY,)
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


def policy(role: PolicyRole, spec: Spec, where: Where, bucket: Bucket | None = None) -> tuple[Statement, ...]:
    """The statements of the least policy.

    Args:
        role: Whose policy it is.
        spec: The configuration.
        where: Account and region.
        bucket: The journal, where it is in S3.

    Returns:
        The statements; empty where the role needs no right.
    """
    if role is PolicyRole.TARGETS:
        return _of_targets(spec, where)
    needed = frozenset[str]().union(*(CALLS[code] for code in ("balancers/alb", *_code_of_work(spec))))
    regional = {"StringEquals": {"aws:RequestedRegion": _regions(spec, where)}}
    stops = any(command.stops for command in spec.commands)
    reads = needed - CHANGES - SEND - ON_MACHINES - (frozenset() if stops else TYPES)
    if role is PolicyRole.READER:
        reads -= ANSWERS
    found = [Statement("Read", tuple(sorted(reads)), conditions=regional)]
    if role is not PolicyRole.READER:
        found.append(Statement("ChangeTheseGroups", tuple(sorted(CHANGES & needed)), _groups(spec, where)))
        found += _of_commands(spec, where) if needed & SEND else []
        found += _of_machines(spec, where)
    return (*found, *(_of_journal(bucket, where, writes=role is not PolicyRole.READER) if bucket else ()))


def uses_ssm(spec: Spec) -> bool:
    """Whether work or the probe reaches targets by Run Command."""
    return "executors/ssm" in _code_of_work(spec)


def parameters(spec: Spec) -> tuple[str, ...]:
    """The SSM parameters that targets fetch for the work."""
    names = (each.ssm_parameter for command in spec.commands for each in command.env if each.ssm_parameter)
    return tuple(sorted(set(names)))


def limits_targets(spec: Spec) -> bool:
    """Whether the configuration names its targets so that IAM can limit commands to them."""
    return _instances(spec.targets) is not None


def _code_of_work(spec: Spec) -> Sequence[str]:
    return sorted({code for executor in spec.executors for code in CODE_OF[executor]})


def _regions(spec: Spec, where: Where) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_place(group, where).region for group in spec.groups))


def _groups(spec: Spec, where: Where) -> tuple[str, ...]:
    """An account has one group of a name in a region, so a name and any id is exactly that group."""
    return tuple(dict.fromkeys(_group_arn(group, where) for group in spec.groups))


def _group_arn(group: str, where: Where) -> str:
    if group.startswith("arn:"):
        return group
    return f"arn:{where.partition}:elasticloadbalancing:{where.region}:{where.account}:targetgroup/{group}/*"


def _place(group: str, where: Where) -> Where:
    parts = group.split(":")
    return Where(parts[4], parts[3]) if group.startswith("arn:") else where


def _of_commands(spec: Spec, where: Where) -> list[Statement]:
    """SendCommand needs the document and every instance. The document of AWS has no account in its ARN."""
    at = _place(spec.groups[0], where)
    action = tuple(SEND)
    document = f"arn:{at.partition}:ssm:{at.region}::document/{DOCUMENT}"
    found = [Statement("RunTheDocument", action, (document,))]
    any_instance = f"arn:{at.partition}:ec2:{at.region}:{at.account}:instance/"
    limits = _instances(spec.targets)
    if limits is None:
        return [*found, Statement("RunOnInstances", action, (f"{any_instance}*",))]
    ids, tags = limits
    if ids:
        found.append(Statement("RunOnTheseInstances", action, tuple(f"{any_instance}{each}" for each in ids)))
    if tags:
        wanted = {f"ssm:resourceTag/{key}": tags[key] for key in sorted(tags)}
        found.append(Statement("RunOnTaggedInstances", action, (f"{any_instance}*",), {"StringEquals": wanted}))
    return found


def _of_machines(spec: Spec, where: Where) -> list[Statement]:
    """What EC2 does with the targets, and the tag that marks it. No other tag may be written."""
    done = [command.instance for command in spec.commands if command.instance]
    if not done:
        return []
    actions = STOP_START if any(each.stops for each in done) else frozenset[str]()
    actions |= REBOOT if any(not each.stops for each in done) else frozenset()
    actions |= CHANGE_TYPE if any(each.instance_type for each in done) else frozenset()
    at, action = _place(spec.groups[0], where), tuple(sorted(actions))
    any_instance = f"arn:{at.partition}:ec2:{at.region}:{at.account}:instance/"
    limits = _instances(spec.targets)
    ids, tags = limits or ((), {})
    found: list[Statement] = []
    if ids:
        found.append(Statement("ActOnTheseInstances", action, tuple(f"{any_instance}{each}" for each in ids)))
    if tags:
        wanted = {f"aws:ResourceTag/{key}": tags[key] for key in sorted(tags)}
        found.append(Statement("ActOnTaggedInstances", action, (f"{any_instance}*",), {"StringEquals": wanted}))
    if limits is None:
        found.append(Statement("ActOnInstances", action, (f"{any_instance}*",)))
    only = {"ForAllValues:StringEquals": {"aws:TagKeys": (MARK_TAG,)}}
    return [*found, Statement("MarkInstances", tuple(MARK), (f"{any_instance}*",), only)]


def _instances(chosen: Selection) -> tuple[tuple[TargetId, ...], Mapping[str, tuple[str, ...]]] | None:
    """The ids and the tags of the targets; None where IAM cannot know them. A target has all of the tags.

    A name is the value of the tag Name. An IP address is nothing that IAM knows.
    """
    if chosen.tags:
        return (), {key: (value,) for key, value in chosen.tags}
    bare = [split(written)[0] for written in chosen.only]
    if not bare or any(is_address(each) for each in bare):
        return None
    ids = tuple(TargetId(each) for each in bare if is_instance(each))
    names = tuple(each for each in bare if not is_instance(each))
    return ids, {"Name": names} if names else {}


def _of_journal(bucket: Bucket, where: Where, *, writes: bool) -> tuple[Statement, ...]:
    """The rights on a journal.

    ListBucket has no condition on the prefix: without ListBucket S3 answers 403 for an object that does not exist, and
    that question names no prefix.
    """
    arn = f"arn:{where.partition}:s3:::{bucket.name}"
    owner = {"StringEquals": {"s3:ResourceAccount": (bucket.owner,)}} if bucket.owner else {}
    sid, actions = ("KeepTheJournal", OBJECTS) if writes else ("ReadTheJournal", OBJECTS - {"s3:PutObject"})
    objects = Statement(sid, tuple(sorted(actions)), (f"{arn}/{bucket.prefix}*",), owner)
    return (objects, Statement("ListTheJournal", tuple(LIST), (arn,), owner))


def _of_targets(spec: Spec, where: Where) -> tuple[Statement, ...]:
    """The agent, and the parameters that the work reads on the target."""
    if not uses_ssm(spec):
        return ()
    at = _place(spec.groups[0], where)
    found = [Statement("ReceiveCommands", AGENT)]
    if names := parameters(spec):
        parameter = f"arn:{at.partition}:ssm:{at.region}:{at.account}:parameter/"
        arns = tuple(f"{parameter}{name.removeprefix('/')}" for name in names)
        found.append(Statement("ReadTheseParameters", ("ssm:GetParameter",), arns))
    return tuple(found)
