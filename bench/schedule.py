"""Schedule of the runs: several at a time because each mostly waits, but only two under load."""

import sys
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from bench import leg as leg_module
from bench.design import ClientLoad, Leg
from bench.result import Result, Results
from katakei.lab import clock
from katakei.lab.errors import LabError

QUIET, BUSY = 10, 2
"""Labs at a time, without and with load."""

TRIES = 2


def measure(legs: Iterable[Leg], results: Results, ending: threading.Event) -> None:
    """Measure the runs without a result, in order. Returns at the end, or soon after `ending` is set."""
    with ThreadPoolExecutor(QUIET, "quiet") as quiet, ThreadPoolExecutor(BUSY, "busy") as busy:
        due = [leg for leg in legs if results.of(leg) is None]
        futures = [
            (busy if leg.scenario.load is ClientLoad.BUSY else quiet).submit(_run, leg, results, ending) for leg in due
        ]
        try:
            _await(futures)
        except BaseException:
            ending.set()
            quiet.shutdown(wait=False, cancel_futures=True)
            busy.shutdown(wait=False, cancel_futures=True)
            raise


def _await(futures: Iterable[Future[None]]) -> None:
    for future in futures:
        future.result()


def _run(leg: Leg, results: Results, ending: threading.Event) -> None:
    """Run once, and once more if it failed. A run that fails twice has no result."""
    for _ in range(TRIES):
        if ending.is_set():
            return
        with tempfile.TemporaryDirectory(prefix="katakei-bench-") as folder:
            result, why = _try_once(leg, Path(folder), ending)
        if result and not ending.is_set():
            results.keep(leg, result)
        _log(leg, why)
        if result:
            return


def _try_once(leg: Leg, folder: Path, ending: threading.Event) -> tuple[Result | None, str]:
    """Returns the result if the run is valid, and a message."""
    try:
        result = leg_module.run(leg, folder, ending)
    except (OSError, ValueError, LookupError, LabError) as error:
        return None, f"not measured: {error!r}"
    if result.faults:
        said = (folder / "said.txt").read_text(errors="replace")[-2000:]
        return None, f"not measured: {'; '.join(result.faults)}\n{said}"
    return result, f"{result.used.wall:.0f} s, {result.failed} of {result.requests} requests failed"


def _log(leg: Leg, what: str) -> None:
    sys.stderr.write(f"{clock.now():%H:%M:%S} {leg.name}: {what}\n")
