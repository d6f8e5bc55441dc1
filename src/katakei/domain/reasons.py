"""Reasons as data: a code and the facts that belong to it.

Domain, reconcile and planning say *why* only in this form. `katakei.render.reasons` turns a reason into a sentence for
a terminal, a page or a report, in the language of the reader. The journal and the JSON output hold
the code and the data.
"""

from dataclasses import dataclass
from typing import Union

ReasonValue = Union[None, bool, int, float, str, tuple["ReasonValue", ...], "Reason"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is so, or why it is waited for.

    Attributes:
        code: Names the sentence, for example `capacity_floor`. Once recorded, a code is never renamed.
        data: Facts by name, in order. Durations are seconds, moments ISO 8601 text; text that came from outside (AWS, a
            program on a target) is one of the values and is shown as it is.
    """

    code: str
    data: tuple[tuple[str, ReasonValue], ...] = ()

    def value(self, name: str) -> ReasonValue:
        """The fact of this name. Raises KeyError where the reason has none."""
        return dict(self.data)[name]


def reason(code: str, **data: ReasonValue) -> Reason:
    """A reason with its facts by keyword, in this order."""
    return Reason(code, tuple(data.items()))
