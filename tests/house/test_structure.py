"""The habits of the house that no linter keeps: sizes, charters, who may ask the time, no circles."""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in (ROOT / "src" / "katakei", ROOT / "bench")
    for path in sorted(folder.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
CLOCKS = {"katakei.adapters.system.clock", "katakei.lab.clock"}
TIME = {
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "time_ns"),
    ("time", "monotonic_ns"),
    ("time", "clock_gettime"),
    ("time", "perf_counter"),
    ("time", "sleep"),
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("asyncio", "sleep"),
    ("uuid", "uuid4"),
}
PLAIN = {"collections", "concurrent", "dataclasses", "datetime", "enum", "functools", "ipaddress", "re", "typing"}
FILE, FUNCTION, CHARTER = 300, 40, 6
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef

each = pytest.mark.parametrize("name", list(MODULES))


@each
def test_every_module_says_what_it_is_for_in_a_few_lines(name: str) -> None:
    charter = ast.get_docstring(TREES[name]) or ""
    assert 1 <= len(charter.splitlines()) <= CHARTER


@each
def test_no_file_is_longer_than_a_person_reads_in_one_go(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= FILE


@each
def test_no_function_is_longer_than_a_screen(name: str) -> None:
    functions = [node for node in ast.walk(TREES[name]) if isinstance(node, FUNCTIONS)]
    assert not [f"{f.name}: {length(f)} lines" for f in functions if length(f) > FUNCTION]


@each
def test_only_a_clock_asks_the_time_sleeps_or_draws_a_name(name: str) -> None:
    asked = {called for node in ast.walk(TREES[name]) for called in asks(node)} & TIME
    assert not asked or name in CLOCKS


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("katakei.core")])
def test_the_core_is_made_of_plain_types(name: str) -> None:
    foreign = {top for top, _ in imported(TREES[name])} - {"katakei"}
    assert foreign <= PLAIN
    assert foreign <= sys.stdlib_module_names


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {name: {module_of(full) for _, full in imported(tree)} & set(MODULES) for name, tree in TREES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def length(function: FUNCTIONS) -> int:
    """Its lines, without its decorators."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def asks(node: ast.AST) -> set[tuple[str, str]]:
    """The (owner, name) pairs by which a node could reach the time: `time.sleep`, `from time import sleep`."""
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "", alias.name) for alias in node.names}
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        return {(owner, node.attr)}
    return set()


def imported(tree: ast.Module) -> set[tuple[str, str]]:
    """What a module imports, as (top package, full name); a name of a package counts as a module if it is one."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name.partition(".")[0], alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {(node.module.partition(".")[0], f"{node.module}.{alias.name}") for alias in node.names}
    return found


def module_of(full: str) -> str:
    """`katakei.domain.model.Arn` is of `katakei.domain.model`."""
    return full if full in MODULES else full.rpartition(".")[0]
