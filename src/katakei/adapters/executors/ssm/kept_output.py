"""Everything that a target keeps of the output of ended work, read through Run Command in parts.

Run Command keeps 24,000 characters of what a command prints, so each part is a command of its own.
"""

from datetime import datetime, timedelta

from katakei.adapters.executors import mark
from katakei.adapters.executors.mark import MarkState, OutputPart
from katakei.adapters.executors.ssm.run_command import INSTANCE_ID_VARIABLE, RunCommand, is_instance
from katakei.domain.errors import NoAnswerError, UsageError
from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.ports import Clock, KeptOutput

POLL = timedelta(seconds=1)
RUN_WITHIN = timedelta(seconds=30)


class KeptOutputReader:
    """Reads outputs, one piece of work at a time. It starts no work and changes nothing."""

    def __init__(self, run_command: RunCommand, clock: Clock) -> None:
        self._run_command, self._clock = run_command, clock

    def read(self, key: WorkKey, target: Target, within: timedelta) -> KeptOutput:
        """All that the mark keeps, in at most four commands.

        Raises:
            UsageError: The target is no instance, or no longer keeps the output.
            NoAnswerError: The target did not answer in time.
            UnreachableError: A right is missing.
        """
        if not is_instance(target.id):
            raise UsageError(f"{target.id} is an address without a known instance: Run Command reaches instances only")
        until, name = self._clock.now() + within, mark.name_of(key)
        data, size = b"", 0
        for number in range(mark.KEPT // mark.TAIL):
            part = self._part(name, target.id, number, until)
            data, size = data + part.data, part.size
            if len(part.data) < mark.TAIL:
                break
        return KeptOutput(data.decode(errors="replace"), max(0, size - len(data)))

    def _part(self, name: str, instance: str, number: int, until: datetime) -> OutputPart:
        """One part. A call without an answer is repeated: reading twice is harmless."""
        command, failed = "", f"{instance} did not answer in time: is its SSM agent online?"
        while self._clock.now() < until:
            try:
                command = command or self._send(name, instance, number, until)
                part = self._answer(command, name, instance)
            except NoAnswerError as error:
                failed = str(error)
                part = None
            if part:
                return part
            self._clock.sleep(POLL)
        raise NoAnswerError(failed)

    def _send(self, name: str, instance: str, number: int, until: datetime) -> str:
        text = mark.part_text(name, number, INSTANCE_ID_VARIABLE)
        return self._run_command.send([instance], text, f"katakei: read the output of {name}", RUN_WITHIN, until)

    def _answer(self, command: str, name: str, instance: str) -> OutputPart | None:
        """What the command printed; None while it runs."""
        found = next((each for each in self._run_command.invocations(command) if each.instance == instance), None)
        if found is None or found.open:
            return None
        part = mark.read_part(self._run_command.output(command, instance), name)
        if part is None:
            raise NoAnswerError(f"the answer of {instance} cannot be read; Run Command reports {found.details}")
        if part.mark.state is not MarkState.ENDED:
            why = part.mark.why or f"its mark says {part.mark.state.value}"
            raise UsageError(f"{instance} no longer keeps the output of {name}: {why}")
        return part
