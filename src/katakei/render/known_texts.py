"""Finished English sentences in another language: those of errors without a reason, and of texts in the journal.

Such a sentence reaches an interface as text. Its template is found again, what differs is taken out of it, and the
template of the other language is filled in. A sentence that no template fits stays as it is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter

LONGEST = 4000
"""Characters of a sentence. A longer one is output of a program rather than a sentence."""
MOST_DEPTH = 3
"""How deep sentences stand inside each other."""
_MORE = re.compile(r" and (\d+) more$")
_FAULT_LINE = re.compile(r"(?P<place>.+?:\d+(?::\d+)?: )(?P<key>[^\s:]+: )?(?P<message>.+)")
"""A fault of a configuration file: `FILE:LINE[:COLUMN]: [KEY: ]MESSAGE`."""


@dataclass(frozen=True)
class KnownTexts:
    """The sentences that are known in a language.

    Attributes:
        templates: By English template. A placeholder `{n:thing}` of the English one is a number with this noun. In the
            other one `{x:text}` is a sentence itself, `{x:lines}` one on each line, `{x:span}` a duration, `{x:list}` a
            list, `{x:choice}` a list that ends in "or".
        lengths: Translates a duration.
        more: How a list says that there are more: '{}' stands for the number.
        faults: The messages of faults in configuration files, as templates. Many begin with a placeholder, so that no
            other sentence is compared with them.
    """

    templates: Mapping[str, str]
    lengths: Callable[[str], str]
    more: str
    faults: Mapping[str, str] = field(default_factory=dict)

    def told(self, text: str) -> str:
        """A text in the other language: a sentence, or lines that each are one, such as the faults of a file."""
        if _FAULT_LINE.match(text):
            return self.lines(text)
        whole = self.said(text)
        return whole if whole != text else self.lines(text)

    def lines(self, text: str) -> str:
        """Each line of a text in the other language, or as it is."""
        return "\n".join(map(self._line, text.split("\n")))

    def _line(self, line: str) -> str:
        found = _FAULT_LINE.fullmatch(line)
        message = self.fault(found["message"]) if found else ""
        if found and message != found["message"]:
            return f"{found['place']}{found['key'] or ''}{message}"
        return self.said(line)

    def fault(self, message: str) -> str:
        """The message of a fault, without its place and key. What it quotes of another file is known or English."""
        told = self._fault_texts.said(message)
        return told if told != message else self.said(message)

    @cached_property
    def _fault_texts(self) -> "KnownTexts":
        return KnownTexts(self.faults, self.lengths, self.more)

    def said(self, sentence: str, depth: int = 0) -> str:
        """The sentence in the other language, or as it is."""
        exact = self.templates.get(sentence)
        if exact is not None:
            return exact.format()
        if len(sentence) > LONGEST or depth > MOST_DEPTH:
            return sentence
        for pattern, template in self._patterns:
            if found := pattern.match(sentence):
                values = {name: _Taken(value or "", self, depth) for name, value in found.groupdict().items()}
                return template.format(**values)
        return sentence

    @cached_property
    def _patterns(self) -> tuple[tuple["_Pattern", str], ...]:
        """The most specific first: a template that begins with a placeholder would take the sentences of others."""
        made = [(_Pattern(english), other) for english, other in self.templates.items() if "{" in english]
        return tuple(sorted(made, key=lambda each: each[0].rank))


class _Pattern:
    """An English template that is found again in a sentence. Its expression is compiled when its start fits."""

    def __init__(self, english: str) -> None:
        self._parts = list(Formatter().parse(english))
        self._start = self._parts[0][0]
        self.rank = not self._start, -sum(len(literal) for literal, *_ in self._parts)

    def match(self, sentence: str) -> re.Match[str] | None:
        """Where every placeholder stands; None where the sentence is another one."""
        return self._expression.fullmatch(sentence) if sentence.startswith(self._start) else None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        whole = ""
        for literal, name, noun, _ in self._parts:
            whole += re.escape(literal)
            if name is not None:
                whole += rf"(?P<{name}>\d+) {re.escape(noun)}s?" if noun else f"(?P<{name}>.*?)"
        return re.compile(whole, re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was taken out of an English sentence, inside one of the other language."""

    value: str
    texts: KnownTexts
    depth: int

    def __format__(self, form: str) -> str:
        match form:
            case "text":
                return self.texts.said(self.value, self.depth + 1)
            case "lines":
                return self.texts.lines(self.value)
            case "span":
                return self.texts.lengths(self.value)
            case "list":
                return _MORE.sub(lambda found: self.texts.more.format(found[1]), self.value)
            case "choice":
                return self.value.replace(" or ", ", ")
            case _:
                return self.value
