"""The situations that are recorded: rollouts that real commands begin, and whose process ends in the middle of a phase.

The name of a situation is the name of its target group and, behind `r-`, of its rollout. Its docstring says where it
stops. A new phase, event or way to stop gets a function of its own, decorated with `@situation`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.properties.adversary import Adversary
from tests.properties.builders import target
from tests.properties.simulated_aws import Mark
from tests.recording.drivers import Condition
from tests.recording.stage import Stage

from katakei.domain.model import TargetId
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.rollout import Rollout

P = Phase
PLAIN = """\
service: shop
balancer: {alb: {target_groups: [GROUPS]}}
drain: {until: delay}
work: {ssm: {run: ./deploy}}
"""
MULTI_LINE = """\
service: shop
balancer: {alb: {target_groups: [GROUPS]}}
drain: {until: delay}
work:
  ssm:
    run: |
      # 片系ずつ
      cd /srv/app
      tar -xzf "releases/$KATAKEI_RELEASE.tar.gz" -C 'releases'
      ln -sfn "releases/$KATAKEI_RELEASE" current

      systemctl restart web\\@80 && echo "done: $?"
"""
REVERTIBLE = PLAIN + "revert: {ssm: {run: ./undo}}\n"
MANUAL = PLAIN.replace("work: {ssm: {run: ./deploy}}", "work: {manual: }")
GATED = (
    PLAIN
    + """\
warm: {soak: 2m}
gates:
  - approval: {name: first}
  - approval: {name: rest, after: 1, expires: 30m, default: pause}
  - approval: {name: last, after: 2}
"""
)
WIDE = PLAIN + "window: {max_unavailable: 2, floor: 1}\n"
PROOF = """\
service: shop
balancer: {alb: {target_groups: [GROUPS]}}
work: {ssm: {run: ./deploy}}
"""
EVERY_SETTING = """\
service: shop
balancer: {alb: {target_groups: [GROUPS]}}
targets: {tag: {Role: web, Team: store}}
late: roll
window: {max_unavailable: 50%, floor: 40%, floor_per_zone: 1, order: listed}
drain:
  settle: 45s
  until: counter
  quiet: 10s
  witness: ssm
  counter: {url: 'http://127.0.0.1:8081/status', field: in_flight}
  cut_after: 2m
work:
  local:
    argv: [./deploy.sh, --host, $KATAKEI_ADDRESS]
    env: {APP_ENV: production, TOKEN: {secret: DEPLOY_TOKEN}}
check: {http: {path: /ready, expect: '200-204', port: 8080}, within: 90s}
warm: {soak: 1m}
limits: {draining: 10m, working: 20m, warming: 6m, waiting: 40m}
on_failure: {max_failures: 2, then: revert, failed_target: put_back}
revert:
  ssm:
    run: ./undo
    env: {APP_ENV: production, KEY: {ssm_parameter: /shop/key}}
"""
ALL_THAT_IS_SEEN = """\
service: shop
balancer: {alb: {target_groups: [GROUPS]}}
targets: {tag: {Role: web}}
late: roll
drain: {until: proof, cut_after: 1m}
work: {ssm: {run: ./deploy}}
warm: {soak: 10s}
on_failure: {max_failures: 1, then: revert}
revert: {ssm: {run: ./undo}}
"""
ALL_WORDS = MANUAL + "revert: {manual: }\nwarm: {soak: 10s}\n"


@dataclass(frozen=True)
class Situation:
    """One situation.

    Attributes:
        name: As the module says.
        play: Runs it.
        core: Whether it is recorded in every store; the others are recorded in SQLite alone.
        shape: The arguments of its `Stage`.
    """

    name: str
    play: Callable[[Stage], None]
    core: bool
    shape: dict[str, object]

    @property
    def about(self) -> str:
        """Where it stops: the first paragraph of its docstring."""
        return " ".join((self.play.__doc__ or "").partition("\n\n")[0].split())


SITUATIONS: list[Situation] = []


def situation(*, core: bool = False, **shape: object) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Adds a function to the situations. `shape` holds the arguments of its `Stage`."""

    def told(play: Callable[[Stage], None]) -> Callable[[Stage], None]:
        SITUATIONS.append(Situation(play.__name__.replace("_", "-"), play, core, shape))
        return play

    return told


def at(phase: Phase, *facts: str, number: int = 1, intent: Intent | None = None) -> Condition:
    """The condition that `number` targets are in a phase, with this intent, and with a value in all these fields."""

    def holds(rollout: Rollout) -> bool:
        here = [rollout.statuses[target] for target in rollout.at(phase)]
        known = [s for s in here if all(getattr(s, fact) not in (None, frozenset(), 0) for fact in facts)]
        return len([s for s in known if intent in {None, s.intent}]) >= number

    return holds


def both(*conditions: Condition) -> Condition:
    """The condition that all of these hold."""
    return lambda rollout: all(condition(rollout) for condition in conditions)


# -- one for each phase


@situation(core=True)
def waiting(stage: Stage) -> None:
    """Planned, and its owner recorded: nothing else was written."""
    stage.roll(PLAIN, dies=lambda rollout: rollout.owner is not None)


@situation(core=True)
def draining(stage: Stage) -> None:
    """The first target was seen out of the group; it drains."""
    stage.roll(PLAIN, dies=at(P.DRAINING, "out_since"))


@situation(core=True)
def out(stage: Stage) -> None:
    """The first target has drained; its work was not decided yet."""
    stage.roll(PLAIN, dies=at(P.OUT))


@situation()
def starting(stage: Stage) -> None:
    """The work on the first target was decided; whether it was handed over is not known."""
    stage.roll(PLAIN, dies=at(P.WORKING))


@situation(core=True)
def working(stage: Stage) -> None:
    """The work on the first target was handed over and has a ticket."""
    stage.roll(PLAIN, dies=at(P.WORKING, "ticket"))


@situation(core=True)
def checking(stage: Stage) -> None:
    """The work on the first target has ended with exit code 0."""
    stage.roll(PLAIN, dies=at(P.CHECKING))


@situation(core=True)
def warming(stage: Stage) -> None:
    """The first target was registered again and was seen healthy once."""
    stage.roll(PLAIN, dies=at(P.WARMING, "serving_since"))


@situation(core=True)
def soaking(stage: Stage) -> None:
    """The first target is done; the second one soaks."""
    stage.roll(PLAIN, dies=both(at(P.DONE), at(P.SOAKING)))


@situation(core=True)
def returning(stage: Stage) -> None:
    """The floor was lost while the first target drained: it goes back without work, and was registered again."""
    falls = (at(P.DRAINING, "out_since"), stage.falls(2, 10_000))
    stage.roll(PLAIN, dies=at(P.RETURNING, "registered"), meanwhile=[falls])


@situation()
def keeping_out(stage: Stage) -> None:
    """The first target did not become healthy after its work: it leaves again and is kept out."""
    stage.aws.sick = frozenset({stage.everyone[0].id})
    stage.roll(PLAIN, dies=at(P.DRAINING, "deregistered", intent=Intent.KEEP_OUT))


@situation(core=True)
def left_out(stage: Stage) -> None:
    """The work on the first target failed: it is left out, the others were skipped, the rollout is finished."""
    stage.aws.adversary = Adversary(bad_work=1)
    stage.roll(PLAIN)


# -- what people want


@situation(core=True)
def paused(stage: Stage) -> None:
    """A person paused while the first target was worked on; it is done, and the others wait."""
    pauses = (at(P.WORKING, "ticket"), stage.says("pause"))
    stage.roll(PLAIN, dies=both(at(P.DONE), lambda rollout: not rollout.unacknowledged), meanwhile=[pauses])


@situation()
def pause_asked(stage: Stage) -> None:
    """A person paused after the process had ended: no owner has read the command."""
    stage.roll(PLAIN, dies=at(P.DRAINING, "out_since"))
    stage.says("pause")()


@situation(core=True)
def aborting(stage: Stage) -> None:
    """A person aborted while the first target was worked on: its work is awaited, the others were skipped."""
    aborts = (at(P.WORKING, "ticket"), stage.says("abort"))
    stage.roll(PLAIN, dies=at(P.SKIPPED, number=2), meanwhile=[aborts])


@situation()
def abort_returning(stage: Stage) -> None:
    """A person aborted while the first target drained: it goes back, and was registered."""
    aborts = (at(P.DRAINING, "out_since"), stage.says("abort"))
    stage.roll(PLAIN, dies=at(P.RETURNING, "registered"), meanwhile=[aborts])


@situation()
def revert_asked(stage: Stage) -> None:
    """A person reverts a finished rollout; the process ended right after it had recorded the command."""
    stage.roll(REVERTIBLE)
    stage.command("revert", stage.rollout, "--json", dies=lambda rollout: bool(rollout.reverting))


@situation(core=True)
def reverting(stage: Stage) -> None:
    """Two targets were updated. The last one is being reverted, its work has a ticket; the third was skipped."""
    reverts = (at(P.DONE, number=2), stage.says("revert"))
    stage.roll(REVERTIBLE, dies=at(P.WORKING, "ticket", intent=Intent.REVERT), meanwhile=[reverts])


@situation(core=True)
def retry_asked(stage: Stage) -> None:
    """A person retries the target that failed; the process ended right after it had recorded the command."""
    left_out(stage)
    again = stage.everyone[0].id
    stage.command("retry", stage.rollout, again, "--json", dies=lambda rollout: rollout.statuses[again].retry)


@situation()
def retried(stage: Stage) -> None:
    """The second attempt on the target that failed: its work has a ticket."""
    left_out(stage)
    stage.aws.adversary = Adversary()
    stage.command("retry", stage.rollout, "web1", "--json", dies=at(P.WORKING, "ticket"))


@situation(core=True)
def manual(stage: Stage) -> None:
    """A person works on the first target; the approval is awaited."""
    stage.roll(MANUAL, dies=at(P.WORKING, "ticket"))


@situation()
def approved(stage: Stage) -> None:
    """A person approved the work after the process had ended: no owner has read the command."""
    stage.roll(MANUAL, dies=at(P.WORKING, "ticket"))
    stage.says("approve")()


@situation()
def interrupted(stage: Stage) -> None:
    """Ctrl-C while the first target was worked on: it was finished, the lease was given back, the others wait."""
    stage.roll(PLAIN, meanwhile=[(at(P.WORKING, "ticket"), stage.interrupts)])


@situation()
def taken_over(stage: Stage) -> None:
    """A second process carries on what the first one left in the middle of the work; it ended in the next drain."""
    stage.roll(PLAIN, dies=at(P.WORKING, "ticket"))
    stage.roll(PLAIN, dies=both(at(P.DONE), at(P.DRAINING, "out_since")))


@situation(core=True)
def gate_asked(stage: Stage) -> None:
    """An approval gate waits before the first target; nobody has answered."""
    stage.roll(GATED, dies=_asked("first"))


@situation()
def held(stage: Stage) -> None:
    """A gate was approved, a soak promoted, a freeze seen and lifted, a gate skipped; then the last gate was denied."""
    says = stage.says
    stage.roll(
        GATED,
        meanwhile=[
            (_asked("first"), says("approve", "--gate", "first")),
            (at(P.SOAKING), says("promote")),
            (at(P.SOAKING, "promoted"), lambda: stage.freezes.freeze("shop", "ada", "the sale 売り出し", None)),
            (lambda rollout: rollout.frozen is not None, lambda: stage.freezes.unfreeze("shop", "ada")),
            (_asked("rest"), says("promote", "--skip-gate", "rest", "--reason", "checked by phone")),
            (_asked("last"), says("approve", "--deny", "--gate", "last")),
        ],
    )


def _asked(gate: str) -> Condition:
    return lambda rollout: gate in rollout.asked_gates


# -- other plans


@situation(core=True)
def multi_line(stage: Stage) -> None:
    """A command of several lines (`run: |`) runs on the first target."""
    stage.roll(MULTI_LINE, dies=at(P.WORKING, "ticket"))


@situation(core=True)
def wide(stage: Stage) -> None:
    """Two targets are out at a time: one is worked on, the other one is registered again already."""
    stage.aws.adversary = Adversary(hangs=0.5)
    stage.roll(WIDE, dies=both(at(P.WORKING, "ticket"), at(P.WARMING, "registered")))


@situation(core=True, groups=2, delay=300)
def two_groups(stage: Stage) -> None:
    """Targets of two groups, drained until a probe proves that nothing is pending; it still sees two connections."""
    stage.servers.busy_until[stage.everyone[0].id] = stage.aws.clock.time + timedelta(minutes=3)
    stage.roll(PROOF, dies=at(P.DRAINING, "busy_at"))


@situation(ip=True)
def ip_addresses(stage: Stage) -> None:
    """IP targets: the first one was aborted while it drained, and may be registered only once it is absent."""
    aborts = (at(P.DRAINING, "out_since"), stage.says("abort"))
    stage.roll(PLAIN, dies=at(P.RETURNING), meanwhile=[aborts])


@situation(targets=4, bystanders=1)
def every_setting(stage: Stage) -> None:
    """Every key of katakei.yml is set: local work with secrets, a counter, tags, a window of per cent, a revert."""
    for each in stage.everyone[:4]:
        stage.servers.tags[each.id] = {"Role": "web", "Team": "store", "Name": each.name}
    stage.roll(EVERY_SETTING, dies=at(P.WORKING, "ticket"))


# -- steps by hand


@situation(core=True)
def deregister(stage: Stage) -> None:
    """A manual step: one target leaves; it drains."""
    stage.command("deregister", "deregister", "web2", "--yes", "--json", dies=at(P.DRAINING, "out_since"))


@situation(core=True)
def register(stage: Stage) -> None:
    """A manual step: a target that left by a manual step goes back; it was registered."""
    stage.command("deregister", "register", "web2", "--yes", "--json")
    stage.command("register", "register", stage.everyone[1].id, "--yes", "--json", dies=at(P.RETURNING, "registered"))


# -- every kind of event


@situation(delay=300)
def seen(stage: Stage) -> None:
    """Every event that no person causes, up to a rollout that reverts the targets it worked on.

    The first target: busy, arrivals, registered by somebody else, unhealthy during its soak, later for good. Two late
    targets. The second one: its drain is cut, its work is interrupted, so that `on_failure` reverts. The load balancer
    refuses to take the first one back.
    """
    first, _, second = (each.id for each in stage.everyone)
    late, stranger = (target(n, stage.groups, ("ap-northeast-1d",)) for n in (8, 9))
    aws, servers, start = stage.aws, stage.servers, stage.aws.clock.time
    for each in (*stage.everyone, late):
        servers.tags[each.id] = {"Role": "web"}
    servers.busy_until = {first: start + timedelta(seconds=45), second: start + timedelta(hours=1)}
    servers.arrivals[first] = 3
    servers.blind[second] = "while it served no data of another address was seen on port 80: it may end somewhere else"
    aws.adversary = Adversary(hangs=1)

    def is_over(fate: str) -> None:
        for mark in _running(stage):
            mark.fate, mark.ends = fate, aws.clock.time
        aws.adversary = Adversary(interrupted=1)

    def two_come() -> None:
        aws.be_born(late)
        aws.be_born(stranger)

    def nobody_takes(who: TargetId) -> None:
        aws.unwanted.add(who)
        aws.adversary = Adversary()

    def standing(who: TargetId, phase: Phase, *facts: str) -> Condition:
        return lambda rollout: (
            rollout.statuses[who].phase is phase and all(getattr(rollout.statuses[who], fact) for fact in facts)
        )

    stage.roll(
        ALL_THAT_IS_SEEN,
        dies=standing(first, P.DRAINING, "rejection"),
        meanwhile=[
            (standing(first, P.WORKING, "arrived"), stage.somebody_registers(0)),
            (standing(first, P.WORKING, "found_serving", "out_since"), lambda: is_over("good")),
            (standing(first, P.SOAKING), stage.falls(0, 4)),
            (standing(first, P.SOAKING, "unhealthy_count"), two_come),
            (both(at(P.DONE), at(P.DRAINING), lambda rollout: len(rollout.targets) > 3), stage.falls(0, 60)),
            (lambda rollout: rollout.reverting == "on_failure", lambda: nobody_takes(first)),
        ],
    )


@situation()
def words(stage: Stage) -> None:
    """Every command of a person, one after the other: approve, pause, resume, abort, retry, revert; and Ctrl-C.

    It stops in the drain of the first target that is reverted.
    """
    says = stage.says
    stage.roll(
        ALL_WORDS,
        meanwhile=[
            (at(P.WORKING, "ticket"), says("approve", "web1")),
            (at(P.WARMING), says("pause")),
            (both(at(P.DONE), lambda rollout: not rollout.unacknowledged), says("resume")),
            (at(P.WORKING, "ticket"), says("approve")),
            (at(P.SOAKING), stage.interrupts),
        ],
    )
    stage.roll(ALL_WORDS, meanwhile=[(at(P.DRAINING, "out_since"), says("abort"))])
    web2 = next(each.id for each in stage.everyone if stage.now().statuses[each.id].cause is Cause.ABORTED)
    stage.command("retry", stage.rollout, web2, "--json", meanwhile=[(at(P.WORKING, "ticket"), says("approve"))])
    stage.command("revert", stage.rollout, "--json", dies=at(P.DRAINING, "out_since", intent=Intent.REVERT))


@situation(core=True, targets=5)
def overlapping(stage: Stage) -> None:
    """A target drains in the place of another one, which soaks."""
    stage.roll(PLAIN, dies=at(P.DRAINING, "overlaps", "out_since"))


@situation(targets=5)
def overlap_ended(stage: Stage) -> None:
    """A target that drained in the place of a soaking one is on its way back, because somebody paused the rollout."""
    taken = at(P.DRAINING, "overlaps", "out_since")
    stage.roll(PLAIN, dies=at(P.RETURNING, "overlaps", "registered"), meanwhile=[(taken, stage.says("pause"))])


def _running(stage: Stage) -> list[Mark]:
    return [mark for mark in stage.aws.marks.values() if mark.ends is None]
