"""Lets time pass in the truth and keeps the data plane at its picture; changes are joined."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

from katakei.lab import clock
from katakei.lab.elb.config_builder import build_desired_config
from katakei.lab.errors import LabError

if TYPE_CHECKING:
    from katakei.lab.desired_config import DesiredConfig
    from katakei.lab.elb.target_state import TargetState

EVERY = 0.1  # seconds: how late a change that time alone brings is noticed at most
AFTER_TROUBLE = 1.0
log = logging.getLogger(__name__)


class DataPlane(Protocol):
    """The data plane."""

    def apply(self, picture: DesiredConfig) -> None:
        """Make it so; returns when it is so. Raises LabError when it cannot."""


class SyncLoop:
    """A thread between one truth and one data plane."""

    def __init__(self, truth: TargetState, plane: DataPlane) -> None:
        self._truth = truth
        self._plane = plane
        self._applied: DesiredConfig | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="elb-pump", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Nothing is applied any more when this returns."""
        self._over.set()
        self._truth.changed.set()
        self._thread.join(30)

    def settled(self, within: float) -> bool:
        """Wait until the data plane does what the truth says now."""
        return clock.wait_for(lambda: self._picture() == self._applied, within)

    def turn(self) -> None:
        """Let time pass once, and apply what came of it."""
        self._truth.tick()
        with self._truth.held() as now:
            picture, flow = build_desired_config(self._truth, now)
        if picture == self._applied:
            return
        self._plane.apply(picture)
        self._applied = picture
        with self._truth.held() as now:
            for arn, traffic in flow.items():
                self._truth.history.applied(arn, traffic, now)

    def _picture(self) -> DesiredConfig:
        with self._truth.held() as now:
            return build_desired_config(self._truth, now)[0]

    def _run(self) -> None:
        while not self._over.is_set():
            self._truth.changed.clear()
            try:
                self.turn()
            except LabError as error:
                log.warning("the data plane did not take the picture: %s", error)
                self._over.wait(AFTER_TROUBLE)
            self._truth.changed.wait(EVERY)
