"""What local work is told in confidence: found in the environment of this process, and kept out of all that is shown.

A value goes to the work as environment and nowhere else; what the work prints of it is masked before anybody sees it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from katakei.domain.observation import WorkStatus
from katakei.domain.spec import Variable

SHORTEST = 4
"""Characters of a value that can be masked: a shorter one would be found, and masked, in words that only look so."""

MASK = "***"


class Secrets:
    """The values behind some names, as the environment has them now."""

    def __init__(self, env: Mapping[str, str], variables: Sequence[Variable]) -> None:
        self._variables = variables
        self._values = {variable.secret: env.get(variable.secret, "") for variable in variables}

    @property
    def lacking(self) -> str:
        """Why nothing can be begun here; '' when every value is known and can be masked."""
        for name, value in self._values.items():
            if not value:
                return f"the work is to be told the secret {name}, which is not in the environment: export it first"
            if len(value) < SHORTEST:
                return (
                    f"the secret {name} has fewer than {SHORTEST} characters and could not be masked: use a longer one"
                )
        return ""

    @property
    def told(self) -> Mapping[str, str]:
        """The variables as the work finds them."""
        return {variable.name: self._values[variable.secret] for variable in self._variables}

    def kept(self, work: WorkStatus) -> WorkStatus:
        """The same without any of the values; without its output where one of them is not known."""
        if work.out and self.lacking:
            return replace(work, out=f"(what the work printed is not shown: {self.lacking})")
        return replace(work, out=self._masked(work.out))

    def _masked(self, text: str) -> str:
        """Whole values, their longer lines, and what a cut at the beginning has left of one."""
        parts = {part for value in self._values.values() for part in (value, *value.splitlines())}
        for part in sorted((part for part in parts if len(part) >= SHORTEST), key=len, reverse=True):
            text = text.replace(part, MASK)
            cut = next((n for n in range(len(part) - 1, 0, -1) if text.startswith(part[-n:])), 0)
            text = MASK + text[cut:] if cut >= SHORTEST else text
        return text
