"""Plays one world again and tells its story: `python -m tests.properties.replay SEED`."""

import sys
from datetime import datetime

from tests.properties.evidence import changing, clock, number, short
from tests.properties.judge import judged
from tests.properties.play import ID, Outcome, play
from tests.properties.settings import drawn
from tests.properties.world import OUT, Call, Was

from katakei.domain import events as e
from katakei.render.reasons import sentence

Line = tuple[datetime, str]


def told(outcome: Outcome) -> list[str]:
    """What truly happened and what was written, in the order of true time."""
    lives = [(was.at, f"    {short(p)} {_lived(was)}") for p, story in outcome.world.past.items() for was in story[1:]]
    calls = [(call.at, f"  {call.who}: {call.kind} {_about(call)}") for call in changing(outcome)]
    taken = [(at, f"process {who} takes it in hand") for at, who in outcome.paper.takings]
    return [f"{clock(at):>9} {line}" for at, line in sorted([*lives, *calls, *taken, *_written(outcome)])]


def _written(outcome: Outcome) -> list[Line]:
    lines: list[Line] = []
    done = 1
    for at, who, upto in outcome.paper.appends:
        lines += [(at, f"{who} writes {_said(event)}") for event in outcome.paper.events[ID][done:upto]]
        done = upto
    return lines


def _lived(was: Was) -> str:
    return f"{was.state.value} by {was.by.value}{' (shifted)' * was.shifted}"


def _about(call: Call) -> str:
    places = [short(place) for place in sorted(call.places, key=repr)]
    return " ".join([*places, *(str(number(key.target)) for key in call.keys)])


def _said(event: e.Event) -> str:
    if isinstance(event, e.PhaseChanged):
        reasons = [part.value for part in (event.intent, event.cause) if part]
        return " ".join(["Moved", str(number(event.target)), event.to.value, *reasons, sentence(e.reason_of(event))])
    about = getattr(event, "target", None)
    about = getattr(about, "id", about)
    return type(event).__name__ + (f" {number(about)}" if about else "")


def main() -> None:
    for seed in sys.argv[1:]:
        outcome = play(drawn(int(seed)))
        out = [short(place) for place in outcome.world.past if outcome.world.now(place).state in OUT]
        figures = f"{dict(outcome.figures)}, out at the end: {out}"
        sys.stdout.write("\n".join([repr(outcome.setting), *told(outcome), figures, *judged(outcome)]) + "\n")


if __name__ == "__main__":
    main()
