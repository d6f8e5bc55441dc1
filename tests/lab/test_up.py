"""`lab up` as a whole: its output, its behavior through the API, its end, and several labs at once."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.lab.conftest import Clients

from katakei.lab import clock
from katakei.lab.errors import LabError
from katakei.lab.options import LabInfo, LabOptions
from katakei.lab.process import Lab

pytestmark = pytest.mark.lab

SHELL = "AWS-RunShellScript"


def get(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the lab's own http address
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {}


def processes(lab: LabInfo) -> dict[int, str]:
    """Returns every running process that names this lab in its environment or on its command line."""
    mark = str(Path(lab.targets[0].folder).parents[1]).encode()
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            if mark in told and (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
    return found


@contextmanager
def raised(*words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Start `lab up` as a user does, without the class `Lab`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "katakei.lab", "up", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: "subprocess.Popen[bytes]") -> LabInfo:
    assert process.stdout is not None
    return LabInfo.read(process.stdout.readline().decode())


def test_lab_ignores_the_users_aws_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nonsense")
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9")
    with raised("--json", "--targets=0") as process:
        assert ready(process).targets == ()


# --- what a lab is ----------------------------------------------------------------------------------------------------


def test_json_line_has_all_facts(lab: Lab) -> None:
    told = json.loads(lab.facts.line())
    assert set(told) == {"endpoint", "url", "target_group_arn", "load_balancer_arn", "targets", "env"}
    assert [set(target) for target in told["targets"]] == [{"id", "port", "address", "zone", "folder"}] * 2
    assert [target["zone"] for target in told["targets"]] == ["ap-northeast-1a", "ap-northeast-1c"]
    assert {target["port"] for target in told["targets"]} == {80}
    assert told["env"]["AWS_ENDPOINT_URL"] == told["endpoint"]
    assert told["env"]["TARGET_GROUP_ARN"] == told["target_group_arn"]
    assert ":targetgroup/LaravelTargetGroup/" in told["target_group_arn"]


def test_group_has_the_default_settings(lab: Lab, clients: Clients) -> None:
    elb = clients.get("elbv2")
    group = elb.describe_target_groups(Names=["LaravelTargetGroup"])["TargetGroups"][0]
    assert group["LoadBalancerArns"] == [lab.load_balancer_arn]
    assert (group["Port"], group["HealthCheckPath"], group["Matcher"]) == (80, "/health", {"HttpCode": "200"})
    assert (group["HealthyThresholdCount"], group["UnhealthyThresholdCount"]) == (2, 2)
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=lab.load_balancer_arn)["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "60"} in attributes


def test_ready_lab_serves_from_every_server(lab: Lab) -> None:
    answers = [get(lab.url) for _ in range(20)]
    assert {status for status, _ in answers} == {200}
    assert {answer["instance"] for _, answer in answers} == {target.id for target in lab.targets}


def test_setup_calls_are_not_logged(lab: Lab, clients: Clients) -> None:
    before = len(lab.calls())
    clients.get("sts").get_caller_identity()
    calls = lab.calls()
    assert len(calls) == before + 1
    assert calls[-1]["action"] == "GetCallerIdentity"
    assert not any("katakei" in call["agent"] for call in calls)


# --- instances and commands through the API --------------------------------------------------------------------------


def power(clients: Clients, instance: str) -> str:
    described = clients.get("ec2").describe_instances(InstanceIds=[instance])
    return str(described["Reservations"][0]["Instances"][0]["State"]["Name"])


def test_instance_from_the_api_is_a_server(lab: Lab, clients: Clients) -> None:
    ec2, elb = clients.get("ec2"), clients.get("elbv2")
    made = ec2.run_instances(MinCount=1, MaxCount=1, Placement={"AvailabilityZone": "ap-northeast-1c"})
    instance = made["Instances"][0]["InstanceId"]
    assert made["Instances"][0]["State"]["Name"] == "pending"
    assert clock.wait_for(lambda: power(clients, instance) == "running", 10, 0.1)
    elb.register_targets(TargetGroupArn=lab.target_group_arn, Targets=[{"Id": instance}])
    clients.becomes(lab.target_group_arn, instance, "healthy")
    assert clock.wait_for(lambda: get(lab.url)[1].get("instance") == instance, 5)

    ec2.stop_instances(InstanceIds=[instance])
    clients.becomes(lab.target_group_arn, instance, "unused")
    assert clients.health(lab.target_group_arn)[instance][1:] == (
        "Target.InvalidState",
        "Target is in the stopped state",
    )
    assert clock.wait_for(lambda: power(clients, instance) == "stopped", 10, 0.1)
    ec2.start_instances(InstanceIds=[instance])
    clients.becomes(lab.target_group_arn, instance, "healthy")

    ec2.terminate_instances(InstanceIds=[instance])
    clients.becomes(lab.target_group_arn, instance, "absent")
    elb.deregister_targets(TargetGroupArn=lab.target_group_arn, Targets=[{"Id": instance}])
    assert {get(lab.url)[0] for _ in range(10)} == {200}


def run(clients: Clients, target: str, *commands: str) -> str:
    sent = clients.get("ssm").send_command(
        InstanceIds=[target], DocumentName=SHELL, Parameters={"commands": list(commands)}
    )
    return str(sent["Command"]["CommandId"])


def invocation(clients: Clients, command: str) -> dict[str, Any]:
    found = clients.get("ssm").list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
    return dict(found[0]) if found else {"Status": "none yet"}


def ends(clients: Clients, command: str, status: str, within: float = 10) -> dict[str, Any]:
    assert clock.wait_for(lambda: invocation(clients, command)["Status"] == status, within, 0.1), invocation(
        clients, command
    )
    return invocation(clients, command)


def test_run_command_runs_on_the_server(lab: Lab, clients: Clients) -> None:
    target = lab.targets[0]
    done = ends(
        clients,
        run(clients, target.id, "pwd", "echo $KATAKEI_LAB_INSTANCE $ADDRESS", "test -d $KATAKEI_STATE"),
        "Success",
    )
    assert done["CommandPlugins"][0]["Output"].split() == [target.folder, target.id, target.address]
    nodes = clients.get("ssm").describe_instance_information()["InstanceInformationList"]
    assert {node["InstanceId"]: node["PingStatus"] for node in nodes} == {one.id: "Online" for one in lab.targets}


def test_command_runs_again_after_its_reboot(lab: Lab, clients: Clients) -> None:
    target = lab.targets[0]
    script = ("echo $KATAKEI_BOOT_ID >> boots", "test $(wc -l < boots) = 2 || exit 194")
    ends(clients, run(clients, target.id, *script), "Success")
    assert len(set((Path(target.folder) / "boots").read_text().split())) == 2
    clients.becomes(lab.target_group_arn, target.id, "healthy")


def test_over_removes_settings_of_another_aws(lab: Lab) -> None:
    env = lab.over(
        {"PATH": "/bin", "AWS_PROFILE": "work", "AWS_ENDPOINT_URL_S3": "https://elsewhere", "AWS_REGION": "x"}
    )
    assert env == {"PATH": "/bin", **lab.env}


def test_invalid_send_command_gets_the_services_error(lab: Lab, clients: Clients) -> None:
    ssm, target = clients.get("ssm"), lab.targets[0].id
    with pytest.raises(ssm.exceptions.InvalidDocument):
        ssm.send_command(InstanceIds=[target], DocumentName="Deploy", Parameters={"commands": ["true"]})
    with pytest.raises(ssm.exceptions.InvocationDoesNotExist):
        ssm.get_command_invocation(CommandId=run(clients, target, "true"), InstanceId=lab.targets[1].id)
    with pytest.raises(ssm.exceptions.InvalidCommandId):
        ssm.list_command_invocations(CommandId="0" * 36)


def test_dead_agent_runs_nothing_until_it_returns(lab: Lab, clients: Clients) -> None:
    target = lab.targets[0].id
    lab.faults(agent_dead=[target])
    try:
        command = run(clients, target, "true")
        ends(clients, command, "Delayed")
    finally:
        lab.faults(agent_dead=[])
    ends(clients, command, "Success")


def test_dead_target_becomes_unhealthy_and_recovers(lab: Lab, clients: Clients) -> None:
    first, second = (target.id for target in lab.targets)
    lab.faults(target_dead=[first])
    try:
        clients.becomes(lab.target_group_arn, first, "unhealthy")
        assert clients.health(lab.target_group_arn)[first][1:] == ("Target.FailedHealthChecks", "Health checks failed")
        assert clock.wait_for(lambda: {get(lab.url)[1].get("instance") for _ in range(6)} == {second}, 5)
    finally:
        lab.faults(target_dead=[])
    clients.becomes(lab.target_group_arn, first, "healthy")


def test_port_without_listener_fails_its_health_check(lab: Lab, clients: Clients) -> None:
    target, elb = lab.targets[0], clients.get("elbv2")
    place = {"TargetGroupArn": lab.target_group_arn, "Targets": [{"Id": target.id, "Port": 8099}]}
    file = Path(target.folder) / "ports"

    def health() -> tuple[str, str]:
        shown = elb.describe_target_health(**place)["TargetHealthDescriptions"][0]["TargetHealth"]
        return shown["State"], shown.get("Reason", "")

    elb.register_targets(**place)
    try:
        assert clock.wait_for(lambda: health()[0] in {"unhealthy", "healthy"}, 15, 0.1), health()
        assert health() == ("unhealthy", "Target.FailedHealthChecks")
        file.write_text("8099\n")
        assert clock.wait_for(lambda: health()[0] == "healthy", 15, 0.1), health()
    finally:
        elb.deregister_targets(**place)
        file.unlink(missing_ok=True)
    assert clock.wait_for(lambda: health()[1] == "Target.NotRegistered", 10, 0.1)


def test_hanging_deploy_hangs_in_its_restart(lab: Lab, clients: Clients) -> None:
    target = lab.targets[0].id
    lab.faults(deploy_hangs=[target])
    try:
        command = run(clients, target, "./bin/restart")
        ends(clients, command, "InProgress")
        clock.sleep(1.5)
        assert invocation(clients, command)["Status"] == "InProgress"
    finally:
        lab.faults(deploy_hangs=[])
    ends(clients, command, "Success")


# --- how it ends -----------------------------------------------------------------------------------------------------


def ended_by(how: signal.Signals) -> None:
    with raised("--json", "--targets=1", "--interval=2") as process:
        facts = ready(process)
        detached = "setsid sleep 300 < /dev/null > /dev/null 2>&1 &"
        run(Clients(facts.env), facts.targets[0].id, detached)
        assert clock.wait_for(lambda: any("sleep 300" in command for command in processes(facts).values()), 10, 0.1)
        process.send_signal(how)
        code = process.wait(15)
        assert code == (0 if how is not signal.SIGKILL else -signal.SIGKILL)
        assert clock.wait_for(lambda: not processes(facts), 5, 0.1), processes(facts)
        if how is not signal.SIGKILL:
            assert not Path(facts.targets[0].folder).exists()
            assert process.stderr is not None
            assert process.stderr.read() == b""


def test_ended_lab_leaves_no_process() -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(ended_by, (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)))


def test_lab_ends_when_its_parent_is_killed() -> None:
    starts = "from katakei.lab.process import Lab; import time; print(Lab().start().line(), flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", starts], stdout=subprocess.PIPE) as parent:
        facts = ready(parent)
        assert processes(facts)
        parent.kill()
    assert clock.wait_for(lambda: not processes(facts), 10, 0.1), processes(facts)


def test_lab_stopped_before_ready_ends_cleanly() -> None:
    with raised("--json") as process:
        clock.sleep(1.2)
        process.terminate()
        assert process.wait(15) == 0


def test_lab_runs_no_module_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("moto", "flask", "click"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a module of the current folder was run')\n")
    monkeypatch.chdir(tmp_path)

    with Lab(LabOptions(targets=0)) as lab:
        assert get(lab.url)[0] == 503


def test_several_labs_run_side_by_side(lab: Lab) -> None:
    one = Lab(LabOptions(targets=3, lag=timedelta(seconds=15), port=8080, zones=("d",)))
    two = Lab(LabOptions(targets=0))
    with ThreadPoolExecutor() as pool:
        list(pool.map(Lab.start, (one, two)))
    try:
        assert [get(one.url)[0] for _ in range(10)] == [200] * 10
        assert {(target.zone, target.port) for target in one.targets} == {("ap-northeast-1d", 8080)}
        assert get(two.url)[0] == 503
        assert len({one.endpoint, two.endpoint, lab.endpoint}) == 3
        assert get(lab.url)[0] == 200
    finally:
        one.stop()
        two.stop()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--targets=-1", "--targets takes 0 to 200"),
        ("--delay=4000", "--delay takes 0 to 3600 seconds"),
        ("--delay=99999999999999999", "--delay takes 0 to 3600 seconds"),
        ("--lag=nan", "--lag takes 0 to 600 seconds"),
        ("--zones=a,b", "the zones of ap-northeast-1 are a, c and d"),
        ("--zones=a,a", "names a zone twice"),
        ("--port=0", "--port takes 1 to 65535"),
    ],
)
def test_invalid_option_is_rejected_in_one_sentence(words: str, says: str) -> None:
    with raised(words) as process:
        assert process.wait(10) == 1
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert says in said
    assert "Traceback" not in said


def test_lab_that_is_not_running_says_so() -> None:
    with pytest.raises(LabError, match="not up"):
        _ = Lab().url
