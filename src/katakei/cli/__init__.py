"""argv in, exit code out: each command is one verb of App and one view.

Nothing here decides anything about rollouts; every error of ours becomes its sentence and its exit code.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper

import click

from katakei import __version__
from katakei.cli.messages import our_fault, say
from katakei.domain.errors import ExitCode, InternalError, KatakeiError, NoAnswerError

# Where each command lives, and its line in `--help`: so that help is shown without importing any of them.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "groups": ("katakei.cli.queries", "Target groups, with how many of their targets serve."),
    "status": ("katakei.cli.queries", "Every target of a group: state, reason, who holds it out."),
    "plan": ("katakei.cli.rollouts", "What a rollout would do and how long; changes nothing."),
    "roll": ("katakei.cli.rollouts", "Roll a group, one side at a time; run again, it carries on."),
    "deregister": ("katakei.cli.manual_steps", "One step by hand: out of the group, drained."),
    "register": ("katakei.cli.manual_steps", "One step by hand: back into the group, serving."),
    "list": ("katakei.cli.queries", "Rollouts, newest first."),
    "show": ("katakei.cli.queries", "One rollout: phases, what is waited for, history."),
    "logs": ("katakei.cli.results", "What the work printed, target by target."),
    "report": ("katakei.cli.results", "One rollout as one HTML page, for a change ticket."),
    "approve": ("katakei.cli.control", "The work that waited for you is done."),
    "abort": ("katakei.cli.control", "Stop a rollout and bring everything in hand back."),
    "pause": ("katakei.cli.control", "Finish what is in hand, begin nothing else."),
    "resume": ("katakei.cli.control", "Go on after a pause."),
    "wait": ("katakei.cli.results", "Until a rollout is finished; ends with its exit code."),
    "unlock": ("katakei.cli.control", "Let go of a group's lease whose holder is gone."),
    "revert": ("katakei.cli.control", "Take back what a rollout touched, the last first."),
    "retry": ("katakei.cli.control", "One more attempt on targets that failed."),
    "lab": ("katakei.cli.lab_commands", "AWS on loopback, to rehearse on."),
    "demo": ("katakei.cli.lab_commands", "The main job on the lab, under load, and its figures."),
}


class Lazy(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the runbook, not of the alphabet."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """None for a name that does not exist: click then says so."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), f"{cmd_name}_")
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Their lines from the table; click itself would import every command for them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def katakei() -> None:
    """Rolling updates for the servers behind an AWS load balancer, one side at a time.

    TARGET_GROUP_ARN and INSTANCE_ID in the environment are taken where an argument is left out.
    """


def main() -> None:
    """The console script. Never a traceback for a user, nor one for a name that the terminal has no letters for."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    """One command; its exit code."""
    try:
        code = katakei.main(argv, prog_name="katakei", standalone_mode=False)
    except click.ClickException as fault:
        fault.show()
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        _complain("stopped; the journal is safe")
        return ExitCode.INTERRUPTED
    except NoAnswerError as error:
        _complain(f"{_text(error)}; try again in a moment")
        return error.code
    except KatakeiError as error:
        if isinstance(error, InternalError) and os.environ.get("KATAKEI_DEBUG"):
            raise
        _complain(_text(error))
        return error.code
    except Exception as fault:
        if os.environ.get("KATAKEI_DEBUG"):
            raise
        _complain(our_fault(fault))
        return ExitCode.FAILED
    return int(code or ExitCode.DONE)


def _text(error: KatakeiError) -> str:
    from katakei.render.errors import error_text  # only where something went wrong: start-up is a promise

    return error_text(error)


def _complain(sentence: str) -> None:
    with suppress(KatakeiError):  # nobody hears it; the exit code still tells
        say(f"katakei: {sentence}", err=True)
