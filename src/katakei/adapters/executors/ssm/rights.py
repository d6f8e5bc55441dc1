"""The proof that Run Command may be used on targets, before one of them is taken out of service.

A program that changes nothing is sent to all of them. Whether it may be sent is known at once; where the work begins
with a program at an absolute path, the answer says whether that exists.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from katakei.adapters.executors.program_paths import lacking, needed_programs, search_lines
from katakei.adapters.executors.ssm.program_runner import SsmProgramRunner
from katakei.adapters.executors.ssm.run_command import MAX_INSTANCES
from katakei.domain.errors import NoAnswerError, RejectedError
from katakei.domain.model import Target, TargetId
from katakei.domain.ports import Clock
from katakei.domain.spec import Command

PROGRAM_LIMIT = timedelta(seconds=5)
POLL_INTERVAL = timedelta(seconds=1)


def prove(
    runner: SsmProgramRunner, clock: Clock, command: Command, targets: Sequence[Target], by: timedelta
) -> Mapping[TargetId, str]:
    """Sends a program that does nothing to the targets.

    Args:
        runner: Carries the program.
        clock: Pauses while answers are awaited.
        command: Of which the program is looked for.
        targets: All that may be worked on.
        by: How long answers are awaited. A target that has not answered by then is not proved, and is no fault.

    Returns:
        The targets on which the command cannot begin, each with the reason.

    Raises:
        UnreachableError: Run Command may not be used; the sentence names the missing right.
        NoAnswerError: One of the calls had no answer.
    """
    needed, until = needed_programs(command), clock.now() + by
    program = "\n".join((*search_lines(needed), "true", ""))
    found: dict[TargetId, str] = {}
    tickets: dict[str, Sequence[Target]] = {}
    for some in _together(targets):
        try:
            tickets[runner.send(program, some, PROGRAM_LIMIT)] = some
        except RejectedError as rejected:
            found |= dict.fromkeys((target.id for target in some), str(rejected))
    while needed and tickets:
        for ticket, some in tuple(tickets.items()):
            heard = _heard(runner, ticket)
            found |= {target: why for target, output in heard.items() if (why := lacking(needed, output))}
            if len(heard) == len(some):
                del tickets[ticket]
        if not tickets or clock.now() >= until:
            break
        clock.sleep(POLL_INTERVAL)
    return found


def _together(targets: Sequence[Target]) -> Iterator[Sequence[Target]]:
    for at in range(0, len(targets), MAX_INSTANCES):
        yield targets[at : at + MAX_INSTANCES]


def _heard(runner: SsmProgramRunner, ticket: str) -> Mapping[TargetId, str]:
    try:
        return {target: output.out for target, output in runner.heard(ticket).items()}
    except NoAnswerError:
        return {}
