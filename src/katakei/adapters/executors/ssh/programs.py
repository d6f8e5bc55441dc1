"""The programs that go to a target through ssh. Each is one compound command: a shell runs all of it or nothing.

A shell that reads its program from a connection runs each command as soon as it has read it. A connection that ends
in the middle must not make it run the first half.
"""

import re
from functools import cache
from importlib.resources import files

from katakei.domain.errors import RejectedError
from katakei.domain.model import TargetId

SELF = "KATAKEI_TARGET"
"""The variable in which a program, and the work, finds the id of its target."""

END = "katakei-end"
"""The last line of every program: an answer without it is incomplete."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,127}")
# A user without rights on /var/lib has the marks at home. A home can be shared by machines: each has its own folder.
_STATE = """if [ -z "${KATAKEI_STATE:-}" ] && [ "$(id -u)" != 0 ]; then
{ read -r katakei_id </etc/machine-id; } 2>/dev/null
KATAKEI_STATE=${XDG_STATE_HOME:-$HOME/.local/state}/katakei/ssh/${katakei_id:-here}
fi
"""


def remote_command(seconds: int) -> str:
    """The fixed command that the target runs. It ends the program, and never the work, after these seconds."""
    return f"exec timeout -k 1 {int(seconds)} sh"


def whole(program: str, target: TargetId) -> str:
    """A program for this target that runs as a whole or not at all, with nothing on its standard input.

    Raises:
        RejectedError: The id of the target cannot be a word of a program.
    """
    if not _ID.fullmatch(target):
        raise RejectedError(f"the target {target!r} cannot be named to a program")
    return f"{{\n{SELF}='{target}'\nexport {SELF}\n{_STATE}{program.rstrip()}\nexit\n}} </dev/null\n"


@cache
def hello_program() -> str:
    """The program that tells whether work could begin, and changes nothing. Without its comments."""
    lines = files("katakei.adapters.executors.ssh").joinpath("hello.sh").read_text(encoding="utf-8").splitlines()
    return "".join(f"{line}\n" for line in lines if not line.lstrip().startswith("#"))
