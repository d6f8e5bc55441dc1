"""CloudFormation of all regions and accounts: stacks, exports, and the deployments that run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from katakei.lab import clock
from katakei.lab.cloudformation.blueprint import Surroundings
from katakei.lab.cloudformation.calls import Send, ServiceCalls
from katakei.lab.cloudformation.deployment import Deployment
from katakei.lab.cloudformation.errors import invalid, no_stack
from katakei.lab.cloudformation.stack import Stack

ANSWER_WITHIN = 25.0
"""Seconds that a call waits for its deployment. AWS answers at once, and the clients of AWS then ask every 30 s."""

END_WITHIN = 20.0


@dataclass
class RegionState:
    """The stacks of one region and account.

    Attributes:
        stacks: every stack by id, deleted ones included.
    """

    calls: ServiceCalls
    stacks: dict[str, Stack] = field(default_factory=dict)

    def living(self) -> list[Stack]:
        """Returns every stack that is not deleted."""
        return [stack for stack in self.stacks.values() if stack.status != "DELETE_COMPLETE"]

    def named(self, name: str) -> Stack | None:
        """Returns a living stack by name, or any by id."""
        return self.stacks.get(name) or next((stack for stack in self.living() if stack.name == name), None)

    def stack(self, name: str) -> Stack:
        """Returns a stack.

        Raises:
            CloudFormationError: there is none.
        """
        found = self.named(name)
        if found is None:
            raise no_stack(name)
        return found

    def exports(self) -> dict[str, tuple[Stack, str]]:
        """Returns stack and value of every export."""
        return {one.export: (stack, one.value) for stack in self.living() for one in stack.outputs if one.export}

    def importers(self, export: str) -> list[str]:
        """Returns the names of living stacks that use an export."""
        return sorted(stack.name for stack in self.living() if export in stack.imports)


class CloudFormation:
    """All stacks of a lab.

    Args:
        send: executes a request of this lab.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._regions: dict[tuple[str, str], RegionState] = {}
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._running: set[threading.Thread] = set()

    @contextmanager
    def region(self, account: str, region: str) -> Iterator[RegionState]:
        """The state of a region, locked while the context lasts."""
        with self._lock:
            if (account, region) not in self._regions:
                self._regions[account, region] = RegionState(ServiceCalls(self._send, account, region))
            yield self._regions[account, region]

    def surroundings(self, state: RegionState, stack: Stack) -> Surroundings:
        """Returns what a template of this stack may use."""

        def imported(name: str) -> str:
            with self._lock:
                found = state.exports().get(name)
            if found is None or found[0].id == stack.id:
                raise invalid(f"No export named {name} found.")
            return found[1]

        return Surroundings(state.calls, imported)

    def run(
        self, state: RegionState, stack: Stack, status: str, work: Callable[[Deployment], None]
    ) -> threading.Thread:
        """Start a deployment. Only one may run for a stack; the caller has checked that.

        Args:
            status: the status of the stack while it runs.
            work: calls the deployment.
        """
        stack.become(status, "User Initiated")
        surroundings = self.surroundings(state, stack)
        deployment = Deployment(stack, surroundings, self._ending, lambda one, new: self._changed(state, one, new))

        thread = threading.Thread(target=work, args=(deployment,), name=f"stack-{stack.name}", daemon=True)
        self._running = {one for one in self._running if one.is_alive()} | {thread}
        thread.start()
        return thread

    def wait(self, thread: threading.Thread) -> None:
        """Wait a moment for a deployment, so that a client finds it done when it asks for the first time."""
        clock.wait_for(lambda: self._ending.is_set() or not thread.is_alive(), ANSWER_WITHIN, 0.05)

    def check_deletion(self, state: RegionState, stack: Stack) -> None:
        """Check that no other stack uses an export of this one.

        Raises:
            CloudFormationError: one does.
        """
        self._changed(state, stack, {})

    def close(self) -> None:
        """End the deployments that run. Each ends after the resource that it is making."""
        self._ending.set()
        for thread in tuple(self._running):
            thread.join(END_WITHIN)

    def _changed(self, state: RegionState, stack: Stack, new: Mapping[str, str]) -> None:
        with self._lock:
            others = {name: one.name for name, (one, _) in state.exports().items() if one.id != stack.id}
            for name in new:
                if name in others:
                    raise invalid(f"Export with name {name} is already exported by stack {others[name]}")
            for output in stack.outputs:
                if output.export and new.get(output.export) != output.value:
                    users = [one for one in state.importers(output.export) if one != stack.name]
                    if users:
                        how = "updated" if output.export in new else "deleted"
                        raise invalid(
                            f"Export {output.export} cannot be {how} as it is in use by {' and '.join(users)}"
                        )
