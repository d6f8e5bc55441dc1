"""The request of the user: the content of katakei.yml with every default in it.

No value here depends on AWS. Percentages become counts in the plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from katakei.domain.gate_conditions import GateMoment, GateOutcome, GateProbe, Hours
from katakei.domain.instances import Disruption, InstanceAction
from katakei.domain.phases import Intent, Step
from katakei.domain.releases import Release
from katakei.domain.words import span


@dataclass(frozen=True, slots=True)
class Share:
    """A count, or a percentage of a number that is known later. Exactly one of the two is set."""

    count: int | None = None
    percent: int | None = None

    def __str__(self) -> str:
        return f"{self.percent}%" if self.count is None else str(self.count)

    def down(self, base: int) -> int:
        """The share of `base`, rounded down, for a window: it must not grow by rounding."""
        return self.count if self.count is not None else base * (self.percent or 0) // 100

    def up(self, base: int) -> int:
        """The share of `base`, rounded up, for a floor: it must not sink by rounding."""
        return self.count if self.count is not None else -(-base * (self.percent or 0) // 100)


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which targets are taken before others, by the value of an EC2 tag.

    Attributes:
        tag: The key of the tag.
        first: Its values in order. Targets with another value, or without the tag, come after these.
    """

    tag: str
    first: tuple[str, ...]

    def of(self, tags: Mapping[str, str]) -> int:
        """The rank of a target with these tags; 0 is taken first."""
        value = tags.get(self.tag)
        return self.first.index(value) if value in self.first else len(self.first)


class TargetOrder(Enum):
    """In which order targets are taken: zone by zone, or as the group lists them."""

    ZONE = "zone"
    LISTED = "listed"


class DrainUntil(Enum):
    """What ends a drain: `delay` is the load balancer's own timer; the others need a probe."""

    REQUESTS = "requests"
    PROOF = "proof"
    ANSWERED = "answered"
    COUNTER = "counter"
    DELAY = "delay"


VERDICTS_LAST = timedelta(seconds=2)
"""How long the several verdicts of REQUESTS take together at least."""


class FailedTargetPolicy(Enum):
    """What happens to a target whose work or check failed."""

    KEEP_OUT = "keep_out"
    PUT_BACK = "put_back"


class AfterFailure(Enum):
    """What happens when more targets failed than were allowed."""

    STOP = "stop"
    REVERT = "revert"


@dataclass(frozen=True, slots=True)
class Window:
    """How many targets may be out of service, and how many registrations must serve.

    Attributes:
        waves: Cumulative shares of the targets; empty: all targets are one wave.
        pause_between: How long a wave is over before the next one begins.
    """

    max_unavailable: Share = Share(count=1)
    floor: Share = Share(percent=50)
    floor_per_zone: int = 0
    order: TargetOrder = TargetOrder.ZONE
    waves: tuple[Share, ...] = ()
    pause_between: timedelta = timedelta()
    ranks: Ranks | None = None

    def wave_ends(self, targets: int) -> tuple[int, ...]:
        """After how many targets each wave ends: rounded up, at least one more in each, and all of them in the last."""
        ends: list[int] = []
        for share in self.waves if targets else ():
            end = min(targets, max(share.up(targets), (ends[-1] if ends else 0) + 1))
            ends += [end] if not ends or end > ends[-1] else []
        return tuple(ends if not ends or ends[-1] == targets else [*ends, targets])


class ZonalShift(Enum):
    """Whether a rollout may begin while a zonal shift keeps traffic away from some of its targets."""

    REFUSE = "refuse"
    ALLOW = "allow"


class UnhealthyAtStart(Enum):
    """What happens to targets that do not serve when the plan is made: taken last or first, left alone, or refused."""

    LAST = "last"
    FIRST = "first"
    SKIP = "skip"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Membership:
    """Which members of the groups take part in what condition."""

    zonal_shift: ZonalShift = ZonalShift.REFUSE
    unhealthy: UnhealthyAtStart = UnhealthyAtStart.LAST


@dataclass(frozen=True, slots=True)
class CounterSource:
    """Where the number of requests in flight is read: a shell command or a URL, exactly one, as seen from the target.

    The answer may be a plain number, nginx stub_status, the php-fpm status page, or with `field` the number under that
    path in JSON (`key` or `key.key`) or on the line `name: number`.
    """

    command: str = ""
    url: str = ""
    field: str = ""


class HostSource(Enum):
    """What names the host of a target for the OpenSSH client."""

    PRIVATE_IP = "private_ip"
    NAME = "name"
    ID = "id"
    TAG = "tag"


class HostKeys(Enum):
    """Which host keys the OpenSSH client accepts: known ones, or also the one of a host that it never met."""

    VERIFY = "verify"
    ACCEPT_NEW = "accept-new"


@dataclass(frozen=True, slots=True)
class SshAccess:
    """How the OpenSSH client reaches targets. Everything else is in the configuration of the client (ssh_config(5)).

    Attributes:
        user: The user there; '' for the client's own choice.
        port: The port; None for the client's own choice.
        host: What names the host.
        tag: The EC2 tag that names it (TAG).
        config: A file for `ssh -F`; '' for the files that the client reads by itself.
        options: Options of ssh_config(5) from a safe list.
        host_keys: Which host keys are accepted.
    """

    user: str = ""
    port: int | None = None
    host: HostSource = HostSource.PRIVATE_IP
    tag: str = ""
    config: str = ""
    options: tuple[tuple[str, str], ...] = ()
    host_keys: HostKeys = HostKeys.VERIFY


@dataclass(frozen=True, slots=True)
class Drain:
    """How a target drains before work begins on it.

    Attributes:
        settle: How long new requests may still arrive after the target was observed out.
        until: What proves that nothing is pending.
        fallback: What proves it where REQUESTS is not possible; None refuses the plan there.
        quiet: How long an answered connection must have been silent (ANSWERED), or the counter must have said 0
            (COUNTER).
        probe: The executor that carries the probe to the target; '' for the one that works on it.
        counter: Where the number of requests in flight is read (COUNTER).
        cut_after: How long after the target was observed out pending requests are no longer awaited; None: up to the
            load balancer's timer.
        ssh: How the probe reaches the target, where `probe` is `ssh`; None for the way of the work.
    """

    settle: timedelta = timedelta(seconds=30)
    until: DrainUntil = DrainUntil.DELAY
    quiet: timedelta = timedelta(seconds=5)
    probe: str = ""
    counter: CounterSource | None = None
    cut_after: timedelta | None = None
    ssh: SshAccess | None = None
    fallback: DrainUntil | None = None

    @property
    def asked_after(self) -> timedelta:
        """How long a target is out before its probe is asked. A verdict that ended within settle does not count.

        A counter has to say 0 for `quiet`, and the reader of requests says it several times; both may overlap settle.
        """
        lasts = {DrainUntil.COUNTER: self.quiet, DrainUntil.REQUESTS: VERDICTS_LAST}
        return max(timedelta(), self.settle - lasts.get(self.until, timedelta()))


# These would change the programs that run beside the work too. A command sets them for itself.
RESERVED_VARIABLES = frozenset({"PATH", "IFS", "ENV", "BASH_ENV", "LD_PRELOAD", "LD_LIBRARY_PATH"})


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable in the environment of the work. Exactly one of `value`, `secret` and `ssm_parameter` is set.

    Attributes:
        value: A plain value, which is recorded.
        secret: The name of a variable of the process that runs Katakei; its value is never recorded.
        ssm_parameter: The name of an SSM parameter, which the target itself fetches.
    """

    name: str
    value: str | None = None
    secret: str = ""
    ssm_parameter: str = ""

    def __str__(self) -> str:
        named = {"secret": self.secret, "ssm_parameter": self.ssm_parameter}
        where = next((f"{{{kind}: {name}}}" for kind, name in named.items() if name), self.value)
        return f"{self.name}={where}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command for targets: the executor, and what it runs.

    Attributes:
        run: The text of a shell program; '' where `argv` is given, or where a person does the work.
        argv: The command word by word, read by no shell.
        env: The user's own variables.
        shell: The shell that reads `run`.
        errexit: The shell stops at the first command of `run` that fails (`set -e`). In older versions it never did.
        ssh: How the target is reached, where the executor is `ssh`.
        release: The release that is put into place or taken back; then `run` and `argv` are empty.
        instance: What EC2 does with the instance, where the executor is `ec2`; then `run` and `argv` are empty.
    """

    executor: str
    run: str = ""
    argv: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    shell: str = "sh"
    errexit: bool = False
    ssh: SshAccess | None = None
    release: Release | None = None
    instance: InstanceAction | None = None

    def __str__(self) -> str:
        what = self.release or self.instance or self.run or " ".join(self.argv)
        return f"{self.executor}: {what}".removesuffix(": ")

    @property
    def carrier(self) -> str:
        """The executor that reaches the targets for this command; '' where only EC2 is asked."""
        return self.instance.by if self.instance else self.executor

    @property
    def stops(self) -> bool:
        """Whether it stops the machine, which must have left its target groups before."""
        return self.instance is not None and self.instance.stops

    @property
    def disruption(self) -> Disruption:
        """How much it disturbs the machine. A command counts as one that restarts programs."""
        if self.instance:
            return self.instance.disruption
        harmless = not self.release.restart if self.release else self.executor == "manual"
        return Disruption.NONE if harmless else Disruption.RESTART


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """A health check of the target itself; `expect` is an ELBv2 matcher ('200', '200-299', '200,204')."""

    path: str
    expect: str = "200"
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """The check of a target before it is registered again.

    Attributes:
        http: The check to make; None for each group's own health check.
        within: How long the target may take to pass it.
        asked: False makes no check: only the load balancer's health check counts.
    """

    http: HttpCheck | None = None
    within: timedelta = timedelta(minutes=1)
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a phase may last.

    Attributes:
        draining_extra: Added to the longest deregistration delay of the target's groups, or the whole limit where
            `draining_from_delay` is false.
        waiting: How long a floor, or a missing observation, may stop the whole rollout.
    """

    draining_extra: timedelta = timedelta(seconds=60)
    draining_from_delay: bool = True
    working: timedelta = timedelta(minutes=15)
    warming: timedelta = timedelta(minutes=5)
    waiting: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class OnFailure:
    """What follows failures.

    Attributes:
        max_failures: With more failed targets than this, no other target is taken out.
        failed_target: What happens to a failed target itself.
        then: Whether the targets that were worked on are reverted after that.
    """

    max_failures: int = 0
    failed_target: FailedTargetPolicy = FailedTargetPolicy.KEEP_OUT
    then: AfterFailure = AfterFailure.STOP


@dataclass(frozen=True, slots=True)
class Selection:
    """Which targets take part: all, those with one of these ids or names, or those with all of these tags."""

    only: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


class ExpiryDefault(Enum):
    """What happens when nobody answers an approval gate in time."""

    ABORT = "abort"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Approval:
    """The question of an approval gate.

    Attributes:
        expires: How long an answer is awaited, by the clock of the journal's store.
        default: What follows when nobody answers.
    """

    expires: timedelta = timedelta(hours=4)
    default: ExpiryDefault = ExpiryDefault.ABORT


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate: no other target is taken out before it is passed. Exactly one kind is set.

    Attributes:
        name: Its name, unique in one configuration.
        after: How many targets are done before it: 0 stands before the first target.
        approval: A person has to approve.
        hours: The time of the journal's store has to be within these hours.
        probe: A URL has to answer as expected.
        moments: When a condition is asked.
        outcome: What follows where it is not met.
    """

    name: str
    after: int = 0
    approval: Approval | None = None
    hours: Hours | None = None
    probe: GateProbe | None = None
    moments: tuple[GateMoment, ...] = (GateMoment.BEFORE,)
    outcome: GateOutcome = GateOutcome.HOLD

    def __str__(self) -> str:
        place = f"after {self.after}" if self.after else "before the first target"
        if self.approval is None:
            return f"{self.name} {place}"
        return f"{self.name} {place}, expires {span(self.approval.expires)}, default {self.approval.default.value}"


class Overlap(Enum):
    """Whether a target that soaks may give its place in the window to the next target: by the rule, or never."""

    AUTO = "auto"
    NEVER = "never"


class LatePolicy(Enum):
    """What happens to a target that somebody registers during the rollout."""

    ROLL = "roll"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Spec:
    """The request for one rollout.

    Attributes:
        groups: Names or ARNs, as written.
        revert: The command that takes the work back; None without one.
        gates: What has to be passed before targets are taken out.
        overlap: In rollouts of older versions a soaking target never gives its place away.
        disruption: The most that the rollout may do to a machine; None sets no limit.
        before: The step on each target before its work; None without one.
        after: The step on each target after its work, before its check; None without one.
    """

    service: str
    groups: tuple[str, ...]
    work: Command
    targets: Selection = Selection()
    late: LatePolicy = LatePolicy.LEAVE
    window: Window = Window()
    drain: Drain = Drain()
    check: Check = Check()
    soak: timedelta = timedelta(seconds=30)
    limits: Limits = field(default=Limits())
    on_failure: OnFailure = OnFailure()
    revert: Command | None = None
    gates: tuple[Gate, ...] = ()
    overlap: Overlap = Overlap.NEVER
    disruption: Disruption | None = None
    membership: Membership = Membership()
    before: Command | None = None
    after: Command | None = None

    @property
    def commands(self) -> tuple[Command, ...]:
        """Every command that may run on a target: the work, the revert, and the steps beside the work."""
        steps = tuple(each for each in (self.before, self.after) if each)
        return (self.work, self.revert, *steps) if self.revert else (self.work, *steps)

    @property
    def executors(self) -> frozenset[str]:
        """The executors of all commands, and those that reach the targets for them and for the probe."""
        ways = {way for command in self.commands for way in (command.executor, command.carrier)} | {self.carrier}
        return frozenset(ways - {""})

    def steps(self, intent: Intent) -> tuple[Step, ...]:
        """The steps on a target, in order. A revert has none beside itself."""
        if intent is Intent.REVERT:
            return (Step.WORK,)
        return tuple(step for step in Step if step is Step.WORK or self.beside(step))

    def beside(self, step: Step) -> Command | None:
        """The command of a step beside the work; None for the work, and for a step that there is not."""
        return {Step.BEFORE: self.before, Step.AFTER: self.after}.get(step)

    def command_of(self, intent: Intent, step: Step) -> Command:
        """The command of a step."""
        return self.beside(step) or self.command(back=intent is Intent.REVERT)

    def command(self, *, back: bool) -> Command:
        """The command for a target: the work, or with `back` the revert."""
        return self.revert if back and self.revert else self.work

    @property
    def carrier(self) -> str:
        """The executor that carries the probe to the targets, by default that of the work; '' without a probe."""
        return "" if self.drain.until is DrainUntil.DELAY else self.drain.probe or self.work.carrier

    @property
    def carrier_access(self) -> SshAccess | None:
        """How the probe reaches the targets, where `ssh` carries it."""
        return self.drain.ssh or self.work.ssh
