"""The commands of a rollout that somebody else recorded: they are shown before this process runs them.

Anyone who may write to the journal can plant a rollout. Its commands would run on the targets with the rights of the
person who carries it on.
"""

from collections.abc import Iterator

from katakei.domain.errors import RefusedError
from katakei.domain.leases import Owner
from katakei.domain.plan import Plan
from katakei.domain.spec import Command, Spec


class RecordedByOtherError(RefusedError):
    """Another person recorded commands that this one did not give. Nothing was changed.

    Attributes:
        commands: Each command as one line.
    """

    def __init__(self, plan: Plan, commands: tuple[str, ...]) -> None:
        super().__init__(
            f"rollout {plan.rollout} was recorded by {plan.who}, with commands that are not in a configuration given"
            f" here: {'; '.join(commands)}. To run them, add --yes"
        )
        self.plan = plan
        self.commands = commands


def check_recorded_commands(plan: Plan, owner: Owner, given: Spec | None = None) -> None:
    """Refuses to run the commands of somebody else unseen.

    Args:
        plan: The recorded plan.
        owner: The identity of this process.
        given: The configuration that was given with the command; None where it takes none.

    Raises:
        RecordedByOtherError: Another user, or one on another host, recorded a command that `given` does not have.
    """
    if _same_person(plan.who, owner):
        return
    known = set(_commands(given)) if given else set()
    unknown = tuple(line for line in _commands(plan.spec) if line not in known)
    if unknown:
        raise RecordedByOtherError(plan, unknown)


def _same_person(who: str, owner: Owner) -> bool:
    """User and host are compared; the number of the process differs with every command."""
    return who.partition(" (pid ")[0] == str(owner).partition(" (pid ")[0]


def _commands(spec: Spec) -> Iterator[str]:
    """What runs on the targets, with the variables that reach it. Manual work runs nothing."""
    named = {"work": spec.work, "revert": spec.revert, "before": spec.before, "after": spec.after}
    yield from (f"{name} {line}" for name, command in named.items() if (line := _line(command)))
    counter = spec.drain.counter
    if counter and counter.command:
        yield f"drain.counter {counter.command}"


def _line(command: Command | None) -> str:
    if command is None or command.executor == "manual":
        return ""
    env = f" with {', '.join(map(str, command.env))}" if command.env else ""
    return f"{command}{env}"
