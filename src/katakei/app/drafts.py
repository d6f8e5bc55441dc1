"""The making of a draft: target groups are read, and a configuration is written that fits them. Nothing is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from katakei.app.preflight import QUESTION_LIMIT, RolloutRequest, find_groups, members_of
from katakei.app.rollouts import Rollouts
from katakei.config import defaults
from katakei.domain.errors import KatakeiError, UsageError
from katakei.domain.model import TargetId
from katakei.domain.spec import Check, Command, LatePolicy, Overlap, Spec, Window
from katakei.planning.draft import Draft, floor_for
from katakei.planning.survey import Survey, machines
from katakei.runtime.drivers import Drivers, with_retries

REHEARSAL = 'echo "write your command here"'
"""The work of a draft for which no command was given: it changes nothing on a target."""


def draft(drivers: Drivers, names: Sequence[str], run: str | None) -> Draft:
    """Makes the draft for target groups.

    Args:
        drivers: Asked; nothing is changed.
        names: The groups, by name or ARN; none for the only one of the account and region.
        run: The command to run on each target; None: one that changes nothing.

    Raises:
        UsageError: There is no such group, or none was named and there are several.
        UnreachableError: AWS cannot be read.
    """
    chosen = tuple(names) or (_only_group(drivers),)
    groups = find_groups(drivers, RolloutRequest(Spec("", chosen, Command("manual"))))
    members = with_retries(drivers.clock, lambda: members_of(drivers, groups))
    unready = _unready(drivers, Survey(groups, members))
    by_ssm = not unready and any(members.values())
    work = _work(defaults.shell_text(run or REHEARSAL)) if by_ssm else Command("manual")
    spec = Spec(
        service=groups[0].name,
        groups=chosen,
        work=work,
        late=LatePolicy.ROLL,
        window=Window(floor=floor_for(groups, members)),
        drain=defaults.default_drain(work.executor),
        check=Check(asked=all(group.protocol_version != "GRPC" for group in groups)),
        overlap=Overlap.AUTO,
    )
    made = Draft(spec, groups, members, unready, given=bool(run) and by_ssm)
    try:
        Rollouts(drivers).plan(RolloutRequest(spec))
    except KatakeiError as error:
        return replace(made, refused=error)
    return made


def _only_group(drivers: Drivers) -> str:
    known = sorted(with_retries(drivers.clock, drivers.lister.names))
    if len(known) == 1:
        return known[0]
    raise UsageError("which target group? give its name or ARN, or export TARGET_GROUP_ARN")


def _unready(drivers: Drivers, survey: Survey) -> Mapping[TargetId, str]:
    """Where Run Command may not be asked, no target is reached by it."""
    targets, executor = machines(survey), drivers.executor(Command("ssm", "true"))
    try:
        return with_retries(drivers.clock, lambda: executor.ready(targets, QUESTION_LIMIT))
    except KatakeiError as error:
        return {target.id: str(error) for target in targets}


def _work(run: str) -> Command:
    return Command("ssm", run, errexit=defaults.several_lines(run))
