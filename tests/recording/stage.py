"""The stage of one recorded rollout: an simulated AWS of its own, and the real commands that run on it one by one."""

import io
import signal
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.ledgers import Ledger
from tests.properties.builders import group, target
from tests.properties.memory_journal import MemoryFreezes
from tests.properties.simulated_aws import By, Crash
from tests.recording.drivers import Condition, Happening, Process, Servers, StageAws, never

from katakei import bootstrap, cli
from katakei.adapters.system.process import Place, ProcessFate
from katakei.domain.errors import ExitCode
from katakei.domain.events import Event
from katakei.domain.leases import Owner
from katakei.domain.model import Group, Minimum, RolloutId, Target
from katakei.domain.replay import Rollout, replay

HEALTH = ("unhealthy_state_routing", "dns_failover")
MINIMA = tuple(Minimum(f"target_group_health.{name}.minimum_healthy_targets", 1, None) for name in HEALTH)
ZONES = ("ap-northeast-1c", "ap-northeast-1a")  # web1 and web3 are in the same zone, so web3 is rolled second


@dataclass(frozen=True)
class Ran:
    """What one command left behind. `code` is None for a process that ended early."""

    code: int | None
    out: str
    err: str


class Stage:
    """The servers, the target groups and the journal of one rollout.

    Args:
        store: Where the rollout is recorded.
        folder: Where configuration files are written.
        name: The name of the target group, and of the rollout behind `r-`.
        number: Gives the process ids, the first moment and the seed of the simulated AWS.
        targets: How many targets take part.
        bystanders: How many more are registered in the groups.
        groups: How many target groups there are.
        delay: The deregistration delay in seconds.
        ip: Whether targets are registered by their IP address.
    """

    exit_codes = frozenset({ExitCode.DONE, ExitCode.FAILED, ExitCode.LEFT_OUT, ExitCode.INTERRUPTED})

    def __init__(
        self,
        store: Ledger,
        folder: Path,
        name: str,
        number: int,
        *,
        targets: int = 3,
        bystanders: int = 0,
        groups: int = 1,
        delay: float = 60,
        ip: bool = False,
    ) -> None:
        self.store, self.folder, self.situation = store, folder, name
        names = [name] if groups == 1 else [f"{name}-{n}" for n in range(1, groups + 1)]
        self.groups: list[Group] = [replace(group(each, delay=delay, ip=ip), minima=MINIMA) for each in names]
        self.everyone: list[Target] = [target(n, self.groups, ZONES) for n in range(1, targets + bystanders + 1)]
        self.servers = Servers()
        self.aws = StageAws(self.servers, number, self.groups, self.everyone[:targets], self.everyone[targets:])
        self.aws.clock.time += timedelta(minutes=20 * number)
        self.freezes = MemoryFreezes(self.aws.clock)
        self.living: set[Owner] = set()
        self.rollouts: list[RolloutId] = []
        self.next_pid = 20001 + 100 * number
        self.next_process: tuple[Condition, Sequence[Happening]] = (never, ())

    @property
    def rollout(self) -> RolloutId:
        """The newest rollout."""
        return self.rollouts[-1]

    def events(self, rollout: RolloutId) -> Sequence[Event]:
        """The events of a rollout, as another process reads them."""
        return self.store.journal().read(rollout, 0)

    def now(self) -> Rollout:
        """The newest rollout as the journal has it."""
        return replay(self.events(self.rollout))

    def name(self) -> RolloutId:
        """The id of a new rollout: that of the stage."""
        more = f"-{len(self.rollouts) + 1}" if self.rollouts else ""
        self.rollouts.append(RolloutId(f"r-{self.situation}{more}"))
        return self.rollouts[-1]

    def fate(self, owner: Owner, place: Place) -> ProcessFate:
        """Processes of one stage know which of them are alive."""
        del place
        return ProcessFate.ALIVE if owner in self.living else ProcessFate.DEAD

    def command(self, *words: str, dies: Condition = never, meanwhile: Sequence[Happening] = ()) -> Ran:
        """Runs one real command in a process of its own.

        Args:
            words: The command line.
            dies: When the process ends early, as by `kill -9`.
            meanwhile: What happens between two turns, each once its condition holds.

        Raises:
            AssertionError: The exit code is not among `exit_codes`, or the process did not end early.
        """
        self.next_process = (dies, meanwhile)
        out, err = io.StringIO(), io.StringIO()
        code: int | None = None
        with pytest.MonkeyPatch.context() as seam, redirect_stdout(out), redirect_stderr(err), suppress(Crash):
            seam.setattr(bootstrap, "Bootstrap", self.process)
            code = cli.run([*words, "--journal", self.store.url])
        ran = Ran(code, out.getvalue(), err.getvalue())
        if (dies is not never and code is not None) or code not in {None, *self.exit_codes}:
            raise AssertionError(f"{self.situation}: {words} ended with {code}: {ran.out}{ran.err}")
        return ran

    def roll(self, configuration: str, dies: Condition = never, meanwhile: Sequence[Happening] = ()) -> Ran:
        """Runs `katakei roll -f katakei.yml --release v2` with this configuration."""
        return self.command(*self.asked("roll", configuration), "--yes", "--json", dies=dies, meanwhile=meanwhile)

    def asked(self, verb: str, configuration: str) -> tuple[str, ...]:
        """The command line of `roll` or `plan`; the groups of the stage are put into the configuration."""
        file = self.folder / f"{self.situation}.yml"
        file.write_text(configuration.replace("GROUPS", ", ".join(group.name for group in self.groups)))
        return verb, "-f", str(file), "--release", "v2"

    def says(self, *words: str) -> Callable[[], Ran]:
        """A command of a person about the newest rollout, in another process: `says("pause")`."""
        return lambda: self.command(words[0], self.rollout, *words[1:], "--json")

    def interrupts(self) -> None:
        """Ctrl-C in the process that runs now."""
        signal.raise_signal(signal.SIGINT)

    def falls(self, number: int, lasting: float) -> Callable[[], None]:
        """Lets a target fail its health checks for this many seconds."""

        def fall() -> None:
            for place in self.everyone[number].registrations:
                self.aws.fall(place, lasting)

        return fall

    def somebody_registers(self, number: int) -> Callable[[], None]:
        """Somebody else registers a target in all of its groups."""
        return lambda: self.aws.put_in(self.everyone[number].registrations, By.STRANGER)

    def process(self, process: object, place: object, clock: object, tell: Callable[[str], None]) -> Process:
        """The drivers of the next command, in place of the real ones."""
        del process, place, clock
        dies, meanwhile = self.next_process
        self.next_process = (never, ())
        made = Process(self, self.next_pid, dies, meanwhile, tell)
        self.next_pid += 1
        self.living.add(made.owner)
        return made
