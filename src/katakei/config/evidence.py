"""What ends a drain where the file does not say, and what the keys of `drain` demand of one another and of `work`."""

from collections.abc import Iterator, Mapping
from typing import Any

from katakei.domain.spec import Drain, DrainUntil

CARRIERS = ("ssm",)  # executors that can carry a witness to the targets
WITNESSED = ("proof", "answered", "counter")


def usual(executor: str) -> Drain:
    """By evidence where this executor can carry a witness to the targets, else by the load balancer's timer."""
    return Drain(until=DrainUntil.PROOF, probe=executor) if executor in CARRIERS else Drain()


def faults(drain: Mapping[str, Any], work: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of `drain` that ask for what cannot be, or that nothing would obey: each with what to write instead."""
    if not all(isinstance(drain.get(key, ""), str) for key in ("until", "witness")):
        return  # that they are no words is told where they are read
    carried = drain.get("witness") in CARRIERS or any(name in work for name in CARRIERS)
    until = drain.get("until", "proof" if carried else "delay")
    if until in WITNESSED and not carried:
        yield "until", f"{until} asks the targets themselves: it needs work: ssm or witness: ssm; or use until: delay"
    yield from _idle(drain, until)
    if until == "counter" and "counter" not in drain:
        yield "until", "counter needs to be told where it is: counter: {url: http://127.0.0.1/status}"


def _idle(drain: Mapping[str, Any], until: object) -> Iterator[tuple[str, str]]:
    """What is there and would do nothing."""
    if "quiet" in drain and until not in {"answered", "counter"}:
        yield "quiet", "is obeyed with until: answered or counter only; remove it"
    if "counter" in drain and until != "counter":
        yield "counter", "is obeyed with until: counter only; remove it"
    for key in ("witness", "cut_after"):
        if key in drain and until == "delay":
            yield key, "is obeyed with until: proof, answered or counter only; remove it"
