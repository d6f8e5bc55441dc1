"""The run of the mutations: each one is put into a copy of the source, and the tests near it must fail.

`python -m tests.mutants [WORD ...]` runs all mutations, or those whose file or text contains one of the words. It uses
two copies of the tree at once and changes nothing in the work tree. It ends with 1 when a mutation without an
explanation survives.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants import of_access, of_adapters, of_overlap, of_reconcile, of_runtime, of_waves, of_wire, of_workers
from tests.mutants.mutation import Mutation

from katakei.lab import clock

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "tests", "pyproject.toml", "Makefile", "docs", "examples", "bench", "README.md", "README.ja.md")
MUTATIONS: tuple[Mutation, ...] = (
    *of_reconcile.MUTATIONS,
    *of_overlap.MUTATIONS,
    *of_runtime.MUTATIONS,
    *of_adapters.MUTATIONS,
    *of_wire.MUTATIONS,
    *of_access.MUTATIONS,
    *of_workers.MUTATIONS,
    *of_waves.MUTATIONS,
)
LONGEST = 600
"""Seconds for one run of tests. A mutation that makes them hang is caught."""


def main() -> int:
    """Runs the chosen mutations and prints one line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only mutations whose file or text contains one of these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="copies of the tree used at once")
    asked = parser.parse_args()
    chosen = [each for each in MUTATIONS if not asked.words or any(word in str(each) for word in asked.words)]
    with tempfile.TemporaryDirectory(prefix="katakei-mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(asked.jobs):
            trees.put(_copy(Path(folder) / str(number)))
        for stage in dict.fromkeys(stage for each in chosen for stage in each.tests):
            if not _passes(Path(folder) / "0", stage.split()):
                sys.exit(f"the tests fail without a mutation: {stage}")
        with ThreadPoolExecutor(asked.jobs) as pool:
            survivors = [each for each in pool.map(lambda one: _run(one, trees), chosen) if each is not None]
    explained = [each for each in survivors if each.equivalent]
    killed, survived = len(chosen) - len(survivors), len(survivors) - len(explained)
    sys.stdout.write(f"{len(chosen)} mutations: {killed} killed, {len(explained)} explained, {survived} survived\n")
    return int(len(survivors) > len(explained))


def _copy(tree: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=ignored)
        elif source.exists():
            tree.mkdir(exist_ok=True)
            shutil.copy2(source, tree / name)
    _make_environment(tree)
    return tree


def _make_environment(tree: Path) -> None:
    """An environment of the tree's own, so that every child process finds the mutated source too."""
    venv.create(tree / ".venv", symlinks=True)
    [packages] = (tree / ".venv" / "lib").glob("python*/site-packages")
    installed = sysconfig.get_path("purelib")
    (packages / "tree.pth").write_text(f"{tree / 'src'}\n{installed}\n", encoding="utf-8")


def _run(mutation: Mutation, trees: SimpleQueue[Path]) -> Mutation | None:
    """The mutation if it survives; None when a test fails."""
    tree, begun = trees.get(), clock.monotonic()
    file = tree / "src" / "katakei" / mutation.file
    before = file.read_text(encoding="utf-8")
    try:
        _write(file, mutation.applied(before))
        killer = next((stage for stage in mutation.tests if not _passes(tree, stage.split())), None)
    finally:
        _write(file, before)
        trees.put(tree)
    took = clock.monotonic() - begun
    fate = (
        f"killed by {killer}" if killer else f"explained: {mutation.equivalent}" if mutation.equivalent else "SURVIVED"
    )
    sys.stdout.write(f"{took:5.0f}s  {mutation}: {fate}\n")
    sys.stdout.flush()
    return None if killer else mutation


def _write(file: Path, text: str) -> None:
    """Gives the file a time of its own: Python recognizes old byte code by second and size."""
    file.write_text(text, encoding="utf-8")
    stamp = time.time_ns() // 10**9 + int.from_bytes(os.urandom(2)) + 10
    os.utime(file, (stamp, stamp))


def _passes(tree: Path, tests: Sequence[str]) -> bool:
    python = str(tree / ".venv" / "bin" / "python")
    command = [python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=tree, capture_output=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in {0, 1, 2}:  # 2: a mutation that cannot even be imported
        sys.exit(f"pytest could not run {tests}: {done.stdout.decode()[-2000:]}{done.stderr.decode()[-2000:]}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
