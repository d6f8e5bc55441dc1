"""Drawings in the documents that come from the code: phases, probe verdicts, layers, wire names, reasons, schemas.

`python -m tests.project.draw` writes the drawings. A test compares them with the code, so they cannot become outdated.
"""

from collections.abc import Iterable, Mapping
from configparser import ConfigParser
from itertools import pairwise
from pathlib import Path
from string import Formatter
from textwrap import dedent, wrap

from tests.project import reference, schemas, screens
from tests.unit.adapters.probes.test_rows import ROWS

import katakei
from katakei.domain import access_reasons as access_codes
from katakei.domain import reasons as reason_codes
from katakei.domain.access import RIGHTS, Role
from katakei.domain.phases import FINAL_PHASES, TRANSITIONS, Phase
from katakei.domain.wire import EVENTS
from katakei.planning import reasons as plan_codes
from katakei.render import access_reasons as access_texts
from katakei.render import plan_reasons as plan_texts
from katakei.render import reasons as reason_texts

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README, PAGE, EVIDENCE = ROOT / "README.md", DOCS / "phases.md", DOCS / "evidence.md"
TWIN = ROOT / "README.ja.md"
ARCHITECTURE, JSON_OUTPUT, REASONS = DOCS / "architecture.md", DOCS / "json-output.md", DOCS / "reasons.md"
PYTHON_API, ACCESS = DOCS / "python-api.md", DOCS / "access.md"
ARROW = " ─▶ "
LAB = "lab"


def main_path() -> list[Phase]:
    """The phases of a target when everything goes well: from each phase to the first one that was not passed yet."""
    way = [Phase.WAITING]
    while way[-1] not in FINAL_PHASES:
        way.append(next(phase for phase in Phase if phase in TRANSITIONS[way[-1]] and phase not in way))
    return way


def side_transitions() -> Mapping[tuple[Phase, ...], tuple[Phase, ...]]:
    """Every other transition except the one to `gone`; phases with the same side transitions share an entry."""
    way = main_path()
    ahead = dict(pairwise(way))
    shared: dict[tuple[Phase, ...], list[Phase]] = {}
    for start in Phase:
        ends = TRANSITIONS[start] - {Phase.GONE, ahead.get(start)}
        if ends:
            shared.setdefault(tuple(phase for phase in Phase if phase in ends), []).append(start)
    return {tuple(starts): ends for ends, starts in shared.items()}


def path_picture() -> str:
    """The path when everything goes well, for the README."""
    return "\n".join(["```text", ARROW.join(phase.value for phase in main_path()), "```"])


def picture() -> str:
    """The phases as plain text."""
    sides = {_named(starts): _named(ends) for starts, ends in side_transitions().items()}
    vanishing = {phase for phase in Phase if Phase.GONE in TRANSITIONS[phase]}
    sides["any phase before an end" if vanishing == set(Phase) - FINAL_PHASES else _named(vanishing)] = Phase.GONE.value
    width = max(len(starts) for starts in sides)
    lines = [ARROW.join(phase.value for phase in main_path()), ""]
    lines += [f"{starts:<{width}}{ARROW}{ends}" for starts, ends in sides.items()]
    return "\n".join(["```text", *lines, "```"])


def diagram() -> str:
    """The phases as a Mermaid diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.WAITING.value}"]
    lines += [f"    {start.value} --> {end.value}" for start in Phase for end in Phase if end in TRANSITIONS[start]]
    lines += [f"    {end.value} --> [*]" for end in Phase if end in FINAL_PHASES]
    return "\n".join(["```mermaid", *lines, "```"])


def page() -> str:
    """The whole text of docs/phases.md."""
    return f"""# The phases of a target

`make docs` draws this page from the table `TRANSITIONS` in `src/katakei/domain/phases.py`. Any other transition is an
error. The first line is the path when everything goes well. A target leaves a final phase only for a revert, for a
retry, or because the floor interrupted its drain.

{picture()}

{diagram()}
"""


def sockets() -> str:
    """The socket table: whether a request is pending on each connection, and the verdict of each probe."""
    titles = ("what the connection did", "pending", "`proof` says", "`answered` says", "`requests` says")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for row in ROWS:
        counted = row.requests.value if row.requests else "refused"
        pending = "yes" if row.pending else "no"
        lines.append(f"| {row.name} | {pending} | {row.proof.value} | {row.answered.value} | {counted} |")
    return "\n".join(lines)


def layers() -> list[tuple[str, ...]]:
    """The layers of src/katakei from top to bottom, as `.importlinter` checks them; planned packages are left out."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    lines = contracts["importlinter:contract:layers"]["layers"].strip().splitlines()
    names = [tuple(name.strip() for name in line.replace(":", "|").split("|")) for line in lines]
    built = [tuple(name for name in layer if not name.startswith("(")) for layer in names]
    return [layer for layer in built if layer]


def figure() -> str:
    """The layers as a text figure: each package may import the packages below it."""
    rows = [" · ".join(layer) for layer in layers()]
    width = max(map(len, rows))
    rule = "─" * (width + 2)
    lines = [f"┌{rule}┐"]
    for number, row in enumerate(rows):
        lines += [f"├{rule}┤"] if number else []
        lines.append(f"│ {row:^{width}} │")
    lines += [f"└{rule}┘", "", f"{LAB}: imports no other package; only the command line starts it"]
    return "\n".join(["```text", *lines, "```"])


def kinds() -> str:
    """The events whose kind on the wire differs from the class name."""
    lines = ["| in the code | on the wire |", "|---|---|"]
    lines += [f"| `{cls.__name__}` | `{row.kind}` |" for cls, row in EVENTS.items() if cls.__name__ != row.kind]
    return "\n".join(lines)


def api() -> str:
    """The example in the docstring of the package, and the public names."""
    blocks = (katakei.__doc__ or "").split("\n\n")
    example = dedent("\n\n".join(block for block in blocks if block.startswith("    ")))
    names = ", ".join(f"`{name}`" for name in katakei.__all__ if name != "__version__")
    return "\n".join(["```python", example, "```", "", *wrap(f"Names: {names}.", 120)])


def reasons() -> str:
    """The whole text of docs/reasons.md."""
    return f"""# Reasons

A reason says why something is so, or why a rollout waits. The journal and the [JSON output](json-output.md) hold the
code and its facts. Durations are seconds. A code that was released is never renamed. `make docs` draws this page from
the codes in `domain/reasons.py`, `planning/reasons.py` and `domain/access_reasons.py`, and from the sentences in
`render/reasons.py`, `render/plan_reasons.py` and `render/access_reasons.py`.

## Reasons of a rollout
{_codes(reason_codes.FACTS.items(), reason_texts.SENTENCES.items())}

## Reasons of a plan: refusals, usage errors and notices
{_codes(plan_codes.FACTS.items(), plan_texts.SENTENCES.items())}

## Reasons of access: rights, tokens and sign-in
{_codes(access_codes.FACTS.items(), access_texts.SENTENCES.items())}
"""


def _codes(facts: Iterable[tuple[str, tuple[str, ...]]], sentences: Iterable[tuple[str, str]]) -> str:
    texts = {str(code): _template(sentence) for code, sentence in sentences}
    rows = [f"| `{code}` | {', '.join(names) or 'none'} | {texts[str(code)]} |" for code, names in sorted(facts)]
    return "\n".join(["| code | facts | English sentence |", "|---|---|---|", *rows])


def rights() -> str:
    """The table of who may do what."""
    heads = ["act", "what it is", *(role.value for role in Role), "CI job", "limited by the policy"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for act, right in RIGHTS.items():
        cells = ["yes" if role.rank >= right.role.rank else "no" for role in Role]
        limit = f"`{right.limited_by.value}`" if right.limited_by else "no"
        lines.append(f"| {' | '.join([f'`{act.value}`', right.meaning, *cells, 'yes' if right.ci else 'no', limit])} |")
    return "\n".join(lines)


def between_marks(text: str, name: str, drawing: str) -> str:
    """A text with this drawing between the marks of this name; unchanged if it has no such marks."""
    before, begin, rest = text.partition(f"<!-- {name} -->")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    return f"{before}{begin}\n{drawing}\n{end}{after}" if begin and end else text


def drawings() -> Mapping[Path, str]:
    """Every file with a drawing, with the text that it should have."""
    drawn = {
        README: ("phases", path_picture()),
        TWIN: ("phases", path_picture()),
        EVIDENCE: ("sockets", sockets()),
        ARCHITECTURE: ("layers", figure()),
        JSON_OUTPUT: ("kinds", kinds()),
        PYTHON_API: ("api", api()),
        ACCESS: ("rights", rights()),
    }
    written = {
        path: between_marks(path.read_text(encoding="utf-8"), name, drawing) for path, (name, drawing) in drawn.items()
    }
    whole = {PAGE: page(), REASONS: reasons(), **reference.documents(), **schemas.documents(), **screens.documents()}
    return {**written, **whole}


def _template(sentence: str) -> str:
    """A template with the plain names of its facts in braces."""
    parts = Formatter().parse(sentence)
    return "".join(text + (f"{{{name}}}" if name else "") for text, name, _, _ in parts)


def _named(phases: Iterable[Phase]) -> str:
    return " · ".join(phase.value for phase in phases)


if __name__ == "__main__":
    for path, text in drawings().items():
        path.write_text(text, encoding="utf-8")
