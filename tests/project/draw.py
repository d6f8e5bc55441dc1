"""Draws what is drawn from the code: the phases of a target from the table of roads, the witness from its socket table.

`python -m tests.project.draw` writes the drawings; a test compares them, so that they can never drift.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

from tests.unit.adapters.probes.test_rows import ROWS

from katakei.domain.phases import FINAL_PHASES, TRANSITIONS, Phase

ROOT = Path(__file__).parents[2]
README, PAGE, EVIDENCE = ROOT / "README.md", ROOT / "docs" / "phases.md", ROOT / "docs" / "evidence.md"
ARROW = " ─▶ "


def main_road() -> list[Phase]:
    """The way on which everything goes well: from each phase to the first one not yet passed."""
    way = [Phase.WAITING]
    while way[-1] not in FINAL_PHASES:
        way.append(next(phase for phase in Phase if phase in TRANSITIONS[way[-1]] and phase not in way))
    return way


def side_roads() -> Mapping[tuple[Phase, ...], tuple[Phase, ...]]:
    """Every other road but the one to `gone`; phases that share their side roads stand together."""
    way = main_road()
    ahead = dict(pairwise(way))
    shared: dict[tuple[Phase, ...], list[Phase]] = {}
    for start in Phase:
        roads = TRANSITIONS[start] - {Phase.GONE, ahead.get(start)}
        if roads:
            shared.setdefault(tuple(phase for phase in Phase if phase in roads), []).append(start)
    return {tuple(starts): ends for ends, starts in shared.items()}


def picture() -> str:
    """For the README: readable as plain text."""
    sides = {_named(starts): _named(ends) for starts, ends in side_roads().items()}
    vanishing = {phase for phase in Phase if Phase.GONE in TRANSITIONS[phase]}
    sides["any phase before an end" if vanishing == set(Phase) - FINAL_PHASES else _named(vanishing)] = Phase.GONE.value
    width = max(len(starts) for starts in sides)
    lines = [ARROW.join(phase.value for phase in main_road()), ""]
    lines += [f"{starts:<{width}}{ARROW}{ends}" for starts, ends in sides.items()]
    return "\n".join(["```text", *lines, "```"])


def diagram() -> str:
    """For a page that draws Mermaid."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.WAITING.value}"]
    lines += [f"    {start.value} --> {end.value}" for start in Phase for end in Phase if end in TRANSITIONS[start]]
    lines += [f"    {end.value} --> [*]" for end in Phase if end in FINAL_PHASES]
    return "\n".join(["```mermaid", *lines, "```"])


def page() -> str:
    """The whole of docs/phases.md."""
    return f"""# The phases of a target

Drawn by `make docs` from the table `TRANSITIONS` in `src/katakei/domain/phases.py`; any other transition is an error.
The first line is the way on which everything goes well. From an end a target is taken again only by a revert, a retry,
or because the floor broke its drain off.

{picture()}

{diagram()}
"""


def sockets() -> str:
    """What is pending on each connection of the socket table, and what is said of it."""
    lines = ["| what the connection did | pending | `proof` says | `answered` says |", "|---|---|---|---|"]
    lines += [
        f"| {row.name} | {'yes' if row.pending else 'no'} | {row.proof.value} | {row.answered.value} |" for row in ROWS
    ]
    return "\n".join(lines)


def between_marks(text: str, name: str, drawing: str) -> str:
    """A text with this drawing between the marks of this name; unchanged where it has none."""
    before, begin, rest = text.partition(f"<!-- {name} -->")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    return f"{before}{begin}\n{drawing}\n{end}{after}" if begin and end else text


def drawings() -> Mapping[Path, str]:
    """Every file with a drawing, as it should read."""
    readme, evidence = (path.read_text(encoding="utf-8") for path in (README, EVIDENCE))
    return {
        PAGE: page(),
        README: between_marks(readme, "phases", picture()),
        EVIDENCE: between_marks(evidence, "sockets", sockets()),
    }


def _named(phases: Iterable[Phase]) -> str:
    return " · ".join(phase.value for phase in phases)


if __name__ == "__main__":
    for path, text in drawings().items():
        path.write_text(text, encoding="utf-8")
