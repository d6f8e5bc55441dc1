"""The Jinja environment of the console: templates that escape every value, and the filters that they use."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from katakei.domain.access import RIGHTS
from katakei.domain.notifications import Language
from katakei.domain.outside_text import harmless
from katakei.domain.principals import Act
from katakei.domain.reasons import Reason
from katakei.render.reasons import sentence
from katakei.render.translation import Translator, translator
from katakei.web.console.assets import asset_url
from katakei.web.console.translation import LANGUAGES, translations

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment(language: str) -> Environment:
    """The environment of one language."""
    made = Environment(
        loader=PackageLoader("katakei.web.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]  # of the extension
    tr = translator(Language(language))
    made.filters |= {"moment": moment, "clock": clock, "clean": clean, "told": told}
    made.filters |= {
        "span": partial(span_or_none, tr=tr),
        "says": partial(says, tr=tr),
        "act": partial(act_words, tr=tr),
        "known": tr.known,
    }
    made.globals |= {"asset": asset_url, "languages": LANGUAGES, "language": language}
    return made


def moment(at: datetime | None) -> Markup:
    """A moment to the minute. The page shows UTC; its script shows local time with the zone."""
    return _time(at, "%Y-%m-%d %H:%M UTC", "minute")


def clock(at: datetime | None) -> Markup:
    """The time of day to the second, as `moment`."""
    return _time(at, "%H:%M:%S UTC", "time")


def _time(at: datetime | None, form: str, kind: str) -> Markup:
    if at is None:
        return Markup("")
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" data-form="{}" title="{}">{}</time>').format(
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        kind,
        utc.strftime("%Y-%m-%d %H:%M:%S UTC"),
        utc.strftime(form),
    )


def span_or_none(length: timedelta | None, tr: Translator) -> str:
    """A duration: '1m 30s'; '' for none."""
    return "" if length is None else tr.span(length)


def clean(text: object) -> Markup:
    """Text that came from outside, with control characters written out."""
    return escape(harmless(str(text)))


WRITTEN_MOMENT = re.compile(r"\b(\d{4}-\d{2}-\d{2} \d{2}:\d{2})(:\d{2})? UTC\b")


def told(text: object) -> Markup:
    """A sentence, as `clean`. The script shows a moment that is written in UTC as local time with the zone."""
    written = harmless(str(text))
    parts, end = [], 0
    for found in WRITTEN_MOMENT.finditer(written):
        try:
            at = datetime.fromisoformat(f"{found[1]}{found[2] or ''}+00:00")
        except ValueError:  # words that only resemble a moment
            continue
        parts += [escape(written[end : found.start()]), moment(at)]
        end = found.end()
    return Markup("").join([*parts, escape(written[end:])])


def act_words(act: str, tr: Translator) -> str:
    """What an act is, in plain words; an act that has no right of its own stays as it is."""
    right = RIGHTS.get(Act(act)) if act in set(Act) else None
    return tr.of(right.meaning) if right else act


def says(why: Reason | str | None, tr: Translator) -> str:
    """The sentence of a reason, with a capital letter at its start; an id at its start stays as it is."""
    text = why if isinstance(why, str) else sentence(why, tr)
    first = text.partition(" ")[0].rstrip(",;:")
    return text[:1].upper() + text[1:] if first.isalpha() else text
