"""The Japanese catalog: texts, sentences of reasons, names, and the sentences of errors.

The words are those of the AWS console in Japanese; docs/glossary.md lists them. Sentences to people end in です or ます
and say what happened, to what, and what to do now. Cells of tables and names of states are nouns.

A sentence of a reason has no full stop, so that it can follow "i-0abc (web1): ".
"""

from types import MappingProxyType

from katakei.render.catalog import Catalog
from katakei.render.japanese import (
    access_reasons,
    commands,
    config_faults,
    errors,
    help_texts,
    names,
    outside,
    plan_reasons,
    preparation,
    reasons,
    switch,
    texts,
)

CATALOG = Catalog(
    texts=MappingProxyType({**texts.TEXTS, **commands.TEXTS, **help_texts.TEXTS, **preparation.TEXTS, **switch.TEXTS}),
    reasons=MappingProxyType(
        dict(
            reasons.SENTENCES.items()
            | switch.REASONS.items()
            | plan_reasons.SENTENCES.items()
            | access_reasons.SENTENCES.items()
        )
    ),
    names=names.NAMES,
    known=MappingProxyType(
        {**errors.TEXTS, **errors.CLICK, **outside.TEXTS, **preparation.KNOWN, **config_faults.FILES, **switch.KNOWN}
    ),
    faults=MappingProxyType({**config_faults.FAULTS, **config_faults.LIBRARIES}),
    units=MappingProxyType({"h": "時間", "m": "分", "s": "秒"}),
)

__all__ = ["CATALOG"]
