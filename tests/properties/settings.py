"""What one play is about: its shape and its adversary, by hand or drawn from a seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.properties.things import seconds
from tests.properties.vices import Wickedness
from tests.properties.world import SmallWorld

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
    Spec,
    Window,
)

CALM = Wickedness()
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
class Setting:
    """One play. `abort`, `reverts` are true moments: seconds after noon; `interrupts`, `pauses` shares of turns."""

    seed: int
    wicked: Wickedness = CALM
    targets: int = 2
    bystanders: int = 0
    groups: int = 1
    ip: bool = False
    delay: float = 40
    window: int = 1
    floor: int = 1
    per_zone: int = 0
    kind: PlanKind = PlanKind.ROLL
    waits: bool = True
    by_hand: bool = False
    abort: float | None = None
    people: float = 0.0
    interrupts: float = 0.0
    reverts: tuple[float, ...] = ()
    pauses: float = 0.0
    probe: bool = False
    wrong_clocks: bool = True
    script: Callable[[SmallWorld], None] | None = None
    spec: Spec = field(default_factory=spec_of)

    @property
    def calm(self) -> bool:
        """No adversary at all."""
        return self.wicked == CALM and self.script is None

    @property
    def left_alone(self) -> bool:
        """Nobody turns it round or holds it up."""
        return not (self.by_hand or self.interrupts or self.pauses or self.reverts)


def drawn(seed: int) -> Setting:
    """A random world: about one in seven has no adversary at all, the others have a few of its vices."""
    dice = random.Random(f"setting {seed}")  # noqa: S311 - a game, not a secret
    targets = dice.choice((1, 2, 2, 2, 2, 3, 3, 3, 4, 5))
    bystanders = 0 if targets > 1 and dice.random() < 0.7 else dice.choice((1, 2))
    members = targets + bystanders
    kind = dice.choices((PlanKind.ROLL, PlanKind.DEREGISTER, PlanKind.REGISTER), (18, 1, 1))[0]
    abort = dice.random() < 0.15
    probe = dice.random() < 0.25
    serving = bystanders if kind is PlanKind.REGISTER else members
    revert = kind is PlanKind.ROLL and dice.random() < 0.4
    return Setting(
        seed=seed,
        wicked=_wicked(dice),
        targets=targets,
        bystanders=bystanders,
        groups=dice.choices((1, 2, 3), (6, 3, 1))[0],
        ip=dice.random() < 0.2,
        delay=dice.choice((40, 60, 90) if probe else (0, 5, 5, 15, 40)),
        window=dice.choice((1, 1, 1, 2, 3)),
        floor=max(0, min(serving - 1, dice.choice((members // 2, members - 1, 1)))),
        per_zone=1 if members >= 4 and dice.random() < 0.3 else 0,
        kind=kind,
        waits=kind is PlanKind.ROLL or dice.random() < 0.7,
        by_hand=dice.random() < 0.12,
        abort=dice.uniform(0, 150) if abort else None,
        people=0.05 if dice.random() < 0.3 else 0.0,
        interrupts=0.01 if dice.random() < 0.2 else 0.0,
        probe=probe,
        spec=_spec(dice, DrainUntil.PROOF if probe else DrainUntil.DELAY, revert=revert),
        reverts=tuple(sorted(dice.uniform(0, 500) for _ in range(dice.choice((0, 1, 1, 2))))) if revert else (),
        pauses=0.03 if dice.random() < 0.2 else 0.0,
    )


def _spec(dice: random.Random, until: DrainUntil, *, revert: bool) -> Spec:
    return spec_of(
        revert=UNDO if revert else None,
        drain=Drain(settle=seconds(dice.choice((30, 30, 30, 10))), until=until),
        late=dice.choice(list(LatePolicy)),
        soak=seconds(dice.choice((0, 5, 10))),
        check=Check(within=seconds(20), asked=dice.random() < 0.8),
        limits=Limits(working=seconds(40), warming=seconds(45), waiting=seconds(60)),
        on_failure=OnFailure(
            dice.choice((0, 0, 1, 5)),
            dice.choice(list(FailedTargetPolicy)),
            AfterFailure.REVERT if revert and dice.random() < 0.6 else AfterFailure.STOP,
        ),
    )


def _wicked(dice: random.Random) -> Wickedness:
    if dice.random() < 0.15:
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
    }
    share = dice.choice((0.15, 0.4, 0.4, 0.8))
    return Wickedness(**{name: size for name, size in whole.items() if dice.random() < share})
