"""Synchronization loop, which lets time pass in the state and applies the desired configuration to the data plane."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

from katakei.lab import clock
from katakei.lab.elb.config_builder import build_desired_config, merged
from katakei.lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from katakei.lab.desired_config import DesiredConfig
    from katakei.lab.elb.config_builder import TrafficStates
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
    """A thread between all states and one data plane. Several changes become one update.

    Args:
        states: returns the states of all regions and accounts; they share one `changed` event.
        data_plane: the data plane.
    """

    def __init__(self, states: Callable[[], Sequence[TargetState]], data_plane: DataPlane) -> None:
        self._states = states
        self._changed = states()[0].changed
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
        self._changed.set()
        self._thread.join(30)

    def settled(self, within: float) -> bool:
        """Wait until the data plane has the current configuration. Returns whether it has in time."""
        return clock.wait_for(lambda: self._desired() == self._applied, within)

    def apply_once(self) -> None:
        """Let time pass once and apply the result."""
        for state in self._states():
            state.tick()
        built = self._built()
        desired = merged([config for _, config, _ in built])
        if desired == self._applied:
            return
        self._data_plane.apply(desired)
        self._applied = desired
        for state, _, flow in built:
            with state.locked() as now:
                for arn, traffic in flow.items():
                    state.history.record_traffic(arn, traffic, now)

    def _desired(self) -> DesiredConfig:
        return merged([config for _, config, _ in self._built()])

    def _built(self) -> list[tuple[TargetState, DesiredConfig, TrafficStates]]:
        found = []
        for state in self._states():
            with state.locked() as now:
                found.append((state, *build_desired_config(state, now)))
        return found

    def _run(self) -> None:
        while not self._closing.is_set():
            self._changed.clear()
            try:
                self.apply_once()
            except LabError as error:
                log.warning("the data plane did not take the picture: %s", error)
                self._closing.wait(RETRY_DELAY)
            self._changed.wait(INTERVAL)
