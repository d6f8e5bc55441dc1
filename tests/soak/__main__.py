"""`make soak`: scripts from a seed, several at a time, until time or number is over, or a promise is broken."""

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

from tests.soak.script import drawn, killed
from tests.soak.script_run import Book, Soaked, Total, soaked

from katakei.lab import clock
from katakei.lab.traffic import Figures

KEPT = Path(".soak")


@dataclass(slots=True)
class Soak:
    """One run."""

    seed: int
    numbers: "itertools.count[int]"
    until: float
    last: int
    kills: bool
    rate: float
    book: Book
    lock: threading.Lock = field(default_factory=threading.Lock)
    total: Total = field(default_factory=Total)
    slowest: float = 0
    stopped: bool = False

    def lane(self) -> None:
        """Script after script."""
        while (number := self._next()) is not None:
            script = (killed if self.kills else drawn)(self.seed, number, self.rate)
            folder = Path(tempfile.mkdtemp(prefix="katakei-soak-"))
            try:
                self._count(soaked(script, folder), folder)
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

    def _count(self, result: Soaked, folder: Path) -> None:
        seen = Figures() if result.script.mortal else result.figures
        more = Total(1, result.story.kills, seen.requests, seen.failed, seen.held_back, len(result.faults))
        name = result.script.name
        with self.lock:
            self.total += more
            self.slowest = max([self.slowest, *result.refusals])
            self.book.write(name, more)
            word = "BROKEN" if result.faults else "kept"
            sys.stdout.write(f"{name}: {word} in {result.seconds:.0f} s; {more.text()}; so far {self.total.text()}\n")
            sys.stdout.flush()
            if result.faults:
                self.stopped = True
                shutil.copytree(folder, KEPT / name, dirs_exist_ok=True)
                (KEPT / name / "story.txt").write_text(result.text())
                again = f"make soak SEED={self.seed} FROM={name.rpartition('-')[2]} ROLLOUTS=1 RATE={self.rate:g}"
                sys.stdout.write(
                    f"{result.text()}\nkept in {KEPT / name}\nplay it again: {again}{' KILLS=1' * self.kills}\n"
                )


def main() -> int:
    """Exit code 1 when a promise was broken."""
    asked = _asked()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {seed}\n")
    until = clock.monotonic() + 60 * asked.minutes
    numbers, last = itertools.count(asked.first), asked.first + asked.rollouts
    soak = Soak(seed, numbers, until, last, asked.kills, asked.rate, Book(KEPT / "totals.jsonl"))
    with ThreadPoolExecutor(asked.lanes) as pool:
        for lane in [pool.submit(soak.lane) for _ in range(asked.lanes)]:
            lane.result()
    sys.stdout.write(f"seed {seed}: {soak.total.text()}; slowest refusal of a rival {soak.slowest:.1f} s\n")
    sys.stdout.write(f"all runs together: {soak.book.total().text()}\n")
    return 1 if soak.total.faults else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--minutes", type=float, default=10, help="no script is begun after this")
    parser.add_argument("--seed", type=int, help="of the scripts; else drawn, and printed")
    parser.add_argument("--from", type=int, default=1, dest="first", help="number of the first script")
    parser.add_argument("--rollouts", type=int, default=10**9, help="scripts at most")
    parser.add_argument("--kills", action="store_true", help="the quickest rollouts, and nothing but kill -9")
    parser.add_argument("--rate", type=float, default=20, help="requests a second in each lab")
    parser.add_argument("--lanes", type=int, default=3, help="labs side by side")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
