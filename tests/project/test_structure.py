"""Structure rules that no linter checks: sizes, module docstrings, who may ask the time, no import cycles."""

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
PURE = ("katakei.domain", "katakei.reconcile", "katakei.planning")
PLAIN = {
    "collections",
    "concurrent",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "ipaddress",
    "re",
    "types",
    "typing",
}
FILE, FUNCTION = 500, 40
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef

each = pytest.mark.parametrize("name", list(MODULES))


@each
def test_every_module_has_a_docstring(name: str) -> None:
    assert ast.get_docstring(TREES[name])


@each
def test_no_source_file_is_over_500_lines(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= FILE


@each
def test_no_function_is_longer_than_a_screen(name: str) -> None:
    functions = [node for node in ast.walk(TREES[name]) if isinstance(node, FUNCTIONS)]
    long = [f for f in functions if length(f) > FUNCTION and not is_match(f)]
    assert not [f"{f.name}: {length(f)} lines" for f in long]


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.name)
def test_no_test_file_is_over_500_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE


@each
def test_only_a_clock_asks_the_time_sleeps_or_draws_a_name(name: str) -> None:
    asked = {called for node in ast.walk(TREES[name]) for called in asks(node)} & TIME
    assert not asked or name in CLOCKS


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith(PURE)])
def test_the_pure_packages_use_plain_types(name: str) -> None:
    foreign = {top for top, _ in imported(TREES[name])} - {"katakei"}
    assert foreign <= PLAIN
    assert foreign <= sys.stdlib_module_names


def test_no_import_cycles() -> None:
    graph = {name: {module_of(full) for _, full in imported(tree)} & set(MODULES) for name, tree in TREES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def length(function: FUNCTIONS) -> int:
    """The lines of a function, without its decorators."""
    return length_of(function)


def is_match(function: FUNCTIONS) -> bool:
    """A `match` over a closed union may be longer than a screen: chopping it would hide that it is complete."""
    return any(isinstance(node, ast.Match) and length_of(node) > FUNCTION // 2 for node in function.body)


def length_of(node: ast.stmt) -> int:
    """The lines of a statement."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


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
