"""The choice of the probe: which of them proves what a drain waits for."""

from katakei.adapters.probes.connections import Connections
from katakei.adapters.probes.counter import Counter
from katakei.adapters.probes.requests import Requests
from katakei.domain.ports import Clock, Probe, ProgramRunner
from katakei.domain.spec import CounterSource, Drain, DrainUntil


def probe_of(drain: Drain, carrier: ProgramRunner, clock: Clock) -> Probe:
    """The probe of this drain. One of requests has another beside it, by default proof, for where it gives no verdict.

    Args:
        drain: What the user chose; it does not wait for the load balancer's timer alone.
        carrier: Carries programs to the targets.
        clock: Dates the verdicts.
    """
    if drain.until is not DrainUntil.REQUESTS:
        return _simple(drain, drain.until, carrier, clock)
    other = DrainUntil.PROOF if drain.fallback in {None, DrainUntil.DELAY} else drain.fallback
    return Requests(carrier, clock, _simple(drain, other, carrier, clock), drain.fallback)


def _simple(drain: Drain, until: DrainUntil | None, carrier: ProgramRunner, clock: Clock) -> Probe:
    if until is DrainUntil.COUNTER:
        return Counter(carrier, clock, drain.counter or CounterSource(), drain.quiet)
    return Connections(carrier, clock, until or DrainUntil.PROOF, drain.quiet)
