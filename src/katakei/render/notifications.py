"""The messages about a rollout, as plain text in English or Japanese.

Chat services act on some characters of plain text: they call everybody (`@channel`), or show a link as another one.
Names of targets, people and releases come from outside, so that these characters are written in another way.
"""

import re
from collections.abc import Sequence

from katakei.domain.model import TargetId
from katakei.domain.notifications import Language, Message, Occasion
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, result
from katakei.render.reasons import sentence
from katakei.render.text import label, one_line
from katakei.render.translation import Translator, translator

LONGEST = 300
"""Characters of one line. SMS services cut at 160, chat services at some thousand."""
NAMED = 5
"""How many targets are named in a message."""

_CALL = re.compile(r"@(?=\w)")
_MARKS = str.maketrans({"<": "(", ">": ")", "`": "'", "{": "(", "}": ")", "[": "(", "]": ")"})
_BESIDE_AT = "\u2060"
"""A word joiner: it is not seen, and no service takes the word after it for a name."""

ENGLISH = {
    Occasion.STARTED: "{rollout} of {service} has started",
    Occasion.WAITING_FOR_APPROVAL: "{rollout} of {service} waits for approval",
    Occasion.FAILED: "{rollout} of {service} has failed",
    Occasion.DONE: "{rollout} of {service} is done",
}
JAPANESE = {
    Occasion.STARTED: "{service} の {rollout} を開始しました",
    Occasion.WAITING_FOR_APPROVAL: "{service} の {rollout} は承認待ちです",
    Occasion.FAILED: "{service} の {rollout} は失敗しました",
    Occasion.DONE: "{service} の {rollout} は完了しました",
}
ENDED = {
    (Result.ABORTED, Language.ENGLISH): "{rollout} of {service} was aborted",
    (Result.ABORTED, Language.JAPANESE): "{service} の {rollout} は中止されました",
    (Result.REVERTED, Language.ENGLISH): "{rollout} of {service} has failed and was reverted",
    (Result.REVERTED, Language.JAPANESE): "{service} の {rollout} は失敗し、元に戻されました",
}
LINES = {
    Language.ENGLISH: {
        "release": "Release: {0}",
        "who": "Started by: {0}",
        "targets": "Targets: {0} in {1}",
        "waiting": "Waiting: {0}",
        "out": "Left out of service: {0}",
        "failed": "Failed: {0}",
        "reason": "Reason: {0}",
        "done": "Done: {0} of {1} targets in {2}",
        "more": "and {0} more",
        "link": "{0}",
    },
    Language.JAPANESE: {
        "release": "リリース: {0}",
        "who": "開始者: {0}",
        "targets": "ターゲット: {1} の {0} 台",
        "waiting": "承認待ち: {0}",
        "out": "切り離されたまま: {0}",
        "failed": "失敗: {0}",
        "reason": "理由: {0}",
        "done": "完了: {1} 台中 {0} 台 ({2})",
        "more": "ほか {0} 台",
        "link": "{0}",
    },
}


def message(
    occasion: Occasion, rollout: Rollout, language: Language, *, waiting: Sequence[str] = (), link: str = ""
) -> Message:
    """What to tell about a rollout.

    Args:
        occasion: What has happened.
        rollout: The rollout as it is now.
        language: The language of the sentences.
        waiting: What waits for approval: names of targets or of gates.
        link: The page of the rollout; '' where there is none.
    """
    say = _Writer(language)
    plan = rollout.plan
    title = _title(occasion, rollout, language).format(rollout=plan.rollout, service=_safe(plan.spec.service))
    lines = [say.line("release", plan.release)] if plan.release else []
    match occasion:
        case Occasion.STARTED:
            groups = ", ".join(group.name for group in plan.groups)
            lines += [say.line("targets", str(len(plan.targets)), groups), say.line("who", plan.who)]
        case Occasion.WAITING_FOR_APPROVAL:
            lines.append(say.line("waiting", say.some(waiting)))
        case Occasion.FAILED:
            lines += [say.ended(rollout), *say.troubles(rollout)]
        case Occasion.DONE:
            lines.append(say.ended(rollout))
    if link:
        lines.append(link)
    return Message(title, "\n".join(lines) or title)


def _title(occasion: Occasion, rollout: Rollout, language: Language) -> str:
    ended = result(rollout)
    if occasion is Occasion.FAILED and ended and (ended, language) in ENDED:
        return ENDED[ended, language]
    return (JAPANESE if language is Language.JAPANESE else ENGLISH)[occasion]


class _Writer:
    """The lines of a message in one language."""

    def __init__(self, language: Language) -> None:
        self._tr: Translator = translator(language)
        self._lines = LINES[language]
        self._comma = "、" if language is Language.JAPANESE else ", "

    def line(self, name: str, *values: str) -> str:
        """One line; its values are made harmless."""
        return self._lines[name].format(*map(_safe, values))

    def some(self, names: Sequence[str]) -> str:
        """The first names, and how many more there are."""
        named = list(names[:NAMED])
        if len(names) > NAMED:
            named.append(self._lines["more"].format(len(names) - NAMED))
        return self._comma.join(named)

    def ended(self, rollout: Rollout) -> str:
        """How many targets are done."""
        done, every = len(rollout.by_phase[Phase.DONE]) - len(rollout.lost), len(rollout.statuses)
        took = self._tr.span((rollout.finished or rollout.begun) - rollout.begun)
        return self.line("done", str(done), str(every), took)

    def troubles(self, rollout: Rollout) -> list[str]:
        """Which targets are left out or failed, and why the first one did."""
        out = list(rollout.by_phase[Phase.LEFT_OUT])
        failed = [*rollout.by_phase[Phase.FAILED_SERVING], *rollout.lost]
        lines = [
            self.line(name, self.some(_labels(rollout, them)))
            for name, them in (("out", out), ("failed", failed))
            if them
        ]
        reason = next((why for each in (*out, *failed) if (why := rollout.statuses[each].reason)), None)
        return [*lines, self.line("reason", sentence(reason, self._tr))] if reason else lines


def _labels(rollout: Rollout, targets: Sequence[TargetId]) -> list[str]:
    return [label(rollout.targets[target]) for target in targets]


def _safe(text: str) -> str:
    plain = _CALL.sub(f"@{_BESIDE_AT}", one_line(text)).translate(_MARKS)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]} …"
