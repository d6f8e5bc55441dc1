"""Freezes as text: what is frozen, the answer to `freeze` and `unfreeze`, and what they hold up."""

from collections.abc import Sequence

from katakei.domain.freezes import Freeze
from katakei.domain.model import RolloutId
from katakei.reconcile.gating import frozen
from katakei.render.local_time import local_minute
from katakei.render.reasons import group_name, sentence
from katakei.render.text import grid, listed


def table(active: Sequence[Freeze]) -> str:
    """What is frozen, one line each."""
    if not active:
        return "nothing is frozen"
    heads = ("FROZEN", "BY", "SINCE", "UNTIL", "WHY")
    return grid(
        heads,
        [
            (
                group_name(freeze.name),
                freeze.who,
                local_minute(freeze.since),
                local_minute(freeze.until) if freeze.until else "lifted",
                freeze.why,
            )
            for freeze in active
        ],
    )


def frozen_text(freeze: Freeze, rollouts: Sequence[RolloutId], ignored_by: Sequence[RolloutId]) -> str:
    """The answer to `freeze`.

    Args:
        freeze: The freeze as recorded.
        rollouts: The unfinished rollouts that it holds up.
        ignored_by: Those of them whose process reads no freezes.
    """
    name = group_name(freeze.name)
    text = f"{sentence(frozen(freeze))}; no target is taken out. To lift it, run: katakei unfreeze {_words(freeze)}"
    held = [rollout for rollout in rollouts if rollout not in ignored_by]
    if held:
        text += f"\nrollout {listed(held)} finishes the targets in progress and waits before the next one"
    if ignored_by:
        text += (
            f"\nan older Katakei drives rollout {listed(ignored_by)} and does not read the freeze of {name}:"
            f" run katakei pause {ignored_by[0]}"
        )
    return text


def lifted_text(freeze: Freeze) -> str:
    """The answer to `unfreeze`."""
    return f"{group_name(freeze.name)} is not frozen any more; {freeze.who} had frozen it"


def _words(freeze: Freeze) -> str:
    """The words that name it to `unfreeze`."""
    return group_name(freeze.name) if freeze.name.startswith("arn:") else f"--service {freeze.name}"
