"""The commands to a rollout: abort, pause, resume, retry, revert, wait, unlock."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.command import Katakei, Running
from tests.e2e.ground import Ground
from tests.e2e.stage import SHOP, Play, Plays, Stage

from katakei.lab import clock
from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
plays = Plays()

# -- pause, resume, wait, unlock


def _rollout(katakei: Katakei) -> str:
    return str(katakei("list", "--json").data["rollouts"][0]["rollout"])


@plays
def pause_finishes_targets_and_resume_goes_on(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SHOP)
    running = katakei.start("roll", "--release", "v2")
    running.until("draining")
    rollout = _rollout(katakei)
    follower, watcher = katakei.start("logs", "-f"), katakei.start("show", "--watch=1")
    assert katakei("pause").code == 0
    running.until("to go on, run: katakei resume")
    clock.sleep(10)
    assert (ground.releases(), set(ground.states().values())) == (["v2", "v1"], {"healthy"})
    again = katakei("pause", rollout)
    assert (again.code, "is paused already" in again.err) == (2, True)
    resumed = katakei("resume", rollout)
    assert (resumed.code, "goes on; " in resumed.out) == (0, True)
    waited = katakei("wait", rollout)
    assert (waited.code, "2 done" in waited.out) == (0, True), waited.all()
    assert (running.end().code, ground.releases()) == (0, ["v2", "v2"])
    followed, watched = follower.end(), watcher.end()
    assert (followed.code, followed.out.count("attempt 1 (update), exit code 0")) == (0, 2), followed.all()
    assert followed.out.splitlines()[-1].startswith("DONE  ")
    # `show --watch` shows the rollout once a second. A phase can be shorter: only the pause is seen for certain.
    seen = ("NOT FINISHED", "1 waiting, 1 done", "DONE  ")
    assert (watched.code, [word for word in seen if word not in watched.out]) == (0, []), watched.all()
    for word in ("pause", "resume", "abort"):
        late = katakei(word, rollout)
        assert (late.code, f"there is nothing to {word}" in late.err) == (2, True)


@plays
def pause_outlives_the_process_and_resume_drives(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SHOP)
    running = katakei.start("roll", "--release", "v2")
    running.until("draining")
    rollout = _rollout(katakei)
    katakei("pause", rollout)
    running.tell(signal.SIGKILL)
    running.end()
    carried = katakei.start("roll", "--release", "v2")
    carried.until("paused by")
    carried.tell(signal.SIGINT)
    assert carried.end().code == 130
    assert "NOT FINISHED" in katakei("wait", rollout, "--timeout", "1", within=90).out
    done = katakei("resume", rollout, within=90)
    assert (done.code, ground.releases()) == (0, ["v2", "v2"]), done.all()


@plays
def unlock_takes_the_lease_from_a_suspended_owner(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SHOP)
    running = katakei.start("roll", "--release", "v2")
    running.until("draining")
    running.tell(signal.SIGSTOP)
    assert katakei("roll", "--release", "v2").code == 4
    unlocked = katakei("unlock", "LaravelTargetGroup")
    assert (unlocked.code, "it was held by rollout" in unlocked.out) == (0, True), unlocked.all()
    assert "was not held by anybody" in katakei("unlock", "LaravelTargetGroup").out
    done = katakei("roll", "--release", "v2", within=120)
    assert (done.code, ground.starts()) == (0, [1, 1]), done.all()
    changes = len(ground.changes())
    running.tell(signal.SIGCONT)
    woken = running.end()
    assert (woken.code, len(ground.changes())) == (4, changes), woken.all()
    assert ground.starts() == [1, 1]


# -- abort, with the owner on another machine

ELSEWHERE = """\
import socket
socket.gethostname = lambda: "another-container"
"""


def _driven_elsewhere(katakei: Katakei) -> tuple[Running, str]:
    """A rollout whose first target drains, and whose process cannot be seen from here."""
    katakei.file(SHOP.replace("settle: 2s", "settle: 6s"))  # a command must come before the drain ends
    folder = katakei.folder / "elsewhere"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(ELSEWHERE)
    running = katakei.start("roll", "--release", "v2", PYTHONPATH=str(folder))
    running.until("draining")
    return running, str(katakei("list", "--json").data["rollouts"][0]["rollout"])


@plays
def abort_after_the_owner_died_elsewhere_is_carried_out_here(katakei: Katakei, ground: Ground) -> None:
    running, rollout = _driven_elsewhere(katakei)
    running.tell(signal.SIGKILL)
    done = katakei("abort", rollout, within=120)
    assert done.code == 1, done.all()
    assert "whether that process still runs cannot be known from here; heard of" in done.err
    assert (ground.releases(), set(ground.states().values())) == (["v1", "v1"], {"healthy"})


@plays
def abort_is_carried_out_by_a_living_owner_elsewhere(katakei: Katakei, ground: Ground) -> None:
    running, rollout = _driven_elsewhere(katakei)
    word = katakei("abort", rollout, within=20)
    assert (word.code, " is recorded; " in word.out) == (0, True), word.all()
    assert (running.end().code, ground.releases()) == (1, ["v1", "v1"])


@plays
def roll_is_refused_at_once_by_an_owner_elsewhere(katakei: Katakei, ground: Ground) -> None:
    running, rollout = _driven_elsewhere(katakei)
    begun = clock.monotonic()
    rival = katakei("roll", "--release", "v2")
    # An owner that is not known to live would be watched for 30 s, and that would be said.
    assert (rival.code, clock.monotonic() - begun < 25) == (4, True), rival.all()
    assert "is held by rollout" in rival.err
    assert "it is watched" not in rival.err
    katakei("abort", rollout)
    assert (running.end().code, set(ground.states().values())) == (1, {"healthy"})


# -- retry

WORK = """'echo "$KATAKEI_ATTEMPT" >> tried; cat mended && echo "$KATAKEI_RELEASE" > release && ./bin/restart'"""
RETRY_FILE = f"""\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{settle: 1s, until: delay}}
work: {{ssm: {{run: {WORK}}}}}
warm: {{soak: 1s}}
"""


def _failed(katakei: Katakei) -> str:
    """A rollout whose first target failed: the file that its work needs is missing there."""
    katakei.file(RETRY_FILE)
    done = katakei("roll", "--release", "v2")
    assert done.code == 3, done.all()
    return str(katakei("list", "--json").data["rollouts"][0]["rollout"])


def _tried(ground: Ground) -> list[list[str]]:
    logs = [Path(target.folder) / "tried" for target in ground.lab.targets]
    return [log.read_text().split() if log.exists() else [] for log in logs]


@plays
def retry_repeats_fixed_work(katakei: Katakei, ground: Ground) -> None:
    places, rollout, first = ground.places(), _failed(katakei), ground.lab.targets[0]
    assert len(ground.places()) == 1
    (Path(first.folder) / "mended").touch()
    done = katakei("retry", rollout, "web-1")
    assert done.code == 1, done.all()  # the other one was never worked on
    assert "  web-1  done, serves v2\n  web-2  not touched" in done.out
    assert (_tried(ground), ground.releases(), ground.places()) == ([["1", "2"], []], ["v2", "v1"], places)
    assert "retry requested by" in katakei("show", rollout).out


@plays
def retry_that_fails_again_prints_restore_lines(katakei: Katakei, ground: Ground) -> None:
    rollout = _failed(katakei)
    done = katakei("retry", rollout, ground.ids[0])
    assert (done.code, _tried(ground)) == (3, [["1", "2"], []])
    assert "aws elbv2 register-targets" in done.out


@plays
def retry_that_makes_no_sense_is_refused(katakei: Katakei, ground: Ground) -> None:
    rollout = _failed(katakei)
    before = katakei("show", rollout).out
    for words, said in (
        ((ground.ids[0], "web-9"), f"'web-9' is no target of rollout {rollout}"),
        ((ground.ids[0], "web-2"), "is skipped: nothing was done to it that could be retried"),
    ):
        done = katakei("retry", rollout, *words)
        assert (done.code, done.out) == (2, ""), done.all()
        assert said in done.err
    assert katakei("retry", "r-nosuch", "web-1").code == 2
    assert katakei("show", rollout).out == before


@plays
def retry_does_not_undo_a_later_rollout(katakei: Katakei, ground: Ground) -> None:
    rollout = _failed(katakei)
    for target in ground.lab.targets:
        (Path(target.folder) / "mended").touch()
    ground.put_back()
    assert katakei("register", ground.ids[0]).code == 0
    assert katakei("roll", "--release", "v3", within=90).code == 0
    done = katakei("retry", rollout, "web-1")
    assert (done.code, ground.releases()) == (4, ["v3", "v3"])
    assert "since; a retry would bring back the older release" in done.err


@plays
def retry_is_carried_out_by_the_owner(katakei: Katakei, ground: Ground) -> None:
    katakei.file(RETRY_FILE.replace("warm:", "on_failure: {max_failures: 1}\nwarm:").replace("1s, until", "8s, until"))
    (Path(ground.lab.targets[1].folder) / "mended").touch()
    running = katakei.start("roll", "--release", "v2", "--force")
    running.until("left_out")
    (Path(ground.lab.targets[0].folder) / "mended").touch()
    rollout = katakei("list", "--json").data["rollouts"][0]["rollout"]
    word = katakei("retry", rollout, "web-1")
    assert word.code == 0, word.all()
    assert "the retry in rollout" in word.out
    assert " begins one more attempt. To follow it: katakei logs -f r-" in word.out
    done = running.end()
    assert (done.code, ground.releases()) == (0, ["v2", "v2"]), done.all()


# -- revert

REVERT_FILE = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 2s, until: delay}
work: {ssm: {run: 'cp release before; echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
check: {http: {path: /health}, within: 20s}
warm: {soak: 1s}
revert: {ssm: {run: 'cp before release && ./bin/restart && echo "$KATAKEI_RELEASE" >> taken-back'}}
"""
BY_ITSELF = REVERT_FILE.replace("./bin/restart'}}\n", './bin/restart; test "$KATAKEI_NAME" = web-1\'}}\n', 1)


@contextmanager
def no_request_fails(ground: Ground) -> Iterator[None]:
    traffic = Traffic(ground.lab.url, rate=20, slow_fraction=0)
    traffic.start()
    try:
        yield
    finally:
        figures = traffic.stop()
    assert (figures.failed, figures.requests > 100) == (0, True), figures


def _taken_back(ground: Ground) -> list[list[str]]:
    """Of which release, on each server."""
    logs = [Path(target.folder) / "taken-back" for target in ground.lab.targets]
    return [log.read_text().split() if log.exists() else [] for log in logs]


@plays
def revert_of_a_bad_release_runs_by_itself_once(katakei: Katakei, ground: Ground) -> None:
    places = ground.places()
    katakei.file(f"{BY_ITSELF}on_failure: {{then: revert}}\n")
    with no_request_fails(ground):
        done = katakei("roll", "--release", "v2", within=120)
    assert (done.code, ground.releases(), ground.places()) == (1, ["v1", "v1"], places), done.all()
    assert (ground.starts(), _taken_back(ground)) == ([2, 2], [["v2"], ["v2"]])
    assert "revert by on_failure: 1 target failed" in done.out
    assert "reverted by on_failure: 2 of 2 updated targets reverted" in done.out
    again = katakei("revert", _rollout(katakei))
    assert (again.code, "was reverted already" in again.err) == (2, True), again.all()


@plays
def revert_runs_on_touched_targets_only(katakei: Katakei, ground: Ground) -> None:
    katakei.file(f"{BY_ITSELF.replace('web-1', 'nobody')}on_failure: {{then: revert, failed_target: put_back}}\n")
    done = katakei("roll", "--release", "v2", within=120)
    assert (done.code, ground.releases(), ground.starts()) == (1, ["v1", "v1"], [2, 0]), done.all()
    assert set(ground.states().values()) == {"healthy"}


@plays
def revert_after_success_unless_a_later_rollout_came(katakei: Katakei, ground: Ground) -> None:
    katakei.file(REVERT_FILE)
    assert katakei("roll", "--release", "v2", within=90).code == 0
    rollout = _rollout(katakei)
    with no_request_fails(ground):
        done = katakei("revert", rollout, within=90)
    assert (done.code, ground.releases(), _taken_back(ground)) == (0, ["v1", "v1"], [["v2"], ["v2"]]), done.all()
    assert katakei("wait", rollout).code == 1  # who asked for v2 does not have it
    katakei.file(REVERT_FILE.replace("revert:", "# revert:"))
    assert katakei("roll", "--release", "v3", within=90).code == 0
    late, without = katakei("revert", rollout), katakei("revert", _rollout(katakei))
    assert (late.code, "since; a revert would undo that" in late.err) == (4, True), late.all()
    assert (without.code, "write revert: {ssm: " in without.err) == (4, True), without.all()
    assert ground.releases() == ["v3", "v3"]


@plays
def revert_is_carried_out_by_the_owner(katakei: Katakei, ground: Ground) -> None:
    katakei.file(REVERT_FILE)
    running = katakei.start("roll", "--release", "v2")
    running.until("soaking")
    word = katakei("revert", _rollout(katakei))
    assert (word.code, " runs the revert command on every target" in word.out) == (0, True), word.all()
    done = running.end()
    assert (done.code, ground.releases(), ground.starts()) == (1, ["v1", "v1"], [2, 0]), done.all()
    assert "reverted by" in done.out


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
