"""Rows: tests that mostly wait, each on a machine of its own, several at a time. The file's `test_it` asks for each.

A row is a function of a machine; its name is the sentence that it shows.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.machine import LOCAL, SHELLS, Machine, machine_of

Row = Callable[[Machine], None]
Case = tuple[Row, str]
AT_ONCE = 6


class Rows:
    """Those of one file, in the order they are written."""

    def __init__(self) -> None:
        self._params: list[Any] = []
        self.known: set[Row] = set()

    def __call__(self, row: Row) -> Row:
        """Decorates a row that every shell, and local work, has to show."""
        return self._add(row, *SHELLS, *LOCAL)

    def of_one_shell(self, row: Row) -> Row:
        """Decorates one in which nothing depends on the shell."""
        return self._add(row, SHELLS[0], *LOCAL)

    def of_targets(self, row: Row) -> Row:
        """Decorates one about a target among others, which local work has not."""
        return self._add(row, *SHELLS)

    def _add(self, row: Row, *kinds: str) -> Row:
        self.known.add(row)
        self._params += [pytest.param((row, kind), id=f"{row.__name__}-{kind}") for kind in kinds]
        return row

    def begin(self, items: Iterable[pytest.Item], folder: Path) -> "Shown":
        """Begins those that these tests ask for."""
        asked = [item.callspec.params.get("case") for item in items if hasattr(item, "callspec")]
        return Shown([case for case in asked if isinstance(case, tuple) and case[0] in self.known], folder)

    def each(self) -> pytest.MarkDecorator:
        """Decorates the test that asks for each."""
        return pytest.mark.parametrize("case", self._params)


class Shown:
    """Shows every row that this run asks for, in threads of its own."""

    def __init__(self, cases: list[Case], folder: Path) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, "rows")
        self._shown: Mapping[Case, Future[None]] = {
            case: self._pool.submit(_show, case, folder / f"{number}") for number, case in enumerate(cases)
        }

    def result(self, case: Case) -> None:
        """Returns when it has been shown; raises what it raised."""
        self._shown[case].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _show(case: Case, folder: Path) -> None:
    row, kind = case
    machine = machine_of(kind, folder)
    try:
        row(machine)
    finally:
        machine.end()
