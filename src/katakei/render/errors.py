"""Errors as text: the sentence of an error, or the sentences of the reasons that it carries."""

from katakei.domain.errors import KatakeiError
from katakei.render.reasons import sentence
from katakei.render.text import harmless


def error_text(error: KatakeiError) -> str:
    """What a person reads of an error: one line, or one line per reason where there are several.

    Args:
        error: Any error of Katakei. One without reasons is its own sentence.
    """
    sentences = [sentence(reason) for reason in error.reasons]
    if not sentences:
        return harmless(str(error))
    return sentences[0] if len(sentences) == 1 else "\n".join(f"- {each}" for each in sentences)
