"""`make soak`: random scripts from a seed, several at a time, until the limit is reached or a promise is broken."""

import argparse
import itertools
import random
import shutil
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak import console
from tests.soak.script import kill_script, random_script
from tests.soak.script_run import ScriptResult, Total, TotalsFile, run_script

from katakei.lab import clock
from katakei.lab.traffic import Figures

FAILED_RUNS = Path(".soak")


@dataclass(slots=True)
class Soak:
    """One soak run."""

    seed: int
    numbers: "itertools.count[int]"
    until: float
    last: int
    kills: bool
    rate: float
    totals_file: TotalsFile
    lock: threading.Lock = field(default_factory=threading.Lock)
    total: Total = field(default_factory=Total)
    slowest: float = 0
    stopped: bool = False

    def lane(self) -> None:
        """Run scripts one after the other."""
        while (number := self._next()) is not None:
            script = (kill_script if self.kills else random_script)(self.seed, number, self.rate)
            folder = Path(tempfile.mkdtemp(prefix="katakei-soak-"))
            try:
                self._count(run_script(script, folder), folder)
            except BaseException:
                self.stopped = True
                sys.stdout.write(f"{script.text()}\nthis script could not be played; its files: {folder}\n")
                raise
            shutil.rmtree(folder, ignore_errors=True)

    def _next(self) -> int | None:
        with self.lock:
            over = self.stopped or clock.monotonic() > self.until
            number = None if over else next(self.numbers)
            return number if number is not None and number < self.last else None

    def _count(self, result: ScriptResult, folder: Path) -> None:
        seen = Figures() if result.script.kills_servers else result.figures
        more = Total(1, result.run_log.kills, seen.requests, seen.failed, seen.held_back, len(result.faults))
        name = result.script.name
        with self.lock:
            self.total += more
            self.slowest = max([self.slowest, *result.refusals])
            self.totals_file.write(name, more)
            outcome = "BROKEN" if result.faults else "kept"
            sys.stdout.write(
                f"{name}: {outcome} in {result.seconds:.0f} s; {more.text()}; so far {self.total.text()}\n"
            )
            sys.stdout.flush()
            if result.faults:
                self.stopped = True
                shutil.copytree(folder, FAILED_RUNS / name, dirs_exist_ok=True)
                (FAILED_RUNS / name / "log.txt").write_text(result.text())
                command = f"make soak SEED={self.seed} FROM={name.rpartition('-')[2]} ROLLOUTS=1 RATE={self.rate:g}"
                options = " KILLS=1" * self.kills
                sys.stdout.write(f"{result.text()}\nkept in {FAILED_RUNS / name}\nrepeat it with: {command}{options}\n")


def main() -> int:
    """Returns exit code 1 if a promise was broken."""
    options = _options()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {seed}\n")
    until = clock.monotonic() + 60 * options.minutes
    numbers, last = itertools.count(options.first), options.first + options.rollouts
    soak = Soak(seed, numbers, until, last, options.kills, options.rate, TotalsFile(FAILED_RUNS / "totals.jsonl"))
    with ThreadPoolExecutor(options.lanes + 1) as pool:
        shown = pool.submit(console.watch, options.minutes) if options.console else None
        for lane in [pool.submit(soak.lane) for _ in range(options.lanes)]:
            lane.result()
        faults = _console_faults(shown.result()) if shown else 0
    sys.stdout.write(f"seed {seed}: {soak.total.text()}; slowest refusal of a second rollout {soak.slowest:.1f} s\n")
    sys.stdout.write(f"all runs together: {soak.totals_file.total().text()}\n")
    return 1 if soak.total.faults or faults else 0


def _console_faults(result: console.ConsoleResult) -> int:
    """Prints what the page of the console held. Returns the number of its faults."""
    sys.stdout.write("".join(f"{line}\n" for line in (f"console: {result.figures}", *result.faults)))
    return len(result.faults)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--minutes", type=float, default=10, help="no script is begun after this")
    parser.add_argument("--seed", type=int, help="of the scripts; else drawn, and printed")
    parser.add_argument("--from", type=int, default=1, dest="first", help="number of the first script")
    parser.add_argument("--rollouts", type=int, default=10**9, help="scripts at most")
    parser.add_argument("--kills", action="store_true", help="the quickest rollouts, and nothing but kill -9")
    parser.add_argument("--rate", type=float, default=20, help="requests a second in each lab")
    parser.add_argument("--lanes", type=int, default=3, help="labs side by side; 0 with --console: only the page")
    parser.add_argument("--console", action="store_true", help="show one rollout of that length in a browser, beside")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
