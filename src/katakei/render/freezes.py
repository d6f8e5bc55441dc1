"""Freezes as text: what is frozen, the answer to `freeze` and `unfreeze`, and what they hold up."""

from collections.abc import Sequence

from katakei.domain.freezes import Freeze
from katakei.domain.model import RolloutId
from katakei.reconcile.gating import frozen
from katakei.render.local_time import local_minute
from katakei.render.reasons import group_name, sentence
from katakei.render.text import grid
from katakei.render.translation import ENGLISH, Translator


def table(active: Sequence[Freeze], tr: Translator = ENGLISH) -> str:
    """What is frozen, one line each."""
    if not active:
        return tr("nothing is frozen")
    heads = (tr("FROZEN"), tr("BY"), tr("SINCE"), tr("UNTIL"), tr("WHY"))
    return grid(
        heads,
        [
            (
                group_name(freeze.name),
                freeze.who,
                local_minute(freeze.since),
                local_minute(freeze.until) if freeze.until else tr("lifted"),
                freeze.why,
            )
            for freeze in active
        ],
    )


def frozen_text(
    freeze: Freeze, rollouts: Sequence[RolloutId], ignored_by: Sequence[RolloutId], tr: Translator = ENGLISH
) -> str:
    """The answer to `freeze`.

    Args:
        freeze: The freeze as recorded.
        rollouts: The unfinished rollouts that it holds up.
        ignored_by: Those of them whose process reads no freezes.
        tr: The language of the reader.
    """
    name = group_name(freeze.name)
    text = tr(
        "{frozen}; no target is taken out. To lift it, run: katakei unfreeze {words}",
        frozen=sentence(frozen(freeze), tr),
        words=_words(freeze),
    )
    held = [rollout for rollout in rollouts if rollout not in ignored_by]
    if held:
        text += "\n" + tr(
            "rollout {rollouts} finishes the targets in progress and waits before the next one",
            rollouts=tr.listed(held),
        )
    if ignored_by:
        text += "\n" + tr(
            "an older Katakei drives rollout {rollouts} and does not read the freeze of {name}:"
            " run katakei pause {first}",
            rollouts=tr.listed(ignored_by),
            name=name,
            first=ignored_by[0],
        )
    return text


def lifted_text(freeze: Freeze, tr: Translator = ENGLISH) -> str:
    """The answer to `unfreeze`."""
    return tr("{name} is not frozen any more; {who} had frozen it", name=group_name(freeze.name), who=freeze.who)


def _words(freeze: Freeze) -> str:
    """The words that name it to `unfreeze`."""
    return group_name(freeze.name) if freeze.name.startswith("arn:") else f"--service {freeze.name}"
