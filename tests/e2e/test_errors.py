"""What cannot be done is said in one clear sentence, with the right exit code, no traceback, and nothing changed.

All commands are run first, a few at a time; each test then judges one of them.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.e2e.command import Done, Katakei
from tests.e2e.ground import Ground

from katakei.lab.process import Lab

pytestmark = pytest.mark.lab

NOBODY = "i-0123456789abcdef0"
ELSEWHERE = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"
MANY_FAULTS = """\
service: shop
balancer: {alb: {target_groups: []}}
window: {max_unavailable: 0, flor: 50%}
drain: {settle: 30}
work: {ssm: {run: ""}}
colour: red
"""
WHOLE = """\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
work: {{ssm: {{run: "true"}}}}
drain: {{settle: 1s}}
{more}
"""


@dataclass(frozen=True)
class Case:
    """Words of a command ({0} and {1} are the lab's servers), and what must come of it."""

    name: str
    words: str
    code: int
    says: tuple[str, ...]
    env: Mapping[str, str | None] = field(default_factory=dict)


def case(name: str, words: str, code: int, *says: str, **env: str | None) -> Case:
    return Case(name, words, code, says, env)


CASES = (
    # which group, which target
    case("unknown group", "status nosuch", 2, "there is no target group nosuch", "LaravelTargetGroup"),
    case("a group nearly named", "status LaravelTargetGrup", 2, "did you mean LaravelTargetGroup?"),
    case("a group of another region", f"status {ELSEWHERE}", 2, "give --region eu-west-1"),
    case("not an ARN", "status arn:nonsense", 2, "is not the ARN of a target group"),
    case("no group at all", "status", 2, "which target group?", "TARGET_GROUP_ARN", TARGET_GROUP_ARN=None),
    case("no target at all", "deregister", 2, "which target of", "INSTANCE_ID"),
    case("unknown target", f"deregister {NOBODY}", 2, f"not registered in LaravelTargetGroup: {NOBODY}", "web-1"),
    case("another port", "deregister {0}:9", 2, "{0} is registered with port 8080, not 9"),
    case("no port", "register {0}:70000", 2, "70000 is not a port"),
    case("an IP in a group of instances", "register 10.0.0.9", 2, "10.0.0.9 is not known", "not an instance id"),
    case("an unknown name", "register LaravelTargetGroup web-9", 2, "web-9 is not known", "not an instance id"),
    case(
        "only an unknown one",
        "plan LaravelTargetGroup --only nosuch",
        2,
        "not registered in LaravelTargetGroup: nosuch",
    ),
    case("nothing in the group", "roll empty --run true", 2, "empty has no targets"),
    # what a rollout would break, or what is not understood
    case("no listener", "roll unused --run true", 4, "no listener forwards to unused", "floor: 0"),
    case("all at once", "deregister {0} {1}", 4, "0 registrations of LaravelTargetGroup would serve", "--force"),
    case("a floor never met", "roll -f floor.yml", 4, "no target could ever be taken out", "window.floor"),
    case("a group of one", "roll single --run true", 4, "the floor of single is 1 of 1", "0 accepts an outage"),
    case("in another group too", "roll shared --run true", 4, "registered in other groups too", "--only-these-groups"),
    case("drained by a stranger", "roll leaving --run true", 4, "no rollout of this journal took them out"),
    case("a network load balancer", "roll network --run true", 4, "only Application Load Balancers are supported"),
    case("a lambda", "roll function --run true", 4, "only the types instance and ip are supported"),
    case("a step in a lambda", "register function thing", 4, "only the types instance and ip are supported"),
    # configuration
    case("no such file", "roll -f nosuch.yml", 2, "nosuch.yml: cannot be read"),
    case("a folder", "roll -f .", 2, "cannot be read"),
    case("no YAML", "roll -f broken.yml", 2, "broken.yml:2: this is not YAML"),
    case("nothing in it", "plan -f nothing.yml", 2, "service: is missing", "balancer: is missing", "work: is missing"),
    case(
        "all faults in one go",
        "plan -f many.yml",
        2,
        "many.yml:2: balancer.alb.target_groups: is empty",
        "many.yml:3: window.max_unavailable",
        "many.yml:3: window.flor: is not a known key; did you mean floor?",
        "many.yml:4: drain.settle: 30 is not a duration; write 30s",
        "many.yml:5: work.ssm.run: is empty",
        "many.yml:6: colour",
    ),
    case("an unsupported key", "plan -f later.yml", 2, "later.yml:5: current: is not supported yet in this version"),
    case("a file and a command", "roll -f floor.yml --run true", 2, "--run and a configuration file"),
    case("an empty command", "roll LaravelTargetGroup --run=", 2, "the command to run is empty"),
    case("nothing to run, nobody there", "roll", 2, "what is to be run", "-f FILE", "--run CMD"),
    case("too long", "roll -f long.yml --yes", 2, "more than Run Command carries", "put it into a script"),
    case("a command with a NUL", "plan -f nul.yml", 2, "nul.yml:3: work.ssm.run: contains a NUL character"),
    case("release", "roll LaravelTargetGroup --run true --release a;b", 2, "the release 'a;b' must be 1 to 128"),
    # AWS
    case("no region", "status web", 2, "no AWS region", AWS_REGION=None, AWS_DEFAULT_REGION=None),
    case(
        "no credentials",
        "status",
        5,
        "Unable to locate credentials",
        "--profile",
        AWS_ACCESS_KEY_ID=None,
        AWS_SECRET_ACCESS_KEY=None,
    ),
    case("nobody there", "status", 5, "AWS cannot be reached", "network", AWS_ENDPOINT_URL="http://127.0.0.1:9"),
    case("not a URL", "status", 2, "AWS_ENDPOINT_URL", AWS_ENDPOINT_URL="nonsense"),
    case("wrong region", "status LaravelTargetGroup --region us-east-1", 2, "in us-east-1", "check --region"),
    case("unknown profile", "status --profile nope", 2, "nope", "aws configure list-profiles"),
    # the journal
    case("unknown rollout", "show r-nosuch", 2, "no rollout r-nosuch in this journal"),
    case("nothing to approve", "approve r-nosuch", 2, "no rollout r-nosuch in this journal"),
    case("a wait of ages", "wait r-nosuch --timeout 9999999999", 2, "--timeout", "527040"),
    case("nothing to abort", "abort r-nosuch", 2, "no rollout r-nosuch in this journal"),
    case(
        "no place for a journal", "roll LaravelTargetGroup --run true --journal /dev/null/j", 5, "journal /dev/null/j"
    ),
    case("no database", "list --journal many.yml", 5, "is not a journal of Katakei", "--journal"),
    case("a database of somebody else", "list --journal other.db", 5, "is a database of something else"),
    case("no journal there", "list --journal mysql://db/x", 2, "mysql://", "give a path"),
    case("in CI", "roll LaravelTargetGroup --run true", 4, "this is a CI job", "--journal", "--ephemeral", CI="true"),
    # the command itself
    case("no command", "", 2, "Usage: katakei", "roll"),
    case("no such command", "rol", 2, "there is no command"),
    case("no such option", "roll --forse", 2, "No such option", "--force"),
    case("too many words", "status a b", 2, "unexpected extra argument"),
)


@pytest.fixture(scope="module")
def refused(lab: Lab) -> Ground:
    """Groups of every kind that is refused; what changes from now on is told by what is returned."""
    ground = Ground(lab)
    elb, ec2 = ground.aws.get("elbv2"), ground.aws.get("ec2")
    made = ec2.run_instances(MinCount=4, MaxCount=4, Placement={"AvailabilityZone": "ap-northeast-1a"})["Instances"]
    one, two, three, four = (instance["InstanceId"] for instance in made)
    vpc = made[0]["VpcId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[one, two, three, four], WaiterConfig={"Delay": 1})
    ports = iter(range(8101, 8110))

    def group(name: str, *instances: str, listened: bool = True, **more: object) -> str:
        asked = {"Protocol": "HTTP", "Port": lab.targets[0].port, "VpcId": vpc, "TargetType": "instance", **more}
        asked = {key: value for key, value in asked.items() if value}
        arn = elb.create_target_group(Name=name, **asked)["TargetGroups"][0]["TargetGroupArn"]
        if listened:
            action = [{"Type": "forward", "TargetGroupArn": arn}]
            balancer = lab.load_balancer_arn
            elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=next(ports), DefaultActions=action)
        if instances:
            elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": instance} for instance in instances])
        return str(arn)

    group("empty")
    group("unused", one, listened=False)
    group("single", two)
    group("shared", three, four)
    group("alsoshared", four, listened=False)
    leaving = group("leaving", one, two)
    elb.deregister_targets(TargetGroupArn=leaving, Targets=[{"Id": one}])
    group("network", one, listened=False, Protocol="TCP")
    function = group("function", listened=False, TargetType="lambda", Protocol=None, Port=None, VpcId=None)
    code = "arn:aws:lambda:ap-northeast-1:123456789012:function:web"
    elb.register_targets(TargetGroupArn=function, Targets=[{"Id": code}])
    return Ground(lab)


@pytest.fixture(scope="module")
def answers(lab: Lab, refused: Ground, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Done]:
    """Every case, run; none of them changed anything in the lab."""
    folder = tmp_path_factory.mktemp("bad")
    _files(folder)
    first, other = refused.ids

    def run(each: Case) -> Done:
        (own := folder / each.name.replace(" ", "-")).mkdir()
        for file in folder.glob("*.*"):
            (own / file.name).symlink_to(file)
        katakei = Katakei(own, {**lab.env, "XDG_STATE_HOME": str(own)})
        try:
            return katakei(*each.words.format(first, other).split(), within=40, **each.env)
        finally:
            katakei.close()

    with ThreadPoolExecutor(2) as pool:
        done = dict(zip([each.name for each in CASES], pool.map(run, CASES), strict=True))
    assert refused.changes() == []
    return done


def _files(folder: Path) -> None:
    (folder / "many.yml").write_text(MANY_FAULTS)
    (folder / "broken.yml").write_text("service: [shop\nbalancer: }\n")
    (folder / "nothing.yml").write_text("")
    (folder / "floor.yml").write_text(WHOLE.format(more="window: {floor: 100%}"))
    (folder / "later.yml").write_text(WHOLE.format(more="current: {ssm: {run: cat RELEASE}}"))
    (folder / "long.yml").write_text(WHOLE.format(more="").replace('"true"', f'"true {"#" * 60_000}"'))
    (folder / "nul.yml").write_text(WHOLE.format(more="").replace('"true"', r'"a\0b"'))
    with closing(sqlite3.connect(folder / "other.db")) as connection:
        connection.execute("CREATE TABLE thing (name TEXT)")


@pytest.mark.parametrize("each", CASES, ids=[each.name for each in CASES])
def test_wrong_input_is_explained_and_changes_nothing(each: Case, answers: Mapping[str, Done], lab: Lab) -> None:
    done = answers[each.name]
    ids = [target.id for target in lab.targets]
    for words in each.says:
        assert words.format(*ids) in done.err, done.all()
    assert done.code == each.code, done.all()
    assert "Traceback" not in done.all()
    assert "internal error" not in done.all()
    assert done.out == ""


def test_denied_call_names_the_missing_permission(katakei: Katakei, ground: Ground, lab: Lab) -> None:
    lab.faults(deny=["DescribeTargetHealth"])
    done = katakei("status")
    assert (done.code, done.out) == (5, "")
    assert "allow elasticloadbalancing:DescribeTargetHealth in their IAM policy" in done.err
    lab.faults(deny=["DeregisterTargets"])
    done = katakei("deregister", ground.ids[0])
    assert done.code == 5
    assert "allow elasticloadbalancing:DeregisterTargets in their IAM policy" in done.err
    assert set(ground.states().values()) == {"healthy"}


def test_unanswered_question_is_repeated_then_explained(katakei: Katakei, lab: Lab) -> None:
    asked = len(lab.calls())
    lab.faults(throttle=1.0)
    done = katakei("status")
    lab.faults(throttle=0)
    assert (done.code, done.out) == (5, "")
    assert "AWS throttled" in done.err
    assert "try again in a moment" in done.err
    assert len(lab.calls()) >= asked + 3


def test_register_of_an_unknown_instance_leaves_no_trace(katakei: Katakei, ground: Ground) -> None:
    done = katakei("register", NOBODY)
    assert done.code != 0
    assert f"The following instances do not exist: '{NOBODY}'" in done.out
    assert "Traceback" not in done.all()
    assert NOBODY not in katakei("status").out
    assert NOBODY not in ground.states()


def test_output_without_a_reader_is_no_error(katakei: Katakei) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "katakei.cli", "status"],
        env=katakei.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait(30)) == (b"", 0)


def test_output_on_a_full_disk_is_explained(katakei: Katakei) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "katakei.cli", "status"],
            env=katakei.env,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stderr.count(b"\n")) == (5, 1)
    assert b"the output cannot be written (No space left on device)" in done.stderr
