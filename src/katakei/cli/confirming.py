"""The questions before recorded commands run: a retry, a revert, and whatever somebody else recorded."""

from collections.abc import Callable
from typing import TypeVar

from katakei.app.recorded_commands import RecordedByOtherError
from katakei.app.rollouts import CONFIRMATION_LIMIT
from katakei.cli.language import reader
from katakei.cli.messages import ask, on_terminal, say
from katakei.domain.errors import RefusedError

T = TypeVar("T")


def confirm(question: str, *, yes: bool) -> bool:
    """Asks a person who sits at a terminal, unless they said yes already.

    Returns:
        Whether somebody confirmed it; False where nobody could be asked.

    Raises:
        RefusedError: The answer is no, or none came in time.
    """
    if yes or not on_terminal(0):
        return yes
    if not ask(question, CONFIRMATION_LIMIT):
        raise RefusedError("not confirmed; nothing was changed")
    return True


def with_recorded_commands(act: Callable[[bool], T], *, accepted: bool) -> T:
    """Acts; where somebody else recorded the commands that would run, shows them and asks.

    Args:
        act: What to do. Its argument says whether such commands are accepted.
        accepted: Whether they were accepted already.

    Raises:
        RecordedByOtherError: Nobody sits at a terminal.
        RefusedError: The answer is no, or none came in time.
    """
    try:
        return act(accepted)
    except RecordedByOtherError as other:
        if not on_terminal(0):
            raise
        tr, plan = reader(), other.plan
        say(tr("rollout {rollout} was recorded by {who}. On its targets it runs:", rollout=plan.rollout, who=plan.who))
        for command in other.commands:
            say(f"  {command}")
        if not ask(tr("Run these commands?"), CONFIRMATION_LIMIT):
            raise RefusedError("not confirmed; nothing was changed") from other
    return act(True)
