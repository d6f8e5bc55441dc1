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

    def apply(self, desired: DesiredConfig) -> None:
        """Make it so; returns when it is so. Raises LabError when it cannot."""


class SyncLoop:
    """A thread between one truth and one data plane."""

    def __init__(self, target_state: TargetState, data_plane: DataPlane) -> None:
        self._target_state = target_state
        self._data_plane = data_plane
        self._applied: DesiredConfig | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="elb-pump", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Nothing is applied any more when this returns."""
        self._closing.set()
        self._target_state.changed.set()
        self._thread.join(30)

    def settled(self, within: float) -> bool:
        """Wait until the data plane does what the truth says now."""
        return clock.wait_for(lambda: self._desired() == self._applied, within)

    def apply_once(self) -> None:
        """Let time pass once, and apply what came of it."""
        self._target_state.tick()
        with self._target_state.locked() as now:
            desired, flow = build_desired_config(self._target_state, now)
        if desired == self._applied:
            return
        self._data_plane.apply(desired)
        self._applied = desired
        with self._target_state.locked() as now:
            for arn, traffic in flow.items():
                self._target_state.history.record_traffic(arn, traffic, now)

    def _desired(self) -> DesiredConfig:
        with self._target_state.locked() as now:
            return build_desired_config(self._target_state, now)[0]

    def _run(self) -> None:
        while not self._closing.is_set():
            self._target_state.changed.clear()
            try:
                self.apply_once()
            except LabError as error:
                log.warning("the data plane did not take the picture: %s", error)
                self._closing.wait(AFTER_TROUBLE)
            self._target_state.changed.wait(EVERY)
