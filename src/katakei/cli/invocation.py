"""The present command as words. The commands of a recap repeat them: where AWS is, and what the rollout began with."""

import click
from click.core import ParameterSource

from katakei.render.recap import Invocation

COMMON = frozenset({"profile", "region", "journal"})
ONCE = frozenset({"yes", "as_recorded", "dry_run", "release", "as_json", "verbose", "id_file", "report"})
"""Options that are not repeated: they answer a question of this one run, or the recap gives another value."""


def invocation() -> Invocation:
    """The command that runs now, as it was typed. What came from the environment is there for the next command, too."""
    context = click.get_current_context(silent=True)
    if context is None:
        return Invocation()
    arguments: list[str] = []
    options: list[str] = []
    common: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not typed or name in ONCE:
            continue
        words = _words(parameter, context.params.get(name))
        (common if name in COMMON else arguments if isinstance(parameter, click.Argument) else options).extend(words)
    rolls = context.command.name == "roll"
    return Invocation(("roll", *arguments, *options) if rolls else (), tuple(common))


def _words(parameter: click.Parameter, value: object) -> list[str]:
    values = [str(each) for each in value] if isinstance(value, tuple | list) else [str(value)]
    if isinstance(parameter, click.Argument):
        return values
    flag = max(parameter.opts, key=len) if value is not False else max(parameter.secondary_opts, key=len)
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return [flag]
    return [word for each in values for word in (flag, each)]
