"""Synchronization loop, which lets time pass in the state and applies the desired configuration to the data plane."""

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

INTERVAL = 0.1  # seconds: the longest delay until a change by time alone is noticed
RETRY_DELAY = 1.0
log = logging.getLogger(__name__)


class DataPlane(Protocol):
    """The data plane."""

    def apply(self, desired: DesiredConfig) -> None:
        """Apply a configuration; returns when it is active.

        Raises:
            LabError: it cannot be applied.
        """


class SyncLoop:
    """A thread between one state and one data plane. Several changes become one update."""

    def __init__(self, target_state: TargetState, data_plane: DataPlane) -> None:
        self._target_state = target_state
        self._data_plane = data_plane
        self._applied: DesiredConfig | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="elb-pump", daemon=True)

    def start(self) -> None:
        """Start the loop."""
        self._thread.start()

    def close(self) -> None:
        """Stop. Nothing is applied any more when this returns."""
        self._closing.set()
        self._target_state.changed.set()
        self._thread.join(30)

    def settled(self, within: float) -> bool:
        """Wait until the data plane has the current configuration. Returns whether it has in time."""
        return clock.wait_for(lambda: self._desired() == self._applied, within)

    def apply_once(self) -> None:
        """Let time pass once and apply the result."""
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
                self._closing.wait(RETRY_DELAY)
            self._target_state.changed.wait(INTERVAL)
