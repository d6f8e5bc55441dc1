"""`python -m bench`: measure what is missing for this commit, and write docs/benchmarks.md.

An interrupted run writes what it has, and the next run continues. If nothing is missing or files have changed since the
commit, everything is measured again.
"""

import signal
import sys
import threading
from pathlib import Path

from bench import document, startup
from bench.chart import chart
from bench.design import FULL, QUICK, legs
from bench.document import commit
from bench.glance import rows
from bench.result import Results
from bench.schedule import measure


def main(*, quick: bool) -> int:
    """Returns exit code 0 if everything was measured."""
    scenarios = QUICK if quick else FULL
    measured = commit()
    results = Results(f"{measured}{'-quick' if quick else ''}")
    if quick or measured.endswith("-changed") or all(results.of(leg) for leg in legs(scenarios)):
        results.forget()
    ending = threading.Event()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    starts = None
    try:
        starts = startup.measure(3 if quick else document.ROUNDS)
        measure(legs(scenarios), results, ending)
    except KeyboardInterrupt:
        sys.stderr.write("cut off; what was measured is written, the rest when this is called again\n")
    finally:
        picture = chart(rows(document.comparisons(scenarios, results)))
        _write(document.page(scenarios, results, starts), None if quick else document.PAGE)
        if not quick:
            _write(picture, document.CHART)
    return 0 if starts and all(results.of(leg) for leg in legs(scenarios)) else 1


def _write(page: str, to: Path | None) -> None:
    if to is None:
        sys.stdout.write(page)
    else:
        to.write_text(page)
        sys.stdout.write(f"{to}\n")


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv[1:]))
