"""The command that checks everything before a rollout."""

import click

from katakei.cli.language import reader
from katakei.cli.messages import say, say_json
from katakei.cli.options import Context, takes
from katakei.cli.source import SourceOptions, configuration
from katakei.domain.errors import ExitCode
from katakei.planning.diagnosis import Level, Topic, worst


@click.command("doctor")
@takes(SourceOptions, remote=False)
def doctor_(context: Context, options: SourceOptions) -> int:
    """Check what could be in the way of `roll` GROUP.

    Credentials, rights, clock, target groups, targets, the probe, the journal and leases: each row is ok, a warning or
    a fault, with what to do. No registration changes: rights are proved by calls that cannot change one, and by `true`
    on the targets of work by ssm. Ends with 1 if there is a finding, with 5 if AWS cannot be asked.
    """
    from katakei.app.doctor import diagnose
    from katakei.render import diagnosis as view

    spec = configuration(options.source).spec
    with context.drivers() as drivers:
        rows = diagnose(drivers, spec, lambda: drivers.aws_clock_offset)
    say_json(view.diagnosis_data(rows)) if context.as_json else say(view.diagnosis_text(rows, reader()))
    if any(row.topic is Topic.CREDENTIALS and row.level is Level.FAULT for row in rows):
        return ExitCode.UNREACHABLE
    return ExitCode.DONE if worst(rows) is Level.OK else ExitCode.FAILED
