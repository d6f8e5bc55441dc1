"""Registry of all commands and the state of their invocations. Thread-safe; the time is an argument."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from katakei.lab.ssm import invocation_states
from katakei.lab.ssm.model import (
    ENDED,
    UNSENT,
    Command,
    Details,
    Invocation,
    InvocationKey,
    Result,
    SendCommandRequest,
    SsmError,
)


class CommandRegistry:
    """Commands and invocations by id."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._commands: dict[str, Command] = {}
        self._invocations: dict[InvocationKey, Invocation] = {}
        self._unfinished: dict[str, None] = {}

    def add(self, request: SendCommandRequest, command_id: str, instance_ids: Sequence[str], now: datetime) -> Command:
        """Add a new command with one pending invocation for each node."""
        command = Command(command_id, request, tuple(instance_ids), now)
        with self._lock:
            self._commands[command.id] = command
            self._unfinished[command.id] = None
            for instance_id in command.instance_ids:
                self._invocations[command.id, instance_id] = Invocation(command.id, instance_id, now)
        return command

    def command(self, command_id: str) -> Command:
        """Find a command.

        Raises:
            SsmError: InvalidCommandId.
        """
        with self._lock:
            try:
                return self._commands[command_id]
            except KeyError:
                raise SsmError("InvalidCommandId", "Invalid command id.") from None

    def commands(self) -> tuple[Command, ...]:
        """Returns all commands, newest first."""
        with self._lock:
            return tuple(reversed(self._commands.values()))

    def invocations(self, command: Command) -> tuple[Invocation, ...]:
        """Returns the invocations of a command."""
        with self._lock:
            return tuple(self._invocations[command.id, instance_id] for instance_id in command.instance_ids)

    def invocation(self, key: InvocationKey) -> Invocation | None:
        """Returns the invocation of a command on a node, if there is one."""
        with self._lock:
            return self._invocations.get(key)

    def waiting(self) -> bool:
        """Whether any invocation is still open."""
        with self._lock:
            return bool(self._open())

    def expire_overdue(self, now: datetime) -> tuple[InvocationKey, ...]:
        """Apply timeouts and MaxErrors.

        Returns:
            The invocations whose delivery has just timed out.
        """
        with self._lock:
            lost: list[InvocationKey] = []
            for command in self._open():
                for invocation in self.invocations(command):
                    after = self._put(invocation_states.expired(invocation, command, now))
                    if after.details is Details.DELIVERY_TIMED_OUT and invocation.details is None:
                        lost.append(after.key)
                self._bound_errors(command, now)
            return tuple(lost)

    def due(self, sent_before: datetime) -> tuple[Invocation, ...]:
        """Returns the invocations to deliver now: old enough, and within the MaxConcurrency of their command."""
        with self._lock:
            found: list[Invocation] = []
            for command in self._open():
                if command.requested > sent_before:
                    continue
                parts = self.invocations(command)
                running = sum(part.status not in ENDED | UNSENT for part in parts)
                free = max(1, invocation_states.share(command.request.max_concurrency, len(parts))) - running
                found += [part for part in parts if part.status in UNSENT][: max(0, free)]
            return tuple(found)

    def begin(self, key: InvocationKey, now: datetime) -> bool:
        """Mark an invocation as received. Returns False if it was cancelled or has expired meanwhile."""
        with self._lock:
            unsent = self._invocations[key].status in UNSENT
            self._put(invocation_states.begun(self._invocations[key], now))
            return unsent

    def delay(self, key: InvocationKey) -> None:
        """Note that a delivery found no agent."""
        self._change(key, invocation_states.delayed)

    def finish(self, key: InvocationKey, result: Result, now: datetime) -> None:
        """Store the agent's report."""
        self._change(key, lambda invocation: invocation_states.finished(invocation, result, now))

    def cancel(self, command_id: str, instance_ids: Sequence[str], now: datetime) -> tuple[InvocationKey, ...]:
        """Apply CancelCommand to the given nodes, or to all.

        Returns:
            The running invocations, which must be asked to stop.
        """
        with self._lock:
            command = self.command(command_id)
            chosen = [
                part for part in self.invocations(command) if part.instance_id in (instance_ids or command.instance_ids)
            ]
            self._commands[command_id] = replace(command, cancelling=True)
            changed = [self._put(invocation_states.cancelled(part, now)) for part in chosen]
            return tuple(part.key for part in changed if part.status not in ENDED)

    def _open(self) -> list[Command]:
        for command_id in tuple(self._unfinished):
            if all(part.status in ENDED for part in self.invocations(self._commands[command_id])):
                del self._unfinished[command_id]
        return [self._commands[command_id] for command_id in self._unfinished]

    def _bound_errors(self, command: Command, now: datetime) -> None:
        parts = self.invocations(command)
        allowed = invocation_states.share(command.request.max_errors, len(parts))
        if sum(map(invocation_states.is_error, parts)) > allowed:
            for part in parts:
                self._put(invocation_states.terminated(part, now))

    def _change(self, key: InvocationKey, change: Callable[[Invocation], Invocation]) -> None:
        with self._lock:
            self._put(change(self._invocations[key]))

    def _put(self, invocation: Invocation) -> Invocation:
        self._invocations[invocation.key] = invocation
        return invocation
