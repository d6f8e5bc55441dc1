"""The command line: arguments in, exit code out. Each command calls one use case of `app` and one view of `render`.

Nothing here decides anything about rollouts. Every error becomes its sentence and its exit code.
"""

import gc
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from katakei import __version__
from katakei.cli.examples import epilog
from katakei.cli.help_text import HelpContext, show_fault, shown_by
from katakei.cli.language import reader
from katakei.cli.messages import internal_error, say, say_command
from katakei.domain.errors import ExitCode, InternalError, KatakeiError, NoAnswerError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# The module of each command, and its line in `--help`: help is shown without importing any of them.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("katakei.cli.init", "Write a first katakei.yml for a target group."),
    "doctor": ("katakei.cli.doctor", "What could be in the way of a rollout; changes nothing."),
    "iam": ("katakei.cli.iam", "The least IAM policy for a configuration."),
    "config": ("katakei.cli.config", "Check configuration files, without AWS."),
    "groups": ("katakei.cli.queries", "Target groups, with how many of their targets serve."),
    "status": ("katakei.cli.queries", "Every target of a group: state, reason, which rollout holds it out."),
    "plan": ("katakei.cli.rollouts", "What a rollout would do and how long; changes nothing."),
    "roll": ("katakei.cli.rollouts", "Roll a group, one side at a time; run again to carry on."),
    "ok-to-stop": ("katakei.cli.ok_to_stop", "Whether targets may leave now; the exit code answers."),
    "switch": ("katakei.cli.switch", "Move requests from one target group to another, by weights."),
    "deregister": ("katakei.cli.rollouts", "One manual step: out of the group, drained."),
    "register": ("katakei.cli.rollouts", "One manual step: back into the group, serving."),
    "list": ("katakei.cli.queries", "Rollouts, newest first."),
    "show": ("katakei.cli.queries", "One rollout: phases, what is waited for, history."),
    "logs": ("katakei.cli.queries", "What the work printed, target by target."),
    "report": ("katakei.cli.queries", "One rollout as one HTML page, for a change ticket."),
    "approve": ("katakei.cli.control", "Say that your work on a target is done."),
    "promote": ("katakei.cli.control", "End the soak now; or skip a gate, for a reason."),
    "abort": ("katakei.cli.control", "Stop a rollout and bring its targets back."),
    "pause": ("katakei.cli.control", "Finish the targets in progress, begin no other."),
    "resume": ("katakei.cli.control", "Go on after a pause."),
    "freeze": ("katakei.cli.freezes", "Take no target of a group or service out."),
    "unfreeze": ("katakei.cli.freezes", "End a freeze."),
    "wait": ("katakei.cli.queries", "Wait for the end of a rollout, end with its exit code."),
    "unlock": ("katakei.cli.control", "Take a group's lease from an owner that is gone."),
    "revert": ("katakei.cli.control", "Run the revert command where a rollout worked."),
    "retry": ("katakei.cli.control", "One more attempt on targets that failed."),
    "db": ("katakei.cli.db", "The tables of a journal in PostgreSQL: check, upgrade."),
    "trigger": ("katakei.cli.trigger", "Start a rollout at a server, from CI without AWS rights."),
    "token": ("katakei.cli.token", "The tokens of a server."),
    "serve": ("katakei.cli.serve", "The console and the API for a team."),
    "worker": ("katakei.cli.worker", "Drive the rollouts of a team, beside other workers."),
    "completion": ("katakei.cli.completion", "Print the shell's completion of commands, groups and targets."),
    "help": ("katakei.cli", "What a command does, its options and examples."),
    "lab": ("katakei.cli.lab_commands", "AWS on loopback, to rehearse on."),
    "demo": ("katakei.cli.lab_commands", "The main job on the lab, under load, and its figures."),
}


class Lazy(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the runbook, not of the alphabet."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """None for a name that does not exist: click then says so."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), f"{cmd_name.replace('-', '_')}_")
        if not isinstance(command, click.Command):
            return None
        command.epilog = command.epilog or epilog(cmd_name)
        return shown_by(command)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """The commands that begin so; click itself would import every one of them for its line."""
        from click.shell_completion import CompletionItem  # only where a shell asks: start-up is a promise

        options = super().shell_complete(ctx, incomplete) if incomplete.startswith("-") else []
        commands = [(name, line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]
        return [*(CompletionItem(name, help=line) for name, line in commands), *options]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises UsageError for a command that does not exist; it names those that are written alike."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(_unknown_command(args[0]), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The lines come from the table; click itself would import every command for them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


ALLOCATIONS_PER_COLLECTION = 150_000
"""Objects between two runs of the garbage collector. A short command makes about 100,000, nearly all by imports, and
they stay: with Python's 700 the collector takes a tenth of its time."""


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", count=True, help="Log to standard error; -vv logs more. Also: KATAKEI_LOG=debug:json.")
@click.pass_context
def katakei(context: click.Context, verbose: int) -> None:
    """Rolling updates for the servers behind an AWS load balancer, one side at a time.

    TARGET_GROUP_ARN and INSTANCE_ID in the environment are used where an argument is left out.
    """
    context.obj = verbose


katakei.context_class = HelpContext


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]…")
@click.pass_context
def help_(context: click.Context, words: tuple[str, ...]) -> None:
    """What COMMAND does, its options and examples; without COMMAND, all commands."""
    found, at = context.find_root().command, context.find_root()
    for word in words:
        inner = found.get_command(at, word) if isinstance(found, click.Group) else None
        if inner is None:
            raise click.UsageError(_unknown_command(word), context)
        found, at = inner, HelpContext(inner, info_name=word, parent=at)
    say(found.get_help(at))


def _unknown_command(word: str) -> str:
    import difflib  # only where something was mistyped

    near = difflib.get_close_matches(word, COMMANDS, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "katakei help lists those there are"
    return f"there is no command {word!r}; {hint}"


def main() -> None:
    """The console script. A character that the terminal cannot show is written as an escape, not as a traceback."""
    gc.set_threshold(ALLOCATIONS_PER_COLLECTION)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if "_KATAKEI_COMPLETE" in os.environ:
        from katakei.cli.completion import leaving_at_once

        with leaving_at_once():
            run(sys.argv[1:])
    code = run(sys.argv[1:])
    gc.freeze()  # at its end Python would search all objects for cycles once more: a fifth of the time of `plan`
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Runs one command and returns its exit code."""
    try:
        code = katakei.main(argv, prog_name="katakei", standalone_mode=False)
    except click.ClickException as fault:
        show_fault(fault)
        _annotate(fault.format_message())
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        _complain(reader()("stopped; the journal is safe"))
        return ExitCode.INTERRUPTED
    except NoAnswerError as error:
        _complain(reader()("{error}; try again in a moment", error=_text(error)))
        _annotate(_text(error))
        return error.code
    except KatakeiError as error:
        if isinstance(error, InternalError) and os.environ.get("KATAKEI_DEBUG"):
            raise
        _complain(_text(error))
        _annotate(_text(error))
        return error.code
    except Exception as fault:
        if os.environ.get("KATAKEI_DEBUG"):
            raise
        _complain(internal_error(fault))
        return ExitCode.FAILED
    return int(code or ExitCode.DONE)


def _text(error: KatakeiError) -> str:
    from katakei.render.errors import error_text  # only where something went wrong: start-up is a promise

    return error_text(error, reader())


def _complain(sentence: str) -> None:
    """Every line names the program: in the log of a CI job another program may write between two of them."""
    with suppress(KatakeiError):  # nobody can read it; the exit code still tells
        say("\n".join(f"katakei: {line}" for line in sentence.splitlines()), err=True)


def _annotate(sentence: str) -> None:
    """In a job of GitHub Actions, which exit code 4 or 5 only turns red: the page of the run shows why."""
    from katakei.render.ci import ci_system, error  # only where something went wrong: start-up is a promise

    if command := error(ci_system(os.environ), "katakei", sentence):
        with suppress(KatakeiError):  # as above. Standard error, because standard output may be JSON
            say_command(command, err=True)
