"""The pipelines under ci/, their scripts played from an empty folder against the lab."""

import re
import signal

import pytest
from tests.ci.jobs import BASH, GITLAB, JENKINS_SCRIPTS, ROOT, Script, job_env, yaml
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import SHOP, Play, Plays, Stage

pytestmark = pytest.mark.lab
plays = Plays()

CI = ROOT / "ci"
FAILING = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 1s, until: delay}
work: {ssm: {run: exit 7}}
warm: {soak: 1s}
"""
SLOW = SHOP.replace("settle: 2s", "settle: 40s")


class Job:
    """A job of another CI system than GitHub: scripts in one folder, with the variables of the system."""

    def __init__(self, katakei: Katakei, name: str = "job", **variables: str) -> None:
        self._folder, self._name = katakei.folder, name
        self._env = job_env(katakei, KATAKEI_JOURNAL=str(katakei.folder / "shared.db"), **variables)

    def start(self, script: str, *, by: tuple[str, ...] = BASH, **more: str) -> Script:
        file = self._folder / f"{self._name}.sh"
        file.write_text(script)
        return Script((*by, str(file)), self._folder, {**self._env, **more}, self._folder / f"{self._name}.log")

    def run(self, script: str, *, by: tuple[str, ...] = BASH, **more: str) -> tuple[int, str]:
        started = self.start(script, by=by, **more)
        return started.end(), started.said()


def gitlab(katakei: Katakei) -> Job:
    variables = {name: value for name, value in GITLAB[".katakei-roll"]["variables"].items() if "$" not in value}
    return Job(katakei, **variables, ROLL_RELEASE="v9", GITLAB_CI="true")


def timer_and_cron_run_the_patch_and_refuse_to_run_twice(katakei: Katakei, ground: Ground) -> None:
    before = ground.starts()
    unit = (CI / "timer" / "katakei-patch@.service").read_text()
    line = (CI / "timer" / "crontab").read_text().splitlines()[-1].partition("* * * ")[2]
    patch = (CI / "timer" / "patch.yml").read_text().replace("[web]", "[LaravelTargetGroup]")
    patch = (
        re.sub(r"(?s)    run: \|.*?\n(?=\w)", "    run: ./bin/restart\n", patch) + "drain: {settle: 2s, until: delay}\n"
    )
    katakei.file(patch, "web.yml")
    (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    job = Job(katakei, CI="")

    def here(command: str) -> str:
        found = command.replace("%i", "web").replace("/opt/katakei/bin/katakei", "katakei")
        return found.replace("/etc/katakei/patch/", f"{katakei.folder}/").replace("--lock-wait=1h", "--lock-wait=1s")

    night = job.start(here(start))
    night.until("  draining")
    other = Job(katakei, "cron", CI="")
    code, said = other.run(here(line), by=("sh",))
    assert code == 4, said
    assert "is held by rollout" in said
    assert night.end() == 0, night.said()
    assert ground.starts() == [begun + 1 for begun in before]


@plays
def jobs_of_each_system_end_with_the_exit_code(katakei: Katakei, ground: Ground) -> None:
    build = yaml(CI / "codebuild" / "buildspec.yml")
    variables = {name: str(value) for name, value in build["env"]["variables"].items()}
    katakei.file(SHOP)
    codebuild = Job(katakei, **variables, CODEBUILD_RESOLVED_SOURCE_VERSION="v9")
    for phase in ("install", "build"):
        code, said = codebuild.run("\n".join(build["phases"][phase]["commands"]))
        assert code == 0, said
    assert ground.releases() == ["v9", "v9"]
    assert (katakei.folder / "katakei-report.md").read_text().startswith("## DONE")
    timer_and_cron_run_the_patch_and_refuse_to_run_twice(katakei, ground)

    journal = ("--journal", "shared.db")
    assert katakei("freeze", "LaravelTargetGroup", *journal).code == 0
    (roll,) = (
        step["run"]["command"]
        for step in yaml(CI / "circleci" / "config.yml")["jobs"]["roll"]["steps"]
        if isinstance(step, dict) and step.get("run", {}).get("name") == "Roll"
    )
    code, said = Job(katakei, ROLL_CONFIG="katakei.yml", CIRCLE_SHA1="v10").run(roll)
    assert code == 4, said
    assert "frozen" in said
    assert (katakei.folder / "katakei-report.md").read_text() == ""
    assert katakei("unfreeze", "LaravelTargetGroup", *journal).code == 0

    katakei.file(FAILING + "on_failure: {failed_target: put_back}\n")
    code, said = Job(katakei, ROLL_CONFIG="katakei.yml", ROLL_RELEASE="v10").run(JENKINS_SCRIPTS[0], by=("sh", "-xe"))
    assert code == 1, said
    katakei.file(FAILING)
    code, said = gitlab(katakei).run("\n".join(GITLAB[".katakei-roll"]["script"]))
    assert code == 3, said
    assert "OUT OF SERVICE" in (katakei.folder / "katakei-report.md").read_text() + said


@plays
def jobs_that_are_canceled_bring_targets_back_or_leave_them_to_the_next(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SLOW)
    job, script = gitlab(katakei), "\n".join(GITLAB[".katakei-roll"]["script"])
    after = "\n".join(GITLAB[".katakei-roll"]["after_script"])
    canceled = job.start(script)
    canceled.until("  draining")
    canceled.cancel(signal.SIGTERM, 2, group=True)
    code, said = job.run(after, CI_JOB_STATUS="canceled", ROLL_ON_CANCEL="leave")
    assert (code, said) == (0, "")
    assert sorted(ground.states().values()) != ["healthy", "healthy"]
    code, said = job.run(after, CI_JOB_STATUS="canceled")
    assert code == 0, said
    assert set(ground.states().values()) == {"healthy"}, said
    assert (katakei.folder / "katakei-report.md").read_text().startswith("## ABORTED")

    started = Job(katakei, ROLL_CONFIG="katakei.yml", ROLL_RELEASE="v9").start(JENKINS_SCRIPTS[0], by=("sh", "-xe"))
    started.until("  draining")
    started.cancel(signal.SIGTERM, 2, group=True)
    code, said = job.run(JENKINS_SCRIPTS[1], by=("sh", "-xe"))
    assert code == 1, said
    assert set(ground.states().values()) == {"healthy"}, said
    assert ground.starts() == [0, 0]


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
