"""Figures of the package structure, counted from the import statements alone.

A room is a package or module directly under `src/katakei`. An arrow leads from a room to a room that it imports;
imports inside functions and under TYPE_CHECKING count. `python -m tests.project.structure` prints the figures.
"""

import ast
import configparser
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "katakei"
Graph = Mapping[str, frozenset[str]]
"""By room, the rooms that it imports."""


@dataclass(frozen=True, slots=True)
class Structure:
    """The figures.

    Attributes:
        rooms: names of all rooms.
        layers: number of rooms on the longest path of imports.
        arrows: pairs (importer, imported).
        circles: groups of rooms that import each other, directly or not.
        back_up: arrows that do not lead to a lower layer of `.importlinter`.
    """

    rooms: tuple[str, ...]
    layers: int
    arrows: tuple[tuple[str, str], ...]
    circles: tuple[tuple[str, ...], ...]
    back_up: tuple[tuple[str, str], ...]

    def text(self) -> str:
        """Returns the figures for a terminal."""
        lines = [
            f"rooms: {len(self.rooms)} ({', '.join(self.rooms)})",
            f"layers: {self.layers}",
            f"arrows: {len(self.arrows)}",
            f"circles: {len(self.circles)}",
            f"arrows back up: {len(self.back_up)}",
            *(f"  {importer} -> {imported}" for importer, imported in self.arrows),
        ]
        return "\n".join(lines)


def measure(root: Path = ROOT) -> Structure:
    """Count the structure of the project in `root`, which holds `src` and `.importlinter`."""
    graph = import_graph(root / "src" / PACKAGE)
    order = layer_order(root / ".importlinter")
    arrows = tuple(sorted((room, other) for room, imported in graph.items() for other in imported))
    return Structure(
        rooms=tuple(sorted(graph)),
        layers=longest_path(graph),
        arrows=arrows,
        circles=circles(graph),
        back_up=tuple((a, b) for a, b in arrows if a in order and b in order and order[a] <= order[b]),
    )


def import_graph(package: Path) -> Graph:
    """Read the rooms of a package and what they import of each other."""
    files: dict[str, list[Path]] = {}
    for path in sorted(package.iterdir()):
        if path.is_dir() and any(path.rglob("*.py")):
            files[path.name] = sorted(path.rglob("*.py"))
        elif path.suffix == ".py" and path.stem != "__init__":
            files[path.stem] = [path]
    found = {room: {name for path in paths for name in _imported(path, package.name)} for room, paths in files.items()}
    return {room: frozenset((names & files.keys()) - {room}) for room, names in found.items()}


def _imported(path: Path, package: str) -> Iterator[str]:
    """Yields the name below the package of every absolute import: `katakei.domain.plan` gives `domain`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            top, _, below = name.partition(".")
            if top == package and below:
                yield below.partition(".")[0]


def layer_order(contracts: Path) -> Mapping[str, int]:
    """Read the layers contract. Returns the layer of each room; 0 is the lowest."""
    parser = configparser.ConfigParser()
    parser.read(contracts, encoding="utf-8")
    lines = parser["importlinter:contract:layers"]["layers"].split("\n")
    layers = [re.findall(r"\w+", line) for line in lines if line.strip()]
    return {room: number for number, layer in enumerate(reversed(layers)) for room in layer}


def longest_path(graph: Graph) -> int:
    """Returns the number of rooms on the longest path; a room is never visited twice."""

    def depth(room: str, seen: frozenset[str]) -> int:
        return 1 + max((depth(other, seen | {other}) for other in graph[room] - seen), default=0)

    return max((depth(room, frozenset({room})) for room in graph), default=0)


def circles(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """Returns every group of two or more rooms that can reach each other."""
    reach = {room: _reachable(graph, room) for room in graph}
    groups = {
        frozenset(other for other in reach[room] if room in reach[other]) for room in graph if room in reach[room]
    }
    return tuple(sorted(tuple(sorted(group)) for group in groups if group))


def _reachable(graph: Graph, start: str) -> set[str]:
    """Returns the rooms that can be reached from a room by at least one arrow."""
    found: set[str] = set()
    left = set(graph[start])
    while left:
        found |= left
        left = {other for room in left for other in graph[room]} - found
    return found


if __name__ == "__main__":
    sys.stdout.write(f"{measure().text()}\n")
