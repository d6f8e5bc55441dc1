"""Errors as text: the sentence of an error, or the sentences of the reasons that it carries."""

from katakei.domain.errors import KatakeiError
from katakei.render.reasons import sentence
from katakei.render.text import harmless
from katakei.render.translation import ENGLISH, Translator


def error_text(error: KatakeiError, tr: Translator = ENGLISH) -> str:
    """What a person reads of an error: one line, or one line per reason where there are several.

    Args:
        error: Any error of Katakei. One without reasons is its own sentence.
        tr: The language of the reader.
    """
    sentences = [sentence(reason, tr) for reason in error.reasons]
    if not sentences:
        return harmless(tr.known(str(error)))
    return sentences[0] if len(sentences) == 1 else "\n".join(f"- {each}" for each in sentences)
