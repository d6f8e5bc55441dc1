"""Scenarios: the rollout, its adversary and its users, given or drawn from a seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.properties.adversary import Adversary
from tests.properties.builders import seconds
from tests.properties.holds import Holds, conditions_of, holds_of
from tests.properties.simulated_aws import SimulatedAws

from katakei.domain.plan import PlanKind
from katakei.domain.spec import (
    AfterFailure,
    Check,
    Command,
    Drain,
    DrainUntil,
    FailedTargetPolicy,
    LatePolicy,
    Limits,
    OnFailure,
    Overlap,
    Share,
    Spec,
    Window,
)

CALM = Adversary()
UNDO = Command("ssm", "undo")


def spec_of(**changes: object) -> Spec:
    values: dict[str, object] = {
        "service": "web",
        "groups": ("web",),
        "work": Command("ssm", "true"),
        "window": Window(),
        "drain": Drain(settle=seconds(30)),
        "check": Check(within=seconds(20)),
        "soak": seconds(10),
        "limits": Limits(working=seconds(60), warming=seconds(60), waiting=seconds(600)),
    }
    return Spec(**{**values, **changes})  # type: ignore[arg-type]  # a test's own choice of values


@dataclass(frozen=True)
class Scenario:
    """One scenario. `abort`, `reverts` are seconds after noon (true time); `interrupts`, `pauses` shares of turns."""

    seed: int
    adversary: Adversary = CALM
    targets: int = 2
    bystanders: int = 0
    groups: int = 1
    ip: bool = False
    delay: float = 40
    slow_start: float = 0
    window: int = 1
    floor: int = 1
    per_zone: int = 0
    kind: PlanKind = PlanKind.ROLL
    waits: bool = True
    by_hand: bool = False
    abort: float | None = None
    users: float = 0.0
    interrupts: float = 0.0
    reverts: tuple[float, ...] = ()
    pauses: float = 0.0
    probe: bool = False
    wrong_clocks: bool = True
    twins: bool = False
    script: Callable[[SimulatedAws], None] | None = None
    spec: Spec = field(default_factory=spec_of)
    holds: Holds | None = None
    limit: int | None = None

    @property
    def calm(self) -> bool:
        """There is no adversary."""
        return self.adversary == CALM and self.script is None

    @property
    def left_alone(self) -> bool:
        """No user reverts, pauses, interrupts, holds or works by hand."""
        return not (self.by_hand or self.interrupts or self.pauses or self.reverts or self.holds)


def drawn(seed: int) -> Scenario:
    """A random scenario: about one in seven has no adversary, the others have some of its faults. In every third one
    users freeze, answer gates and promote.
    """
    holds, given = holds_of(seed), drawn_without_holds(seed)
    return slowed(in_parts(overlapped(held(given, holds) if holds else given)))


def in_parts(given: Scenario) -> Scenario:
    """The same scenario; three of ten rollouts go in waves, half of these with a pause; one of eight has a limit."""
    rng = random.Random(f"parts {given.seed}")  # noqa: S311 - a game, not a secret
    if given.kind is not PlanKind.ROLL:
        return given
    if rng.random() < 0.3:
        shares = (Share(count=1), *rng.choice(((), (Share(percent=50),), (Share(count=2), Share(percent=100)))))
        pause = seconds(rng.choice((0, 0, 10, 40)))
        given = replace(given, spec=replace(given.spec, window=Window(waves=shares, pause_between=pause)))
    return replace(given, limit=rng.randint(1, given.targets) if rng.random() < 0.12 else None)


def slowed(given: Scenario) -> Scenario:
    """The same scenario, in one of six with a slow start, and then with a soak as long as that."""
    rng = random.Random(f"slow {given.seed}")  # noqa: S311 - a game, not a secret
    if rng.random() < 5 / 6:
        return given
    slow = rng.choice((30, 60))
    return replace(given, slow_start=slow, spec=replace(given.spec, soak=max(given.spec.soak, seconds(slow))))


def overlapped(given: Scenario) -> Scenario:
    """The same scenario, in three of five with soaks that overlap. Half of these have the room that this needs."""
    rng = random.Random(f"overlap {given.seed}")  # noqa: S311 - a game, not a secret
    if rng.random() < 0.4 or given.kind is not PlanKind.ROLL:
        return given
    roomy = rng.random() < 0.6
    soak = seconds(rng.choice((10, 20, 30, 30, 60))) if roomy else given.spec.soak
    given = replace(given, spec=replace(given.spec, overlap=Overlap.AUTO, soak=soak))
    if not roomy:
        return given
    targets = rng.choice((3, 3, 4, 5, 6))
    floor = rng.randint(0, (targets + given.bystanders) // 2)
    return replace(given, targets=targets, window=rng.choice((1, 1, 2, 3)), floor=floor)


def held(given: Scenario, holds: Holds) -> Scenario:
    """The same scenario, held. Every fourth has no adversary; its soak is long enough to be promoted."""
    rng = random.Random(f"held {given.seed}")  # noqa: S311 - a game, not a secret
    gates = (*holds.gates, *conditions_of(given.seed, reverts=given.spec.revert is not None))
    spec = replace(given.spec, gates=gates, soak=seconds(rng.choice((5, 30, 60))))
    adversary = CALM if rng.random() < 0.25 else given.adversary
    return replace(given, holds=holds, spec=spec, adversary=adversary)


def drawn_without_holds(seed: int) -> Scenario:
    """The random scenario of this seed, in which nobody freezes, promotes or answers a gate."""
    rng = random.Random(f"setting {seed}")  # noqa: S311 - a game, not a secret
    targets = rng.choice((1, 2, 2, 2, 2, 3, 3, 3, 4, 5))
    bystanders = 0 if targets > 1 and rng.random() < 0.7 else rng.choice((1, 2))
    members = targets + bystanders
    kind = rng.choices((PlanKind.ROLL, PlanKind.DEREGISTER, PlanKind.REGISTER), (18, 1, 1))[0]
    abort = rng.random() < 0.15
    probe = rng.random() < 0.25
    serving = bystanders if kind is PlanKind.REGISTER else members
    revert = kind is PlanKind.ROLL and rng.random() < 0.4
    return Scenario(
        seed=seed,
        adversary=_adversary(rng),
        targets=targets,
        bystanders=bystanders,
        groups=rng.choices((1, 2, 3), (6, 3, 1))[0],
        ip=rng.random() < 0.2,
        delay=rng.choice((40, 60, 90) if probe else (0, 5, 5, 15, 40)),
        window=rng.choice((1, 1, 1, 2, 3)),
        floor=max(0, min(serving - 1, rng.choice((members // 2, members - 1, 1)))),
        per_zone=1 if members >= 4 and rng.random() < 0.3 else 0,
        kind=kind,
        waits=kind is PlanKind.ROLL or rng.random() < 0.7,
        by_hand=rng.random() < 0.12,
        abort=rng.uniform(0, 150) if abort else None,
        users=0.05 if rng.random() < 0.3 else 0.0,
        interrupts=0.01 if rng.random() < 0.2 else 0.0,
        probe=probe,
        spec=_spec(rng, _until(seed, probe=probe), revert=revert),
        reverts=tuple(sorted(rng.uniform(0, 500) for _ in range(rng.choice((0, 1, 1, 2))))) if revert else (),
        pauses=0.03 if rng.random() < 0.2 else 0.0,
        twins=rng.random() < 0.2,
    )


def _until(seed: int, *, probe: bool) -> DrainUntil:
    """Half of the probed ones have readers of requests."""
    if not probe:
        return DrainUntil.DELAY
    return (DrainUntil.REQUESTS, DrainUntil.PROOF)[random.Random(f"reader {seed}").randrange(2)]  # noqa: S311 - a game


def _spec(rng: random.Random, until: DrainUntil, *, revert: bool) -> Spec:
    return spec_of(
        revert=UNDO if revert else None,
        drain=Drain(settle=seconds(rng.choice((30, 30, 30, 10))), until=until),
        late=rng.choice(list(LatePolicy)),
        soak=seconds(rng.choice((0, 5, 10))),
        check=Check(within=seconds(20), asked=rng.random() < 0.8),
        limits=Limits(working=seconds(40), warming=seconds(45), waiting=seconds(60)),
        on_failure=OnFailure(
            rng.choice((0, 0, 1, 5)),
            rng.choice(list(FailedTargetPolicy)),
            AfterFailure.REVERT if revert and rng.random() < 0.6 else AfterFailure.STOP,
        ),
    )


def _adversary(rng: random.Random) -> Adversary:
    if rng.random() < 0.15:
        return CALM
    whole = {
        "lost": 0.1,
        "late": 0.05,
        "wire": 0.1,
        "lies": 0.05,
        "slow": 0.2,
        "crash": 0.012,
        "pause": 0.02,
        "stale": 0.2,
        "unseen": 0.2,
        "blind": 0.02,
        "denied": 0.003,
        "paper": 0.02,
        "falls": 0.003,
        "strangers": 0.01,
        "edits": 0.002,
        "gone": 0.001,
        "deleted": 0.0006,
        "born": 0.004,
        "killed": 0.002,
        "breaks": 0.002,
        "bad_work": 0.1,
        "hangs": 0.05,
        "interrupted": 0.03,
        "refused": 0.05,
        "undelivered": 0.1,
        "mute": 0.1,
        "unseeable": 0.2,
        "bad_check": 0.1,
        "sick": 0.1,
        "refuses": 0.05,
        "slow_append": 0.03,
        "slow_renew": 0.02,
        "lingers": 0.1,
        "mad": 0.1,
        "blocked": 0.003,
        "emptied": 0.002,
        "unmarked": 0.002,
        "stopped": 0.02,
    }
    share = rng.choice((0.15, 0.4, 0.4, 0.8))
    return Adversary(**{name: size for name, size in whole.items() if rng.random() < share})
