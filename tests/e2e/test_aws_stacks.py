"""The CloudFormation stacks of `examples/aws` on the lab: deployed by the real `aws` command, and rolled under load."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.command import Katakei
from tests.lab.conftest import AWS, Cli, Clients
from tests.project.structure import ROOT

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab
from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
EXAMPLES = ROOT / "examples" / "aws"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
FASTER = {"HealthCheckIntervalSeconds: 10": "HealthCheckIntervalSeconds: 5", "TimeoutSeconds: 5": "TimeoutSeconds: 2"}
CONFIG = """\
service: example
balancer: {alb: {target_groups: [Shop]}}
drain: {settle: 2s}
work: {ssm: {run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart graceful'}}
check: {http: {path: /index.php, expect: 200}}
warm: {soak: 1s}
"""
KINDS = (
    *(("ec2", each) for each in ("describe_vpcs", "describe_subnets", "describe_internet_gateways")),
    *(("ec2", each) for each in ("describe_route_tables", "describe_security_groups", "describe_network_acls")),
    *(("ec2", each) for each in ("describe_instances", "describe_launch_templates", "describe_volumes")),
    *(("ec2", each) for each in ("describe_network_interfaces", "describe_iam_instance_profile_associations")),
    *(("elbv2", each) for each in ("describe_load_balancers", "describe_target_groups")),
    *(("iam", each) for each in ("list_roles", "list_instance_profiles")),
    ("s3", "list_buckets"),
    ("secretsmanager", "list_secrets"),
    *(("rds", each) for each in ("describe_db_instances", "describe_db_subnet_groups", "describe_db_snapshots")),
    *(("cloudformation", each) for each in ("describe_stacks", "list_exports")),
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab without servers of its own."""
    with Lab(LabOptions(targets=0)) as running:
        yield running


def inventory(clients: Clients) -> dict[str, Any]:
    """Returns every resource of every kind that the stacks use. EC2 shows terminated instances for a while."""
    found = {f"{service}.{call}": getattr(clients.get(service), call)() for service, call in KINDS}
    found["iam.policies"] = clients.get("iam").list_policies(Scope="Local")
    living = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
    found["ec2.describe_instances"] = clients.get("ec2").describe_instances(Filters=living)
    return {name: {key: each for key, each in one.items() if key != "ResponseMetadata"} for name, one in found.items()}


def deploy(aws: Cli, stack: str, file: Path, *parameters: str) -> None:
    given = ("--parameter-overrides", *parameters) if parameters else ()
    words = ("cloudformation", "deploy", "--stack-name", stack, "--template-file", str(file))
    done = aws.run(*words, "--capabilities", "CAPABILITY_IAM", *given)
    assert "Successfully created/updated stack" in done.stdout, done.stdout + done.stderr


def outputs(clients: Clients, stack: str) -> dict[str, str]:
    (shown,) = clients.get("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in shown["Outputs"]}


def ids(clients: Clients, stack: str) -> dict[str, str]:
    shown = clients.get("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in shown}


def network_is_as_the_template_says(clients: Clients) -> None:
    made, ec2 = ids(clients, "katakei-network"), clients.get("ec2")
    subnets = [made[name] for name in ("PublicSubnet1", "PublicSubnet2", "PrivateSubnet1", "PrivateSubnet2")]
    shown = {one["SubnetId"]: one for one in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
    assert [shown[one]["CidrBlock"] for one in subnets] == [f"10.0.{n}.0/24" for n in range(4)]
    assert [shown[one]["AvailabilityZone"][-1] for one in subnets] == ["a", "c", "a", "c"]
    assert [shown[one]["MapPublicIpOnLaunch"] for one in subnets] == [True, True, False, False]
    tables = ec2.describe_route_tables(RouteTableIds=[made["PublicRoutes"], made["PrivateRoutes"]])["RouteTables"]
    associated = {one["RouteTableId"]: {each["SubnetId"] for each in one["Associations"]} for one in tables}
    assert associated == {made["PublicRoutes"]: set(subnets[:2]), made["PrivateRoutes"]: set(subnets[2:])}
    (public,) = (one for one in tables if one["RouteTableId"] == made["PublicRoutes"])
    assert {one.get("GatewayId") for one in public["Routes"]} == {"local", made["InternetGateway"]}
    (vpc,) = ec2.describe_vpcs(VpcIds=[made["Vpc"]])["Vpcs"]
    tags = {tag["Key"]: tag["Value"] for tag in vpc["Tags"]}
    assert (tags["Name"], tags["aws:cloudformation:logical-id"]) == ("katakei-network", "Vpc")
    (group,) = ec2.describe_security_groups(GroupIds=[made["DatabaseSecurityGroup"]])["SecurityGroups"]
    (rule,) = group["IpPermissions"]
    assert (rule["FromPort"], rule["UserIdGroupPairs"][0]["GroupId"]) == (3306, made["ServerSecurityGroup"])


def application_is_as_the_template_says(clients: Clients) -> None:
    made, elb = ids(clients, "katakei-app"), clients.get("elbv2")
    (group,) = elb.describe_target_groups(TargetGroupArns=[made["TargetGroup"]])["TargetGroups"]
    assert [group[name] for name in ("HealthCheckIntervalSeconds", "HealthyThresholdCount")] == [10, 2]
    attributes = elb.describe_target_group_attributes(TargetGroupArn=made["TargetGroup"])["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "300"} in attributes
    assert set(clients.health(made["TargetGroup"])) == {made["Server1"], made["Server2"]}
    (balancer,) = elb.describe_load_balancers(LoadBalancerArns=[made["LoadBalancer"]])["LoadBalancers"]
    network = outputs(clients, "katakei-network")
    assert balancer["SecurityGroups"] == [network["LoadBalancerSecurityGroup"]]
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=made["LoadBalancer"])["Attributes"]
    assert {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"} in attributes
    instances = clients.get("ec2").describe_instances(InstanceIds=[made["Server1"]])["Reservations"][0]["Instances"]
    (profile,) = clients.get("iam").list_instance_profiles()["InstanceProfiles"]
    assert instances[0]["IamInstanceProfile"]["Arn"] == profile["Arn"]
    assert instances[0]["MetadataOptions"]["HttpTokens"] == "required"
    assert [one["GroupId"] for one in instances[0]["SecurityGroups"]] == [network["ServerSecurityGroup"]]
    (database,) = clients.get("rds").describe_db_instances()["DBInstances"]
    assert (database["MasterUsername"], database["DBName"]) == ("app", "app")
    assert [one["VpcSecurityGroupId"] for one in database["VpcSecurityGroups"]] == [network["DatabaseSecurityGroup"]]
    secret = clients.get("secretsmanager").get_secret_value(SecretId=made["DatabaseSecret"])["SecretString"]
    assert len(json.loads(secret)["password"]) == 32
    attached = clients.get("iam").list_attached_role_policies(RoleName=made["CiRole"])["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [made["RolloutPolicy"]]


def test_stacks_deploy_roll_update_and_leave_nothing(lab: Lab, tmp_path: Path) -> None:
    assert AWS.exists(), "the aws command is missing; make it with: make .venv-aws/.ready"
    aws, clients = Cli(lab.env), Clients(lab.env)
    before = inventory(clients)
    deploy(aws, "katakei-network", EXAMPLES / "network.yml")
    network_is_as_the_template_says(clients)
    github = ("GitHubRepository=example/shop", f"GitHubProvider={PROVIDER}")
    deploy(aws, "katakei-app", EXAMPLES / "application.yml", "TargetGroupName=Shop", "Database=yes", *github)
    application_is_as_the_template_says(clients)

    # An update in place: other checks, no database; the servers and the group stay.
    made, text = ids(clients, "katakei-app"), (EXAMPLES / "application.yml").read_text()
    for old, new in FASTER.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "application.yml").write_text(text)
    deploy(aws, "katakei-app", tmp_path / "application.yml", "Database=no", "GitHubRepository=")
    left = ids(clients, "katakei-app")
    assert left.items() <= made.items()
    gone = {"DatabaseSecret", "DatabaseServer", "DatabaseSubnets", "CiRole"}
    assert set(made) - set(left) == gone
    (snapshot,) = clients.get("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]

    roll(lab, clients, tmp_path)

    refused = aws.run("cloudformation", "delete-stack", "--stack-name", "katakei-network")
    assert "in use by katakei-app" in refused.stderr
    for stack in ("katakei-app", "katakei-network"):
        aws("cloudformation", "delete-stack", "--stack-name", stack)

    # What the templates keep on purpose: the journal, and a snapshot of the database.
    bucket = emptied_bucket(clients)
    clients.get("s3").delete_bucket(Bucket=bucket)
    clients.get("rds").delete_db_snapshot(DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"])
    assert inventory(clients) == before


def roll(lab: Lab, clients: Clients, folder: Path) -> None:
    """Roll the servers of the stack, with the journal in its bucket."""
    shown, group = outputs(clients, "katakei-app"), ids(clients, "katakei-app")["TargetGroup"]
    for target in clients.health(group):
        clients.becomes(group, target, "healthy", within=60)
    katakei = Katakei(folder, {**lab.env, "XDG_STATE_HOME": str(folder), "KATAKEI_JOURNAL": shown["Journal"]})
    traffic = Traffic(shown["Url"], 20, slow_seconds=1, longest=timedelta(minutes=5))
    traffic.start()
    try:
        done = katakei("roll", "-f", katakei.file(CONFIG), "--release", "v2", "--yes", within=150)
    finally:
        figures = traffic.stop()
        katakei.close()
    assert done.code == 0, done.all()
    assert (figures.failed, figures.first_failures) == (0, ())
    assert {"v1", "v2"} <= set(figures.releases)


def emptied_bucket(clients: Clients) -> str:
    """Empty the bucket of the journal, as its owner would before deleting it. Returns its name."""
    s3 = clients.get("s3")
    (bucket,) = (one["Name"] for one in s3.list_buckets()["Buckets"])
    kept = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert kept
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": one["Key"]} for one in kept]})
    return str(bucket)
