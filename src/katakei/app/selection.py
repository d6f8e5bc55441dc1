"""The choice of a rollout by what a person typed: nothing, an id or its beginning, `last`, or a group.

Commands that only read take the newest rollout where nothing is typed. Commands that tell a rollout something take
only the one that is unfinished: they never guess.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from katakei.domain.errors import UsageError
from katakei.domain.model import RolloutId
from katakei.domain.ports import Journal, RolloutHeader
from katakei.domain.replay import replay
from katakei.render.text import listed

LAST = "last"
FULL_ID = re.compile(r"r-[a-z0-9]{8}")
"""What Katakei draws as the id of a rollout. Such an id is looked up without the list of all rollouts."""


def to_read(journal: Journal, typed: str | None) -> RolloutId:
    """The rollout that a command is to show.

    Args:
        journal: Where rollouts are recorded.
        typed: What the person typed; None or '' for nothing.

    Returns:
        Where nothing was typed: the unfinished rollout if there is only one, else the newest.

    Raises:
        UsageError: There is none, or the beginning of an id fits several.
    """
    if typed:
        return _typed(journal, typed)
    headers = journal.find()
    if not headers:
        raise UsageError("there is no rollout in this journal")
    unfinished = [header for header in headers if header.finished is None]
    return (unfinished if len(unfinished) == 1 else headers)[0].rollout


def to_tell(journal: Journal, typed: str | None) -> RolloutId:
    """The rollout that a command is to change.

    Args:
        journal: Where rollouts are recorded.
        typed: What the person typed; None or '' for nothing. A finished rollout must be named.

    Raises:
        UsageError: There is none, nothing was typed and no or several rollouts are unfinished, or the beginning of an
            id fits several.
    """
    if typed:
        return _typed(journal, typed)
    unfinished = journal.find(unfinished=True)
    if len(unfinished) == 1:
        return unfinished[0].rollout
    if unfinished:
        raise UsageError(f"which rollout? {len(unfinished)} are not finished: {listed(map(_said, unfinished))}")
    newest = journal.find()[:5]
    if not newest:
        raise UsageError("there is no rollout in this journal")
    raise UsageError(
        f"no rollout is unfinished: name one, or type {LAST} for the newest; there are {listed(map(_said, newest))}"
    )


def with_targets(
    journal: Journal, words: Sequence[str], choose: Callable[[Journal, str | None], RolloutId]
) -> tuple[RolloutId, tuple[str, ...]]:
    """The rollout and the targets of '[ROLLOUT] [TARGET]…' as typed.

    Args:
        journal: Where rollouts are recorded.
        words: What the person typed. A first word that names no rollout is a target of the rollout that is chosen
            where nothing is typed.
        choose: `to_read` or `to_tell`.

    Raises:
        UsageError: As `choose`; or the first word is neither a rollout nor a target.
    """
    if not words:
        return choose(journal, None), ()
    try:
        return choose(journal, words[0]), tuple(words[1:])
    except _UnknownRolloutError:
        with suppress(UsageError):
            chosen = choose(journal, None)
            targets = replay(journal.read(chosen, 0)).targets.values()
            if any(words[0] in {target.id, target.address, target.name} for target in targets):
                return chosen, tuple(words)
        raise


class _UnknownRolloutError(UsageError):
    """No rollout is meant by this word."""


def _typed(journal: Journal, typed: str) -> RolloutId:
    """An id wins over `last`, which wins over a group or service, which wins over the beginning of an id."""
    whole = RolloutId(typed)
    if FULL_ID.fullmatch(typed) and journal.read(whole, 0):
        return whole
    headers = journal.find()
    ids = [header.rollout for header in headers]
    if whole in ids:
        return whole
    if typed == LAST and ids:
        return ids[0]
    if of_group := [header for header in headers if _is_of(header, typed)]:
        unfinished = [header for header in of_group if header.finished is None]
        return (unfinished or of_group)[0].rollout
    beginnings = [each for each in ids if each.startswith(typed)]
    if len(beginnings) == 1:
        return beginnings[0]
    if beginnings:
        raise UsageError(f"{typed!r} is the beginning of several rollouts: {listed(beginnings)}")
    known = f"; the newest are {', '.join(ids[:3])}" if ids else ""
    raise _UnknownRolloutError(f"no rollout {typed} in this journal{known} (see `katakei list`)")


def _is_of(header: RolloutHeader, typed: str) -> bool:
    return typed == header.service or any(typed in {arn, _name(arn)} for arn in header.groups)


def _name(arn: str) -> str:
    """The name of a target group, from its ARN."""
    return arn.partition(":targetgroup/")[2].partition("/")[0]


def _said(header: RolloutHeader) -> str:
    return f"{header.rollout} ({header.service})"
