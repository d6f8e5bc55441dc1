"""The secrets of work that are read from the environment of this process, and masked in everything that is shown.

A value is given to the work as environment and nowhere else. What the work prints of it is masked before it is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from katakei.domain.observation import WorkStatus
from katakei.domain.spec import Variable

SHORTEST = 4
"""The least number of characters of a value: masking a shorter one would hide unrelated words too."""

MASK = "***"


class Secrets:
    """The present values of the secret variables."""

    def __init__(self, env: Mapping[str, str], variables: Sequence[Variable]) -> None:
        self._variables = variables
        self._values = {variable.secret: env.get(variable.secret, "") for variable in variables}

    @property
    def lacking(self) -> str | None:
        """Why no work can begin here; None when every value is known and can be masked."""
        for name, value in self._values.items():
            if not value:
                return f"the work needs the secret {name}, which is not in the environment: export it first"
            if len(value) < SHORTEST:
                return (
                    f"the secret {name} has fewer than {SHORTEST} characters and could not be masked: use a longer one"
                )
        return None

    @property
    def told(self) -> Mapping[str, str]:
        """The variables as the work gets them."""
        return {variable.name: self._values[variable.secret] for variable in self._variables}

    def kept(self, work: WorkStatus) -> WorkStatus:
        """The same with every value masked; without its output when a value is not known."""
        if work.out and self.lacking:
            return replace(work, out=f"(the output of the work is not shown: {self.lacking})")
        return replace(work, out=self._masked(work.out))

    def _masked(self, text: str) -> str:
        """Masks whole values, their lines, and the rest of a value at the cut beginning of the text."""
        parts = {part for value in self._values.values() for part in (value, *value.splitlines())}
        for part in sorted((part for part in parts if len(part) >= SHORTEST), key=len, reverse=True):
            text = text.replace(part, MASK)
            cut = next((n for n in range(len(part) - 1, 0, -1) if text.startswith(part[-n:])), 0)
            text = MASK + text[cut:] if cut >= SHORTEST else text
        return text
