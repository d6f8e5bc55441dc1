"""Plays: tests that mostly wait, each on a lab of its own, several at a time. A file's `test_it` then asks for each.

A play is a function of the command and the ground; its name is the sentence that it shows.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

Play = Callable[[Katakei, Ground], None]
AT_ONCE = 6
QUICK = LabOptions(targets=2, delay=timedelta(seconds=2), interval=timedelta(seconds=1), port=8080)
SHOP = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 2s, until: delay}
work: {ssm: {run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
warm: {soak: 1s}
"""


class Plays:
    """Those of one file, in the order they are written."""

    def __init__(self) -> None:
        self._params: list[Any] = []

    def __call__(self, play: Play) -> Play:
        """Decorates a play."""
        self._params.append(pytest.param(play, id=play.__name__, marks=pytest.mark.play))
        return play

    def slow(self, play: Play) -> Play:
        """Decorates one that is left out where time is short."""
        self._params.append(pytest.param(play, id=play.__name__, marks=(pytest.mark.play, pytest.mark.slow)))
        return play

    def each(self) -> pytest.MarkDecorator:
        """Decorates the test that asks for each."""
        return pytest.mark.parametrize("play", self._params)


class Stage:
    """Plays every play once, in threads of its own."""

    def __init__(self, plays: list[Play], folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(AT_ONCE, "stage")
        self._played: Mapping[Play, Future[None]] = {play: self._pool.submit(self._run, play) for play in plays}

    def show(self, play: Play) -> None:
        """Returns when it has been played; raises what it raised."""
        self._played[play].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _run(self, play: Play) -> None:
        folder = self._folder / play.__name__
        folder.mkdir()
        with Lab(QUICK) as lab:
            katakei = Katakei(folder, {**lab.env, "XDG_STATE_HOME": str(folder)})
            try:
                play(katakei, Ground(lab))
            finally:
                katakei.close()
