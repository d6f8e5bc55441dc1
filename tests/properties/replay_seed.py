"""Simulates one seed again and prints what happened: `python -m tests.properties.replay_seed SEED`."""

import sys
from datetime import datetime

from tests.properties.ground_truth import changing, clock, number, short
from tests.properties.judge import judged
from tests.properties.scenarios import drawn
from tests.properties.simulated_aws import OUT, Call, HealthChange
from tests.properties.simulation import ID, Outcome, simulate

from katakei.domain import events as e
from katakei.render.reasons import sentence

Line = tuple[datetime, str]


def told(outcome: Outcome) -> list[str]:
    """What really happened and what was recorded, in the order of true time."""
    lives = [
        (was.at, f"    {short(p)} {_change_text(was)}") for p, story in outcome.aws.past.items() for was in story[1:]
    ]
    calls = [(call.at, f"  {call.who}: {call.kind} {_call_text(call)}") for call in changing(outcome)]
    taken = [(at, f"process {who} takes it over") for at, who in outcome.store.takings]
    return [f"{clock(at):>9} {line}" for at, line in sorted([*lives, *calls, *taken, *_written(outcome)])]


def _written(outcome: Outcome) -> list[Line]:
    lines: list[Line] = []
    done = 1
    for at, who, upto in outcome.store.appends:
        lines += [(at, f"{who} writes {_event_text(event)}") for event in outcome.store.events[ID][done:upto]]
        done = upto
    return lines


def _change_text(was: HealthChange) -> str:
    return f"{was.state.value} by {was.by.value}{' (shifted)' * was.shifted}"


def _call_text(call: Call) -> str:
    places = [short(place) for place in sorted(call.places, key=repr)]
    return " ".join([*places, *(str(number(key.target)) for key in call.keys)])


def _event_text(event: e.Event) -> str:
    if isinstance(event, e.PhaseChanged):
        reasons = [part.value for part in (event.intent, event.cause) if part]
        return " ".join(["Moved", str(number(event.target)), event.to.value, *reasons, sentence(e.reason_of(event))])
    about = getattr(event, "target", None)
    about = getattr(about, "id", about)
    return type(event).__name__ + (f" {number(about)}" if about else "")


def main() -> None:
    for seed in sys.argv[1:]:
        outcome = simulate(drawn(int(seed)))
        out = [short(place) for place in outcome.aws.past if outcome.aws.now(place).state in OUT]
        figures = f"{dict(outcome.figures)}, out at the end: {out}"
        sys.stdout.write("\n".join([repr(outcome.scenario), *told(outcome), figures, *judged(outcome)]) + "\n")


if __name__ == "__main__":
    main()
