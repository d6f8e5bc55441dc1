"""Tests of the least IAM policy: exactly the rights that each kind of configuration needs."""

from dataclasses import replace

import pytest

from katakei.domain.instances import InstanceAction, InstanceActionKind
from katakei.domain.spec import Command, Drain, DrainUntil, Selection, Spec, SshAccess, Variable
from katakei.planning.iam import (
    AGENT,
    ANY,
    CALLS,
    CHANGES,
    Bucket,
    PolicyRole,
    Statement,
    Where,
    limits_targets,
    parameters,
    policy,
    uses_ssm,
)

TOKYO = Where("123456789012", "ap-northeast-1")
MANUAL = Spec("shop", ("web",), Command("manual"))
SSM = replace(MANUAL, work=Command("ssm", "./deploy"))
SSH = replace(MANUAL, work=Command("ssh", "./deploy", ssh=SshAccess()))
PROBED = replace(MANUAL, drain=Drain(until=DrainUntil.PROOF, probe="ssm"))
REVERTED = replace(MANUAL, revert=Command("ssm", "./undo"))
READS = CALLS["balancers/alb"] - CHANGES
INSTANCES = "arn:aws:ec2:ap-northeast-1:123456789012:instance/"
OWN = {"StringEquals": {"s3:ResourceAccount": ("123456789012",)}}


def by_sid(role: PolicyRole, spec: Spec, where: Where = TOKYO, bucket: Bucket | None = None) -> dict[str, Statement]:
    found = policy(role, spec, where, bucket)
    assert len({each.sid for each in found}) == len(found)
    return {each.sid: each for each in found}


@pytest.mark.parametrize("spec", [MANUAL, SSH, replace(MANUAL, work=Command("local", "./deploy"))])
def test_work_without_run_command_needs_the_group_only(spec: Spec) -> None:
    found = by_sid(PolicyRole.CONTROLLER, spec)
    assert set(found) == {"Read", "ChangeTheseGroups"}
    assert set(found["Read"].actions) == READS
    assert found["Read"].resources == (ANY,)
    assert found["Read"].conditions == {"StringEquals": {"aws:RequestedRegion": ("ap-northeast-1",)}}
    assert found["ChangeTheseGroups"] == Statement(
        "ChangeTheseGroups",
        ("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"),
        ("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/web/*",),
    )
    assert not uses_ssm(spec)


@pytest.mark.parametrize("spec", [SSM, PROBED, REVERTED])
def test_work_probe_and_revert_by_ssm_send_commands(spec: Spec) -> None:
    found = by_sid(PolicyRole.CONTROLLER, spec)
    assert uses_ssm(spec)
    assert set(found["Read"].actions) == READS | CALLS["executors/ssm"] - {"ssm:SendCommand"}
    document = ("arn:aws:ssm:ap-northeast-1::document/AWS-RunShellScript",)
    assert found["RunTheDocument"] == Statement("RunTheDocument", ("ssm:SendCommand",), document)
    assert found["RunOnInstances"] == Statement("RunOnInstances", ("ssm:SendCommand",), (f"{INSTANCES}*",))
    assert not limits_targets(spec)


def test_tags_of_targets_limit_commands() -> None:
    tagged = replace(SSM, targets=Selection(tags=(("App", "shop"), ("Role", "web"))))
    found = by_sid(PolicyRole.CONTROLLER, tagged)
    tags = {"ssm:resourceTag/App": ("shop",), "ssm:resourceTag/Role": ("web",)}
    assert found["RunOnTaggedInstances"].conditions == {"StringEquals": tags}
    assert found["RunOnTaggedInstances"].resources == (f"{INSTANCES}*",)
    assert "RunOnInstances" not in found
    assert limits_targets(tagged)


def test_ids_and_names_of_targets_limit_commands() -> None:
    named = replace(SSM, targets=Selection(only=("i-0123456789abcdef0:80", "web-1:80", "web-2")))
    found = by_sid(PolicyRole.CONTROLLER, named)
    assert found["RunOnTheseInstances"].resources == (f"{INSTANCES}i-0123456789abcdef0",)
    assert found["RunOnTaggedInstances"].conditions == {"StringEquals": {"ssm:resourceTag/Name": ("web-1", "web-2")}}
    only_ids = replace(SSM, targets=Selection(only=("i-0123456789abcdef0",)))
    assert "RunOnTaggedInstances" not in by_sid(PolicyRole.CONTROLLER, only_ids)


@pytest.mark.parametrize("address", ["10.0.0.7", "10.0.0.7:80", "fd00::7"])
def test_address_of_a_target_limits_nothing(address: str) -> None:
    found = by_sid(PolicyRole.CONTROLLER, replace(SSM, targets=Selection(only=("web-1", address))))
    assert found["RunOnInstances"].resources == (f"{INSTANCES}*",)


def test_arns_of_groups_tell_account_and_region() -> None:
    arn = "arn:aws-cn:elasticloadbalancing:cn-north-1:210987654321:targetgroup/web/0123456789abcdef"
    found = by_sid(PolicyRole.CONTROLLER, replace(SSM, groups=(arn, "web", "api")), Where("1", "cn-north-1"))
    api = "arn:aws-cn:elasticloadbalancing:cn-north-1:1:targetgroup/api/*"
    assert found["ChangeTheseGroups"].resources == (arn, api.replace("/api/", "/web/"), api)
    assert found["Read"].conditions["StringEquals"]["aws:RequestedRegion"] == ("cn-north-1",)
    assert found["RunTheDocument"].resources == ("arn:aws-cn:ssm:cn-north-1::document/AWS-RunShellScript",)
    assert found["RunOnInstances"].resources == ("arn:aws-cn:ec2:cn-north-1:210987654321:instance/*",)


def test_journal_in_s3_is_read_and_written_below_its_prefix() -> None:
    found = by_sid(PolicyRole.CI, MANUAL, bucket=Bucket("my-bucket", "katakei/"))
    assert found["KeepTheJournal"] == Statement(
        "KeepTheJournal", ("s3:GetObject", "s3:PutObject"), ("arn:aws:s3:::my-bucket/katakei/*",)
    )
    assert found["ListTheJournal"] == Statement("ListTheJournal", ("s3:ListBucket",), ("arn:aws:s3:::my-bucket",))
    owned = by_sid(PolicyRole.CI, MANUAL, bucket=Bucket("my-bucket", "", "123456789012"))
    assert owned["KeepTheJournal"].resources == ("arn:aws:s3:::my-bucket/*",)
    assert owned["KeepTheJournal"].conditions == OWN
    assert owned["ListTheJournal"].conditions == OWN


def test_reader_may_change_and_send_nothing() -> None:
    found = by_sid(PolicyRole.READER, SSM, bucket=Bucket("my-bucket", "katakei/"))
    assert set(found) == {"Read", "ReadTheJournal", "ListTheJournal"}
    assert set(found["Read"].actions) == READS | {"ssm:DescribeInstanceInformation"}
    assert found["ReadTheJournal"].actions == ("s3:GetObject",)
    assert set(by_sid(PolicyRole.READER, MANUAL)["Read"].actions) == READS


def test_targets_receive_commands_and_read_their_parameters() -> None:
    env = (Variable("DB", ssm_parameter="/app/db"), Variable("KEY", ssm_parameter="key"), Variable("A", "plain"))
    spec = replace(SSM, work=replace(SSM.work, env=env))
    assert parameters(spec) == ("/app/db", "key")
    found = by_sid(PolicyRole.TARGETS, spec)
    assert found["ReceiveCommands"] == Statement("ReceiveCommands", AGENT)
    parameter = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/"
    assert found["ReadTheseParameters"] == Statement(
        "ReadTheseParameters", ("ssm:GetParameter",), (f"{parameter}app/db", f"{parameter}key")
    )
    assert set(by_sid(PolicyRole.TARGETS, SSM)) == {"ReceiveCommands"}
    assert policy(PolicyRole.TARGETS, MANUAL, TOKYO) == ()


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-iso-east-1", "aws-iso")],
)
def test_partition_is_that_of_the_region(region: str, partition: str) -> None:
    assert Where("1", region).partition == partition


REBOOT = Command("ec2", instance=InstanceAction(InstanceActionKind.REBOOT))
RESIZE = Command("ec2", instance=InstanceAction(InstanceActionKind.STOP_START, "m7g.large", by=""))
MARK = Statement(
    "MarkInstances",
    ("ec2:CreateTags",),
    (f"{INSTANCES}*",),
    {"ForAllValues:StringEquals": {"aws:TagKeys": ("katakei:work",)}},
)


def test_reboot_needs_the_reboot_and_its_mark() -> None:
    found = by_sid(PolicyRole.CONTROLLER, replace(MANUAL, work=REBOOT))
    assert found["ActOnInstances"] == Statement("ActOnInstances", ("ec2:RebootInstances",), (f"{INSTANCES}*",))
    assert found["MarkInstances"] == MARK
    reads = {"ec2:DescribeInstances", "ec2:DescribeInstanceStatus"}
    assert set(found["Read"].actions) == READS | reads | CALLS["executors/ssm"] - {"ssm:SendCommand"}
    assert set(by_sid(PolicyRole.READER, replace(MANUAL, work=REBOOT))) == {"Read"}


def test_stop_and_another_type_are_limited_to_the_targets() -> None:
    chosen = replace(MANUAL, work=RESIZE, targets=Selection(only=("i-0123456789abcdef0", "web2")))
    found = by_sid(PolicyRole.CONTROLLER, chosen)
    actions = ("ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:StopInstances")
    assert found["ActOnTheseInstances"] == Statement(
        "ActOnTheseInstances", actions, (f"{INSTANCES}i-0123456789abcdef0",)
    )
    tagged = {"StringEquals": {"aws:ResourceTag/Name": ("web2",)}}
    assert found["ActOnTaggedInstances"] == Statement("ActOnTaggedInstances", actions, (f"{INSTANCES}*",), tagged)
    assert found["MarkInstances"] == MARK
    assert {"ec2:DescribeInstanceTypes", "ec2:DescribeInstanceStatus"} <= set(found["Read"].actions)
    assert not uses_ssm(chosen)


def test_reboot_and_stop_need_the_rights_of_both() -> None:
    found = by_sid(PolicyRole.CONTROLLER, replace(MANUAL, work=REBOOT, revert=replace(RESIZE)))
    assert found["ActOnInstances"].actions == (
        "ec2:ModifyInstanceAttribute",
        "ec2:RebootInstances",
        "ec2:StartInstances",
        "ec2:StopInstances",
    )
