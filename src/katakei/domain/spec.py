"""What the user asked for, normalised: the shape of katakei.yml once every default is in it.

No value here was resolved against the world; percentages become counts in the plan.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import timedelta
from enum import Enum


@dataclass(frozen=True, slots=True)
class Share:
    """A count, or a per cent of something counted later. Exactly one of the two is set."""

    count: int | None = None
    percent: int | None = None

    def __str__(self) -> str:
        return f"{self.percent}%" if self.count is None else str(self.count)

    def down(self, base: int) -> int:
        """The share of `base`, rounded down (a window must not grow by rounding)."""
        return self.count if self.count is not None else base * (self.percent or 0) // 100

    def up(self, base: int) -> int:
        """The share of `base`, rounded up (a floor must not sink by rounding)."""
        return self.count if self.count is not None else -(-base * (self.percent or 0) // 100)


class TargetOrder(Enum):
    """In which order targets are taken: zone by zone, or as the group lists them."""

    ZONE = "zone"
    LISTED = "listed"


class DrainUntil(Enum):
    """What ends a drain: `delay` is the load balancer's own timer; the others need a witness."""

    PROOF = "proof"
    ANSWERED = "answered"
    COUNTER = "counter"
    DELAY = "delay"


class FailedTargetPolicy(Enum):
    """What becomes of a target whose work or check failed."""

    KEEP_OUT = "keep_out"
    PUT_BACK = "put_back"


class AfterFailure(Enum):
    """What follows when more targets failed than were allowed."""

    STOP = "stop"
    REVERT = "revert"


@dataclass(frozen=True, slots=True)
class Window:
    """How many may be out, how many must serve."""

    max_unavailable: Share = Share(count=1)
    floor: Share = Share(percent=50)
    floor_per_zone: int = 0
    order: TargetOrder = TargetOrder.ZONE


@dataclass(frozen=True, slots=True)
class CounterSource:
    """Where the number in flight is read: exactly one of a shell command and a URL, each as seen from the target.

    Understood are a plain number, nginx stub_status, the php-fpm status page, and with `field` a number of that name
    in JSON or in lines of `name: number`.
    """

    command: str = ""
    url: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Drain:
    """How long nothing may reach a target before work begins on it.

    `quiet` is how long an answered connection must have been silent, or the counter must have said 0, where `until` is
    ANSWERED or COUNTER. `probe` is the executor that carries a witness to the target. What a witness still sees open
    `cut_after` the target was seen out is waited for no longer; None: it is, up to the load balancer's timer.
    """

    settle: timedelta = timedelta(seconds=30)
    until: DrainUntil = DrainUntil.DELAY
    quiet: timedelta = timedelta(seconds=5)
    probe: str = ""
    counter: CounterSource | None = None
    cut_after: timedelta | None = None

    @property
    def asked_after(self) -> timedelta:
        """How long a target is out before its witness is asked: no verdict counts that ended within settle.

        A counter has to say 0 for `quiet`, which may be while settle lasts.
        """
        return max(timedelta(), self.settle - self.quiet) if self.until is DrainUntil.COUNTER else self.settle


# By these the programs beside the work would be led astray as well; a command sets them for itself.
RESERVED_VARIABLES = frozenset({"PATH", "IFS", "ENV", "BASH_ENV", "LD_PRELOAD", "LD_LIBRARY_PATH"})


@dataclass(frozen=True, slots=True)
class Variable:
    """One value that the work finds in its environment; exactly one of `value`, `secret` and `ssm_parameter` is set.

    A plain value is recorded. `secret` names a variable of the process that runs Katakei, `ssm_parameter` what the
    target itself fetches: of these only the names are ever known here.
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
    """Work on a target: which executor, and what it runs: a shell's text, or words that no shell reads.

    Both are empty where a person does the work. `env` are values of the user's own, by name.
    """

    executor: str
    run: str = ""
    argv: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()

    def __str__(self) -> str:
        return f"{self.executor}: {self.run or ' '.join(self.argv)}".removesuffix(": ")


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """A question asked of the target itself; `expect` is an ELBv2 matcher ('200', '200-299', '200,204')."""

    path: str
    expect: str = "200"
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What must be true of a target before it is registered again.

    `http` None = each group's own health check; `asked` false = nothing is asked, the load balancer alone judges.
    """

    http: HttpCheck | None = None
    within: timedelta = timedelta(minutes=1)
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a phase may last.

    `draining_extra` is added to the longest delay of the target's groups, or is the whole limit when
    `draining_from_delay` is false. `waiting` bounds how long the floor or a missing look may hold the whole rollout.
    """

    draining_extra: timedelta = timedelta(seconds=60)
    draining_from_delay: bool = True
    working: timedelta = timedelta(minutes=15)
    warming: timedelta = timedelta(minutes=5)
    waiting: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class OnFailure:
    """After `max_failures` failed targets nothing more is touched; `then` what was touched is taken back, or not."""

    max_failures: int = 0
    failed_target: FailedTargetPolicy = FailedTargetPolicy.KEEP_OUT
    then: AfterFailure = AfterFailure.STOP


@dataclass(frozen=True, slots=True)
class Selection:
    """Which targets take part: all, or those with one of these ids or names, or all of these tags (key, value)."""

    only: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


class LatePolicy(Enum):
    """What becomes of a target that somebody registers during the rollout."""

    ROLL = "roll"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Spec:
    """One rollout's wishes. `groups` are names or ARNs as written; `revert` is None where nothing takes work back."""

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

    @property
    def commands(self) -> tuple[Command, ...]:
        """All that may ever be run on a target."""
        return (self.work, self.revert) if self.revert else (self.work,)

    def command(self, *, back: bool) -> Command:
        """What is run on a target: to bring it the release, or to take that `back`."""
        return self.revert if back and self.revert else self.work

    @property
    def carrier(self) -> str:
        """The executor that carries the witness to the targets, '' without a witness; by default the one that works."""
        return "" if self.drain.until is DrainUntil.DELAY else self.drain.probe or self.work.executor


def differences(recorded: Spec, present: Spec) -> tuple[str, ...]:
    """What is no longer as it was recorded, key by key: 'window.floor 50%, now 1'."""
    return tuple(_differences("", recorded, present))


def _differences(path: str, was: object, now: object) -> Iterator[str]:
    if was == now:
        return
    if is_dataclass(was) and is_dataclass(now) and type(was) is type(now) and not isinstance(was, Share):
        for each in fields(was):
            yield from _differences(f"{path}.{each.name}".lstrip("."), getattr(was, each.name), getattr(now, each.name))
    else:
        yield f"{path} {_said(was)}, now {_said(now)}"


def _said(value: object) -> str:
    if isinstance(value, tuple) or value is None:
        return ", ".join(map(_said, value or ())) or "none"
    return str(value.value) if isinstance(value, Enum) else str(value)
